"""What a latent space looks like: ``python -m analysis.latent_map RUN ... [--out F]``, one column for each run.

Upper row: the two coordinates that vary most, coloured by the first true coordinate of the points. Lower row: how far
each coordinate spreads. For a plain autoencoder neither has a meaning; a VAE at resolution beta keeps as many
coordinates as the data have dimensions there, and leaves the others to the prior.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.store import array, names
from analysis.figures.style import COLOURS, house
from jets.files import replacing

MOST = 3000
"""Points drawn."""


def latent_map(trees: Sequence[xr.DataTree], titles: Sequence[str], truth: str) -> Figure:
    """Draw both rows for each tree of :func:`analysis.evaluate`; ``truth`` names the variable that colours."""
    with house():
        figure = Figure(figsize=(3.4 * len(trees), 5.2))
        grid = figure.subplots(2, len(trees), squeeze=False, height_ratios=(2, 1))
        for (upper, lower), tree, title in zip(grid.T, trees, titles, strict=True):
            scatter(upper, tree, truth)
            upper.set_title(title)
            spread(lower, tree)
        grid[1, 0].set_ylabel("rms of the centre")
    return figure


def scatter(axes: Axes, tree: xr.DataTree, truth: str) -> None:
    """Draw draws of the guide in the two coordinates that vary most."""
    draws = array(tree, "posterior/z").isel(chain=0, draw=0)[:MOST]
    first, second = np.argsort(-np.asarray(array(tree, "guide_params/point").std("jet")))[:2]
    colour = np.asarray(array(tree, f"constant_data/{truth}"))[:MOST]
    drawn = axes.scatter(draws[:, first], draws[:, second], s=2, c=colour, cmap="viridis", rasterized=True)
    labels = names(draws, "coordinate")
    axes.set(xlabel=labels[first], ylabel=labels[second])
    axes.figure.colorbar(drawn, ax=axes, label=f"true {truth}")


def spread(axes: Axes, tree: xr.DataTree) -> None:
    """Draw the root mean square of each coordinate's centre, largest first."""
    rms = np.asarray((array(tree, "guide_params/point") ** 2).mean("jet") ** 0.5)
    order = np.argsort(-rms)
    labels = np.array(names(array(tree, "guide_params/point"), "coordinate"))[order]
    axes.bar(labels, rms[order], color=COLOURS[0])
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate the runs, draw, name the figure."""
    from analysis.evaluation.tree import evaluate
    from inference.run import Run

    parser = argparse.ArgumentParser(prog="python -m analysis.latent_map", description=__doc__.split("\n")[0])
    parser.add_argument("runs", metavar="RUN", nargs="+", help="run folders, on the same data")
    parser.add_argument("--truth", metavar="NAME", help="variable that colours [the first true coordinate]")
    parser.add_argument("--beta", type=float, metavar="B", help="where to look at runs of a range [its middle]")
    parser.add_argument("--out", metavar="F", default="latent_map.png", help="figure [latent_map.png]")
    options = parser.parse_args(arguments)
    runs = [Run.open(path) for path in options.runs]
    conditional = [isinstance(run.recipe.model.beta, tuple) for run in runs]
    trees = [evaluate(r, draws=1, beta=options.beta if c else None) for r, c in zip(runs, conditional, strict=True)]
    kinds = {"ae": "autoencoder", "vae": "VAE"}
    titles = [
        f"{kinds[run.recipe.model.kind]}, {run.recipe.model.latent}, $\\beta$ = {tree.attrs['beta']:.2g}"
        for run, tree in zip(runs, trees, strict=True)
    ]
    truth = options.truth or next(iter(runs[0].jets().truth))
    for run, tree in zip(runs, trees, strict=True):
        rms = (array(tree, "guide_params/point") ** 2).mean("jet") ** 0.5
        print(run.path, " ".join(f"{name} {float(rms.sel(coordinate=name)):.3f}" for name in names(rms, "coordinate")))
    with replacing(options.out) as temporary:
        latent_map(trees, titles, truth).savefig(temporary, format="png", metadata={"Software": None})
    print(f"wrote {Path(options.out)}")


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
