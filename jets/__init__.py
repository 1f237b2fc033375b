"""Jets and their metric: read, simulate, preprocess, pixelise.

>>> import jets
>>> jets.load("sample:qcd", "sample:top")
Jets(10000 qcd, 10000 top; up to 50 constituents)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jets.dataset import JetFileError, Jets, concatenate
    from jets.hdf5 import save
    from jets.loading import load
    from jets.memory import from_arrays
    from jets.overview import summary
    from jets.stream import Piece, pieces

HOMES = {
    "JetFileError": "errors",
    "Jets": "dataset",
    "Piece": "stream",
    "concatenate": "dataset",
    "from_arrays": "memory",
    "load": "loading",
    "pieces": "stream",
    "save": "hdf5",
    "summary": "overview",
}
"""Public name -> the file that holds it."""
__all__ = ["JetFileError", "Jets", "Piece", "concatenate", "from_arrays", "load", "pieces", "save", "summary"]


def __getattr__(name: str) -> Any:
    """Import numpy and h5py when the first array is wanted: a command that prints its help must not wait for them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"jets.{HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
