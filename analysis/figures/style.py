"""One look for all figures: colour-blind safe, units on every axis, no decoration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from cycler import cycler

COLOURS = ("#3f90da", "#e76300", "#94a4a2", "#832db6", "#a96b59", "#b9ac70")
"""Petroff's six-colour cycle (2107.02270), made for colour-vision deficiency; the LHC experiments use it."""
IMAGE_MAP = "magma"

SETTINGS: dict[Any, Any] = {
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.top": True,
    "axes.spines.right": True,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "jetvae",
}


@contextmanager
def house() -> Iterator[None]:
    """Draw in the house style within the block."""
    with mpl.rc_context(SETTINGS):
        yield
