"""``jetvae encode`` and ``jetvae generate``: all jets of any file, row by row; what makes no sense in one line."""

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import jets
import jetvae
from analysis.answers import streaming
from jetvae.__main__ import main
from tests.jets.formats import makers


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "images"
    assert main(["train", "image-dvae", "--epochs", "1", "--set", "data.limit=300", "--out", str(out)]) == 0
    return str(out)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """700 W jets and 500 of QCD, a file each."""
    where = tmp_path_factory.mktemp("jets")
    paths = [where / "w.h5", where / "qcd.h5"]
    for path, count in zip(paths, (700, 500), strict=True):
        jets.save(path, jets.load(f"sample:{path.stem}")[:count])
    return list(map(str, paths))


def encode(folder, source, path, *more):
    assert main(["encode", folder, *np.atleast_1d(source), "-o", str(path), *more]) == 0
    return pd.read_parquet(path)


def test_all_jets_in_their_order_whatever_the_size_of_the_pieces(folder, small, tmp_path, monkeypatch, capsys):
    whole = encode(folder, small, tmp_path / "a.parquet", "--draws", "0")
    assert "a.parquet: 1,200 jets" in capsys.readouterr().out
    monkeypatch.setattr(streaming, "SIZE", 110)
    parts = encode(folder, small, tmp_path / "b.parquet", "--draws", "0")
    np.testing.assert_allclose(parts["elbo"], whole["elbo"], rtol=1e-4)
    w = jets.load(small[0])
    np.testing.assert_array_equal(whole["row"], np.r_[0:700, 0:500])
    np.testing.assert_array_equal(whole["mass"][:700], w.jet["mass"])
    assert whole["source"].tolist() == [small[0]] * 700 + [small[1]] * 500
    found = jetvae.open(folder).table(w, draws=0)
    np.testing.assert_allclose(found["score_typicality"], whole["score_typicality"][:700], rtol=1e-4)


def test_jets_without_particles_keep_their_row(folder, tmp_path):
    t = makers.truth(n=12, massive=False)
    makers.jetnet(tmp_path / "x.hdf5", t)
    full = encode(folder, str(tmp_path / "x.hdf5"), tmp_path / "a.parquet", "--draws", "0")
    with h5py.File(tmp_path / "x.hdf5", "r+") as file:
        for row in (0, 5, 11):
            file["particle_features"][row] = 0
    found = encode(folder, str(tmp_path / "x.hdf5"), tmp_path / "b.parquet", "--draws", "0")
    gone = np.isin(np.arange(12), [0, 5, 11])
    np.testing.assert_array_equal(found["elbo"].isna(), gone)
    np.testing.assert_array_equal(found["row"], np.arange(12))
    np.testing.assert_allclose(found["elbo"][~gone], full["elbo"][~gone], rtol=1e-5)


def test_event_numbers_and_weights_stand_beside(folder, tmp_path):
    makers.pfnano(tmp_path / "x.root", makers.truth(n=9))
    found = encode(folder, str(tmp_path / "x.root"), tmp_path / "a.parquet")
    own = jets.load(tmp_path / "x.root")
    np.testing.assert_array_equal(found["event_number"], own.events)
    np.testing.assert_array_equal(found["weight"], own.weights)
    np.testing.assert_allclose(found["mass"], own.jet["mass"])


def test_the_same_seed_gives_the_same_file(folder, small, tmp_path):
    one, two, other = (
        encode(folder, small, tmp_path / f"{i}.parquet", "--seed", str(seed)) for i, seed in enumerate((1, 1, 2))
    )
    pd.testing.assert_frame_equal(one, two)
    assert (one["elbo"] != other["elbo"]).mean() > 0.9


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["sample:w", "-o", "x.txt"], "tables are written as"),
        (["nowhere.h5", "-o", "x.csv"], "nowhere.h5: no such file"),
        (["toy:torus(n=9)", "-o", "x.csv"], "its model is of jets with constituents"),
        (["sample:w", "-o", "x.csv", "--beta", "2"], "leave beta out"),
        (["sample:w", "-o", "x.csv", "--draws", "-1"], "whole number"),
    ],
)
def test_encode_refuses_in_one_line(folder, words, problem, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["encode", folder, *words]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert problem in said[-1]
    assert not list(tmp_path.iterdir())


def test_generate(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", folder, "--n", "6", "-o", "x.nc"]) == 0
    found = xr.load_dataset("x.nc", engine="h5netcdf")
    assert dict(found.sizes) == {"jet": 6, "eta": 40, "phi": 40, "coordinate": 2}
    np.testing.assert_array_equal(found["image"], jetvae.open(folder).generate(6)["image"])
    assert main(["generate", folder, "--n", "3", "--along", "L2_0 to _1", "--from", "sample:w", "-o", "y.nc"]) == 0
    for words, problem in (
        (["-o", "x.h5"], "images are written as .nc"),
        (["-o", "z.nc", "--component", "1"], "no category"),
        (["-o", "z.nc", "--component", "L2=0"], "no component"),
        (["-o", "z.nc", "--along", "R1"], "no such path"),
        (["-o", "z.nc", "--component", "x"], "whole number"),
    ):
        assert main(["generate", folder, *words]) == 2
        assert problem in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.nc", "y.nc"]


def test_generated_vectors_and_clouds_are_read_again(tmp_path):
    words = ["--epochs", "1", "--set", "data.limit=100"]
    assert main(["train", "vae-toy", *words, "--out", str(tmp_path / "toy")]) == 0
    assert main(["generate", str(tmp_path / "toy"), "--n", "5", "-o", str(tmp_path / "x.npy")]) == 0
    assert len(jets.load(tmp_path / "x.npy")) == 5
    small = ["--set", "model.encoder=[8,8]", "--set", "model.decoder=[8]"]
    assert main(["train", "jet-w", *words, *small, "--beta", "0.1", "--out", str(tmp_path / "w")]) == 0
    assert main(["generate", str(tmp_path / "w"), "--n", "5", "--pt", "700", "-o", str(tmp_path / "x.h5")]) == 0
    np.testing.assert_allclose(jets.load(tmp_path / "x.h5").constituents[..., 0].sum(1), 700, rtol=1e-3)
    assert main(["encode", str(tmp_path / "w"), str(tmp_path / "x.h5"), "-o", str(tmp_path / "x.csv")]) == 0
    assert np.isfinite(pd.read_csv(tmp_path / "x.csv")["elbo"]).all()
