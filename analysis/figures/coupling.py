"""How far each latent coordinate reaches, for networks of several widths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figures.style import colour_of, figure_of


def rms_by_width(rms: xr.DataArray, names: Mapping[str, str]) -> Figure:
    """Draw ``rms`` (model, width, seed, rank), a panel for each model; ``names`` are their titles."""
    return figure_of(draw_rms, rms, names, size=(3.1 * len(names), 3.0), grid=(1, len(names)), share=(False, True))


def draw_rms(panels: np.ndarray, rms: xr.DataArray, names: Mapping[str, str]) -> None:
    """Draw on panels ``(1, model)`` what :func:`rms_by_width` says."""
    for axes, (model, name) in zip(panels.flat, names.items(), strict=True):
        mine = rms.sel(model=model)
        for i, width in enumerate(mine["width"].values):
            lines = mine.sel(width=width).transpose("rank", "seed")
            first, *_ = axes.plot(mine["rank"], lines, "o-", color=colour_of(i), markersize=4, linewidth=1)
            first.set_label(f"width {width}")
        axes.set(title=name, xlabel="latent coordinate, largest first")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    panels.flat[0].set(ylabel="rms of the centre", ylim=(0, None))
    panels.flat[-1].legend()
