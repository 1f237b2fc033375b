"""Dimension of several samples in one figure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.dimension import draw_dimensions, label_scale, scale_label, scales
from analysis.figures.style import COLOURS, figure_of
from analysis.measures.dimension_curves import AGREE

LINES = (*COLOURS[:2], *COLOURS[3:])
"""Colours of the samples: grey would look like a reference."""


def dimension_samples(curves: Mapping[str, xr.Dataset]) -> Figure:
    """Draw D of each sample with its band, D2 and D1 thin, below it D1 / D2.

    ``curves`` is name -> :func:`analysis.evaluation.resolutions.dimension`.
    """
    return figure_of(draw_samples, curves, size=(5.0, 4.8), grid=(2, 1), share=(True, False), heights=(3, 1))


def draw_samples(panels: np.ndarray, curves: Mapping[str, xr.Dataset]) -> None:
    """Draw on two panels, one above the other, what :func:`dimension_samples` says."""
    above, below = panels.ravel()
    for colour, (name, one) in zip(LINES, curves.items(), strict=False):
        draw_dimensions(above, one, name, colour)
        ratio = np.asarray(one["D1"] / one["D2"])
        alive = np.asarray(one["D2"]) > 0.5  # where nothing is encoded, the ratio says nothing
        below.plot(scales(one)[alive], ratio[alive], color=colour)
    above.set(xlabel="")
    above.legend(ncols=2, fontsize=8, loc="lower left")
    below.axhspan(1 - AGREE, 1 + AGREE, color="0.9", lw=0)
    below.set(ylim=(0.7, 1.3), ylabel="$D_1/D_2$", xlabel=scale_label(one))
    label_scale(below.xaxis)
