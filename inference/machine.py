"""Settings of the machine: device, denormal floats, the allocator, threads, where compiled code is kept."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

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


@lru_cache(maxsize=1)
def cpu() -> str:
    """Return maker, model and instruction sets of the cores, where the system names them."""
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return f"{platform.machine()} {platform.processor()}"
    first = file.read_text(errors="replace").split("\n\n")[0].splitlines()
    return "\n".join(
        line for line in first if line.startswith(("vendor_id", "model", "stepping", "flags", "Features", "CPU "))
    )


def keep_compiled() -> None:
    """Let inductor keep what it compiles in the user's cache folder; its own choice, /tmp, is empty after a restart.

    There is a folder for each kind of cores, since a home may be seen from many machines. ``TORCHINDUCTOR_CACHE_DIR``
    stays where it is set; where the user's folder cannot be written, inductor's own does.
    """
    if "TORCHINDUCTOR_CACHE_DIR" in os.environ:
        return
    kind = f"inductor-{sha256(cpu().encode()).hexdigest()[:8]}"
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jetvae" / kind
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no such place, or nobody's home
        return
    if os.access(folder, os.W_OK):
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)


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


def device_name(device: torch.device) -> str:
    """Return the device and, of a GPU, its model.

    >>> device_name(torch.device("cpu"))
    'cpu'
    """
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type
