"""Files of jets and of vectors, by `jets.load`: HDF5 of every kind of wrong, numpy's, and names of sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import jets
from jets.errors import JetFileError

from .cases import RIGHT, Entries, Random, Tools, attempt, pick, refusal
from .construction import BAD_JETS
from .sample import FLOATS, rewritten, same_jets, sound

entries = Entries()
FILE = "f.h5"


def write(path: Path, given: np.ndarray, random: Random) -> tuple[np.ndarray, list[str]]:
    """Write jets as other people's programs do; return labels and names as they are meant."""
    classes = [("a", "b", "c"), ("ü", "t-Q")][int(random.integers(2))]
    label = random.integers(len(classes), size=len(given))
    options = pick(random, ({}, {"compression": "gzip"}, {"chunks": True, "shuffle": True}, {"compression": "lzf"}))
    with h5py.File(path, "w", libver=pick(random, ("earliest", "latest"))) as file:
        file.create_dataset("constituents", data=given.astype(pick(random, FLOATS)), **options)
        file["label"] = label.astype(pick(random, ("i8", "u1", ">i2", "f4")))
        file.attrs["classes"] = pick(
            random, (list(classes), np.array([name.encode() for name in classes]), [name.encode() for name in classes])
        )
        file["jet"] = np.stack([given[..., 0].sum(1), np.arange(len(given))], 1).astype(pick(random, FLOATS))
        file["jet"].attrs["columns"] = pick(random, (["pt", "number"], np.array([b"pt", b"number"])))
        if random.random() < 0.3:
            file["unrelated"] = pick(random, ("text", np.zeros(3), np.array([b"x"])))
    return label, list(classes)


@entries(900)
def files_written_oddly(random: Random, tools: Tools) -> str:
    """Jets that mean the same however a file holds them; `F:class` takes one class, several sources are joined."""
    path, given = tools.folder / FILE, rewritten(random, sound(random))
    label, classes = write(path, given, random)
    found = attempt(jets.load, pick(random, (str, Path))(path))
    assert isinstance(found, jets.Jets), found
    same_jets(found.constituents, given)
    assert [found.classes[i] for i in found.label] == [classes[i] for i in label]
    np.testing.assert_array_equal(found.jet["number"], np.arange(len(given)))
    assert found.sources == (str(path),)
    name = pick(random, [*classes, "nothing"])
    one = attempt(jets.load, f"{path}:{name}")
    mine = label == classes.index(name) if name in classes else np.zeros(len(label), bool)
    if len(set(label)) == 1:  # a file of one class takes any name
        mine[:] = True
    if not mine.any():
        assert isinstance(one, JetFileError), one
        return refusal(one, name)
    np.testing.assert_array_equal(one.jet["number"], np.flatnonzero(mine))
    assert one.counts == {name: int(mine.sum())}
    return RIGHT


def dataset(name: str, value: Any) -> Callable[[h5py.File, Random], None]:
    """Return what replaces a dataset by a value."""

    def change(file: h5py.File, random: Random) -> None:
        file.pop(name, None)
        file[name] = value

    return change


def attribute(name: str, value: Any, of: str = "/") -> Callable[[h5py.File, Random], None]:
    """Return what replaces an attribute by a value."""

    def change(file: h5py.File, random: Random) -> None:
        file[of].attrs[name] = value

    return change


def group(name: str) -> Callable[[h5py.File, Random], None]:
    """Return what puts a group in the place of a dataset."""

    def change(file: h5py.File, random: Random) -> None:
        file.pop(name, None)
        file.create_group(name)

    return change


def soft(name: str, target: str) -> Callable[[h5py.File, Random], None]:
    """Return what puts a link in the place of a dataset."""

    def change(file: h5py.File, random: Random) -> None:
        file.pop(name, None)
        file[name] = h5py.SoftLink(target)

    return change


COMPOUND = np.zeros(7, [("pt", "f4"), ("eta", "f4")])
VALUES = (
    3.0,
    np.zeros(0),
    np.zeros((7, 2)),
    np.zeros((6,)),
    "text",
    np.array([b"x"] * 7),
    COMPOUND,
    h5py.Empty("f4"),
    np.zeros(7, bool),
    np.zeros(7, complex),
    np.full(7, np.nan),
    np.full(7, -1),
    np.full(7, 3.5),
    np.zeros((7, 1, 3)),
    np.full(7, 2**62),
    np.zeros((0, 4, 3)),
    np.zeros((7, 4, 2)),
)
ATTRIBUTES = (
    (),
    "a",
    b"a",
    ["a", "a"],
    ["", "b"],
    5,
    [1, 2],
    h5py.Empty("S1"),
    np.array([b"\xff\xfe", b"b"]),
    [["a", "b"]],
)
SCALES = (
    "x",
    [1.0, 2.0],
    [np.nan] * 3,
    [np.inf, 1, 1],
    h5py.Empty("f4"),
    [0.0, 0.0, 0.0],
    [-1.0, 1, 1],
    1e300,
    [1j] * 3,
)


