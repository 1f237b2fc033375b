"""Jets and vectors in memory: construction, choice, joining, and the file that `save` writes."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import torch

import jets
from jets.errors import JetFileError

from .cases import RIGHT, Entries, Random, Tools, attempt, pick, refusal
from .sample import rewritten, same_jets, shuffled, sound, stored

entries = Entries()
NAMES = ("qcd", "top", "W", "t-Q", "ü", "a b", "a:b", "0", "Higgs→bb")


def labelled(random: Random, count: int) -> tuple[Any, Any, np.ndarray]:
    """Return labels in some type, names in some container, and the labels as they are meant."""
    known = [NAMES[i] for i in random.permutation(len(NAMES))[: int(random.integers(1, 4))]]
    meant = random.integers(len(known), size=count)
    label = meant.astype(pick(random, ("i8", "i4", "u1", ">i4", "f4", "f8", "u8")))
    if random.random() < 0.2:
        label = label.tolist()
    ways = (tuple, list, np.array, lambda n: [name.encode() for name in n], lambda n: np.array(n, object))
    return label, pick(random, ways)(known), meant


@entries(2600)
def jets_written_oddly(random: Random) -> str:
    """Jets that mean the same however they are written: same pT, mass and order."""
    given = rewritten(random, sound(random))
    label, classes, meant = labelled(random, len(given))
    columns = {"pt": given[..., 0].sum(1).astype(pick(random, ("f4", "f8", ">f8"))), "n": np.arange(len(given))}
    kept = stored(random, given)
    found = attempt(jets.Jets, kept, label, classes, jet=pick(random, (columns, types.MappingProxyType(columns), {})))
    assert isinstance(found, jets.Jets), found
    same_jets(found.constituents, np.asarray(kept))
    np.testing.assert_array_equal(found.label, meant)
    assert found.label.dtype == np.int64
    assert sum(found.counts.values()) == len(given)
    assert all(type(name) is str for name in found.classes)
    return RIGHT


@entries(800)
def order_of_constituents(random: Random) -> str:
    """The order in which constituents are written does not matter, nor that of the jets."""
    given = sound(random)
    given[..., 0] *= 1 + 1e-3 * random.random(given.shape[:2])  # no ties
    label = np.zeros(len(given), np.int64)
    order = random.permutation(len(given))
    one = attempt(jets.Jets, given.astype("f4"), label, ("a",))
    two = attempt(jets.Jets, shuffled(random, given)[order].astype("f4"), label, ("a",))
    np.testing.assert_array_equal(one.constituents[order], two.constituents)
    return RIGHT


BAD_JETS = {
    "NaN pT": (lambda x, r: put(x, r, 0, np.nan), "NaN"),
    "NaN position": (lambda x, r: put(x, r, pick(r, (1, 2)), np.nan), "NaN"),
    "infinite": (lambda x, r: put(x, r, pick(r, (0, 1, 2)), pick(r, (np.inf, -np.inf, 1e39))), "inf"),
    "negative pT": (lambda x, r: put(x, r, 0, -pick(r, (1e-30, 1.0, 1e9))), "pT"),
    "empty jet": (lambda x, r: put(x, r, 0, 0.0, whole=True), "pT"),
    "MeV": (lambda x, r: x * [1e8, 1, 1], "GeV"),
    "no pT": (lambda x, r: x * [1e-12, 1, 1], "GeV"),
    "an event": (lambda x, r: widened(x, r), "more than"),
    "degrees": (lambda x, r: degrees(x), "rad"),
    "four columns": (lambda x, r: np.concatenate([x, x[..., :1]], -1), "shape"),
    "two columns": (lambda x, r: x[..., :2], "shape"),
    "one jet alone": (lambda x, r: x[0, :, 0], "shape"),
    "no jets": (lambda x, r: x[:0], "shape"),
    "no constituents": (lambda x, r: x[:, :0], "shape"),
    "one dimension more": (lambda x, r: x[None], "shape"),
    "complex": (lambda x, r: x.astype(complex), "type"),
    "text": (lambda x, r: x.astype(str), "type"),
    "objects": (lambda x, r: x.astype(object), "type"),
    "ragged": (lambda x, r: [*x.tolist(), [[1.0, 0.0]]], "numbers"),
    "masked": (lambda x, r: np.ma.masked_less(x, 0.5), "masked"),
    "nothing": (lambda x, r: pick(r, (None, "jets.h5", 3, {}, b"x", object(), True, ())), ("type", "shape", "numbers")),
    "dates": (lambda x, r: np.full(x.shape, "2020-01-01", "datetime64[D]"), "type"),
    "structured": (lambda x, r: np.zeros(len(x), [("pt", "f4"), ("eta", "f4")]), "type"),
}
"""Name -> what spoils jets, and a word that the refusal must hold."""


def put(x: np.ndarray, random: Random, column: int, value: float, *, whole: bool = False) -> np.ndarray:
    """Put a value into one constituent that is there, or into all of one jet."""
    found, row = x.copy(), int(random.integers(len(x)))
    found[row, slice(None) if whole else 0, column] = value
    return found


def widened(x: np.ndarray, random: Random) -> np.ndarray:
    """Add a particle on the other side of the detector to one jet."""
    other = np.zeros((len(x), 1, 3))
    other[int(random.integers(len(x)))] = [x[..., 0].max() / 2, pick(random, (-1, 1)) * random.uniform(4.5, 9), 0]
    return np.concatenate([x, other], 1)


def degrees(x: np.ndarray) -> np.ndarray:
    """Return jets with one azimuth of 30 to 300 degrees."""
    found = x.copy()
    found[0, 0, 2] = 250.0
    return found


@entries(2000)
def jets_that_are_none(random: Random) -> str:
    """What no jet is: refused, with the field and the reason."""
    spoil, words = BAD_JETS[pick(random, list(BAD_JETS))]
    given = spoil(sound(random), random)
    count = len(given) if hasattr(given, "__len__") else 1
    found = attempt(jets.Jets, given, np.zeros(count, np.int64), ("a",))
    assert isinstance(found, JetFileError), f"{found!r} of {spoil}"
    return refusal(found, *((words,) if isinstance(words, str) else words))


def bad_labels(random: Random, good: np.ndarray, classes: int) -> Any:
    """Return labels that are none."""
    wrong = good.astype(float)
    wrong[int(random.integers(len(good)))] = pick(random, (-1, classes, 256, 0.5, np.nan, np.inf, 1e19, -(2.0**63)))
    others = (
        wrong,
        good[:-1],
        np.append(good, 0),
        good[:, None],
        good.astype(str),
        None,
        "qcd",
        {},
        good + 1j,
        [[0], [0, 1]],
    )
    return pick(random, (wrong, wrong, *others[1:]))


BAD_NAMES = (
    (),
    ("a", "a"),
    "ab",
    b"ab",
    (1, 2),
    ("a", ""),
    (" ", "b"),
    ("a", None),
    (b"\xff", b"b"),
    None,
    5,
    {"a", "b"},
)
BAD_COLUMNS = (
    {"x": [1.0]},
    {"x": "text"},
    {"x": None},
    {"": np.zeros(7)},
    {3: np.zeros(7)},
    [1, 2],
    "pt",
    {"x": np.zeros((7, 2))},
    {"x": np.zeros(7, complex)},
    {"x": ["a"] * 7},
    {"x": np.ma.masked_equal(np.arange(7.0), 3)},
)


@entries(1500)
def fields_that_do_not_fit(random: Random) -> str:
    """Labels, classes and columns that do not belong to the jets."""
    given, good, classes = sound(random, 7), random.integers(2, size=7), ("a", "b")
    what = pick(random, ("label", "classes", "columns", "columns"))
    options: dict[str, Any] = {}
    if what == "label":
        good = bad_labels(random, good, 2)
    elif what == "classes":
        classes = pick(random, BAD_NAMES)
    else:
        what = pick(random, ("jet", "subst", "truth"))
        options[what] = pick(random, BAD_COLUMNS)
    found = attempt(jets.Jets, given, good, classes, **options)
    assert isinstance(found, JetFileError), f"{found!r} of {good!r} {classes!r} {options!r}"
    return refusal(found, what)


@entries(1000)
def vectors_in_memory(random: Random) -> str:
    """Vectors are kept to float32, whatever their layout; what float32 does not hold is refused."""
    shape = int(random.integers(1, 30)), int(random.integers(1, 9))
    given = random.normal(size=shape) * 10.0 ** random.uniform(-20, 14)
    spoilt = random.random() < 0.4
    if spoilt:
        row, column = (int(random.integers(size)) for size in shape)
        given[row, column] = pick(random, (np.nan, np.inf, -np.inf, 1e300, -1e39, 2e15))
    kept = stored(random, given)
    if isinstance(kept, np.ndarray) and random.random() < 0.2 and kept.dtype.isnative:
        kept = torch.from_numpy(kept.copy())
    found = attempt(jets.Jets, kept, np.zeros(shape[0], np.int64), ("points",))
    if spoilt:
        assert isinstance(found, JetFileError), found
        return refusal(found, "row")
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_array_equal(found.constituents, np.asarray(given).astype("f4"), strict=False)
    assert found.are_vectors
    return RIGHT


@entries(1200)
def choice(random: Random) -> str:
    """An index gives what numpy gives of every field, or an IndexError."""
    given = sound(random, 9)
    label = random.integers(2, size=9)
    sample = attempt(jets.Jets, given, label, ("a", "b"), truth={"number": np.arange(9.0)})
    index = pick(random, INDICES)(random)
    found = attempt(sample.__getitem__, index, also=(IndexError,))
    try:
        expected = np.arange(9)[list(index) if isinstance(index, tuple) else index]
    except (IndexError, TypeError, ValueError):
        assert isinstance(found, IndexError), f"{found!r} for {index!r}"
        return refusal(found)
    if isinstance(found, IndexError):
        assert np.ndim(expected) > 1 or index is Ellipsis, f"{index!r}: {found}"
        return refusal(found)
    expected = np.atleast_1d(expected)
    np.testing.assert_array_equal(found.truth["number"], expected)
    np.testing.assert_array_equal(found.label, label[expected])
    assert len(found) == len(found.constituents) == len(expected)
    return RIGHT


INDICES = (
    lambda r: int(r.integers(-12, 12)),
    lambda r: r.integers(-9, 9, int(r.integers(0, 12))),
    lambda r: r.integers(-11, 11, 3),
    lambda r: r.random(9) < 0.5,
    lambda r: r.random(int(r.integers(0, 12))) < 0.5,
    lambda r: slice(*(pick(r, (None, -20, -3, 0, 2, 8, 30)) for _ in range(2)), pick(r, (None, 1, 2, -1, -3))),
    lambda r: r.random(3),
    lambda r: pick(
        r, (None, Ellipsis, "a", [], (), [1, 2], (0, 1), np.int64(3), True, 1.0, [[1], [2]], {}, np.float32(2))
    ),
    lambda r: torch.tensor([1, 2]),
)


@entries(900)
def joined_and_saved(random: Random, tools: Tools) -> str:
    """Samples join by the names of their classes, whatever their lengths; a file gives back what was saved."""
    parts = []
    for _ in range(int(random.integers(1, 4))):
        given = sound(random)
        label, classes, _ = labelled(random, len(given))
        truth = {name: random.random(len(given)) for name in ("x", "y/z", "ü") if random.random() < 0.5}
        parts.append(attempt(jets.Jets, given, label, classes, truth=truth))
    whole = jets.concatenate(parts)
    assert len(whole) == sum(map(len, parts))
    for name in whole.classes:
        assert whole.counts[name] == sum(part.counts.get(name, 0) for part in parts)
    total = np.concatenate([part.constituents[..., 0].sum(1) for part in parts])
    np.testing.assert_allclose(whole.constituents[..., 0].sum(1), total, rtol=1e-6)
    path = jets.save(tools.folder / pick(random, ("a.h5", "b c.hdf5", "ü.h5")), whole)
    read = attempt(jets.load, path)
    np.testing.assert_array_equal(read.constituents, whole.constituents)
    assert [read.classes[i] for i in read.label] == [whole.classes[i] for i in whole.label]
    for name, column in whole.truth.items():
        np.testing.assert_array_equal(read.truth[name], column)
    assert not list(tools.folder.glob(".*")), "temporary files are left"
    return RIGHT
