"""Jets of partons, hadrons and tracks: against Pythia's own event record, conserved momentum, and one another."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

import jets

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from jets.inspection import inspect
from jets.simulation import clustering, generator, sample
from jets.simulation.block import of_level, simulate_block
from jets.simulation.config import LEVELS, Config, SimulationError
from jets.simulation.sample import files, simulate
from jets.simulation.settings import settings_of
from jets.simulation.unfinished import begin

PAIR = Config("w", n=20, seed=3, events_per_block=50, level=("parton", "hadron"))


@pytest.mark.parametrize(
    ("process", "shower", "mpi", "events"),
    [("w", "simple", False, 15), ("qcd", "simple", True, 5), ("w", "vincia", False, 5)],
)
def test_partons_are_those_that_pythia_calls_final(process, shower, mpi, events):
    """One at a time through Particle::isFinalPartonLevel, Pythia's own; the same seed gives the same events."""
    config = Config(process, shower=shower, mpi=mpi)
    alone = generator.start(config.settings(), 7)
    record = generator._flatten(generator.start(config.settings(), 7).nextBatch(events))
    found = generator.final_partons(record)
    for number in range(events):
        assert alone.next()
        own = [alone.event[k].isFinalPartonLevel() for k in range(alone.event.size())]
        np.testing.assert_array_equal(found[record["event"] == number], own)
        now = record["event"] == number
        before, after = (record["p4"][now & keep].sum(0) for keep in (found, record["status"] > 0))
        np.testing.assert_allclose(before, [0, 0, 0, 14000], atol=0.5)
        np.testing.assert_allclose(after, [0, 0, 0, 14000], atol=0.5)


def test_particles_are_those_that_pythia_calls_charged():
    config = Config("w")
    alone = generator.start(config.settings(), 9)
    particles = generator.generate(generator.start(config.settings(), 9), "w", 10).particles
    for number in range(10):
        assert alone.next()
        seen = [p for p in alone.event if p.isFinal() and p.isVisible() and abs(p.eta()) < 6]
        mine = particles.event == number
        assert (mine.sum(), (particles.charge[mine] != 0).sum()) == (len(seen), sum(p.isCharged() for p in seen))
        np.testing.assert_allclose(particles.pt[mine].sum(), sum(p.pT() for p in seen), rtol=1e-9)


@pytest.fixture(scope="module")
def levels():
    config = Config("w", seed=2, events_per_block=250, level=LEVELS)
    arrays = simulate_block(config, 1)
    return {level: of_level(arrays, config, level) for level in LEVELS}


def test_rows_are_the_same_jets(levels):
    """The partons select; the others lie near, and the parts of each add up to it."""
    parton, hadron, tracks = (levels[level]["jet"].astype(float) for level in LEVELS)
    assert len(parton) == len(hadron) == len(tracks) > 60
    assert ((parton[:, 0] > 550) & (parton[:, 0] < 650)).all()
    assert not ((hadron[:, 0] > 550) & (hadron[:, 0] < 650)).all()
    for level, jet in zip(LEVELS, (parton, hadron, tracks), strict=True):
        apart = np.hypot(jet[:, 4] - parton[:, 4], clustering.wrap(jet[:, 2] - parton[:, 2]))
        assert apart.max() < clustering.NEAR
        c = levels[level]["constituents"].astype(float)
        px, py = ((c[..., 0] * turn(c[..., 2])).sum(1) for turn in (np.cos, np.sin))
        np.testing.assert_allclose(np.hypot(px, py), jet[:, 0], rtol=1e-4)
    # Hadronisation moves a jet of 600 GeV by a few GeV; a third of the particles' energy is neutral.
    assert abs(np.median(hadron[:, 0] / parton[:, 0]) - 1) < 0.02
    assert 0.5 < np.median(tracks[:, 0] / hadron[:, 0]) < 0.7
    assert (tracks[:, 5] < hadron[:, 5]).all()
    assert parton[:, 5].mean() < hadron[:, 5].mean() / 2


def test_what_the_constituents_are(levels):
    kinds = {level: set(np.unique(levels[level]["kind"])) for level in LEVELS}
    assert kinds == {"parton": {0, 4}, "hadron": {0, 1, 2, 3}, "tracks": {0, 1}}
    charged = (levels["hadron"]["constituents"][..., 0] * (levels["hadron"]["kind"] == 1)).sum(1)
    tracks = levels["tracks"]["constituents"][..., 0].sum(1)
    assert np.median(abs(tracks / charged - 1)) < 0.01
    first = levels["hadron"]["event_number"]
    for level in LEVELS:
        np.testing.assert_array_equal(levels[level]["event_number"], first)
    # Process w, block 1 of 250 collisions.
    assert first.min() >= 2 * 10**12 + 250
    assert first.max() < 2 * 10**12 + 500
    assert (np.diff(first) > 0).all()


def test_one_level_is_that_level_of_several(levels):
    """The partons of hadronised events are clustered, so that they are those of the same seed beside hadrons."""
    alone = simulate_block(Config("w", seed=2, events_per_block=250, level=("parton",)), 1)
    both = levels["parton"]["jet"]
    assert len(alone["jet"]) >= len(both)
    assert np.isin(both[:, 0], alone["jet"][:, 0]).all()
    assert "event_number" not in alone


