"""One training for a range of beta against twelve trainings at one beta each: ``python -m benchmarks.dimension``.

Gaussian points of known spectrum, so that quality is known exactly: the objective may exceed its optimum by 0.5 % or
0.02 nat. The independent trainings have the recipe of vae-gaussian with one beta; each is given the fewest epochs of a
ladder that reach that quality, and the search for them is not counted. Process time on one thread, with compilation,
without evaluation; last line: the ratio.
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

from analysis.dimension import measure
from analysis.dimension_exact import exact
from inference.fit import train
from inference.recipe import read
from inference.run import Run

POINTS, RANGE = 12, (0.1, 20.0)
LADDER = (25, 100, 300, 600)


def timed(changes: dict[str, Any], folder: Path) -> tuple[Run, float]:
    """Train vae-gaussian with changes; return the run and its process time [s]."""
    start = time.process_time()
    run = train(read("vae-gaussian", changes), folder)
    return run, time.process_time() - start


def good(curves: xr.Dataset) -> np.ndarray:
    """Return whether the excess is within 0.5 % or 0.02 nat, ``(beta,)``."""
    optimum = curves["exact_kl"] + curves["exact_distortion"] / (2 * curves["beta"] ** 2)
    return np.asarray(curves["excess"] <= np.maximum(0.005 * optimum, 0.02))


def at_one_beta(beta: float, folder: Path) -> tuple[Run, float]:
    """Train at one beta with ever more epochs until it is good; return the last run and its time alone."""
    for epochs in LADDER:
        run, seconds = timed({"model.beta": beta, "training.epochs": epochs}, folder / f"{beta:.4g}-{epochs}")
        curves = curves_at([run])
        excess = float(curves["excess"][0])
        print(f"beta {beta:7.3f}  {epochs:3d} epochs  excess {excess:.4f} nat  {seconds:5.1f} s", flush=True)
        if good(curves).all():
            break
    return run, seconds


def curves_at(runs: Sequence[Run], betas: Sequence[float] | None = None) -> xr.Dataset:
    """Return KL, its error, excess and optimum at each beta, without derivatives."""
    parts = []
    for run in runs:
        sample = run.jets()
        measured = measure(run, sample[run.split(sample).test[:3000]], betas)
        means = {"kl": measured["kl"].sum("kl_term").mean("jet"), "excess": measured["excess"].mean("jet")}
        error = measured["kl"].sum("kl_term").std("jet") / measured.sizes["jet"] ** 0.5
        parts.append(xr.Dataset(means | {"kl_error": error}))
    result = xr.concat(parts, "beta")
    return result.merge(exact(runs[0].recipe.data.files, np.asarray(result["beta"])))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train both ways, print times and the curves' differences."""
    raw = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=__doc__, formatter_class=raw).parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        one, seconds = timed({"model.beta": RANGE}, Path(name) / "range")
        betas = np.geomspace(*RANGE, POINTS + 2)[1:-1].tolist()
        together = curves_at([one], betas)
        print(f"one training: {seconds:.1f} s; good at {good(together).sum()} of {POINTS} betas; excess [nat]:")
        print(" ".join(f"{value:.4f}" for value in together["excess"].values), flush=True)
        runs, times = zip(*(at_one_beta(float(beta), Path(name)) for beta in betas), strict=True)
        alone = curves_at(runs)
    print(f"{POINTS} trainings: {sum(times):.1f} s; good at {good(alone).sum()} of {POINTS} betas")
    print("KL, range - grid [nat]:", " ".join(f"{v:.3f}" for v in (together["kl"] - alone["kl"]).values))
    print(f"ratio: {sum(times) / seconds:.1f}")


if __name__ == "__main__":
    main()
