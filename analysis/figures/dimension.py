"""Dimension against resolution, from :func:`analysis.evaluation.resolutions.dimension`."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from analysis.figures.style import COLOURS, LINES, figure_of
from analysis.measures.dimension_curves import sizes

MOST = 12
"""Coordinates drawn at most, those of most KL first."""
BOUND = "all latents in use: at least"
UNSURE = "not converged"
SYMBOLS = {"D": "D", "D2": "D_2", "D1": "D_1"}
FORMULAS = {
    "D": "$D$, from the objective",
    "D2": r"$D_2=-d\,\mathrm{KL}/d\ln\beta$",
    "D1": r"$D_1=d\langle d^2\rangle/d\beta^2$",
}


def dimension_curves(curves: xr.Dataset) -> Figure:
    """Draw D, D2 and D1 against the scale; the band is the error of D, none where it is not known.

    Grey: not known to have converged (:func:`unsure`).

    Triangles: all latents are in use, so that D2 is a lower bound.
    """
    return figure_of(draw_one_sample, curves, size=(4.8, 3.4))


def draw_one_sample(axes: Axes, curves: xr.Dataset) -> None:
    """Draw on axes what :func:`dimension_curves` says, and a Gaussian's exact steps."""
    if "spectrum" in curves.attrs:
        fine = np.geomspace(float(scales(curves)[0]), float(scales(curves)[-1]), 2000)
        steps = (np.atleast_1d(curves.attrs["spectrum"])[:, None] > fine).sum(0)
        axes.plot(fine, steps, color="0.6", linewidth=1, label="exact")
    draw_dimensions(axes, curves)
    axes.legend()


def draw_dimensions(axes: Axes, curves: xr.Dataset, label: str = "", colour: str = COLOURS[0]) -> None:
    """Draw on axes D of one sample with its band, D2 and D1 as thin lines; several samples fit on one axes.

    Without a D, as of trainings at one resolution each, D2 and D1 have bands.
    """
    x, best, apart = scales(curves), "D" if "D" in curves else "D2", unsure(curves)
    for name, style in (("D", "-"), ("D2", "-." if best == "D" else "-"), ("D1", "--")):
        if name not in curves:
            continue
        value, error = np.asarray(curves[name]), np.asarray(curves[f"{name}_error"])
        thin = best == "D" and name != "D"
        own = f"{label} ${SYMBOLS[name]}$" if label else FORMULAS[name]
        shade = colour if label or name == best else LINES[1 + (name == "D1" and thin)]
        axes.plot(x, value, style, color=shade, lw=0.8 if thin else 1.5, label=None if label and thin else own)
        if not thin:
            axes.fill_between(x, value - error, value + error, color=shade, alpha=0.25, lw=0)
        grey_out(axes, x, value, apart, style, 0.8 if thin else 1.6)
    if "bound" in curves and curves["bound"].any():
        known = BOUND in axes.get_legend_handles_labels()[1]
        held, text = np.asarray(curves["bound"]), None if known else BOUND
        axes.plot(x[held], curves[best].values[held], "^", color=colour, markersize=4, fillstyle="none", label=text)
    if not label:
        shade_unsure(axes, x, apart)
    axes.autoscale(axis="y")  # of all samples so far
    axes.set(xscale="log", xlabel=scale_label(curves), ylabel="dimension", ylim=(0, None))
    label_scale(axes.xaxis)


def grey_out(axes: Axes, x: np.ndarray, value: np.ndarray, apart: np.ndarray, style: str, width: float) -> None:
    """Draw the parts of a curve grey that end at a point that is not known to have converged, ``apart`` (beta,)."""
    points = np.column_stack([x, value])
    parts = np.stack([points[:-1], points[1:]], 1)[apart[1:] | apart[:-1]]
    known = UNSURE in axes.get_legend_handles_labels()[1]
    if len(parts):
        label = None if known else UNSURE
        lines = LineCollection(list(parts), colors="0.7", linewidths=width, linestyles=style, label=label, zorder=2.1)
        axes.add_collection(lines)


def shade_unsure(axes: Axes, x: np.ndarray, apart: np.ndarray) -> None:
    """Draw a grey band over the scales at which one sample is not known to have converged, ``apart`` (beta,)."""
    edges = np.repeat(np.r_[x[0], np.sqrt(x[1:] * x[:-1]), x[-1]], 2)[1:-1]
    if apart.any():
        where, whole = np.repeat(apart, 2), axes.get_xaxis_transform()
        axes.fill_between(edges, 0, 1, where=where, transform=whole, color="0.93", lw=0)


def unsure(curves: xr.Dataset) -> np.ndarray:
    """Return where a curve has not converged, (beta,), by a probe, or without one by the training itself."""
    return ~np.asarray(curves["converged" if "converged" in curves else "consistent"], bool)


def rate_distortion(curves: xr.Dataset) -> Figure:
    """Draw the KL [nat] against the distance left, and the least possible KL where it is known."""
    return figure_of(draw_rate_distortion, curves, size=(4.4, 3.4))


