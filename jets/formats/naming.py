"""Names of columns in tables of others: which are components of the particles, which are of the jets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jets.checks import CLASSES, few, numbered
from jets.errors import JetFileError
from jets.formats.momenta import known_as
from jets.notes import first
from jets.weights import EVENT_NAMES, WEIGHT_NAMES

PREFIX = re.compile(r"part|const|cand|pfo|hadron|dau|4vec|p4|mom", re.IGNORECASE)
"""What names of columns of particles begin with, where they are not bare."""
ENOUGH = ({"px", "py", "pz"}, {"pt", "eta", "phi"}, {"pt", "y", "phi"})
"""Components that make a momentum."""
LABEL_NAMES = ("label", "class")
"""Columns that are the class; others may be anything."""


def components(names: Iterable[str]) -> dict[str, str]:
    """Return component -> column of the first columns that make a momentum; empty without any.

    >>> components(["jet_pt", "part_px", "part_py", "part_pz", "part_energy", "part_deta"])
    {'px': 'part_px', 'py': 'part_py', 'pz': 'part_pz', 'E': 'part_energy'}
    >>> components(["jet_pt", "jet_eta", "jet_phi"])
    {}
    """
    groups: dict[str, dict[str, str]] = {}
    for name in names:
        prefix, separator, last = re.fullmatch(r"(?:(.*)([_.]))?([^_.]*)", name).groups()  # type: ignore[union-attr]
        known = known_as(last)
        if known is not None and (separator is None or PREFIX.search(prefix)):
            groups.setdefault(prefix or "", {}).setdefault(known, name)
    return next((group for group in groups.values() if any(some <= set(group) for some in ENOUGH)), {})


def beside(
    columns: Mapping[str, Any], classes: tuple[str, ...], path: Path
) -> tuple[NDArray[np.int64] | None, dict[str, NDArray], NDArray | None, NDArray | None]:
    """Return labels, own columns, weights and event numbers of jets, all of ``columns``, ``(n,)`` each.

    Raises
    ------
    JetFileError
        Labels that are none of the classes.
    """
    own = {name: np.asarray(values) for name, values in columns.items()}
    label, weights, events = (
        next((own.pop(name) for name in names if name in own), None)
        for names in (LABEL_NAMES, WEIGHT_NAMES, EVENT_NAMES)
    )
    if label is not None and label.dtype.kind not in "fiub":
        text = [str(one) for one in label]
        lacking = sorted(set(text) - set(classes))
        if lacking:
            raise JetFileError(f"{path}: label {lacking[0]!r} is not among the classes {few(classes)}")
        label = np.array([classes.index(one) for one in text], np.int64)
    if label is not None and label.dtype.kind == "f" and not (label == np.floor(label)).all():
        raise JetFileError(f"{path}: label of {first(label != np.floor(label))} is missing, or no whole number")
    return None if label is None else label.astype(np.int64), own, weights, events


def classes_of(labels: Iterable[NDArray], path: Path) -> tuple[str, ...]:
    """Return the names of the classes of all labels of a file: themselves where they are text, else class_0, ...

    >>> classes_of([np.array([2, 0])], Path("a")), classes_of([np.array(["top", "qcd"])], Path("a.csv"))
    (('class_0', 'class_1', 'class_2'), ('qcd', 'top'))
    >>> classes_of([], Path("a.csv"))
    ('a',)
    """
    known: set[Any] = set()
    for values in labels:
        known |= {one for one in np.unique(values).tolist() if one == one}  # NaN is not
        if len(known) > CLASSES:
            raise JetFileError(f"{path}: over {CLASSES} different labels; give classes, not numbers of the jets")
    if not known:
        return (path.stem,)
    if any(isinstance(one, str) for one in known):
        return tuple(sorted(map(str, known)))
    return numbered(max(known), str(path))