@entries(2200)
def files_that_are_wrong(random: Random, tools: Tools) -> str:
    """A dataset, attribute or link replaced by anything: refused by name, or of no consequence."""
    path, given = tools.folder / FILE, sound(random, 7)
    write(path, given, random)
    name = pick(random, ("constituents", "label", "jet", "subst", "truth"))
    kinds = (
        dataset(name, pick(random, VALUES)),
        dataset(name, pick(random, VALUES)),
        attribute("classes", pick(random, ATTRIBUTES)),
        attribute("columns", pick(random, ATTRIBUTES), "jet"),
        attribute("scale", pick(random, SCALES), "constituents"),
        group(name),
        soft(name, pick(random, ("/nowhere", "/" + name, "/jet", "/"))),
    )
    with h5py.File(path, "a") as file:
        pick(random, kinds)(file, random)
    found = attempt(jets.load, path)
    if isinstance(found, jets.Jets):
        same_jets(found.constituents, given)
        assert len(found.label) == 7
        assert all(len(column) == 7 for columns in (found.jet, found.subst, found.truth) for column in columns.values())
        return RIGHT
    return refusal(found, str(path))


@entries(500)
def jets_in_files_that_are_none(random: Random, tools: Tools) -> str:
    """What no jet is, is refused from a file as from memory."""
    given = sound(random)
    spoilt, _ = BAD_JETS[pick(random, list(BAD_JETS)[:16])]
    with h5py.File(tools.folder / FILE, "w") as file:
        file["constituents"] = np.asarray(spoilt(given, random))
    found = attempt(jets.load, tools.folder / FILE)
    if not isinstance(found, JetFileError):
        raise AssertionError(f"{found!r}")
    return refusal(found, FILE)


CONTENT = (
    b"",
    b"\x89HDF\r\n\x1a\n",
    b"\x89HDF\r\n\x1a\n" + bytes(100),
    b"pt,eta,phi\n1,0,0\n",
    bytes(4096),
    b"\x93NUMPY\x01\x00v\x00",
    b"\x93NUMPY" + bytes(100),
    "ü".encode("utf-16"),
)
NAMES = (
    "f.h5",
    "f.npy",
    "f",
    "f.root",
    "a:b.h5",
    ":a",
    "a:",
    "f.h5:qcd",
    "f.npy:x",
    " ",
    "",
    ".",
    "..",
    "/",
    "ü.h5",
    "~",
)
SOURCES = (
    "sample:",
    "sample:higgs",
    "sample:qcd:",
    "sample:w:x",
    "toy:",
    "toy:moon",
    "sample",
    "http://a/b.h5",
    "f\0.h5",
    "\n",
)


@entries(700)
def sources(random: Random, tools: Tools) -> str:
    """Names of what is not there, folders, and files that are of no known kind."""
    name = pick(random, NAMES + SOURCES)
    if name in NAMES[:5] and random.random() < 0.7:
        made = tools.folder / name
        if random.random() < 0.2:
            made.mkdir(exist_ok=True)
        elif not made.is_dir():
            made.write_bytes(pick(random, CONTENT))
    given = [name, *(("sample:nothing",) if random.random() < 0.2 else ())]
    found = attempt(jets.load, *pick(random, (given, given, given, [])))
    for made in tools.folder.iterdir():
        made.rmdir() if made.is_dir() else made.unlink()
    if isinstance(found, jets.Jets):
        assert name == "sample:w:x", name
        return RIGHT
    return refusal(found)


def cut(path: Path, random: Random) -> None:
    """Keep the beginning of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(random.integers(len(content)))])


@entries(400)
def files_cut_short(random: Random, tools: Tools) -> str:
    """A copy that was interrupted: what can be read is right, else refused."""
    path, given = tools.folder / FILE, sound(random)
    write(path, given, random)
    cut(path, random)
    found = attempt(jets.load, path)
    if isinstance(found, jets.Jets):
        same_jets(found.constituents, given)
        return RIGHT
    return refusal(found, FILE)
