"""From other people's files to a score in a file of the user's: train, report, encode, for each format."""

import numpy as np
import pandas as pd
import pytest

import jets
from jetvae.__main__ import main
from tests.jets.formats import makers

FORMATS = {
    "top_reference": (makers.top_reference, "x.h5"),
    "lhc_olympics": (makers.lhc_olympics, "x.h5"),
    "jetclass": (makers.jetclass_root, "x.root"),
    "pfnano": (makers.pfnano, "x.root"),
    "hepmc": (makers.hepmc, "x.hepmc"),
    "energyflow": (makers.energyflow, "x.npz"),
    "jetnet": (makers.jetnet, "x.hdf5"),
    "omnilearned": (makers.omnilearned, "x.h5"),
    "array": (makers.array_energy_last, "x.npz"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_from_file_to_score(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make, file = FORMATS[name]
    make(tmp_path / file, makers.truth(n=150))
    own = jets.load(file)
    assert main(["train", "image-dvae", "--data", file, "--epochs", "2", "--out", "run"]) == 0
    assert main(["report", "run"]) == 0
    assert (tmp_path / "run" / "report.html").stat().st_size > 100_000
    assert main(["encode", "run", file, "-o", "x.parquet"]) == 0
    found = pd.read_parquet("x.parquet")
    answers = found[[column for column in found if column.startswith(("latent_", "kl", "score_", "elbo"))]]
    described = found["elbo"].notna()
    assert described.sum() == len(own)
    assert np.isfinite(answers[described]).all(axis=None)
    np.testing.assert_allclose(found["mass"][described], own.jet["mass"])
    if own.weights is not None:
        np.testing.assert_array_equal(found["weight"][described], own.weights)
        np.testing.assert_array_equal(found["event_number"][described], own.events)
    classes = np.array(own.classes)[own.label]
    assert found["class"][described].tolist() == classes.tolist()
