"""Jets on disk: the HDF5 format, and ``load`` with errors that name the file, the field and the remedy."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from jets import checks
from jets.dataset import GROUPS, Jets, concatenate
from jets.errors import JetFileError
from jets.files import replacing
from jets.formats import is_foreign, jets_in
from jets.simulation.config import CLASSES
from jets.vectors import holds_particles, load_vectors, names_vectors
from jets.weights import EVENT_NAMES, WEIGHT_NAMES

SAMPLES = tuple(f"sample:{name}" for name in CLASSES)
CONSTITUENTS = (("pt", "eta_rel", "phi_rel"), "GeV, 1, rad")
"""Columns and units of the constituents."""
DAMAGE = (OSError, ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What h5py raises on files that are damaged."""
SMALL, PACKED = 2**28, 200
"""Bytes from which a dataset must be backed by the file, and the most that compression makes of jets, as a factor."""


def load(*sources: str | Path) -> Jets:
    """Read jets from one or more sources ``F`` or ``F:class`` and join them.

    ``F`` is an HDF5 file of the format of :func:`save` or part of the embedded sample: ``sample:qcd``,
    ``sample:top``, ``sample:w``. Classes come from the file's labels; ``F:class`` selects that class from a file
    of several, and names the jets of a file of one. Vectors instead of jets come from ``F.npy`` or a toy,
    ``toy:torus(n=1000)``.

    Raises
    ------
    JetFileError
        Missing file, wrong format, unknown class, or values that no jet can have (see :class:`jets.Jets`).

    Examples
    --------
    >>> load("sample:qcd", "sample:top").counts
    {'qcd': 10000, 'top': 10000}
    """
    if not sources:
        raise JetFileError(f"no data given; name an HDF5 file or one of {', '.join(SAMPLES)}")
    return concatenate(_load_one(str(source)) for source in sources)


