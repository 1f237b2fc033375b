"""Tables of answers: the same rows on any number of processes."""

import numpy as np
import pandas as pd
import pytest

from analysis.answers.opened import OpenRun
from analysis.answers.streaming import SIZE, answered
from jetvae.__main__ import main


def rows(run, *sources, **settings):
    return pd.concat([part.rows for part in answered(OpenRun.of(run), sources, draws=2, **settings)])


def test_the_noise_of_a_piece_is_its_own(trained):
    """That of the first piece is the noise of jets in memory."""
    one, two = rows(trained, "sample:w", seed=3), rows(trained, "sample:w", seed=3)
    pd.testing.assert_frame_equal(one, two)
    first = OpenRun.of(trained).encode("sample:w", draws=2, seed=3).isel(jet=slice(SIZE))
    np.testing.assert_allclose(first["elbo"].values[:4000], one["elbo"].values[:4000], rtol=1e-5)
    assert (first["elbo"].values[4000:] != one["elbo"].values[4000:SIZE]).any(), "another number of jets in a batch"
    other = rows(trained, "sample:w", seed=4)
    assert (other["elbo"] != one["elbo"]).mean() > 0.9
    centre = [part.rows for part in answered(OpenRun.of(trained), ["sample:w"], draws=0)]
    assert [len(part) for part in centre] == [SIZE, 5000 - SIZE]


@pytest.mark.parametrize("ending", ["parquet"])
def test_a_table_of_a_cluster_is_that_of_one_process(tmp_path, ending):
    pytest.importorskip("distributed")
    run = tmp_path / "run"
    short = ["--epochs", "1", "--set", "data.limit=600", "--data", "sample:qcd", "sample:top"]
    assert main(["train", "image-dvae", *short, "--out", str(run)]) == 0
    words = ["encode", str(run), "sample:w", "sample:qcd", "--seed", "5"]
    assert main([*words, "-o", str(tmp_path / f"one.{ending}")]) == 0
    assert main([*words, "-o", str(tmp_path / f"many.{ending}"), "--dask"]) == 0
    one, many = (pd.read_parquet(tmp_path / f"{name}.{ending}") for name in ("one", "many"))
    pd.testing.assert_frame_equal(one, many)
    assert len(one) == 15000
    assert one["row"].tolist() == [*range(5000), *range(10000)]
