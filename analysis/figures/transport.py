"""A transport plan between two jets."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from analysis.figures.style import class_colours, class_label, figure_of

AREA = 600.0
"""Of a constituent that has all the pT [square points]."""


def transport_plan(found: xr.Dataset, names: tuple[str, str]) -> Figure:
    """Draw ``first_jet`` and ``second_jet`` (constituent, property) and the ``plan`` [GeV] between them."""
    return figure_of(draw_plan, found, names, size=(4.8, 4.9))


def draw_plan(axes: Axes, found: xr.Dataset, names: tuple[str, str]) -> None:
    """Draw on axes what :func:`transport_plan` says."""
    first, second, plan = (found[name].values for name in ("first_jet", "second_jet", "plan"))
    one, two = np.nonzero(plan > 0)
    share = plan[one, two] / plan.max()
    lines = np.stack([first[one, 1:], second[two, 1:]], 1)
    axes.add_collection(LineCollection(list(lines), colors=[(0.3, 0.3, 0.3, a) for a in 0.1 + 0.8 * np.sqrt(share)]))
    for jet, (name, colour) in zip((first, second), class_colours(names).items(), strict=True):
        pt = jet[:, 0].sum()
        axes.scatter(jet[:, 1], jet[:, 2], s=AREA * jet[:, 0] / pt, color=colour, alpha=0.7, linewidth=0)
        axes.scatter([], [], s=40, color=colour, label=f"{class_label(name)}, {pt:.0f} GeV")
    axes.set(xlabel=r"$\Delta\eta$", ylabel=r"$\Delta\phi$ [rad]", aspect="equal")
    axes.set_title(f"EMD = {float(found['emd']):.1f} GeV")
    axes.legend(fontsize=8)
