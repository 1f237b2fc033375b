"""Settings of the machine: device, denormal floats, the allocator, threads."""

from __future__ import annotations

import ctypes
import platform

import torch

from inference.recipe import RecipeError

MALLOC_OPTIONS = ((-3, 1 << 30), (-1, 2**31 - 1), (-2, 256 << 20))
"""mallopt: mmap threshold, trim threshold, top padding. Else glibc returns every large temporary to the kernel."""


def tune_cpu(threads: int = 1) -> None:
    """Flush denormal floats to zero, keep freed memory, and use ``threads`` threads within an operation.

    Adam's moments of pixels that are never lit decay into denormals, which cost 12-40 times in speed; page faults of
    temporaries above 128 kB cost another 30 %. A second thread gains a dense network on images little, and costs it
    a factor of 30 when another process wants the core, since idle OpenMP threads spin. Call it first in each process
    that trains: threads started later inherit the settings.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for parameter, value in MALLOC_OPTIONS:
            libc.mallopt(parameter, value)


def choose_device(name: str) -> torch.device:
    """Return the device for ``auto``, ``cpu`` or ``cuda``.

    >>> choose_device("cpu")
    device(type='cpu')

    Raises
    ------
    RecipeError
        ``cuda`` is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise RecipeError("device cuda: torch finds no CUDA device here; use --device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
