"""The correlation dimension of jets under the Energy Mover's Distance, beside samples of known dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from analysis.figures.style import LINES, class_colours, class_label, figure_of
from analysis.measures.correlation_dimension import Dimension

MASSES = {"w": (r"$m_W$", 80.4), "top": (r"$m_t$", 172.7)}
"""Class -> mass marked on the energy scale [GeV] where there are jets of it and the scale reaches it."""
KINDS = {"ball": "balls", "gaussian": "Gaussians"}
"""Kind of a known sample -> its name in a legend."""


def correlation_figure(found: Mapping[str, Dimension], known: xr.Dataset, pt: float) -> Figure:
    """Draw three panels: jets, estimated against true dimension, and against the number of points.

    Parameters
    ----------
    found
        Class -> dimension against the energy scale.
    known
        From :func:`analysis.measures.correlation_dimension.known_samples`.
    pt
        Transverse momentum [GeV] to which the jets were scaled.
    """
    return figure_of(draw_panels, found, known, pt, size=(11.4, 3.5), grid=(1, 3))


def draw_panels(panels: np.ndarray, found: Mapping[str, Dimension], known: xr.Dataset, pt: float) -> None:
    """Draw on three panels what :func:`correlation_figure` says."""
    left, middle, right = panels.ravel()
    draw_jets(left, found, pt)
    draw_true(middle, known)
    draw_number(right, known)


def draw_jets(axes: Axes, found: Mapping[str, Dimension], pt: float) -> None:
    """Draw dimension against scale with one-sigma bands, one curve a class."""
    for name, colour in class_colours(found).items():
        curve = found[name]
        low, high = curve.dimension - curve.error, curve.dimension + curve.error
        axes.plot(curve.scale, curve.dimension, color=colour, label=class_label(name))
        axes.fill_between(curve.scale, low, high, color=colour, alpha=0.3, linewidth=0)
    reach = np.concatenate([curve.scale for curve in found.values()])
    for name, mass in (MASSES[kind] for kind in found if kind in MASSES):
        if not reach.min() <= mass <= reach.max():
            continue
        axes.axvline(mass, color="0.6", linewidth=0.8, linestyle=":")
        axes.text(mass, 1.01, name, transform=axes.get_xaxis_transform(), ha="center", fontsize=8, color="0.4")
    axes.set(xlabel=f"Q [GeV] at jet $p_T$ = {pt:.4g} GeV", ylabel="correlation dimension", ylim=(0, 12))
    steps = [step * 10**power for power in range(-3, 6) for step in (1, 2, 5)]
    logarithmic(axes, [step for step in steps if reach.min() <= step <= reach.max()])
    axes.legend()


def draw_true(axes: Axes, known: xr.Dataset) -> None:
    """Draw estimated against true dimension of balls and Gaussians, ``ratio`` and ``spread`` (kind, dimension)."""
    true = np.asarray(known["dimension"])
    axes.fill_between(true, 0.9 * true, 1.1 * true, color="0.9", linewidth=0, label=r"truth $\pm$ 10 %")
    for (kind, label), colour in zip(KINDS.items(), LINES, strict=False):
        ratio, spread = (np.asarray(known[name].sel(kind=kind)) for name in ("ratio", "spread"))
        axes.errorbar(true, ratio * true, spread * true, color=colour, fmt="o-", markersize=3, label=label)
    number = f"estimated dimension, N = {known.attrs['points']}"
    axes.set(xlabel="true dimension", ylabel=number, xlim=(0, 13), ylim=(0, 13))
    axes.legend()


def draw_number(axes: Axes, known: xr.Dataset) -> None:
    """Draw estimated over true dimension against the number of points, for balls (lines) and Gaussians (dashes)."""
    numbers = [int(number) for number in known["number"].values]
    axes.axhspan(0.9, 1.1, color="0.9", linewidth=0)
    for d, colour in zip(known["shown"].values, LINES, strict=False):
        for kind, style in (("ball", "-"), ("gaussian", "--")):
            one = known.sel(kind=kind, shown=d)
            label = f"{d}" if kind == "ball" else None
            axes.errorbar(
                numbers, one["ratio_by_number"], one["spread_by_number"], color=colour, fmt=style, label=label
            )
    axes.set(xlabel="number of points N", ylabel="estimated / true dimension", ylim=(0.5, 1.15))
    logarithmic(axes, numbers)
    axes.legend(title="true dimension (dashed: Gaussians)", ncols=2)


def logarithmic(axes: Axes, labelled: Sequence[float]) -> None:
    """Make the horizontal axis logarithmic, with these numbers on it."""
    axes.set_xscale("log")
    axes.set_xticks(labelled, [f"{number:g}" for number in labelled])
    axes.xaxis.set_minor_formatter(NullFormatter())
