"""What distances change: the dimension of the jets against the scale, and the information that latents share."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.dimension import label_scale
from analysis.figures.style import colour_of, figure_of

MARKERS = "os^vDP"
DARK = 0.6
"""Share above which a cell is dark, and its number white."""


def rulers_compared(found: xr.Dataset, share: xr.DataArray, same: np.ndarray) -> Figure:
    """Draw D2 of each ruler against beta over its typical distance, and ``share`` (ruler, other), bold where ``same``.

    ``found`` holds ``D2``, ``D2_error`` (ruler, scale) and the attribute ``at``, where latents are compared.
    """
    return figure_of(draw_rulers, found, share, same, size=(8.4, 3.7), grid=(1, 2))


def draw_rulers(panels: np.ndarray, found: xr.Dataset, share: xr.DataArray, same: np.ndarray) -> None:
    """Draw on panels ``(1, 2)`` what :func:`rulers_compared` says."""
    left, right = panels.flat
    draw_dimension(left, found)
    draw_shares(right, share, same)


def draw_dimension(axes: Axes, found: xr.Dataset) -> None:
    """Draw on axes D2 of each ruler with its band; a line where latents are compared."""
    for i, name in enumerate(found["ruler"].values):
        mine = found.sel(ruler=name)
        x, value, error = (np.asarray(mine[key], float) for key in ("scale", "D2", "D2_error"))
        axes.plot(x, value, marker=MARKERS[i % len(MARKERS)], markersize=3.5, color=colour_of(i), label=str(name))
        axes.fill_between(x, value - error, value + error, color=colour_of(i), alpha=0.2, lw=0)
    axes.axvline(found.attrs["at"], color="0.6", linestyle=":", zorder=0)
    axes.set(xscale="log", xlabel="beta / median distance of two jets", ylabel="$D_2$", ylim=(0, None))
    label_scale(axes.xaxis)
    axes.legend(fontsize=8)


def draw_shares(axes: Axes, share: xr.DataArray, same: np.ndarray) -> None:
    """Draw on axes a matrix ``share`` (ruler, other) with its numbers, bold where ``same`` (ruler, other)."""
    names = [str(name) for name in share["ruler"].values]
    axes.imshow(share.values, cmap="Blues", vmin=0, vmax=1.25)
    for (i, j), value in np.ndenumerate(share.values):
        colour, weight = "w" if value > DARK * 1.25 else "k", "bold" if same[i, j] else "normal"
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, weight=weight, fontsize=9)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(which="both", length=0)
    axes.set(
        xlabel="known of the latents of", ylabel="given the latents of", title="information over that of two seeds"
    )