def test_tracks_are_of_jets_that_all_hadrons_select():
    config = Config("w", seed=2, events_per_block=50)
    whole, tracks = simulate_block(config, 0), simulate_block(replace(config, level=("tracks",)), 0)
    assert len(whole["jet"]) - 1 <= len(tracks["jet"]) <= len(whole["jet"])
    assert set(np.unique(tracks["kind"])) == {0, 1}
    assert np.median(tracks["jet"][:, 0]) < 450


def test_without_hadronisation_there_are_other_partons():
    plain = Config("w", seed=2, events_per_block=50, level=("parton",))
    off = Config("w", seed=2, events_per_block=50, hadronisation="off")
    first, again, other = simulate_block(off, 0), simulate_block(off, 0), simulate_block(plain, 0)
    np.testing.assert_array_equal(first["constituents"], again["constituents"])
    assert set(np.unique(first["kind"])) == {0, 4}
    assert first["jet"].shape != other["jet"].shape or not np.array_equal(first["jet"], other["jet"])


def test_quarks_that_radiate_nothing_have_their_truth():
    """Without hadronisation such a quark of the hard process is final, under a status of the other sign."""
    config = Config("top", hadronisation="off")
    p4 = generator.generate(generator.start(config.settings(), 3), "top", 60).hard.p4
    assert p4.shape == (60, 2, 4, 4)
    w = p4[..., 2, :] + p4[..., 3, :]
    assert abs(np.median(np.sqrt(w[..., 3] ** 2 - (w[..., :3] ** 2).sum(-1))) - 80.4) < 0.5
    assert np.median(abs(p4[..., 1:, :].sum(2) - p4[..., 0, :])) < 5


def test_no_jets_at_several_levels():
    arrays = simulate_block(Config("qcd", pthat_min=20, pthat_max=30, events_per_block=20, level=LEVELS), 0)
    assert {len(array) for array in arrays.values()} == {0}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    out = tmp_path_factory.mktemp("pair") / "w.h5"
    simulate(PAIR, out)
    assert sorted(path.name for path in out.parent.iterdir()) == ["w_hadron.h5", "w_parton.h5"]
    return files(PAIR, out)


def test_killed_between_its_files(pair, tmp_path, monkeypatch):
    out = tmp_path / "w.h5"
    with monkeypatch.context() as patch:
        patch.setattr(sample.shutil, "rmtree", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            simulate(PAIR, out)
    (tmp_path / "w_hadron.h5").unlink()
    simulate(PAIR, out)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        p.name: p.read_bytes() for p in pair.values()
    }
    with pytest.raises(SimulationError, match=r"w_parton.h5 exists and is not overwritten"):
        simulate(PAIR, out)


def test_the_files_say_what_they_are(pair):
    parton, hadron = (jets.load(str(pair[level])) for level in PAIR.level)
    np.testing.assert_array_equal(parton.events, hadron.events)
    found = inspect(pair["parton"])
    assert found.simulated == {
        **{"process": "w", "level": "parton", "shower": "simple", "hadronisation": "on", "detector": "off"},
        **{"tune": "14", "mpi": "off", "seed": "3", "beside": "hadron", "Pythia": found.simulated["Pythia"]},
    }
    with h5py.File(pair["hadron"]) as file:
        assert file["kind"].attrs["units"] == "0 pad 1 charged 2 photon 3 neutral hadron"


@pytest.mark.parametrize(
    "config", ["", "[]", "{}", "[" * 20_000, '{"level": 3, "versions": {"pythia8mc": 1}}', b"\xff", 7, np.zeros((2, 2))]
)
def test_a_file_of_others_says_nothing(pair, tmp_path, config):
    path = tmp_path / "w.h5"
    path.write_bytes(pair["parton"].read_bytes())
    with h5py.File(path, "a") as file:
        file.attrs["config"] = config
    assert settings_of(path) == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"level": ("hadron",), "hadronisation": "off"}, "--hadronisation off leaves only partons, not hadron: give"),
        ({"level": ("parton", "tracks"), "detector": "on"}, "partons meet no detector: give --detector off"),
        ({"shower": "dire"}, "Pythia has no Dire shower since 8.316: give --shower simple or vincia"),
        ({"shower": "herwig"}, "shower is herwig; expected simple, vincia"),
        ({"level": ("hadron", "hadron")}, "level is hadron hadron; expected parton, hadron, tracks, each once"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(SimulationError, match=message):
        Config("w", **changes)


def test_pythia_has_retired_dire():
    """Should it come back, the refusal is to go."""
    with pytest.raises(SimulationError, match="Pythia refuses the setting 'PartonShowers:model = 3'"):
        generator.start([*Config("w").settings(), "PartonShowers:model = 3"], 1)


def test_a_sample_is_continued_with_its_own_settings_alone(tmp_path):
    folder = tmp_path / "w.h5.partial"
    begin(folder, Config("w", n=9))
    with pytest.raises(SimulationError, match=r"level = \['hadron'\], not \['parton'\]; shower = simple, not vincia"):
        begin(folder, Config("w", n=9, level=("parton",), shower="vincia"))
    record = folder / "config.json"
    before = json.loads(record.read_text())
    record.write_text(
        json.dumps({name: before[name] for name in before if name not in ("level", "shower", "detector", "tune")})
    )
    begin(folder, Config("w", n=9))
