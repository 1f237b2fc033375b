"""How a training went: its losses by epoch."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.style import figure_of

SHOWN = {"loss": "-ELBO", "reconstruction": "reconstruction", "kl": "KL"}
"""Column of the history -> what it is on an axis."""


def loss_curves(history: xr.Dataset) -> Figure:
    """Draw loss, reconstruction and KL [nat per jet] (epoch,) against the epoch, for training and validation jets."""
    return figure_of(draw_losses, history, size=(7.2, 2.6), grid=(1, 3))


def draw_losses(panels: np.ndarray, history: xr.Dataset) -> None:
    """Draw on three panels what :func:`loss_curves` says."""
    dots = "." if history.sizes["epoch"] < 4 else "none"
    for axes, (name, title) in zip(panels.ravel(), SHOWN.items(), strict=True):
        axes.plot(history["epoch"], history[name], "-", marker=dots, label="training")
        if f"validation_{name}" in history:
            axes.plot(history["epoch"], history[f"validation_{name}"], "--", marker=dots, label="validation")
        axes.set(xlabel="epoch", ylabel=f"{title} [nat / jet]")
    panels.ravel()[0].legend()
