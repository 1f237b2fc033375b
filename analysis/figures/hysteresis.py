"""Whether what is learnt depends on the history: ``python -m analysis.hysteresis ANNEALED RANGE [--out F]``.

ANNEALED is a run whose beta went down, up and down again (recipe vae-gaussian-annealed: Collins 2109.10919), RANGE one
trained for the whole range of beta (vae-gaussian). At equal beta the passes of the first differ; the second has one
curve.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.figures.dimension import scale_label, scales
from analysis.figures.style import COLOURS, house
from jets.files import replacing

PASSES = ("down", "up", "down again")


def passes(steps: xr.Dataset, beta: NDArray[np.float64]) -> xr.DataArray:
    """Return the KL [nat] of an annealed training when it passed each beta ``(B,)``: dimensions ``(pass, beta)``.

    ``steps`` is the group ``step`` of ``history.nc``; each value is a mean over 1 % of training.
    """
    terms = [name for name in steps.data_vars if str(name).startswith("kl_") and name != "kl_weight"]
    kl, log_beta = np.sum([steps[name] for name in terms], axis=0), np.log(np.asarray(steps["beta"]))
    ends = np.linspace(0, len(kl), len(PASSES) + 1).astype(int)
    window = np.ones(max(1, len(kl) // 100))
    smooth = np.convolve(kl, window, "same") / np.convolve(np.ones_like(kl), window, "same")
    rows = []
    for start, stop in itertools.pairwise(ends):
        order = np.argsort(log_beta[start:stop])
        rows.append(np.interp(np.log(beta), log_beta[start:stop][order], smooth[start:stop][order]))
    return xr.DataArray(np.array(rows), {"pass": list(PASSES), "beta": beta}, ["pass", "beta"], "kl")


def draw(found: xr.DataArray, curves: xr.Dataset) -> Figure:
    """Draw the KL of each pass and of the training for the range against beta."""
    with house():
        figure = Figure(figsize=(4.8, 3.4))
        axes = figure.subplots()
        if "exact_kl" in curves:
            axes.plot(scales(curves), curves["exact_kl"], color="0.75", linewidth=4, label="least possible")
        for name, colour, style in zip(PASSES, COLOURS[1:], ("--", ":", "-."), strict=False):
            axes.plot(found["beta"], found.sel({"pass": name}), style, color=colour, label=f"annealed, {name}")
        axes.plot(scales(curves), curves["kl"], color=COLOURS[0], label="one training, all scales")
        axes.set(xscale="log", xlabel=scale_label(curves), ylabel="KL [nat]", ylim=(0, None))
        axes.legend()
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the KL of each pass at some betas, draw the figure, name it."""
    from analysis.evaluation.resolutions import dimension
    from inference.run import Run

    parser = argparse.ArgumentParser(prog="python -m analysis.hysteresis", description=__doc__.split("\n")[0])
    parser.add_argument("annealed", metavar="ANNEALED", help="run with a down-up-down schedule of beta")
    parser.add_argument("range", metavar="RANGE", help="run for a range of beta on the same data")
    parser.add_argument("--out", metavar="F", default="hysteresis.png", help="figure [hysteresis.png]")
    options = parser.parse_args(arguments)
    with xr.open_datatree(Run.open(options.annealed).path / "history.nc", engine="h5netcdf") as history:
        steps = history["step"].to_dataset().load()
    curves = dimension([Run.open(options.range)])
    found = passes(steps, np.asarray(curves["beta"]))
    table = found.to_pandas().T.assign(range=np.asarray(curves["kl"]))
    if "exact_kl" in curves:
        table["exact"] = np.asarray(curves["exact_kl"])
    print(table.iloc[::3].to_string(float_format="{:.3f}".format))
    with replacing(options.out) as temporary:
        draw(found, curves).savefig(temporary, format="png", metadata={"Software": None})
    print(f"wrote {Path(options.out)}")


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
