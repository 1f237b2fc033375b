"""A trained run -> labelled arrays -> numbers -> pictures -> one HTML page, a room for each.

``evaluation`` (run -> DataTree) needs torch; ``measures`` and ``figures`` work on a saved tree alone.

>>> import analysis, numpy
>>> analysis.auc(numpy.array([1.0, 2.0]), numpy.array([0.0, 1.5])).value
0.75
"""

from importlib import import_module
from typing import Any

HOMES = {
    "auc": "measures.tagging",
    "evaluate": "evaluation.tree",
    "roc": "measures.tagging",
    "save": "store",
    "summarise": "measures.summary",
    "write_report": "report.run_page",
}
"""Public name -> the module that holds it."""

__all__ = sorted(HOMES)


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(f"analysis.{HOMES[name]}"), name)