def save(path: str | Path, jets: Jets) -> Path:
    """Write jets as HDF5 with ``columns`` and ``units`` attributes, atomically; return the path.

    Weights and event numbers, where there are any, are datasets ``weight`` and ``event_number``.
    """
    with replacing(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        file.attrs["classes"] = list(jets.classes)
        _write(file, "constituents", jets.constituents, *CONSTITUENTS)
        label = jets.label.astype(np.min_scalar_type(max(len(jets.classes) - 1, 0)))
        _write(file, "label", label, ("label",), "index into classes")
        for group in GROUPS:
            columns = getattr(jets, group)
            if columns:
                _write(file, group, np.stack(list(columns.values()), 1), tuple(columns), "")
        for name, values in ((WEIGHT_NAMES[0], jets.weights), (EVENT_NAMES[0], jets.events)):
            if values is not None:
                _write(file, name, values, (name,), "")
    return Path(path)


def _write(file: h5py.File, name: str, values: NDArray, columns: tuple[str, ...], units: str) -> None:
    create_dataset(file, name, values.shape, values.dtype, columns, units)[...] = values


def create_dataset(
    file: h5py.File,
    name: str,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    columns: tuple[str, ...],
    units: str,
    *,
    chunks: tuple[int, ...] | None = None,
    level: int = 4,
    packed: str = "gzip",
) -> h5py.Dataset:
    """Create an empty compressed dataset that says what its columns are; nothing in it depends on the time.

    Parameters
    ----------
    file
        Open for writing.
    name, shape, dtype
        Of the dataset.
    columns, units
        Its attributes: the names along the last axis, and their units.
    chunks
        Shape of the pieces that are compressed one by one, of a dataset that can grow; h5py's choice by default.
    level
        Of gzip, 0 to 9.
    packed
        ``gzip``, or ``lzf``, which is faster and packs less.
    """
    options = {"compression": packed, "shuffle": True, "track_times": False}
    options |= {"compression_opts": level} if packed == "gzip" else {}
    options |= {"maxshape": (None,) * len(shape)} if packed != "gzip" else {}
    dataset = file.create_dataset(name, shape, dtype, chunks=chunks, **options)
    dataset.attrs["columns"] = np.array(columns, h5py.string_dtype())
    dataset.attrs["units"] = units
    return dataset


def _load_one(source: str) -> Jets:
    if names_vectors(source) and not holds_particles(source):
        return load_vectors(source)
    path, named = _locate(source)
    if not path.exists():
        raise JetFileError(f"{path}: no such file; give an HDF5 file of jets or one of {', '.join(SAMPLES)}")
    if path.is_file() and is_foreign(path):
        return _choose_class(jets_in(path), named, path).with_(sources=(source,))
    try:
        with h5py.File(path, "r") as file:
            jets = _read(file, path)
    except JetFileError:
        raise
    except DAMAGE as error:
        raise JetFileError(
            f"{path}: not a readable HDF5 file of jets ({error}); see docs/data.md for the format"
        ) from error
    return _choose_class(jets, named, path).with_(sources=(source,))


def _locate(source: str) -> tuple[Path, str | None]:
    """Split ``F:class`` and find the embedded sample."""
    if source.startswith("sample:"):
        name, colon, named = source.removeprefix("sample:").partition(":")
        if name not in CLASSES:
            raise JetFileError(f"{source}: the embedded sample has {', '.join(SAMPLES)}")
        with as_file(files("jets") / "sample" / f"{name}.h5") as path:
            return Path(path), named if colon else None
    name, _, named = source.rpartition(":")
    if name and not Path(source).exists():
        return Path(name), named
    return Path(source), None


def _read(file: h5py.File, path: Path) -> Jets:
    if "constituents" not in set(file):
        raise JetFileError(f"{path}: no dataset 'constituents', only {sorted(file)}; see docs/data.md for the format")
    constituents = _constituents(_dataset(file, "constituents", path), path)
    count = len(constituents)
    classes = checks.names(file.attrs["classes"], "classes", str(path)) if "classes" in file.attrs else CLASSES
    label = np.zeros(count, np.int64)
    if "label" in set(file):
        label = checks.labels(_dataset(file, "label", path)[()], classes, count, str(path))
    else:
        classes = (path.stem,)
    jet, subst, truth = (_columns(file, name, path, count) for name in GROUPS)
    weights, events = (_beside(file, names, path) for names in (WEIGHT_NAMES, EVENT_NAMES))
    _say_what_is_not_read(file, path)
    jets = Jets(constituents, label, classes, jet, subst, truth, (str(path),), weights, events)
    present = np.unique(jets.label)
    return jets.with_(label=np.searchsorted(present, jets.label), classes=tuple(jets.classes[i] for i in present))


def _dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Return a dataset of numbers that lies in this file and is as large as it says."""
    if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
        raise JetFileError(f"{path}: {name} is a link to another file; copy the data into this one")
    data = file.get(name)
    if not isinstance(data, h5py.Dataset):
        raise JetFileError(f"{path}: {name} is no dataset; see docs/data.md for the format")
    if data.dtype.kind not in "fiub" or data.shape is None:
        raise JetFileError(f"{path}: {name} is of type {data.dtype}; expected real numbers")
    if data.is_virtual or data.external:
        raise JetFileError(f"{path}: the numbers of {name} lie in another file; copy them into this one")
    stored = data.id.get_storage_size()
    if data.nbytes > max(SMALL, PACKED * stored):
        raise JetFileError(
            f"{path}: {name} says it has shape {data.shape}, but holds only {stored} bytes of it; write it again"
        )
    return data


def _constituents(data: h5py.Dataset, path: Path) -> NDArray[np.float32]:
    if data.ndim != 3 or data.shape[-1] != 3 or 0 in data.shape:
        raise JetFileError(
            f"{path}: constituents has shape {data.shape}, expected (jets, constituents, 3) with jets > 0"
        )
    with np.errstate(over="ignore"):
        values = np.asarray(data[:], np.float32)
    if "scale" in data.attrs:  # stored as whole numbers of steps
        scale = np.asarray(data.attrs["scale"])
        if scale.dtype.kind not in "fiu" or scale.shape not in ((), (1,), (3,)) or not np.isfinite(scale).all():
            raise JetFileError(f"{path}: the attribute scale of constituents is {scale!r}; expected three step sizes")
        with np.errstate(over="ignore", invalid="ignore"):
            values *= scale.astype(np.float32)
    return values


def _columns(file: h5py.File, name: str, path: Path, count: int) -> dict[str, NDArray[np.float32]]:
    if name not in set(file):
        return {}
    data = _dataset(file, name, path)
    columns = checks.names(data.attrs.get("columns", ()), f"the attribute columns of {name}", str(path))
    if data.shape != (count, len(columns)):
        raise JetFileError(
            f"{path}: {name} has shape {data.shape}, expected ({count}, {len(columns)}) by its 'columns'"
        )
    with np.errstate(over="ignore"):
        values = np.asarray(data[:], np.float32)
    return {column: np.ascontiguousarray(values[:, i]) for i, column in enumerate(columns)}


def _beside(file: h5py.File, names: tuple[str, ...], path: Path) -> NDArray | None:
    """Return the one dataset that has one of these names; None without any."""
    found = [name for name in names if name in set(file)]
    if len(found) > 1:
        raise JetFileError(f"{path}: has {' and '.join(found)}; keep one of them")
    return _dataset(file, found[0], path)[()] if found else None


def _say_what_is_not_read(file: h5py.File, path: Path) -> None:
    """Name what may be weights or event numbers under another name."""
    read = {"constituents", "label", *GROUPS, *WEIGHT_NAMES, *EVENT_NAMES}
    for name in sorted(set(file) - read):
        if "weight" in name.lower() or "event" in name.lower():
            known = WEIGHT_NAMES[0] if "weight" in name.lower() else EVENT_NAMES[0]
            checks.say(f"{path}: {name!r} is not read; were it named {known!r}, it would be")


def _choose_class(jets: Jets, named: str | None, path: Path) -> Jets:
    if named is None:
        return jets
    if not named.strip():
        raise JetFileError(f"{path}: no class after the colon; the file has {', '.join(jets.classes)}")
    if len(jets.classes) == 1:
        return jets.with_(classes=checks.names((named,), "class", str(path)))
    if named not in jets.classes:
        raise JetFileError(f"{path}: unknown class {named!r}; the file has {', '.join(jets.classes)}")
    chosen = jets[jets.label == jets.classes.index(named)]
    return chosen.with_(label=np.zeros(len(chosen), np.int64), classes=(named,))
