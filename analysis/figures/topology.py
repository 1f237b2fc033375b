"""Which topology: differences in evidence, and the loops of posterior means."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import COLOURS, figure_of
from analysis.measures.persistence import REAL
from analysis.store import names


def differences(table: xr.Dataset) -> Figure:
    """Draw ln p(x) and ELBO of each latent space less the best, from :func:`analysis.measures.topology.rank`."""
    return figure_of(draw_differences, table, size=(4.8, 0.34 * table.sizes["topology"] + 1.0))


def draw_differences(axes: Axes, table: xr.Dataset) -> None:
    """Draw on axes what :func:`differences` says, with two paired standard errors."""
    place = np.arange(table.sizes["topology"])[::-1]
    axes.axvline(0, color="0.5", linewidth=1)
    error = 2 * table["difference_error"]
    axes.errorbar(table["difference"], place + 0.1, xerr=error, fmt="o", color=COLOURS[0], label="ln p(x)")
    axes.plot(table["elbo"] - table["elbo"].max(), place - 0.15, "s", color=COLOURS[1], markersize=4, label="ELBO")
    axes.set_yticks(place, names(table["kept"], "topology"))
    axes.tick_params(axis="y", which="minor", left=False, right=False)
    axes.set_xlabel("less the best [nat / jet]")
    axes.legend(fontsize=8)


def birth_and_death(table: xr.Dataset) -> Figure:
    """Draw birth and death of every loop of :func:`analysis.measures.persistence.persistence`."""
    return figure_of(draw_loops, table, size=(3.8, 3.2))


def draw_loops(axes: Axes, table: xr.Dataset) -> None:
    """Draw on axes what :func:`birth_and_death` says; loops above the dashed line are no noise."""
    for colour, marker, name in zip(COLOURS, "os^Dv*", names(table["found"], "name"), strict=False):
        mine = table.isel(loop=np.flatnonzero(table["cloud"] == name))
        axes.loglog(mine["birth"], mine["death"], marker, color=colour, markersize=5, label=name)
    ends = np.array([float(table["birth"].min()), float(table["death"].max())]) * [0.9, 1.1]
    axes.plot(ends, ends, color="0.5", linewidth=1)
    axes.plot(ends, REAL * ends, "--", color="0.5", linewidth=1, label=f"death = {REAL:g} birth")
    axes.set(xlabel="birth of the loop", ylabel="its death", ylim=(ends[0], ends[1] * 1.1))
    axes.legend(fontsize=8)
