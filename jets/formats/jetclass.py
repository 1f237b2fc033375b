"""JetClass (2202.03772) and JetClass-II: a row a jet, ROOT or parquet, particles as lists of px, py, pz, energy [GeV].

The positions ``part_deta`` of these files are multiplied by the sign of the jet's eta, so momenta are read instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jets.checks import numbered
from jets.errors import JetFileError
from jets.formats.containers import batches, branches, kind, parquet, tree
from jets.formats.particles import Particles, Reading, Wanted, padded

WHAT = "JetClass, JetClass-II (ROOT or parquet)"
USES = ("labels",)
MOMENTA = ("part_px", "part_py", "part_pz", "part_energy")
ONE_HOT, NUMBER = "label_", "jet_label"
TREE = "tree"


def recognised(path: Path) -> bool:
    """Whether the columns are those of JetClass."""
    return kind(path) in ("root", "parquet") and set(MOMENTA) <= set(names_of(path))


def names_of(path: Path) -> list[str]:
    """Return the names of the columns; none of a ROOT file without a tree ``tree``."""
    if kind(path) == "parquet":
        return list(parquet(path).schema_arrow.names)
    return list(branches(tree(path, "tree")))


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; classes are the ten columns ``label_*``, or the numbers in ``jet_label``."""
    names = names_of(path)
    hot = [name for name in names if name.startswith(ONE_HOT)]
    own = [name for name in names if name.startswith("jet_") and name != NUMBER]
    if hot:
        classes = tuple(name.removeprefix(ONE_HOT) for name in hot)
    elif NUMBER in names:
        last = max((int(np.max(rows[NUMBER])) for rows in batches(path, TREE, [NUMBER])), default=0)
        classes = numbered(last, str(path), "label_")
    else:
        classes = (path.stem,)
    parts = (
        particles(path, rows, hot, own) for rows in batches(path, TREE, [*MOMENTA, *own, *hot, *{NUMBER} & set(names)])
    )
    return Reading(wanted.labels or classes, ("momenta in GeV",), parts)


def particles(path: Path, rows: dict[str, Any], hot: Sequence[str], own: Sequence[str]) -> Particles:
    """Return jets of columns.

    Raises
    ------
    JetFileError
        A jet is of no class, or of several.
    """
    import awkward as ak

    counts = np.asarray(ak.num(rows[MOMENTA[0]]))
    flat = np.stack([np.asarray(ak.flatten(rows[name]), np.float64) for name in MOMENTA], -1)
    label = rows.get(NUMBER)
    if hot:
        flags = np.stack([rows[name] for name in hot], -1)
        if (flags.sum(-1) != 1).any():
            raise JetFileError(f"{path}: a jet is of none or several of the classes {', '.join(hot)}")
        label = flags.argmax(-1)
    columns = {name: rows[name] for name in own}
    label = None if label is None else np.asarray(label, np.int64)
    return Particles(padded(counts, flat), label, columns, stated=columns.get("jet_pt"))
