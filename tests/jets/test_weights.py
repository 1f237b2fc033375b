"""Event weights and event numbers: checked where they enter, kept by all that is done with jets."""

import hashlib

import h5py
import numpy as np
import pytest

import jets
from jets.weights import effective

N = 12
RANDOM = np.random.default_rng(0)
CONSTITUENTS = np.tile(np.array([[500.0, 0.1, 0.0], [20.0, 0.0, 0.1]], np.float32), (N, 1, 1))
WEIGHTS = RANDOM.normal(1, 1, N)
EVENTS = np.repeat(np.arange(N // 2) * 2**40, 2)


def sample(weights=WEIGHTS, events=EVENTS, name="a", n=N):
    label = np.zeros(n, np.int64)
    return jets.Jets(CONSTITUENTS[:n], label, (name,), sources=(f"{name}.h5",), weights=weights, events=events)


def test_the_samples_weights_have_both_signs():
    assert (WEIGHTS < 0).any()
    assert WEIGHTS.sum() > 0


def test_they_go_with_their_jets():
    one = sample()
    np.testing.assert_array_equal(one[3:5].weights, WEIGHTS[3:5])
    np.testing.assert_array_equal(one[[7, 2]].events, EVENTS[[7, 2]])
    joined = jets.concatenate([one[:4], sample(name="b")[4:]])
    np.testing.assert_array_equal(joined.weights, WEIGHTS)
    np.testing.assert_array_equal(joined.events, EVENTS)
    assert (joined.weights.dtype, joined.events.dtype) == (np.float64, np.int64)


def test_they_survive_the_file(tmp_path):
    path = jets.save(tmp_path / "f.h5", sample())
    again = jets.load(path)
    np.testing.assert_array_equal(again.weights, WEIGHTS)
    np.testing.assert_array_equal(again.events, EVENTS)
    assert again.fingerprint == sample().fingerprint
    chosen = jets.load(f"{path}:other")
    np.testing.assert_array_equal(chosen.weights, WEIGHTS)


@pytest.mark.parametrize("name", ["weight", "weights"])
@pytest.mark.parametrize("number", ["event", "events", "event_number"])
def test_names_of_the_datasets(name, number, tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["constituents"], file[name], file[number] = CONSTITUENTS, WEIGHTS[:, None], EVENTS.astype("u8")
    found = jets.load(tmp_path / "f.h5")
    np.testing.assert_array_equal(found.weights, WEIGHTS)
    np.testing.assert_array_equal(found.events, EVENTS)


def test_without_them_jets_are_what_they_were(tmp_path):
    bare = sample(None, None)
    assert (bare.weights, bare.events, bare[:2].weights) == (None, None, None)
    assert bare.fingerprint != sample(WEIGHTS, None).fingerprint != sample(None, EVENTS).fingerprint
    digest = hashlib.sha256(CONSTITUENTS.tobytes() + np.zeros(N, np.int64).tobytes() + b"a")
    assert bare.fingerprint == digest.hexdigest()
    with h5py.File(jets.save(tmp_path / "f.h5", bare)) as file:
        assert set(file) == {"constituents", "label"}


BAD = {
    "NaN": ({"weights": np.where(np.arange(N) == 3, np.nan, 1)}, "jet 3.* no finite numbers"),
    "infinite": ({"weights": np.full(N, np.inf)}, "no finite numbers"),
    "all zero": ({"weights": np.zeros(N)}, "sum to 0"),
    "cancel": ({"weights": np.tile([1.0, -1.0], N // 2)}, "sum to 0, 50% of them negative"),
    "cancel but for rounding": ({"weights": np.tile([0.1, 0.2, -0.3], N // 3)}, "there is no mean"),
    "huge": ({"weights": np.full(N, 1e200)}, "1e\\+200; multiply"),
    "tiny": ({"weights": np.full(N, 1e-200)}, "1e-200; multiply"),
    "too few": ({"weights": np.ones(N - 1)}, r"shape \(11,\)"),
    "one": ({"weights": 1.0}, r"shape \(\)"),
    "several": ({"weights": np.ones((N, 3))}, "the nominal ones"),
    "text": ({"weights": np.full(N, "a")}, "real numbers"),
    "masked": ({"weights": np.ma.masked_less(np.ones(N), 0)}, "masked"),
    "events of fractions": ({"events": np.full(N, 0.5)}, "0.5"),
    "events NaN": ({"events": np.full(N, np.nan)}, "nan"),
    "events too large for float32": ({"events": np.full(N, 2.0**25, np.float32)}, "float32 and int64 hold exactly"),
    "events too large for int64": ({"events": np.full(N, 2**63, np.uint64)}, "uint64 and int64"),
    "events text": ({"events": np.full(N, "a")}, "whole numbers"),
    "events ragged": ({"events": [[1], [1, 2]]}, "event numbers is no array of numbers"),
    "events masked": ({"events": np.ma.masked_equal(np.arange(N), 3)}, "event numbers is masked"),
    "events too few": ({"events": np.arange(3)}, r"shape \(3,\)"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_are_no_weights_or_events_is_refused(kind):
    changes, words = BAD[kind]
    with pytest.raises(jets.JetFileError, match=rf"a\.h5: .*{words}") as caught:
        sample(**changes)
    assert "\n" not in str(caught.value)


def test_a_template_to_subtract_may_be_negative_throughout():
    joined = jets.concatenate([sample(np.full(N, 3.0)), sample(-np.ones(N), name="b")])
    assert joined.weights.sum() == 2 * N


def test_weights_and_none_are_no_sample():
    with pytest.raises(jets.JetFileError, match=r"b\.h5: has no weights"):
        jets.concatenate([sample(), sample(None, None, "b")])


def test_jets_without_event_numbers_are_events_of_their_own():
    joined = jets.concatenate([sample(), sample(events=None, name="b"), sample(events=np.arange(N) - 5, name="c")])
    own = joined.events[N : 2 * N]
    assert len(set(own)) == N
    assert not set(own) & set(np.r_[joined.events[:N], joined.events[2 * N :]])


def test_ambiguous_and_other_names_are_not_passed_over(tmp_path, capsys):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["constituents"], file["mc_weights"], file["eventNumber"] = CONSTITUENTS, WEIGHTS, EVENTS
        file["jet"] = WEIGHTS[:, None]
        file["jet"].attrs["columns"] = ["weight"]
    jets.load(tmp_path / "f.h5")
    said = capsys.readouterr().err
    assert "'mc_weights' is not read; were it named 'weight'" in said
    assert "'eventNumber' is not read; were it named 'event_number'" in said
    assert "jet 'weight' weighs nothing" in said
    with h5py.File(tmp_path / "f.h5", "a") as file:
        file["weight"], file["weights"] = WEIGHTS, WEIGHTS
    with pytest.raises(jets.JetFileError, match="has weight and weights; keep one"):
        jets.load(tmp_path / "f.h5")


def test_effective_number():
    assert effective(np.full(7, 3e90)) == pytest.approx(7)
    assert effective(np.array([2.0, 1.0, 0.0])) == pytest.approx(9 / 5)
    assert effective(np.array([1.0, 1.0, -1.0])) == pytest.approx(1 / 3)
    assert effective(np.zeros(3)) == effective(np.zeros(0)) == 0
