"""Splits by keys: the side of a jet is its own."""

import numpy as np
import pytest

import jets
from inference import disk_split, splits
from inference.disk_split import split_on_disk
from inference.keys import DataConfig
from inference.recipe import RecipeError, read
from inference.splits import PARTS, split
from jets.out_of_core.survey import surveyed

HASHED = DataConfig(split="hashed")


@pytest.fixture(scope="module")
def whole():
    return jets.load("sample:qcd", "sample:top")


def sides(some, config, seed):
    """Part of each jet."""
    found, result = split(some, config, seed), np.full(len(some), "left out")
    for part in PARTS:
        result[getattr(found, part)] = part
    return result


def test_a_side_depends_on_no_other_jet(whole):
    expected = sides(whole, HASHED, 3)
    order = np.random.default_rng(0).permutation(len(whole))
    np.testing.assert_array_equal(sides(whole[order], HASHED, 3), expected[order])
    np.testing.assert_array_equal(sides(whole[5000:9000], HASHED, 3), expected[5000:9000])
    assert (sides(whole, HASHED, 4) != expected).mean() > 0.3


@pytest.mark.parametrize(("test", "validation"), [(1 / 3, 0.1), (0.8, 0.0), (0.05, 0.5)])
def test_parts_have_the_shares_that_are_wanted(whole, test, validation):
    """Within 4.5 standard deviations of the binomial law, in each class."""
    found = split(whole, HASHED.model_copy(update={"test": test, "validation": validation}), 0).counts(whole)
    shares = {"test": test, "validation": (1 - test) * validation, "train": (1 - test) * (1 - validation)}
    for part, share in shares.items():
        for name, count in found[part].items():
            assert abs(count - 10000 * share) <= 4.5 * np.sqrt(10000 * share * (1 - share)), (part, name)


def test_an_event_is_on_one_side(whole):
    events = np.random.default_rng(0).integers(0, 3000, len(whole))
    found = sides(whole.with_(events=events), HASHED, 0)
    for number in range(100):
        assert len(set(found[events == number])) <= 1


def test_a_class_is_thinned_but_not_where_it_tests(whole):
    plain, thinned = (split(whole, HASHED.model_copy(update={"fraction": f}), 0) for f in ({}, {"top": 0.1}))
    np.testing.assert_array_equal(plain.test, thinned.test)
    assert set(thinned.train) < set(plain.train)
    before, after = plain.counts(whole), thinned.counts(whole)
    for part in ("train", "validation"):
        assert after[part]["qcd"] == before[part]["qcd"]
        assert after[part]["top"] / before[part]["top"] == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize("kind", ["counted", "hashed"])
def test_a_mixture_is_made(whole, kind):
    config = DataConfig(split=kind, mixture={"qcd": 0.99, "top": 0.01})
    counts = split(whole, config, 0).counts(whole)
    every = split(whole, DataConfig(split=kind), 0).counts(whole)
    assert counts["train"]["qcd"] == every["train"]["qcd"]
    assert counts["test"] == every["test"]
    share = counts["train"]["top"] / sum(counts["train"].values())
    assert share == pytest.approx(0.01, abs=0.0001 if kind == "counted" else 4.5 * np.sqrt(0.01 / 6000))


def test_few_validation_jets_are_watched(whole, monkeypatch):
    monkeypatch.setattr(splits, "WATCHED", 300)
    found = split(whole, HASHED, 0)
    assert abs(len(found.validation) - 300) < 4.5 * np.sqrt(300)
    monkeypatch.undo()
    usual = split(whole, HASHED, 0)
    assert set(found.validation) < set(usual.validation)
    np.testing.assert_array_equal(found.train, usual.train)


@pytest.mark.parametrize(
    "changes", [{}, {"fraction": {"top": 0.2}}, {"limit": 1000}, {"mixture": {"qcd": 1, "top": 0.1}}, {"test": 0.7}]
)
def test_on_disk_it_is_the_same(tmp_path, monkeypatch, changes):
    monkeypatch.setattr(disk_split, "ROWS", 1 << 13)
    weights = np.random.default_rng(0).normal(1, 1, 5000)
    file = jets.save(tmp_path / "a.h5", jets.load("sample:qcd", "sample:top")[2::4].with_(weights=weights))
    kept, config = jets.load(file), HASHED.model_copy(update=changes)
    mine, theirs = split_on_disk(surveyed([file], tmp_path / "cache"), config, 5), split(kept, config, 5)
    for part in ("train", "test"):
        np.testing.assert_array_equal(getattr(mine, part)[:], getattr(theirs, part))
        np.testing.assert_array_equal(getattr(mine, part)[:100], getattr(theirs, part)[:100])
        assert len(getattr(mine, part)) == len(getattr(theirs, part))
    np.testing.assert_array_equal(mine.validation, theirs.validation)
    assert mine.counts(kept) == theirs.counts(kept)
    assert mine.weight_sums(kept) == pytest.approx(theirs.weight_sums(kept))


def test_errors_name_the_key(whole):
    for changes, said in (
        ({"mixture": {"w": 1.0}}, "mixture: unknown class 'w'; the data have qcd, top"),
        ({"mixture": {"qcd": 0.9, "top": 0.1}, "test": 0.99}, "mixture: no jet of top is left to train on"),
        ({"fraction": {"qcd": 0.0, "top": 0.0}}, "only 0 jets are left to train on"),
    ):
        some = whole if "test" not in changes else whole[:10005]
        with pytest.raises(RecipeError, match=said):
            split(some, HASHED.model_copy(update=changes), 0)
    for changes, said in (
        ({"data.mixture": {"qcd": 1.0}, "data.limit": 10}, "mixture excludes fraction and limit; leave them"),
        ({"data.mixture": {"qcd": 0.0}}, "mixture: expected a share above 0"),
    ):
        with pytest.raises(RecipeError, match=said):
            read("image-dvae", changes)
    with pytest.raises(ValueError, match=r"expected a size of memory, as 2GB or 1\.5GiB"):
        DataConfig(memory="much")
