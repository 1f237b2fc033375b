"""Event weights and event numbers: kept to the digit beside their jets, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np

import jets
from jets.errors import JetFileError

from .cases import RIGHT, Entries, Random, Tools, attempt, pick, refusal
from .sample import sound

entries = Entries()
BAD_WEIGHTS = (
    "text",
    [1.0],
    np.ones((6, 2)),
    np.full(6, np.nan),
    np.full(6, np.inf),
    np.zeros(6),
    {},
    np.full(6, 1e200),
    np.full(6, 1e-200),
    np.ones(6, complex),
    np.array([1.0, -1.0] * 3),
    ["a"] * 6,
    np.ma.masked_less(np.arange(6.0), 3),
    [[1], [1, 2]],
    object(),
    np.ones(6, "M8[s]"),
    True,
)
BAD_EVENTS = (
    "text",
    [1],
    np.ones((6, 2)),
    np.full(6, np.nan),
    np.full(6, np.inf),
    np.full(6, 0.5),
    {},
    ["a"] * 6,
    np.full(6, 2**64 - 1, np.uint64),
    np.full(6, 1e300),
    np.ones(6, complex),
    [[1], [1, 2]],
    object(),
    np.full(6, 2.0**24 + 2, "f4") * 2,
    np.ones(6, "M8[s]"),
    True,
)


def drawn(random: Random, count: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return weights of either sign whose sum is positive, and event numbers; either may be missing."""
    weights = random.exponential(size=count) * np.where(random.random(count) < 0.2, -1, 1)
    weights[0] = 1 + np.abs(weights).sum()
    weights *= 10.0 ** random.uniform(-20, 20)
    numbers = (
        random.integers(-(2**63) + 1, 2**63 - 1, count) if random.random() < 0.3 else random.integers(9, size=count)
    )
    return pick(random, (weights, None)), pick(random, (numbers, None))


def equal(found: np.ndarray | None, given: np.ndarray | None) -> None:
    """Assert that two arrays are equal, or both missing."""
    if given is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, given)


@entries(500)
def weights_and_events(random: Random, tools: Tools) -> str:
    """They stay with their jets: chosen, joined, saved and read again."""
    given = sound(random)
    weights, numbers = drawn(random, len(given))
    options: dict[str, Any] = {"weights": weights, "events": numbers}
    if weights is not None and random.random() < 0.3:
        options["weights"] = pick(random, (weights[:, None], weights.tolist(), weights.astype(">f8")))
    label = np.zeros(len(given), np.int64)
    sample = attempt(jets.Jets, given, label, ("a",), **options)
    assert isinstance(sample, jets.Jets), sample
    order = random.permutation(len(given))[: max(1, len(given) // 2)]
    equal(sample[order].weights, None if weights is None else weights[order])
    equal(sample[order].events, None if numbers is None else numbers[order])
    read = attempt(jets.load, jets.save(tools.folder / "f.h5", sample))
    equal(read.weights, weights)
    equal(read.events, numbers)
    other, none = attempt(jets.Jets, given, label, ("b",), weights=pick(random, (None, np.ones(len(given))))), numbers
    both = attempt(jets.concatenate, [sample, other])
    if (weights is None) != (other.weights is None):
        assert isinstance(both, JetFileError), both
        return refusal(both, "weights")
    equal(both.weights, None if weights is None else np.concatenate([weights, np.ones(len(given))]))
    if none is not None:
        equal(both.events[: len(given)], numbers)
        assert len(set(both.events.tolist())) == len(set(numbers.tolist())) + len(given)
    return RIGHT


@entries(500)
def weights_that_are_none(random: Random) -> str:
    """Weights without a mean, and numbers of no event."""
    what, bad = pick(random, (("weights", BAD_WEIGHTS), ("events", BAD_EVENTS)))
    given = pick(random, bad)
    found = attempt(jets.Jets, sound(random, 6), np.zeros(6, np.int64), ("a",), **{what: given})
    assert isinstance(found, JetFileError), f"{found!r} of {given!r}"
    return refusal(found, "weight", "event number")
