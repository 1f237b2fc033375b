"""Text tables (csv, also compressed) and flat parquet: a row a particle with a number of its jet, or a row a jet.

With a header, columns are named: ``jet, pt, eta, phi`` of a particle a row, ``pt_0, eta_0, phi_0, pt_1, ...`` of a jet
a row. Without one, a row of three or four numbers is a particle of a single jet, and a longer one is a jet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jets.errors import JetFileError
from jets.formats import momenta, texts, whole_jet
from jets.formats.arrays import guessed
from jets.formats.containers import kind, parquet, text_head
from jets.formats.naming import EVENT_NAMES, LABEL_NAMES, beside, classes_of, components
from jets.formats.particles import Particles, Reading, Wanted, padded

WHAT = "text tables (csv), flat parquet"
USES = ("labels", "columns")
ROWS = 200_000
"""Rows read at a time, of particles; a row of a jet counts as many as it has numbers over four."""
NUMBERS = ("jet", "jet_id", "jet_index", "jet_number", "ijet", "jetid", "jet_nr", "entry")
"""Columns that say which jet a particle is of."""
EVENTS = ("event", "event_number", "event_id", "eventnumber", "evt")
SUBENTRY = ("subentry", "particle", "index")
"""Columns that count the particles of a jet."""
SEPARATORS = (",", ";", "\t", r"\s+")


def recognised(path: Path) -> bool:
    """Whether the columns are of momenta; of a text without header, whether all are numbers."""
    if kind(path) not in ("text", "parquet"):
        return False
    names = header(path)
    if names is None:
        return False
    return bool(not names or components(names) or wide(names))


def header(path: Path) -> list[str] | None:
    """Return the names of the columns; none of a table without header, None of what is no table."""
    if kind(path) == "parquet":
        schema = parquet(path).schema_arrow
        return [field.name for field in schema if field.type.num_fields == 0]
    lines = [line for line in text_head(path).splitlines() if line.strip()][:3]
    fields = [re.split(separator_of(lines), line.strip()) for line in lines]
    if not fields or len({len(row) for row in fields[: len(fields) - (len(fields) > 1)]}) > 1 or len(fields[0]) < 3:
        return None
    if are_numbers(fields[0]):
        return []
    named = len(fields) > 1 and are_numbers(fields[1], some=True)
    return [name.strip().strip("\"'#").strip() for name in fields[0]] if named else None


def separator_of(lines: list[str]) -> str:
    r"""Return what separates the fields of lines.

    >>> separator_of(["pt;eta;phi"]), separator_of(["1.0 2.0"])
    (';', '\\s+')
    """
    return next((one for one in SEPARATORS[:-1] if lines and one in lines[0]), SEPARATORS[-1])


def are_numbers(fields: list[str], *, some: bool = False) -> bool:
    """Whether all fields, or some, are numbers."""

    def is_number(text: str) -> bool:
        try:
            float(text)
        except ValueError:
            return False
        return True

    return (any if some else all)(map(is_number, fields))


def wide(names: list[str]) -> dict[str, list[str]]:
    """Return component -> columns of particles 0, 1, ... of tables of a jet a row; empty where it is none.

    >>> wide(["E_0", "PX_0", "PY_0", "PZ_0", "E_1", "PX_1", "PY_1", "PZ_1", "label"])["px"]
    ['PX_0', 'PX_1']
    """
    found: dict[str, dict[int, str]] = {}
    for name in names:
        match = re.fullmatch(r"(?:.*_)?([A-Za-z]+?)_?(\d+)", name)
        known = momenta.known_as(match[1]) if match else None
        if match and known:
            found.setdefault(known, {})[int(match[2])] = name
    columns = {known: [places[i] for i in sorted(places)] for known, places in found.items()}
    same = len({len(places) for places in columns.values()}) == 1
    return columns if same and components(columns) and len(next(iter(columns.values()))) > 1 else {}


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a table.

    Raises
    ------
    JetFileError
        It is not clear which jet a particle is of, or which columns are which.
    """
    names = header(path)
    if names is None:
        raise JetFileError(f"{path}: no table of numbers")
    if not names:
        return without_header(path, wanted)
    if wanted.columns:
        raise JetFileError(
            f"{path}: --columns: the columns have names ({', '.join(names[:6])}, ...); rename them there"
        )
    found, places = components(names), wide(names)
    label = next((name for name in LABEL_NAMES if name in names), None)
    classes = wanted.labels or classes_of(
        (rows[label].to_numpy() for rows in frames(path, ROWS, [label])) if label else (), path
    )
    if places:
        taken, said = whole_jet.without(path, of_jets(path, places, names, classes))
        return Reading(classes, (f"a row is a jet of {len(next(iter(places.values())))} particles; GeV", *said), taken)
    jet = next((name for name in names if name.lower() in NUMBERS), None)
    event = next((name for name in names if name.lower() in EVENTS), None)
    if jet is None and event is None:
        raise JetFileError(
            f"{path}: rows of {', '.join(found.values())} do not say which jet they are of: add a column 'jet'"
        )
    by = [name for name in (event, jet) if name]
    taken, said = whole_jet.without(path, of_particles(path, by, found, names, classes))
    what = f"a row is a particle of the jet with the same {' and '.join(by)}; columns {', '.join(found.values())}; GeV"
    return Reading(classes, (what, *said), taken)


