"""Dimension of several samples in one figure: ``python -m analysis.dimension_samples qcd=runs/qcd/dimension ...``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.dimension import draw_dimensions, label_scale, scale_label, scales
from analysis.figures.style import COLOURS, house
from inference.run import RunError
from jets.files import replacing

LINES = (*COLOURS[:2], *COLOURS[3:])
"""Colours of the samples: grey would look like a reference."""
CONVERGED = 0.1
"""Difference of D1 / D2 from one up to which a training counts as converged."""


def dimension_samples(curves: Mapping[str, xr.Dataset]) -> Figure:
    """Draw D2 and D1 of each sample (name -> :func:`analysis.evaluation.resolutions.dimension`) with bands, below it D1 / D2."""
    with house():
        figure = Figure(figsize=(5.0, 4.8))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for colour, (name, one) in zip(LINES, curves.items(), strict=False):
            draw_dimensions(above, one, name, colour)
            ratio = np.asarray(one["D1"] / one["D2"])
            alive = np.asarray(one["D2"]) > 0.5  # where nothing is told, the ratio says nothing
            below.plot(scales(one)[alive], ratio[alive], color=colour)
        above.set(xlabel="")
        above.legend(ncols=len(curves), fontsize=8, loc="lower left")
        below.axhspan(1 - CONVERGED, 1 + CONVERGED, color="0.9", lw=0)
        below.set(ylim=(0.7, 1.3), ylabel="$D_1/D_2$", xlabel=scale_label(one))
        label_scale(below.xaxis)
    return figure


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog="python -m analysis.dimension_samples", description="Draw the dimension of several samples in one figure."
    )
    result.add_argument("samples", metavar="NAME=DIR", nargs="+", help="name, and folder written by analysis.evaluation.resolutions")
    result.add_argument("--out", metavar="F", default="dimension_samples.png", help="the figure [%(default)s]")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, draw, name the file.

    Raises
    ------
    RunError
        An argument is not NAME=DIR, or the folder holds no ``dimension.nc``.
    """
    options = parser().parse_args(arguments)
    curves = {}
    for text in options.samples:
        name, _, folder = text.partition("=")
        path = Path(folder) / "dimension.nc"
        if not folder or not path.exists():
            raise RunError(
                f"{text}: expected NAME=DIR with DIR/dimension.nc; python -m analysis.dimension RUN writes it"
            )
        curves[name] = xr.load_dataset(path, engine="h5netcdf")
    with replacing(options.out) as temporary:
        dimension_samples(curves).savefig(temporary, format=Path(options.out).suffix.lstrip(".") or "png")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
