"""A trained run -> labelled arrays -> numbers -> pictures -> one HTML page.

``evaluate`` (run -> DataTree) needs torch; everything else works on a saved tree alone and is imported when used.

>>> import analysis, numpy
>>> analysis.auc(numpy.array([1.0, 2.0]), numpy.array([0.0, 1.5])).value
0.75
"""

from importlib import import_module
from typing import Any

HOMES = {
    "evaluate": "tree",
    "save": "tree",
    "summarise": "summary",
    "write_report": "report",
    "auc": "scores",
    "roc": "scores",
}

__all__ = sorted(HOMES)


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(f"analysis.{HOMES[name]}"), name)
