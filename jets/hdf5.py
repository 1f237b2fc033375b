"""Jets on disk: the HDF5 format, and ``load`` with errors that name the file, the field and the remedy."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from jets.dataset import JetFileError, Jets, concatenate
from jets.files import replacing
from jets.simulation.config import CLASSES
from jets.vectors import load_vectors, names_vectors

SAMPLES = tuple(f"sample:{name}" for name in CLASSES)
CONSTITUENTS = (("pt", "eta_rel", "phi_rel"), "GeV, 1, rad")
"""Columns and units of the constituents."""


def load(*sources: str | Path) -> Jets:
    """Read jets from one or more sources ``F`` or ``F:class`` and join them.

    ``F`` is an HDF5 file of the format of :func:`save` or part of the embedded sample: ``sample:qcd``,
    ``sample:top``, ``sample:w``. Classes come from the file's labels; ``F:class`` selects that class from a file
    of several, and names the jets of a file of one. Vectors instead of jets come from ``F.npy`` or a toy,
    ``toy:torus(n=1000)``.

    Raises
    ------
    JetFileError
        Missing file, wrong format, unknown class, or values that no jet can have (NaN, negative pT).

    Examples
    --------
    >>> load("sample:qcd", "sample:top").counts
    {'qcd': 10000, 'top': 10000}
    """
    if not sources:
        raise JetFileError(f"no data given; name an HDF5 file or one of {', '.join(SAMPLES)}")
    return concatenate(_load_one(str(source)) for source in sources)


def save(path: str | Path, jets: Jets) -> Path:
    """Write jets as HDF5 with ``columns`` and ``units`` attributes, atomically; return the path."""
    with replacing(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        file.attrs["classes"] = list(jets.classes)
        _write(file, "constituents", jets.constituents, *CONSTITUENTS)
        _write(file, "label", jets.label.astype(np.uint8), ("label",), "index into classes")
        for group in ("jet", "subst", "truth"):
            columns = getattr(jets, group)
            if columns:
                _write(file, group, np.stack(list(columns.values()), 1), tuple(columns), "")
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
        Shape of the pieces that are compressed one by one; h5py's choice by default.
    level
        Of gzip, 0 to 9.
    """
    options = {"compression": "gzip", "compression_opts": level, "shuffle": True, "track_times": False}
    dataset = file.create_dataset(name, shape, dtype, chunks=chunks, **options)
    dataset.attrs["columns"] = np.array(columns, h5py.string_dtype())
    dataset.attrs["units"] = units
    return dataset


def _load_one(source: str) -> Jets:
    if names_vectors(source):
        return load_vectors(source)
    path, named = _locate(source)
    if not path.exists():
        raise JetFileError(f"{path}: no such file; give an HDF5 file of jets or one of {', '.join(SAMPLES)}")
    try:
        with h5py.File(path, "r") as file:
            jets = _read(file, path)
    except OSError as error:
        raise JetFileError(f"{path}: not a readable HDF5 file ({error}); see docs/data.md for the format") from error
    jets = _choose_class(jets, named, path)
    return Jets(jets.constituents, jets.label, jets.classes, jets.jet, jets.subst, jets.truth, (source,))


def _locate(source: str) -> tuple[Path, str | None]:
    """Split ``F:class`` and find the embedded sample."""
    if source.startswith("sample:"):
        name, _, named = source.removeprefix("sample:").partition(":")
        if name not in CLASSES:
            raise JetFileError(f"{source}: the embedded sample has {', '.join(SAMPLES)}")
        with as_file(files("jets") / "sample" / f"{name}.h5") as path:
            return Path(path), named or None
    name, _, named = source.rpartition(":")
    if name and not Path(source).exists():
        return Path(name), named
    return Path(source), None


def _read(file: h5py.File, path: Path) -> Jets:
    constituents = _constituents(file, path)
    classes = tuple(str(name) for name in file.attrs.get("classes", CLASSES))
    label = np.asarray(file["label"][:], np.int64) if "label" in file else np.zeros(len(constituents), np.int64)
    if label.shape != (len(constituents),) or (len(label) and (label.min() < 0 or label.max() >= len(classes))):
        raise JetFileError(
            f"{path}: label needs one number in 0..{len(classes) - 1} for each jet ({', '.join(classes)})"
        )
    if "label" not in file:
        classes = (path.stem,)
    present = np.unique(label)
    jet, subst, truth = (_columns(file, name, path, len(constituents)) for name in ("jet", "subst", "truth"))
    names = tuple(classes[i] for i in present)
    return Jets(constituents, np.searchsorted(present, label), names, jet, subst, truth)


def _constituents(file: h5py.File, path: Path) -> NDArray[np.float32]:
    if "constituents" not in file:
        raise JetFileError(f"{path}: no dataset 'constituents', only {sorted(file)}; see docs/data.md for the format")
    data = file["constituents"]
    if data.ndim != 3 or data.shape[-1] != 3 or not len(data):
        raise JetFileError(
            f"{path}: constituents has shape {data.shape}, expected (jets, constituents, 3) with jets > 0"
        )
    values = np.asarray(data[:], np.float32)
    if "scale" in data.attrs:  # stored as whole numbers of steps
        values *= np.asarray(data.attrs["scale"], np.float32)
    bad = ~np.isfinite(values).all((1, 2))
    if bad.any():
        raise JetFileError(
            f"{path}: constituents of {bad.sum()} jets hold NaN or inf (first: jet {bad.argmax()}); drop them"
        )
    bad = (values[..., 0] < 0).any(1) | (values[..., 0].sum(1) <= 0)
    if bad.any():
        raise JetFileError(
            f"{path}: pT of {bad.sum()} jets is negative or zero in sum (first: jet {bad.argmax()}); drop them"
        )
    return values


def _columns(file: h5py.File, name: str, path: Path, count: int) -> dict[str, NDArray[np.float32]]:
    if name not in file:
        return {}
    data = file[name]
    columns = [str(column) for column in data.attrs.get("columns", ())]
    if data.shape != (count, len(columns)):
        raise JetFileError(
            f"{path}: {name} has shape {data.shape}, expected ({count}, {len(columns)}) by its 'columns'"
        )
    values = np.asarray(data[:], np.float32)
    return {column: np.ascontiguousarray(values[:, i]) for i, column in enumerate(columns)}


def _choose_class(jets: Jets, named: str | None, path: Path) -> Jets:
    if named is None:
        return jets
    if len(jets.classes) == 1:
        return Jets(jets.constituents, jets.label, (named,), jets.jet, jets.subst, jets.truth)
    if named not in jets.classes:
        raise JetFileError(f"{path}: unknown class {named!r}; the file has {', '.join(jets.classes)}")
    chosen = jets[jets.label == jets.classes.index(named)]
    zeros = np.zeros(len(chosen), np.int64)
    return Jets(chosen.constituents, zeros, (named,), chosen.jet, chosen.subst, chosen.truth)