def without_header(path: Path, wanted: Wanted) -> Reading:
    """Open a table of numbers without names."""
    first = next(frames(path, 200, None)).to_numpy(np.float64)
    several = first.shape[1]
    if several in (3, 4):
        columns = wanted.columns
        if len(columns) != several:
            raise JetFileError(
                f"{path}: {several} columns without names: of which jet, and which are they? Give a header, "
                "jet,pt,eta,phi, or, of a single jet, --columns"
            )
        values = np.concatenate([rows.to_numpy(np.float64) for rows in frames(path, ROWS, None)])
        part = Particles(momenta.of_columns({x: values[None, :, i] for i, x in enumerate(columns)}, str(path)))
        taken, said = whole_jet.without(path, iter([part]))
        what = f"all {len(values)} rows are particles of a single jet; columns {', '.join(columns)}; GeV"
        return Reading(wanted.labels or (path.stem,), (what, *said), taken)
    size = len(wanted.columns) or next((n for n in (4, 3) if several % n == 0), 0)
    if not size or several % size:
        raise JetFileError(
            f"{path}: rows of {several} numbers are no multiple of {size or '3 or 4'}; give a header, pt_0,eta_0,phi_0,"
            "..., with a column 'label' where there are labels"
        )
    columns = wanted.columns or guessed(path, first.reshape(len(first), -1, size))
    taken, said = whole_jet.without(path, of_numbers(path, columns))
    what = f"a row is a jet of {several // size} particles; columns {', '.join(columns)}; GeV"
    return Reading(wanted.labels or (path.stem,), (what, *said), taken)


def frames(path: Path, rows: int, names: list[str] | None) -> Iterator[Any]:
    """Yield some rows at a time as pandas frames; ``names`` of a table with header are the columns to read.

    Raises
    ------
    JetFileError
        A text ends within a row: pandas takes the fields that it lacks as missing.
    """
    import pandas as pd

    if kind(path) == "parquet":
        for batch in parquet(path).iter_batches(rows, columns=names):
            yield batch.to_pandas()
        return
    lines = [line for line in text_head(path).splitlines() if line.strip()][:1]
    tail, separator = texts.Tail(), separator_of(lines)
    with texts.opened(path, tail.take) as text, pd.read_csv(
        text, sep=separator, chunksize=rows, skipinitialspace=True,
        header=0 if header(path) else None, names=header(path) or None, encoding="utf-8-sig",
    ) as found:  # fmt: skip
        width = 0
        for frame in found:
            width = frame.shape[1]
            yield frame if names is None else frame[names]
        fields = re.split(separator, tail.line.decode("utf-8", "replace").strip())
        if fields != [""] and len(fields) < width:
            raise JetFileError(f"{path}: ends within a row, after {len(fields)} of its {width} fields; copy it again")


def of_numbers(path: Path, columns: tuple[str, ...]) -> Iterator[Particles]:
    """Yield jets of rows of numbers without names."""
    for frame in frames(path, 2_000, None):
        values = frame.to_numpy(np.float64).reshape(len(frame), -1, len(columns))
        yield Particles(momenta.of_columns({name: values[..., i] for i, name in enumerate(columns)}, str(path)))


def of_jets(
    path: Path, places: dict[str, list[str]], names: list[str], classes: tuple[str, ...]
) -> Iterator[Particles]:
    """Yield jets of a table of a jet a row."""
    taken = {name for columns in places.values() for name in columns}
    for frame in frames(path, 2_000, names):
        values = {known: frame[columns].to_numpy(np.float64) for known, columns in places.items()}
        p4 = momenta.of_columns({known: np.nan_to_num(value) for known, value in values.items()}, str(path))
        own = {name: frame[name].to_numpy() for name in names if name not in taken}
        label, own, weights, events = beside(own, classes, path)
        yield Particles(p4, label, own, weights, events)


def of_particles(
    path: Path, by: list[str], found: dict[str, str], names: list[str], classes: tuple[str, ...]
) -> Iterator[Particles]:
    """Yield jets of a table of a particle a row, those of a jet one after the other.

    Raises
    ------
    JetFileError
        They are not.
    """
    taken = {*found.values(), *by, *(name for name in names if name.lower() in SUBENTRY)}
    own = {name: name for name in names if name not in taken}
    own.update((EVENT_NAMES[0], name) for name in by if name.lower() in EVENTS)
    seen: set[tuple] = set()
    for rows, first in of_whole_jets(path, frames(path, ROWS, names), by):
        keys = set(map(tuple, rows[by].to_numpy()[first].tolist()))
        if len(keys) < len(first) or keys & seen:
            raise JetFileError(
                f"{path}: particles of a jet are not one after the other; sort the rows by {', '.join(by)}"
            )
        seen |= keys
        values = {known: rows[name].to_numpy(np.float64) for known, name in found.items()}
        p4 = padded(np.diff(np.r_[first, len(rows)]), momenta.of_columns(values, str(path)))
        label, columns, weights, events = beside({x: rows[y].to_numpy()[first] for x, y in own.items()}, classes, path)
        yield Particles(p4, label, columns, weights, events)


def of_whole_jets(path: Path, found: Iterator[Any], by: list[str]) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield frames that end where a jet does, and the first row of each jet."""
    import pandas as pd

    def first_of(rows: Any) -> np.ndarray:
        keys = rows[by].to_numpy()
        if (keys != keys).any():
            raise JetFileError(f"{path}: {' or '.join(by)} of a particle is missing; drop it, or say what it is of")
        return np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(1)])

    rest: Any = None
    for frame in found:
        rows = frame if rest is None else pd.concat([rest, frame], ignore_index=True)
        first = first_of(rows)
        rest = rows.iloc[first[-1] :]
        if len(first) > 1:
            yield rows.iloc[: first[-1]], first[:-1]
    if rest is not None and len(rest):
        yield rest, first_of(rest)
