"""Columns of lists, a row a jet, in parquet (also awkward's records) or a ROOT tree: part_px, constituents_pt, ..."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jets.errors import JetFileError
from jets.formats import momenta, whole_jet
from jets.formats.arrays import guessed
from jets.formats.containers import batches, branches, kind, needed, parquet
from jets.formats.naming import LABEL_NAMES, beside, classes_of, components
from jets.formats.particles import Particles, Reading, Wanted, padded

WHAT = "columns of lists (parquet, ROOT)"
USES = ("labels", "columns")
OF_EVENTS = {
    *("PFCand", "PFCands", "JetPFCands", "FatJetPFCands", "GenPart", "GenCands"),
    *("ParticleFlowCandidate", "ReconstructedParticles", "Particle"),
}
"""Collections of the particles of whole events, in layouts that have readers of their own."""
LISTS, SOME = 2, 5
"""Dimensions of a branch of lists; rows that are read to see them."""


class Layout(NamedTuple):
    """Where particles and jets are: the tree ("" in parquet), component -> column and field, columns of the jets.

    A single column of lists of lists is the component "".
    """

    tree: str
    components: dict[str, tuple[str, str]]
    flat: list[str]


def recognised(path: Path) -> bool:
    """Whether columns of lists make a momentum, or one holds lists of lists of numbers."""
    return kind(path) in ("parquet", "root") and layout(path) is not None


def layout(path: Path) -> Layout | None:
    """Return where the particles of a file are; None without any."""
    return in_parquet(path) if kind(path) == "parquet" else in_root(path)


def in_root(path: Path) -> Layout | None:
    """Return the first tree (or RNTuple) of which branches of lists make a momentum."""
    file = needed("uproot", path).open(path)
    for name in file.keys(cycle=False):
        found = file[name]
        here = branches(found) if hasattr(found, "arrays") else {}
        here = {branch: values for branch, values in here.items() if re.split("[_.]", branch)[0] not in OF_EVENTS}
        if not components(here):
            continue
        depth = {branch: depth_of(values) for branch, values in here.items()}
        taken = components(branch for branch in here if depth[branch] == LISTS)
        if taken:
            columns = {component: (branch, "") for component, branch in taken.items()}
            return Layout(name, columns, [branch for branch in here if depth[branch] == 1])
    return None


def depth_of(branch: Any) -> int:
    """Return how many dimensions the values of a branch have, 1 of one number a row; 0 where they are no numbers."""
    try:
        values = branch.array(entry_stop=SOME, library="ak")
        return int(values.ndim) if not values.fields else 0
    except MemoryError:
        raise
    except Exception:  # of a class that cannot be read
        return 0


def in_parquet(path: Path) -> Layout | None:
    """Return columns of lists, of lists of records, or of lists of lists that make a momentum."""
    types, schema = needed("pyarrow.types", path), parquet(path).schema_arrow
    lists, nested, flat = [], [], []
    for field in schema:
        if not is_list(types, field.type):
            flat.append(field.name)
        elif types.is_struct(field.type.value_type):
            value = field.type.value_type
            found = components(value.field(i).name for i in range(value.num_fields))
            if found:
                return Layout("", {component: (field.name, one) for component, one in found.items()}, flat_of(schema))
        elif is_list(types, field.type.value_type):
            nested.append(field.name)
        else:
            lists.append(field.name)
    found = components(lists)
    if found:
        return Layout("", {component: (name, "") for component, name in found.items()}, flat)
    return Layout("", {"": (nested[0], "")}, flat) if len(nested) == 1 else None


def is_list(types: Any, found: Any) -> bool:
    """Whether an arrow type is of lists."""
    return bool(types.is_list(found) or types.is_large_list(found) or types.is_fixed_size_list(found))


def flat_of(schema: Any) -> list[str]:
    """Return the names of the columns of an arrow schema that hold no lists."""
    return [field.name for field in schema if field.type.num_fields == 0]


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; a row is a jet. Labels are a column ``label`` or ``class``.

    Raises
    ------
    JetFileError
        It has no particles, or it is not clear which columns lists of lists hold.
    """
    held = layout(path)
    if held is None:
        raise JetFileError(f"{path}: no columns of lists that make a momentum: part_px, ... or pt, eta, phi")
    known = next((name for name in LABEL_NAMES if name in held.flat), None)
    names = wanted.labels or classes_of(
        (rows[known] for rows in batches(path, held.tree, [known])) if known else (), path
    )
    order = wanted.columns
    if "" in held.components:
        order = order or order_of(path, held)
    elif order:
        raise JetFileError(f"{path}: --columns: columns of lists have names; leave it out")
    found, said = whole_jet.without(path, parts(path, held, order, names))
    columns = ", ".join(order) if order else ", ".join(name + f".{x}" * bool(x) for name, x in held.components.values())
    return Reading(names, (f"a row is a jet; columns {columns}; GeV", *said), found)


def order_of(path: Path, held: Layout) -> tuple[str, ...]:
    """Return what lists of lists hold, by trial."""
    name, _ = held.components[""]
    return guessed(path, regular(path, next(batches(path, held.tree, [name]))[name]))


def parts(path: Path, held: Layout, order: tuple[str, ...], classes: tuple[str, ...]) -> Iterator[Particles]:
    """Yield the jets."""
    import awkward as ak

    names = list(dict.fromkeys([*(name for name, _ in held.components.values()), *held.flat]))
    for rows in batches(path, held.tree, names):
        if order:
            values = regular(path, rows[held.components[""][0]])
            p4 = momenta.of_columns({name: values[..., i] for i, name in enumerate(order)}, str(path))
        else:
            lists = {x: rows[name][one] if one else rows[name] for x, (name, one) in held.components.items()}
            counts = np.asarray(ak.num(next(iter(lists.values()))))
            flat = {x: np.asarray(ak.flatten(values), np.float64) for x, values in lists.items()}
            if len({len(values) for values in flat.values()}) > 1:
                raise JetFileError(f"{path}: lists of {', '.join(flat)} are of different lengths")
            p4 = padded(counts, momenta.of_columns(flat, str(path)))
        label, own, weights, events = beside({name: rows[name] for name in held.flat}, classes, path)
        yield Particles(p4, label, own, weights, events)


def regular(path: Path, column: Any) -> np.ndarray:
    """Return lists of lists of equal length ``(n, M, 3 or 4)``, zeros behind the shorter ones.

    Raises
    ------
    JetFileError
        The inner lists are of different lengths.
    """
    import awkward as ak

    inner = np.unique(np.asarray(ak.flatten(ak.num(column, axis=2))))
    if len(inner) > 1 or column.ndim != 3:
        raise JetFileError(
            f"{path}: particles are lists of {', '.join(map(str, inner))} numbers; expected all of one length"
        )
    width = int(inner[0]) if len(inner) else 0
    flat = np.asarray(ak.flatten(column, axis=None), np.float64).reshape(-1, width or 1)
    return padded(np.asarray(ak.num(column)), flat)
