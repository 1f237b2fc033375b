"""Damage that the HDF5 library itself makes: other types, shapes, attributes and links in a file that is sound HDF5."""

from __future__ import annotations

import io
from collections.abc import Callable
from random import Random
from typing import Any

import h5py
import numpy as np

from .mutate import mutated

SCALARS: tuple[Any, ...] = (
    3, -1, 2**62, 1.5, np.nan, "text", b"bytes", "", "<b>x</b>", "\x1b[31m", "a/b", "\u202e", "x" * 5000, True,
    h5py.Empty("f4"), np.array([], "f4"), np.array(["a", "a"], object), np.array([b"qcd", b"top"]), np.zeros((2, 2)),
    np.array(["qcd", "top", ""], object), np.array([1j]), np.datetime64("2026-01-01").astype("i8"), [0, 0, 0],
)  # fmt: skip
"""Values of attributes."""
TYPES = ("f2", "f4", ">f8", "i1", "u2", ">i4", "i8", "u8", "?", "c8", "S3", "V4")


def hdf5_of(data: bytes, random: Random) -> bytes:
    """Change one to three things in a file of HDF5; or, of every fourth, any bytes."""
    if random.random() < 0.25:
        return mutated(data, random)
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "a") as file:
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            names: list[str] = []
            file.visit(names.append)
            if names:
                change = random.choice(CHANGES)
                try:
                    change(file, random.choice(names), random)
                except (OSError, TypeError, ValueError, LookupError, RuntimeError, AttributeError, OverflowError):
                    continue  # a change that this object does not admit
    return buffer.getvalue()


def delete(file: h5py.File, name: str, random: Random) -> None:
    """Remove an object."""
    del file[name]


def rename(file: h5py.File, name: str, random: Random) -> None:
    """Give an object another name."""
    file.move(name, name + random.choice(("x", " ", "\n", "<i>", "ü")))


def exchange(file: h5py.File, name: str, random: Random) -> None:
    """Put another dataset in the place of one: other type, shape, order or numbers."""
    if file[name].size > 10**6 or file[name].is_virtual or file[name].external:  # of an earlier change
        return
    values = np.asarray(file[name][()])
    way = random.randrange(8)
    if way == 0:
        values = values.astype(random.choice(TYPES))
    elif way == 1:
        values = values[: random.randrange(len(values) + 1)]
    elif way == 2:
        values = values.reshape(-1)[: random.randrange(values.size + 1)]
    elif way == 3:
        values = np.concatenate([values, values])
    elif way == 4:
        values = np.full_like(values, random.choice((0, -1, 1e30, np.nan, np.inf, 255)))
    elif way == 5:
        values = values[..., None]
    elif way == 6:
        values = values.T
    else:
        values = np.array(random.choice(SCALARS), dtype=object if random.random() < 0.1 else None)
    put(file, name, random, data=values)


def put(file: h5py.File, name: str, random: Random, **content: Any) -> None:
    """Write a dataset under a name, with the attributes of the one that was there."""
    kept = dict(file[name].attrs)
    del file[name]
    options = random.choice(({}, {}, {"compression": "gzip"}, {"fletcher32": True}, {"compression": "lzf"}))
    try:
        dataset = file.create_dataset(name, **content, **options)
    except (TypeError, ValueError):
        dataset = file.create_dataset(name, **content)
    for key, value in kept.items():
        dataset.attrs[key] = value


def boast(file: h5py.File, name: str, random: Random) -> None:
    """Say a shape of which the file holds nothing, or next to nothing."""
    shape = list(file[name].shape) or [1]
    shape[random.randrange(len(shape))] = random.choice((10**6, 10**9, 2**40))
    chunks = tuple(min(side, 64) for side in shape)
    put(file, name, random, shape=tuple(shape), dtype=file[name].dtype, chunks=chunks)


def attribute(file: h5py.File, name: str, random: Random) -> None:
    """Change, remove or add an attribute of an object or of the file."""
    owner = random.choice((file, file[name]))
    known = [*owner.attrs, "columns", "classes", "units", "scale"]
    key = random.choice(known)
    if key in owner.attrs and random.random() < 0.2:
        del owner.attrs[key]
    else:
        owner.attrs[key] = random.choice(SCALARS)


def group(file: h5py.File, name: str, random: Random) -> None:
    """Put a group in the place of an object."""
    del file[name]
    file.create_group(name)


def link(file: h5py.File, name: str, random: Random) -> None:
    """Put a link in the place of an object: to nothing, itself, a group around it, another object or another file."""
    del file[name]
    names: list[str] = []
    file.visit(names.append)
    inner = random.choice(("/nothing", f"/{name}", "/", *names))
    file[name] = random.choice((h5py.SoftLink(inner), h5py.ExternalLink("/etc/passwd", "/"), h5py.SoftLink(inner)))


def elsewhere(file: h5py.File, name: str, random: Random) -> None:
    """Let a dataset's bytes lie in another file, or be those of another dataset."""
    shape, kind = file[name].shape, file[name].dtype
    del file[name]
    if random.random() < 0.5:
        file.create_dataset(name, shape, kind, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])
        return
    layout = h5py.VirtualLayout(shape, kind)
    layout[...] = h5py.VirtualSource(random.choice((".", "/etc/passwd")), "label", shape)
    file.create_virtual_dataset(name, layout)


CHANGES: tuple[Callable[[h5py.File, str, Random], None], ...] = (
    delete, rename, exchange, exchange, exchange, boast, attribute, attribute, attribute, group, link, elsewhere,
)  # fmt: skip
