"""Results kept in a run's folder: of the run as it is, or not taken."""

import os

import xarray as xr

from analysis import store


def test_results_are_of_the_run_as_it_is(tmp_path):
    path, weights = tmp_path / "nuts.nc", tmp_path / "weights.pt"
    assert store.of_run(path, "a") is None
    store.save(xr.Dataset({"z": ("x", [1.0])}, attrs={"digest": "a"}), path)
    weights.touch()
    assert float(store.of_run(path, "a")["z"][0]) == 1
    assert store.of_run(path, "b") is None


def test_results_of_before_digests_are_judged_by_their_time(tmp_path):
    path, weights = tmp_path / "nuts.nc", tmp_path / "weights.safetensors"
    store.save(xr.Dataset({"z": ("x", [1.0])}), path)
    assert store.of_run(path, "a") is not None, "no weights to be older than"
    weights.touch()
    os.utime(weights, (1, 1))
    assert store.of_run(path, "a") is not None
    os.utime(path, (0, 0))
    assert store.of_run(path, "a") is None
