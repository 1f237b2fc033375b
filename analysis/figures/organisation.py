"""What codes cost that are turned, or without order."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of


def costs(found: xr.Dataset) -> Figure:
    """Draw the numbers of the study of organisation: ``turned`` (seed, angle) and ``disordered`` (pieces,) [nat]."""
    return figure_of(draw_costs, found, size=(7.0, 3.0), grid=(1, 2))


def draw_costs(panels: np.ndarray, found: xr.Dataset) -> None:
    """Draw on panels ``(1, 2)`` what :func:`costs` says."""
    left, right = panels.flat
    left.plot(found["angle"], found["turned_exact"], color="0.5", linewidth=1, label="exact")
    left.plot(found["angle"], found["turned"].transpose("angle", "seed"), "o", color=COLOURS[0], markersize=4)
    left.plot([], [], "o", color=COLOURS[0], markersize=4, label="measured")
    left.set(xlabel="angle to the principal axes [degree]", ylabel="costs more [nat]", xticks=range(0, 91, 15))
    left.legend()
    pieces = found["pieces"].values
    many = pieces[pieces * found.attrs["fineness"] > 1]
    limit = np.log(np.sqrt(2 * np.pi) * found.attrs["fineness"] * many)
    right.semilogx(many, limit, "--", color="0.2", linewidth=1, zorder=3, label=r"$\ln(\sqrt{2\pi}\,\beta\,$pieces$)$")
    right.semilogx(pieces, found["disordered"], "o-", color=COLOURS[1], markersize=4, label="exact")
    right.set(xlabel="pieces in disorder", ylabel="costs more [nat]")
    right.legend()
