"""Vectors in files of numpy, by `jets.load`."""

from __future__ import annotations

import numpy as np

import jets
from jets.errors import JetFileError

from .cases import RIGHT, Entries, Random, Tools, attempt, pick, refusal
from .files import cut

entries = Entries()
KINDS = ("f4", "f8", ">f8", "f2", "i4", "u8", "i1", ">i2")


@entries(800)
def arrays_in_files(random: Random, tools: Tools) -> str:
    """Vectors of any number type, order and version of numpy's format."""
    path = tools.folder / pick(random, ("v.npy", "ü v.npy"))
    shape = int(random.integers(1, 20)), int(random.integers(1, 5))
    given = random.uniform(0, 100, shape).astype(pick(random, KINDS))
    given = pick(random, (np.asfortranarray, np.ascontiguousarray))(given)
    with path.open("wb") as file:
        np.lib.format.write_array(file, given, version=pick(random, ((1, 0), (2, 0), (3, 0))))
    found = attempt(jets.load, path)
    assert isinstance(found, jets.Jets), found
    np.testing.assert_array_equal(found.constituents, given.astype("f4"))
    assert found.classes == (path.stem,)
    return RIGHT


BAD_ARRAYS = (
    np.zeros(5),
    np.zeros((2, 3, 4)),
    np.zeros((0, 3)),
    np.zeros((3, 0)),
    np.array(3.0),
    np.full((2, 2), np.nan),
    np.full((2, 2), 1e39),
    np.full((2, 2), 1e20),
    np.zeros((2, 2), complex),
    np.zeros((2, 2), bool),
    np.zeros((2, 2), "U3"),
    np.zeros((2, 2), "S3"),
    np.zeros((2, 2), object),
    np.zeros((2, 2), "M8[s]"),
    np.zeros((2, 2), [("x", "f4")]),
)


@entries(600)
def arrays_that_are_wrong(random: Random, tools: Tools) -> str:
    """Arrays of other shapes, types and values, and files cut short: refused by name."""
    path = tools.folder / "v.npy"
    np.save(path, pick(random, BAD_ARRAYS), allow_pickle=True)
    if random.random() < 0.4:
        np.save(path, random.normal(size=(20, 3)))
        cut(path, random)
    found = attempt(jets.load, path)
    assert isinstance(found, JetFileError), repr(found)
    return refusal(found, "v.npy")