def draw_rate_distortion(axes: Axes, curves: xr.Dataset) -> None:
    """Draw on axes what :func:`rate_distortion` says."""
    root = 1 / curves.attrs["power"]
    if "exact_kl" in curves:
        left = curves.attrs["scale"] * np.asarray(curves["exact_distortion"]) ** root
        axes.plot(left, curves["exact_kl"], color="0.5", label="least possible")
    left = curves.attrs["scale"] * np.asarray(curves["distortion"]) ** root
    axes.errorbar(left, curves["kl"], curves["kl_error"], fmt="o", markersize=3.5, label="trained")
    symbol = r"$\langle d^2\rangle^{1/2}$" if root == 0.5 else r"$\langle d\rangle$"
    axes.set(xscale="log", xlabel=f"distance left {symbol}{in_unit(curves)}", ylabel="KL [nat]", ylim=(0, None))
    axes.legend()


def switching_curves(curves: xr.Dataset) -> Figure:
    """Draw the KL of each coordinate against the scale: which direction switches on where."""
    return figure_of(draw_switching, curves, size=(4.8, 3.4))


def draw_switching(axes: Axes, curves: xr.Dataset) -> None:
    """Draw on axes what :func:`switching_curves` says, of the coordinates of most KL."""
    spectrum = curves["kl_spectrum"]
    order = np.argsort(-np.asarray(spectrum.sum("beta")))[:MOST]
    for i, k in enumerate(order):
        style = ("-", "--")[i // len(COLOURS) % 2]
        name = str(spectrum["kl_term"].values[k])
        axes.plot(scales(curves), spectrum[:, k], style, color=COLOURS[i % len(COLOURS)], label=name)
    axes.set(xscale="log", xlabel=scale_label(curves), ylabel="KL of the coordinate [nat]", ylim=(0, None))
    label_scale(axes.xaxis)
    axes.legend(ncols=1 + len(order) // 7, fontsize=8)


def widths(curves: xr.Dataset) -> Figure:
    """Draw 1/<sigma> against rms mu of each real coordinate at three scales; the line is rms^2 + sigma^2 = 1."""
    return figure_of(draw_widths, curves, size=(4.4, 3.4))


def draw_widths(axes: Axes, curves: xr.Dataset) -> None:
    """Draw on axes what :func:`widths` says."""
    x = np.geomspace(1, 1.2 / float(curves["sigma"].min()), 200)
    axes.plot(np.sqrt(1 - 1 / x**2), x, color="0.6", linewidth=1, zorder=0)
    for i, place in enumerate((0, curves.sizes["beta"] // 2, curves.sizes["beta"] * 4 // 5)):
        row = curves.isel(beta=place)
        label = f"{scales(curves)[place]:.2g} {curves.attrs['unit']}".strip()
        axes.plot(row["rms"], 1 / row["sigma"], "os^"[i], color=COLOURS[i], label=rf"$\beta$ = {label}")
    axes.set(yscale="log", xlabel=r"rms $\mu$", ylabel=r"$1/\langle\sigma\rangle$")
    axes.legend()


def hierarchy(curves: xr.Dataset) -> Figure:
    """Draw the scales at which the coordinates switch on, largest first, and a Gaussian's standard deviations."""
    return figure_of(draw_hierarchy, curves, size=(4.0, 3.2))


def draw_hierarchy(axes: Axes, curves: xr.Dataset) -> None:
    """Draw on axes what :func:`hierarchy` says."""
    found = np.sort(sizes(curves).dropna("kl_term"))[::-1] * curves.attrs["scale"]
    if "spectrum" in curves.attrs:
        known = np.sort(np.atleast_1d(curves.attrs["spectrum"]))[::-1]
        rank = np.arange(1, len(known) + 1)
        axes.plot(rank, known, "s", color="0.6", markersize=9, fillstyle="none", label="true")
    axes.plot(np.arange(1, len(found) + 1), found, "o", label="learnt")
    axes.set(yscale="log", xlabel="direction", ylabel=f"scale of switching on{in_unit(curves)}")
    label_scale(axes.yaxis)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    if "spectrum" in curves.attrs:
        axes.legend()


def scales(curves: xr.Dataset) -> np.ndarray:
    """Return the resolutions in the unit that is shown, ``(beta,)``."""
    return np.asarray(curves["beta"]) * curves.attrs["scale"]


def in_unit(curves: xr.Dataset) -> str:
    """Return the unit in brackets, behind a space; nothing where the data have none."""
    return f" [{curves.attrs['unit']}]" if curves.attrs["unit"] else ""


def label_scale(axis: Axis) -> None:
    """Label a short logarithmic axis of resolution with plain numbers, at 1, 2 and 5 of each decade."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def scale_label(curves: xr.Dataset) -> str:
    """Return the label of an axis of resolution."""
    factor = r"\beta\,p_T" if curves.attrs["unit"] else r"\beta"
    return f"scale ${factor}${in_unit(curves)}"


def all_figures(curves: xr.Dataset) -> dict[str, Figure]:
    """Return name -> figure of everything that this file draws; ``widths`` only where there are real coordinates."""
    drawn = {"dimension": dimension_curves, "rate_distortion": rate_distortion, "switching": switching_curves}
    drawn |= {"widths": widths} if curves.sizes["coordinate"] else {}
    return {name: draw(curves) for name, draw in (drawn | {"hierarchy": hierarchy}).items()}
