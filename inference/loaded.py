"""The tensors of a run, read from files of today or of before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference import tensors, torch_files
from inference.records import RunError


def load_tensors(path: Path, device: torch.device | str = "cpu", keys: Collection[str] = ()) -> dict[str, Any]:
    """Read what :meth:`RunFolder.save` wrote, today or before, which has these ``keys`` at least.

    Raises
    ------
    RunError
        The file is torn, damaged, or holds something else.
    DamagedError
        It is not what its checksum says.
    """
    if path.suffix == ".pt":
        return torch_files.load(path, device, keys)
    return tensors.load(path, device, keys)


def assert_finite(found: Mapping[str, Tensor], where: str | Path, remedy: str) -> None:
    """Assert that tensors, of any names and shapes, hold numbers only.

    Raises
    ------
    RunError
        One holds NaN or infinity; the message names the file or folder ``where``, the tensor, and the ``remedy``.
    """
    if not isinstance(found, Mapping):
        raise RunError(f"{where}: not what a training writes; restore it")
    for name, tensor in found.items():
        if not isinstance(tensor, Tensor):
            raise RunError(
                f"{where}: {name} is of type {type(tensor).__name__}, not what a training writes; restore it"
            )
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise RunError(f"{where}: {name} holds numbers that are not finite: trained on nothing; {remedy}")
