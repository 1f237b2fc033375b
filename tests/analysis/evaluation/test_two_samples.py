"""Two samples by their runs: which jets count, what is refused, and the command with its table and files."""

import re

import numpy as np
import pytest
import xarray as xr

import inference
from analysis.evaluation.two_samples import Pair, by_sample, common, identities, two_samples
from analysis.figures.two_samples import two_samples as drawn
from inference.recipe import DataConfig, RecipeError, read
from inference.training import train_many
from jets import Jets, concatenate
from jetvae.__main__ import main
from jetvae.two_samples import sentences
from models import Beta, ModelConfig, build

SHORT = {"model.latent": "R2", "training.epochs": 2, "model.beta": [0.1, 5.0], "data.test": 0.5}
HALF = DataConfig(test=0.5)


def points(scale, seed, events=None, count=240):
    """Gaussian points whose second size is given."""
    x = np.random.default_rng(seed).normal(size=(count, 2)) * [3, scale]
    return Jets(x.astype(np.float32), np.zeros(count, int), ("points",), events=events)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="module")
def files(folder):
    """Two files of points of other sizes."""
    for name, scale in (("narrow", 0.5), ("wide", 4.0)):
        np.save(folder / f"{name}.npy", points(scale, len(name)).constituents)
    return [str(folder / f"{name}.npy") for name in ("narrow", "wide")]


@pytest.fixture(scope="module")
def runs(folder, files):
    """Two seeds of each."""
    found = []
    for i, file in enumerate(files):
        recipes = [read("vae-gaussian", SHORT | {"data.files": [file], "training.seed": seed}) for seed in (0, 1)]
        found += train_many(recipes, [folder / f"{i}-{seed}" for seed in (0, 1)])
    return found


def trained(path, changes, seed=0):
    return inference.train(read("vae-gaussian", SHORT | changes | {"training.seed": seed}), path)


def fitted(path, jets, seed=0):
    """A run of points in memory."""
    vae = build(ModelConfig(latent="R2", inputs=2, encoder=(), decoder=(), likelihood="normal", beta=Beta(0.1, 5.0)))
    return inference.fit(vae, jets, out=path, data=HALF, epochs=2, batch_size=32, lr=0.01, seed=seed)


def test_the_command(runs, folder, capsys):
    """Table, verdict and files; the last line names them. Points of another size differ in the same models."""
    out = folder / "out"
    words = [str(run.path) for run in runs]
    assert main(["dimension", *words, "--jets", "100", "--out", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].startswith("wrote comparison.nc, comparison.csv, comparison.png")
    assert {path.suffix for path in out.glob("comparison.*")} == {".nc", ".csv", ".png", ".pdf", ".svg"}
    found = xr.open_dataset(out / "comparison.nc", engine="h5netcdf")
    assert found["sample"].values.tolist() == ["narrow", "wide"]
    assert found.attrs["p"] < 0.05
    assert found.sizes["beta"] == 25
    text = "\n".join(printed)
    assert re.search(r"those of wide differ from those of narrow in the same models, p = 0\.\d+ for all", text)
    assert "(2 trainings of each); error: of the jets and seeds" in text
    assert (found["D2_difference_error"] >= found["D2_difference_error_of_jets"]).all()
    assert "D2 narrow" in printed[0]


def test_a_sample_against_itself_does_not_differ(folder, files):
    """Halves of one sample: p is not small. Of these two trainings one is of other points, the other of other noise."""
    whole = points(1.0, 77, count=480)
    halves = [whole[:240], whole[240:]]
    both = [fitted(folder / f"half{i}", half) for i, half in enumerate(halves)]
    found = two_samples(both, jets=120)
    assert found.attrs["p"] > 0.05
    assert found.attrs["jets_tested"] == [120, 120]
    assert found["D2_difference_error"].isnull().all()
    assert (found["D2_difference_error_of_jets"] > 0).any()
    assert "no errors: one training does not show" in sentences(found)[0]
    assert len(drawn(found).axes) == 6


def test_jets_that_a_run_was_trained_on_do_not_count(folder):
    """Of two samples that share half of their points; and of the same events, split by one seed and by two."""
    whole = points(1.0, 5, count=360)
    shared = concatenate([whole[:240]]), concatenate([whole[120:]])
    one, other = (fitted(folder / f"shared{i}", jets, i) for i, jets in enumerate(shared))
    pair = Pair.of(one, other)
    held = [set(own.split.test.tolist()) for own in (one, other)]
    for k, number in enumerate(pair.number):
        elsewhere = number - 120 if k == 0 else number + 120
        inside = (elsewhere >= 0) & (elsewhere < 240)
        assert set(number.tolist()) <= held[k]
        assert set(elsewhere[inside].tolist()) <= held[1 - k]
        assert 0 < inside.sum() < len(number)
    events = np.arange(240) * 5
    same = [fitted(folder / f"events{i}", points(s, i, events)) for i, s in enumerate((1.0, 0.3))]
    pair = Pair.of(*same)
    assert pair.events
    np.testing.assert_array_equal(pair.number[0], same[0].split.test)
    np.testing.assert_array_equal(pair.unit[0], pair.unit[1])
    found = two_samples(same, jets=50)
    assert (found.attrs["events_of_both"], found.attrs["paired"]) == (50, 1)
    again = fitted(folder / "again", same[1].jets, 3)
    fewer = Pair.of(same[0], again)
    assert len(fewer.number[0]) < 0.7 * len(pair.number[0])


def test_the_same_jet_is_known_by_any_padding():
    short = np.random.default_rng(0).uniform(0.1, 0.2, (4, 3, 3)).astype(np.float32)
    short = -np.sort(-short, 1)
    padded = np.pad(short[[2, 0]], ((0, 0), (0, 4), (0, 0)))
    first, second = (Jets(x, np.zeros(len(x), int), ("a",)) for x in (short, padded))
    one, other = identities(first, second)
    np.testing.assert_array_equal(other, one[[2, 0]])


def test_what_is_refused(runs, folder, files):
    assert [len(own) for own in by_sample(runs)] == [2, 2]
    assert len(by_sample(runs[:2])) == 1
    third = fitted(folder / "third", points(2.0, 9))
    with pytest.raises(RecipeError, match="of 3 samples"):
        two_samples([*runs, third])
    with pytest.raises(RecipeError, match=r"2 runs of .*narrow.npy and 1 of .*wide.npy: give as many"):
        two_samples(runs[:3])
    alone = trained(folder / "alone", {"data.files": [files[1]], "model.beta": 1.0})
    with pytest.raises(RecipeError, match="range of beta"):
        two_samples([runs[0], alone])
    apart = trained(folder / "apart", {"data.files": [files[1]], "model.beta": [6.0, 9.0]})
    with pytest.raises(RecipeError, match="do not meet"):
        two_samples([runs[0], apart])
    lower = trained(folder / "lower", {"data.files": [files[1]], "model.beta": [0.5, 9.0]})
    np.testing.assert_allclose(common([[runs[0]], [lower]])[[0, -1]], [0.5, 5.0])


def test_a_probe_is_refused(runs, capsys):
    assert main(["dimension", str(runs[0].path), str(runs[2].path), "--probe"]) == 2
    assert "leave out --probe" in capsys.readouterr().err.splitlines()[-1]
