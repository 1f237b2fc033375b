"""Every reader on files that others wrote: four-momenta, counts, classes, weights, events."""

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from jets import JetFileError, load
from jets.formats import FORMATS, Wanted, format_of, jets_in
from jets.formats.delphes import places
from tests.jets.formats import makers

SHARED = Path(__file__).parents[4] / "shared" / "formats"
SHARED_FILES = [
    "jetclass2_a.parquet",
    "jetclass2_50.root",
    "nano_v15_pf.root",
    "delphes_puppi.root",
    "edm4hep_20.root",
    "l1_x_test_32const_150.npy",
    "weaver_toplandscape_vectors.npy",
    "weaver_jetclass_vectors.npy",
    "made/top_reference_layout.h5",
]
MADE = {  # maker: file, format; whether it has massive particles, labels, weights and events
    makers.top_reference: ("a.h5", "top_reference", True, True, False),
    makers.lhc_olympics: ("a.h5", "lhc_olympics", False, True, False),
    makers.jetclass_root: ("a.root", "jetclass", True, True, False),
    makers.jetclass_parquet: ("a.parquet", "jetclass", True, True, False),
    makers.pfnano: ("a.root", "nanoaod", True, False, True),
    makers.nano_v15: ("a.root", "nanoaod", True, False, True),
    makers.hepmc: ("a.dat", "hepmc", True, False, True),
    makers.energyflow: ("a.npz", "energyflow", True, True, False),
    makers.jetnet: ("q.hdf5", "jetnet", False, False, False),
    makers.omnilearned: ("a.h5", "omnilearned", False, True, False),
    makers.weaver: ("a_vectors.npy", "weaver", True, True, False),
    makers.array_energy_first: ("a.npy", "arrays", True, False, False),
    makers.array_energy_last: ("a.npz", "arrays", True, False, False),
}

OTHERS = ("mod", "old_pfnano", "lists", "table", "refused")
"""Formats of which test_tables.py makes files."""
CLASSES = {
    makers.top_reference: ("qcd", "top"),
    makers.lhc_olympics: ("background", "signal"),
    makers.energyflow: ("gluon", "quark"),
    makers.jetclass_root: ("QCD", "Hbb"),
}


def four_momenta(jets):
    """Return (px, py, pz, E) (n, 4) of the jets' kinematics."""
    pt, y, phi, mass = (jets.jet[name].astype(float) for name in ("pt", "y", "phi", "mass"))
    transverse = np.hypot(pt, mass)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), transverse * np.sinh(y), transverse * np.cosh(y)], 1)


def transverse(jets):
    """Return (px, py) (n, 2) of the sum of the constituents, turned back to their jet's azimuth."""
    pt, phi = (
        jets.constituents[..., 0].astype(float),
        jets.constituents[..., 2] + jets.jet["phi"][:, None].astype(float),
    )
    return np.stack([(pt * np.cos(phi)).sum(1), (pt * np.sin(phi)).sum(1)], 1)


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_files_that_others_wrote(make, tmp_path):
    name, expected, massive, labelled, weighted = MADE[make]
    t = makers.truth(massive=massive)
    make(tmp_path / name, t)
    assert format_of(tmp_path / name)[0] == expected
    jets = load(tmp_path / name)
    sums = t.sums
    if make is makers.jetnet:  # azimuths about zero
        turn = np.arctan2(sums[:, 1], sums[:, 0]) - jets.jet["phi"]
        px, py = sums[:, 0].copy(), sums[:, 1].copy()
        sums[:, 0], sums[:, 1] = px * np.cos(turn) + py * np.sin(turn), py * np.cos(turn) - px * np.sin(turn)
    size = np.abs(sums[:, 3:])
    assert (np.abs(four_momenta(jets) - sums) < 2e-5 * size).all()
    assert (np.abs(transverse(jets) - sums[:, :2]) < 2e-5 * size).all()
    np.testing.assert_array_equal(jets.jet["n_constituents"], t.counts)
    assert (np.diff(jets.constituents[..., 0], axis=1) <= 0).all()
    if labelled:
        names = CLASSES.get(make, jets.classes)
        assert [jets.classes[i] for i in jets.label] == [names[i] for i in t.label]
    else:
        assert jets.classes == (name.split(".")[0],)
    if weighted:
        of_event = np.arange(len(t.counts)) // 2 * 2 if expected == "nanoaod" else np.arange(len(t.counts))
        np.testing.assert_allclose(jets.weights, t.weight[of_event])
        np.testing.assert_array_equal(
            jets.events, t.event[of_event] % 2**31 if expected == "hepmc" else t.event[of_event]
        )


