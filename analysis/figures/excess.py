"""Jets that pass a cut against their mass, with what the sidebands of a window say; and what these jets look like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, SymLogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.clouds import draw_cloud
from analysis.figures.images import draw_image
from analysis.figures.style import COLOURS, DARKEST, figure_of
from analysis.measures.excess import fitted

BINS = 30
"""Of ln m, over window and sidebands."""
REACH = 0.8
"""Half the width of an event display [rad]."""


def excess_figure(found: xr.Dataset, cut: float) -> Figure:
    """Draw the masses of jets that pass a cut on each score, and by how much they exceed what the sidebands say.

    ``found`` is of :func:`analysis.measures.hunt.hunt`; ``cut`` the share of jets that passes.
    """
    scores = found["score"].values.tolist()
    return figure_of(draw_scores, found, cut, size=(4.1 * len(scores), 4.2), grid=(2, len(scores)), heights=(3, 1))


def draw_scores(panels: NDArray, found: xr.Dataset, cut: float) -> None:
    """Draw on two rows of panels what :func:`excess_figure` says, a score a column."""
    for column, score in zip(panels.T, found["score"].values.tolist(), strict=True):
        draw_spectrum(column[0], found.sel(score=score), cut)
        draw_pulls(column[1], found.sel(score=score), cut)
        column[0].set_title(f"{100 * cut:g} % by {score}")
    for axes in panels[0]:
        axes.sharex(panels[1, 0])
        axes.tick_params(labelbottom=False)


def spectrum(found: xr.Dataset, cut: float) -> tuple[NDArray, NDArray, NDArray]:
    """Return edges of bins [GeV], jets of each that pass, and how many the sidebands say."""
    near = np.asarray(found["inside"] | found["beside"])
    place, inside = np.asarray(found["place"])[near], np.asarray(found["inside"])[near]
    passed = np.asarray(found["tail"])[near] < cut
    share = fitted(passed[:, None], place, inside)[0][:, 0]
    edges = np.linspace(-1, 1, BINS + 1)
    counts = [np.histogram(place, edges, weights=each)[0] for each in (passed.astype(float), share)]
    low, *_, high = found.attrs["edges"]
    return low * (high / low) ** ((edges + 1) / 2), counts[0], counts[1]


def draw_spectrum(axes: Axes, found: xr.Dataset, cut: float) -> None:
    """Draw the masses of the jets of one score that pass, and what the sidebands say."""
    edges, passed, expected = spectrum(found, cut)
    axes.axvspan(*found.attrs["edges"][1:3], color="0.92", linewidth=0)
    middle = np.sqrt(edges[1:] * edges[:-1])
    axes.errorbar(middle, passed, np.sqrt(passed), fmt="o", color="black", markersize=3, label="jets that pass")
    axes.stairs(expected, edges, color=COLOURS[0], label="share of the sidebands")
    axes.set(xscale="log", ylabel="jets", ylim=(0, 1.3 * max(passed.max(), expected.max(), 1)))
    axes.legend(fontsize=8)


def draw_pulls(axes: Axes, found: xr.Dataset, cut: float) -> None:
    """Draw how far the jets of one score that pass are from what the sidebands say, in units of its root."""
    edges, passed, expected = spectrum(found, cut)
    axes.axvspan(*found.attrs["edges"][1:3], color="0.92", linewidth=0)
    axes.axhline(0, color=COLOURS[0], linewidth=0.8)
    axes.stairs((passed - expected) / np.sqrt(np.maximum(expected, 1)), edges, color="black", baseline=0)
    ticks = [each for each in (20, 30, 50, 70, 100, 150, 200, 300, 500, 1000, 2000) if edges[0] <= each <= edges[-1]]
    axes.set(xscale="log", xlabel="jet mass [GeV]", ylabel="pull")
    axes.set_xticks(ticks, [str(each) for each in ticks])
    axes.minorticks_off()


def event_displays(rows: Sequence[Sequence[tuple[str, NDArray]]]) -> Figure:
    """Draw rows of titled jets ``(M, 3)`` = pT [GeV], rapidity, azimuth [rad]: each particle an area of its pT."""
    size = (1.6 * max(map(len, rows)), 1.75 * len(rows) + 0.2)
    return figure_of(draw_displays, rows, size=size, grid=(len(rows), max(map(len, rows))), share=(True, True))


def draw_displays(panels: NDArray, rows: Sequence[Sequence[tuple[str, NDArray]]]) -> None:
    """Draw on panels what :func:`event_displays` says."""
    for line, row in zip(panels, rows, strict=True):
        for axes, (title, jet) in zip(line, row, strict=False):
            cloud = np.array(jet[jet[:, 0] > 0], float)
            cloud[:, 0] /= cloud[:, 0].sum()
            draw_cloud(axes, cloud, REACH)
            axes.set_title(title, fontsize=7, pad=2)
        for axes in line[len(row) :]:
            axes.remove()
    panels[0, 0].figure.supxlabel("rapidity", fontsize=9)
    panels[0, 0].figure.supylabel("azimuth [rad]", fontsize=9)


def mean_images(found: xr.Dataset) -> Figure:
    """Draw mean images of the jets that pass in the window and beside it, and their difference.

    ``found`` is from :func:`analysis.evaluation.mean_images.passing_images`.
    """
    return figure_of(draw_mean_images, found, size=(7.6, 2.9), grid=(1, 3), share=(True, True))


def draw_mean_images(panels: NDArray, found: xr.Dataset) -> None:
    """Draw on three panels what :func:`mean_images` says."""
    left, middle, right = panels.ravel()
    inside, beside = (found["image"].sel(where=where) for where in ("inside", "beside"))
    norm = LogNorm(DARKEST, max(10 * DARKEST, float(found["image"].max())))
    counts = [int(count) for count in found["jets"]]
    for axes, image, where, count in zip((left, middle), (inside, beside), ("in", "beside"), counts, strict=True):
        shares = draw_image(axes, image, norm)
        axes.set_title(f"{where} the window: {count:,}", fontsize=9)
    gap = inside - beside
    most = max(float(np.abs(gap).max()), 1e-9)
    extent, signed = shares.get_extent(), SymLogNorm(most / 30, vmin=-most, vmax=most)
    apart = right.imshow(gap.T, origin="lower", extent=extent, cmap="RdBu_r", norm=signed)
    right.set_title("difference", fontsize=9)
    right.tick_params(labelsize=7)
    decade = 10.0 ** np.floor(np.log10(most))
    bars = [
        left.figure.colorbar(shares, ax=middle, shrink=0.8),
        left.figure.colorbar(apart, ax=right, shrink=0.8, ticks=[-decade, -decade / 10, 0, decade / 10, decade]),
    ]
    for bar in bars:
        bar.ax.tick_params(labelsize=7)
        bar.set_label("share of $p_T$", fontsize=8)
    for axes in (left, middle, right):
        axes.set_xlabel(r"$\Delta\eta$", fontsize=9)
    left.set_ylabel(r"$\Delta\phi$ [rad]", fontsize=9)
