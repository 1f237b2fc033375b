"""``odd`` of a run: fitted to its own unlabelled training jets, kept in its folder, beside all else in a table."""

import numpy as np
import pandas as pd
import pytest

import inference
import jets
from analysis.answers.opened import OpenRun
from analysis.evaluation.odd_of_run import KEPT, odd_of
from inference import read
from jets.shapes import shapes
from jetvae.__main__ import main

pytest.importorskip("sklearn")
CHANGES = {"training.epochs": 1, "training.compile": False, "data.limit": 1500}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = read("image-vae", CHANGES | {"data.files": ["sample:qcd"]})
    return OpenRun.of(inference.train(recipe, tmp_path_factory.mktemp("odd") / "run"))


@pytest.fixture(scope="module")
def odd(run):
    return odd_of(run)


def test_it_is_kept_and_read_again(run, odd, monkeypatch):
    monkeypatch.setattr("analysis.evaluation.odd_of_run.Odd.of", None)  # would fail
    again, known = odd_of(run), shapes(run.jets.constituents[:200])
    np.testing.assert_array_equal(again.score(known), odd.score(known))
    np.testing.assert_array_equal(again.p_value(known), odd.p_value(known))


@pytest.mark.parametrize("damage", [b"", b"nothing", None])
def test_what_is_damaged_is_fitted_again(run, odd, damage):
    path = run.path / KEPT
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    known = shapes(run.jets.constituents[:50])
    np.testing.assert_array_equal(odd_of(run).score(known), odd.score(known))
    assert len(path.read_bytes()) > 1000


@pytest.mark.parametrize(("name", "value"), [("left", 0), ("right", 10**9), ("feature", 12), ("roots", -1)])
def test_trees_that_lead_nowhere_are_refused(odd, name, value):
    """Their walks have no other limit."""
    damaged = odd.to_dataset().copy(deep=True)
    damaged[name][:] = value
    with pytest.raises(ValueError, match="damaged"):
        type(odd).from_dataset(damaged)


def test_other_arrays_are_refused(odd):
    kept = odd.to_dataset()
    with pytest.raises(ValueError, match="terms"):
        type(odd).from_dataset(kept.isel(term=slice(3)))
    with pytest.raises(ValueError, match="shape"):
        type(odd).from_dataset(kept.assign(usual=("other", [1.0, 2.0])))


def test_columns_of_a_table(run, odd):
    tops = jets.load("sample:top")[:50]
    table, known = run.table(tops), shapes(tops.constituents)
    np.testing.assert_allclose(table["odd"], odd.score(known), rtol=1e-5)
    np.testing.assert_allclose(table["p_value"], odd.p_value(known), rtol=1e-6)
    assert table["p_value"].between(0, 1).all()


def test_columns_of_a_file(run, odd, tmp_path):
    main(["encode", str(run.path), "sample:w", "-o", str(tmp_path / "w.parquet")])
    table = pd.read_parquet(tmp_path / "w.parquet")
    known = shapes(jets.load("sample:w").constituents[:300])
    np.testing.assert_allclose(table["odd"][:300], odd.score(known), rtol=1e-5)


def test_jets_of_few_particles_have_none(run):
    some = jets.load("sample:qcd")[:3]
    cut = some.constituents.copy()
    cut[1, 4:] = 0
    table = run.table(some.with_(constituents=cut))
    assert table["odd"].isna().tolist() == [False, True, False]
    assert table["elbo"].notna().all()


def test_none_of_few_jets(tmp_path, capsys):
    recipe = read("image-vae", CHANGES | {"data.files": ["sample:w"], "data.limit": 200})
    few = OpenRun.of(inference.train(recipe, tmp_path / "few"))
    assert odd_of(few) is None
    assert "at least 400" in capsys.readouterr().err
    assert "odd" not in few.table(jets.load("sample:w")[:5])


def test_none_of_vectors(tmp_path, capsys):
    changes = {"data.files": ["toy:circle(n=1000)"], "training.epochs": 1}
    line = OpenRun.of(inference.train(read("vae-toy", changes), tmp_path / "toy"))
    capsys.readouterr()
    assert odd_of(line) is None
    assert "odd" not in capsys.readouterr().err


def test_its_table_in_the_terminal(run, capsys):
    main(["anomaly", str(run.path), "--data", "sample:qcd", "sample:w", "--window", "65:105"])
    said = capsys.readouterr().out
    assert "given the mass: 65 to 105 GeV" in said
    row = next(line.split() for line in said.splitlines() if line.split()[:1] == ["odd"] and "(" in line)
    assert float(row[1].split("(")[0]) > 0.75
    assert any(line.strip().startswith("by chance") for line in said.splitlines())
