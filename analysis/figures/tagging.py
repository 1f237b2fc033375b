"""How well scores tag a class: ROC curves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import figure_of
from analysis.measures.tagging import Estimate, roc, separate, weights_of
from analysis.store import Missing

MOST = 6
"""Scores drawn at most, the best ones."""


def roc_curves(tree: xr.DataTree, signal: str, auc: Mapping[str, Estimate]) -> Figure:
    """Draw background rejection 1/eps_B against signal efficiency eps_S for the best scores by ``auc``."""
    return figure_of(draw_roc, tree, signal, auc, size=(4.6, 3.6))


def draw_roc(axes: Axes, tree: xr.DataTree, signal: str, auc: Mapping[str, Estimate]) -> None:
    """Draw on axes what :func:`roc_curves` says, where at least ten background jets pass."""
    positive, negative = separate(tree, signal)
    weights = weights_of(positive, negative)
    if isinstance(weights, str):
        raise Missing(weights)
    table = sorted((item for item in auc.items() if item[1].value >= 0), key=lambda item: -item[1].value)
    for name, estimate in table[:MOST]:
        curve = roc(np.asarray(positive.sel(score=name)), np.asarray(negative.sel(score=name)), weights)
        kept = curve.background * negative.sizes["jet"] >= min(10, negative.sizes["jet"])  # fewer jets say little
        x, y = np.maximum.accumulate(curve.signal)[kept], 1 / curve.background[kept]
        thin = np.unique(np.searchsorted(x, np.linspace(0.02, 1, 200)).clip(max=len(x) - 1))
        axes.plot(x[thin], y[thin], label=f"{name}: {estimate.value:.3f} $\\pm$ {estimate.error:.3f}")
    grid = np.linspace(0.02, 1, 100)
    axes.plot(grid, 1 / grid, ":", color="0.5", label="chance")
    axes.set(xlabel=rf"$\epsilon_S$ ({signal})", ylabel=r"$1/\epsilon_B$", yscale="log", xlim=(0, 1), ylim=(1, None))
    axes.legend(title="score: AUC", fontsize=8)