def test_every_format_is_tried():
    assert {expected for _, expected, *_ in MADE.values()} | {"delphes", "edm4hep", *OTHERS} == set(FORMATS)


@pytest.mark.parametrize("name", SHARED_FILES)
def test_public_files(name):
    """Sums of the first and last jet, and counts, as libraries that share nothing with the readers find them."""
    if not SHARED.exists():
        pytest.skip("the excerpts of public files are not here")
    facts = json.loads((SHARED / "facts.json").read_text())
    known = facts.get(name) or next(values for key, values in facts.items() if name.startswith(key))
    jets = load(SHARED / name)
    assert len(jets) == known["jets"]
    for row, key in ((0, "first_sum"), (-1, "last_sum")):
        assert np.abs(four_momenta(jets)[row] - known[key]).max() < 1e-5 * known[key][3] + 1e-4
    if known.get("first_class") is not None:
        assert jets.label[0] in (known["first_class"], list(map(int, known["counts"])).index(known["first_class"]))


def test_puppi_weights_close(tmp_path):
    """With their weights the candidates add up to the uncorrected pT that the file states; without they do not."""
    if not SHARED.exists():
        pytest.skip("the excerpts of public files are not here")
    jets = load(SHARED / "pfnano_5.root")
    stated = jets.jet["FatJet_pt"] * (1 - jets.jet["FatJet_rawFactor"])
    assert np.abs(jets.jet["pt"] / stated - 1).max() < 3e-3
    np.testing.assert_allclose(four_momenta(jets)[0], [1297.3687, 906.3313, 942.1952, 1846.1506], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "said"),
    [("nano_no_constituents.root", "without constituents"), ("pfnano_noindex.root", "which candidates"),
     ("weaver_jetclass_points.npy", "expected particles"), ("weaver_toplandscape_mask.npy", "expected particles"),
     ("weaver_jetclass_labels.npy", "labels"), ("weaver_toplandscape_labels.npy", "labels")],
)  # fmt: skip
def test_refused(name, said):
    if not SHARED.exists():
        pytest.skip("the excerpts of public files are not here")
    with pytest.raises(JetFileError, match=said) as error:
        load(SHARED / name)
    assert "\n" not in str(error.value)


def test_references_to_particles_that_are_not_there():
    if not SHARED.exists():
        pytest.skip("the excerpts of public files are not here")
    with pytest.raises(JetFileError, match="no jets JetAK8"):
        jets_in(SHARED / "delphes_puppi.root", Wanted(collection="JetAK8"))


def test_references_are_looked_up_within_their_event():
    """Equal numbers in two events are two particles; candidates in any order; one reference points nowhere."""
    numbers = ak.Array([[7, 5, 6], [], [5, 9]])
    index, lost = places(numbers, ak.Array([[[5, 7], [6]], [], [[9, 5]]]))
    assert index.tolist() == [1, 0, 2, 4, 3]
    assert lost == 0
    assert places(numbers, ak.Array([[[9]], [[5]], []]))[1] == 2
    assert places(ak.Array([[]]), ak.Array([[[1, 2]]]))[1] == 2


def test_what_the_user_says(tmp_path):
    t = makers.truth(massive=False)
    pt, eta, phi, _ = t.kinematics()
    values = np.zeros((len(t.counts), 40, 3))
    for i, start in enumerate(np.cumsum(t.counts) - t.counts):
        own = slice(start, start + t.counts[i])
        values[i, : t.counts[i]] = np.stack([phi[own], pt[own], eta[own]], 1)
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(JetFileError, match="--columns"):
        load(tmp_path / "a.npy")
    jets = jets_in(tmp_path / "a.npy", Wanted(columns=("phi", "pt", "eta"), labels=("w",)))
    assert (np.abs(four_momenta(jets) - t.sums) < 2e-5 * t.sums[:, 3:]).all()
    assert jets.classes == ("w",)
    with pytest.raises(JetFileError, match="unknown format 'root'"):
        jets_in(tmp_path / "a.npy", Wanted(format="root"))


def test_jets_without_particles_are_left_out(tmp_path):
    t = makers.truth(n=4)
    p4 = t.padded(40)[..., [3, 0, 1, 2]]
    p4[1] = 0
    np.save(tmp_path / "a.npy", p4)
    assert len(load(tmp_path / "a.npy")) == 3
    np.save(tmp_path / "b.npy", 0 * p4)
    with pytest.raises(JetFileError):
        load(tmp_path / "b.npy")
