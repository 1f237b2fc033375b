"""Where jets come from, as a user writes it: ``F``, ``F:class``, globs and folders of either, ``sample:qcd``, a toy."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob, has_magic
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from jets import checks
from jets.dataset import Jets
from jets.errors import JetFileError
from jets.simulation.config import CLASSES
from jets.vectors import TOY

SAMPLE = "sample:"
SAMPLES = tuple(f"{SAMPLE}{name}" for name in CLASSES)


def expanded(sources: Sequence[str | Path]) -> list[str]:
    """Return the sources with each glob and each folder replaced by its files, sorted; hidden files are left out.

    Raises
    ------
    JetFileError
        A glob that matches nothing, or a folder without files.

    Examples
    --------
    >>> expanded(["sample:qcd", "a.h5:top"])
    ['sample:qcd', 'a.h5:top']
    """
    return [found for source in sources for found in _files(str(source))]


def _files(source: str) -> list[str]:
    if source.startswith((SAMPLE, TOY)):
        return [source]
    path, named = split(source)
    ending = "" if named is None else f":{named}"
    if path.is_dir():
        found = sorted(str(one) for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
        if not found:
            raise JetFileError(f"{path}: a folder without files; give files of jets")
    elif has_magic(str(path)) and not path.exists():
        found = sorted(one for one in glob(str(path), recursive=True) if Path(one).is_file())
        if not found:
            raise JetFileError(f"{path}: no file matches; give a path, or a pattern that files of jets have")
    else:
        return [source]
    return [one + ending for one in found]


def split(source: str) -> tuple[Path, str | None]:
    """Return path and class of ``F`` or ``F:class``; the class is None where none is named.

    >>> split("a/b.h5:top")
    (PosixPath('a/b.h5'), 'top')
    """
    name, _, named = source.rpartition(":")
    return (Path(name), named) if name and not Path(source).exists() else (Path(source), None)


def located(source: str) -> tuple[Path, str | None]:
    """Return path and class of ``F``, ``F:class`` or a part of the embedded sample.

    Raises
    ------
    JetFileError
        There is no such file or sample.
    """
    if source.startswith(SAMPLE):
        name, colon, chosen = source.removeprefix(SAMPLE).partition(":")
        if name not in CLASSES:
            raise JetFileError(f"{source}: the embedded sample has {', '.join(SAMPLES)}")
        with as_file(files("jets") / "sample" / f"{name}.h5") as path:
            return Path(path), chosen if colon else None
    path, named = split(source)
    if not path.exists():
        raise JetFileError(f"{path}: no such file; give an HDF5 file of jets or one of {', '.join(SAMPLES)}")
    return path, named


def chosen_class(classes: tuple[str, ...], named: str | None, path: Path) -> tuple[tuple[str, ...], int | None]:
    """Return the classes that jets of ``F:class`` have, and which of the file's is meant; None: all of them.

    Raises
    ------
    JetFileError
        The file has no such class.
    """
    if named is None:
        return classes, None
    if not named.strip():
        raise JetFileError(f"{path}: no class after the colon; the file has {', '.join(classes)}")
    if len(classes) == 1:
        return checks.names((named,), "class", str(path)), None
    if named not in classes:
        raise JetFileError(f"{path}: unknown class {named!r}; the file has {', '.join(classes)}")
    return (named,), classes.index(named)


def of_class(jets: Jets, named: str | None, path: Path) -> Jets:
    """Return the jets of the class that ``F:class`` names.

    Raises
    ------
    JetFileError
        There is no such class.
    """
    classes, chosen = chosen_class(jets.classes, named, path)
    if chosen is None:
        return jets.with_(classes=classes)
    found = jets[jets.label == chosen]
    return found.with_(label=np.zeros(len(found), np.int64), classes=classes)
