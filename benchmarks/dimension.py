"""One training for a range of beta against twelve trainings at one beta each: ``python -m benchmarks.dimension``.

Gaussian points of known spectrum, so that quality is known exactly: the mean excess of the objective over its optimum
at the twelve resolutions [nat]. The independent trainings have the recipe of vae-gaussian with one beta, trained one
after the other, from few epochs to many, until their mean excess is that of the one training for the range, or the
epochs are as many. Process time of one thread, with the evaluation left out; last line: the ratio.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from analysis.dimension import dimension
from inference.fit import train
from inference.recipe import read
from inference.run import Run

POINTS = 12
LADDER = (12, 25, 50, 100, 200)


def timed(changes: dict[str, Any], folder: Path) -> tuple[Run, float]:
    """Train vae-gaussian with changes; return the run and its process time [s]."""
    start = time.process_time()
    run = train(read("vae-gaussian", changes), folder)
    return run, time.process_time() - start


def scan(betas: np.ndarray, epochs: int, folder: Path) -> tuple[xr.Dataset, float]:
    """Train once at each beta; return the curves and the process time of all."""
    runs, seconds = [], 0.0
    for beta in betas:
        changes = {"model.beta": float(beta), "training.epochs": epochs}
        run, own = timed(changes, folder / f"{epochs}-{beta:.3g}")
        runs.append(run)
        seconds += own
    return dimension(runs), seconds


def row(name: str, curves: xr.Dataset, seconds: float) -> str:
    """Return one line: mean and largest excess, mean error of D2, time."""
    excess = np.asarray(curves["excess"])
    gap = np.abs(curves["D2"] - curves["D1"]).mean()
    quality = f"excess {excess.mean():7.4f} (largest {excess.max():7.4f}) nat, |D1 - D2| {gap:6.3f}"
    return f"{name:28s} {quality} {seconds:7.1f} s"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train both ways, print times and the curves' differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, nargs="+", default=LADDER, help="epochs tried for the independent ones")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, seconds = timed({}, folder / "range")
        low, high = one.recipe.model.beta
        betas = np.geomspace(low, high, POINTS + 2)[1:-1]
        together = dimension([one], betas=betas)
        print(row("one training, a range", together, seconds), flush=True)
        for epochs in options.epochs:
            alone, needed = scan(betas, epochs, folder)
            print(row(f"{POINTS} trainings, {epochs} epochs", alone, needed), flush=True)
            if float(alone["excess"].mean()) <= float(together["excess"].mean()):
                break
    errors = np.hypot(alone["kl_error"], together["kl_error"])
    print("KL, range - grid, in errors: ", " ".join(f"{v:.1f}" for v in (together["kl"] - alone["kl"]) / errors))
    print(f"ratio: {needed / seconds:.1f}")


if __name__ == "__main__":
    main()
