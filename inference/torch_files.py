"""Files of tensors of before, ``.pt``, as :func:`torch.save` wrote them: read, and nothing in them is run."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference.records import RunError
from jets.sums import assert_intact

SAFE = (2, 10)
"""Version of torch from which ``weights_only`` holds: CVE-2026-24747."""
REMEDY = "restore it, or remove it to train anew"


def load(path: Path, device: torch.device | str = "cpu", keys: Collection[str] = ()) -> dict[str, Any]:
    """Return the content of a file, a mapping of tensors, lists and plain values, of these ``keys`` at least.

    Raises
    ------
    RunError
        It is torn, would run code, would need more memory than it has bytes, or this torch cannot read it safely.
    """
    assert_intact(path)
    if not safe(torch.__version__):
        raise RunError(f"{path}: torch {torch.__version__} cannot read it safely; install torch 2.10 or newer")
    try:
        content = torch.load(stored(path), map_location=device, weights_only=True)
        if any(tensor.nbytes > path.stat().st_size for tensor in tensors(content)):
            raise ValueError("more numbers than bytes")
    except Exception as error:  # torch raises anything
        raise RunError(f"{path}: not a file of tensors, or torn; {REMEDY}") from error
    if not isinstance(content, dict) or not set(keys) <= set(content):
        raise RunError(f"{path}: not what a training writes; {REMEDY}")
    return content


def safe(version: str) -> bool:
    """Whether this version of torch reads files of others without running what they hold.

    >>> [safe(version) for version in ("2.9.1+cpu", "2.10.0a0+git1", "3.0")]
    [False, True, True]
    """
    return tuple(map(int, re.findall(r"\d+", version)[:2])) >= SAFE


def stored(path: Path) -> io.BytesIO:
    """Return an archive written anew, of the members of one that holds no more than its own size, undamaged.

    torch itself does not compare the checksums of the archive (CRC-32) with its content, and gives what happens to lie
    in memory where the archive's directory is damaged.

    Raises
    ------
    ValueError, zipfile.BadZipFile
        It holds more, as torch compresses nothing; something is damaged, or it is no archive.
    """
    copy = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as anew:
        if sum(info.file_size for info in archive.infolist()) > path.stat().st_size:
            raise ValueError("compressed")
        for info in archive.infolist():
            anew.writestr(info.filename, archive.read(info))
    copy.seek(0)
    return copy


def tensors(content: Any) -> Iterator[Tensor]:
    """Yield the tensors of a nest, whose parts may stand in it many times."""
    waiting, seen = [content], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Tensor):
            yield each
        elif isinstance(each, dict | list | tuple):
            waiting += each.values() if isinstance(each, dict) else each
