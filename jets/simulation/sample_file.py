"""The HDF5 file of a simulated sample, full or compact, written from blocks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import h5py
import numpy as np

from jets.command import command
from jets.disk import disk
from jets.hdf5 import CONSTITUENTS, create_dataset
from jets.simulation import clustering, substructure, truth
from jets.simulation.block import SHARED, of_level
from jets.simulation.config import Config, classes_of, sample_record, versions
from jets.simulation.levels import KINDS
from jets.simulation.unfinished import load_block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

CHUNK = 1024
SLAB = 10 * CHUNK
# Steps of pT [GeV] and of the two angles of a compact file, well below the detector's resolution of most constituents.
SCALE = (0.05, 5e-4, 5e-4)
MANTISSA_BITS = 12


def layout(process: str, level: str = "hadron", detector: str = "on") -> dict[str, tuple[tuple[str, ...], str]]:
    """Return columns and units of every dataset of a process.

    >>> layout("qcd")["constituents"], layout("qcd", "parton", "off")["kind"]
    ((('pt', 'eta_rel', 'phi_rel'), 'GeV, 1, rad'), (('kind',), '0 pad 4 parton'))
    """
    return {
        "constituents": CONSTITUENTS,
        "jet": (clustering.JET_COLUMNS, "GeV, 1, rad, GeV, 1, 1"),
        "kind": (("kind",), KINDS[level, detector]),
        "event_number": (("event_number",), "the same in the files of all levels"),
        "label": (("label",), " ".join(f"{i} {name}" for i, name in enumerate(classes_of(process)))),
        "subst": (substructure.COLUMNS, substructure.UNITS),
        "truth": (truth.COLUMNS[process], truth.UNITS),
    }


def quantise(constituents: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return constituents ``(N, M, 3)`` [GeV, 1, rad] as whole multiples of ``SCALE``; no pT becomes padding's zero.

    >>> quantise(np.array([[[1.0, 0.1, -0.1], [0.004, 0.0, 0.0], [0.0, 0.0, 0.0]]], np.float32)).tolist()
    [[[20, 200, -200], [1, 0, 0], [0, 0, 0]]]
    """
    steps = np.rint(constituents / np.asarray(SCALE))
    steps[..., 0] = np.maximum(steps[..., 0], constituents[..., 0] > 0)
    return steps.astype(np.int16)


def round_mantissa(values: NDArray[np.float32], bits: int = MANTISSA_BITS) -> NDArray[np.float32]:
    """Return floats of any shape rounded to ``bits`` bits of mantissa, so that they compress.

    >>> round_mantissa(np.array([0.1, 600.123], np.float32)).tolist()
    [0.100006103515625, 600.0]
    """
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.rint(np.ldexp(mantissa, bits)), exponent - bits).astype(np.float32)


def compacted(arrays: dict[str, NDArray]) -> dict[str, NDArray]:
    """Return a block's arrays as a compact file holds them: without kinds, quantised, with short mantissas."""
    rounded = {name: round_mantissa(arrays[name]) for name in ("jet", "subst", "truth")}
    shared = {name: arrays[name] for name in SHARED if name in arrays}
    return {"constituents": quantise(arrays["constituents"]), **shared, **rounded}


def write(path: Path, folder: Path, config: Config, counts: list[int], level: str) -> None:
    """Write the first ``config.n`` jets of blocks 0, 1, ... at one level into a new file.

    Parameters
    ----------
    path
        Of the HDF5 file; the same blocks always give the same bytes.
    folder
        Of the blocks.
    config
        The sample's configuration.
    counts
        Jets in each block; their sum is at least ``config.n``.
    level
        One of ``config.level``.
    """
    done = 0
    with disk(path) as whole, h5py.File(whole, "w") as file:
        _describe(file, config, counts, level)
        for rows in _slabs(_blocks(folder, config, len(counts), level), config.n):
            for name in sorted(rows):
                dataset = file[name] if name in file else _create(file, name, rows[name], config, level)
                dataset[done : done + len(rows[name])] = rows[name]
            done += len(rows["label"])
            whole.check()


def _blocks(folder: Path, config: Config, blocks: int, level: str) -> Iterator[dict[str, NDArray]]:
    """Yield the blocks' arrays as the file of a level holds them."""
    for block in range(blocks):
        arrays = of_level(load_block(folder, block), config, level)
        yield compacted(arrays) if config.compact else arrays


def _slabs(blocks: Iterator[dict[str, NDArray]], rows: int) -> Iterator[dict[str, NDArray]]:
    """Yield the first ``rows`` rows in slabs of whole chunks: a chunk written twice leaves a hole in the file."""
    waiting: dict[str, NDArray] = {}
    for block in blocks:
        waiting = {name: np.concatenate([waiting[name], block[name]]) for name in block} if waiting else block
        while len(waiting["label"]) >= min(SLAB, rows) > 0:
            size = min(SLAB, rows)
            yield {name: array[:size] for name, array in waiting.items()}
            waiting = {name: array[size:] for name, array in waiting.items()}
            rows -= size


def _create(file: h5py.File, name: str, example: NDArray, config: Config, level: str) -> h5py.Dataset:
    """Create the empty dataset of all jets."""
    shape = (config.n, *example.shape[1:])
    # One column a chunk compresses better, whole jets a chunk read faster.
    chunks = (SLAB, *shape[1:-1], 1) if example.dtype == np.int16 else (CHUNK, *shape[1:])
    columns, units = layout(config.process, level, config.detector)[name]
    chunks = (min(chunks[0], config.n), *chunks[1:])
    dataset = create_dataset(file, name, shape, example.dtype, columns, units, chunks=chunks, level=9)
    if example.dtype == np.int16:
        dataset.attrs["scale"] = np.array(SCALE)
    return dataset


def _describe(file: h5py.File, config: Config, counts: list[int], level: str) -> None:
    """Write the file's attributes; nothing in them depends on when, where or in how many pieces the sample was made."""
    file.attrs["process"] = config.process
    file.attrs["level"] = level
    file.attrs["classes"] = np.array(classes_of(config.process), h5py.string_dtype())
    file.attrs["config"] = json.dumps(sample_record(config))
    file.attrs.update(versions())
    file.attrs["events"] = len(counts) * config.events_per_block
    file.attrs["jets_accepted"] = sum(counts)
    if config.compact:
        options = ("--n", config.n, "--seed", config.seed, "--compact", "--max-constituents", config.max_constituents)
        words = command("simulate", config.process, *options, *config.generated())
        file.attrs["note"] = (
            f"{words}: constituents are int16 multiples of the attribute "
            f"scale, jet, subst and truth have {MANTISSA_BITS} bits of mantissa, kind is left out"
        )
