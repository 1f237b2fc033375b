"""Do the errors of a dimension cover? ``python -m benchmarks.coverage --out runs/coverage.jsonl``; it resumes.

Eight samples of known rate (four Gaussians, circle, sphere, curve, box), three lengths of training each, several seeds
of points and training. Each is trained, probed and measured as ``jetvae dimension RUN --probe`` does. What is printed,
for each length and curve: the share of resolutions at which the exact value lies within one and two errors, the
median error, the root mean square of what is missed; and of the points at which D is off by more than a quarter, the
share that is called converged. ``--seeds 0`` reports alone.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.evaluation.resolutions import dimension
from analysis.measures.dimension_errors import mean_slopes
from benchmarks.coverage_exact import rate_of_circle, rate_of_intervals
from benchmarks.rows import keep, kept
from inference.machine import tune_cpu
from inference.probe import probed
from inference.recipe import read
from inference.training import train
from jets.toys import gaussian_optimum

Array = NDArray[np.float64]

POINTS, HELD_OUT = 15, 2000
CURVES = ("rate", "D", "kl", "D2")
OFF = 0.25
"""Of D, from which on a point must not be called converged."""
HELIX = np.pi * np.hypot(1, 1 / 3)
"""Length of the toy curve."""


class Sample(NamedTuple):
    """Points of known rate: recipe, toy, latent space, range, epochs, the exact rate, and up to where it is exact."""

    recipe: str
    toy: str
    latent: str
    beta: tuple[float, float]
    exact: Callable[[Array], Array]
    below: float = np.inf


def gaussian(spectrum: Sequence[float], low: float, high: float) -> Sample:
    """Return a Gaussian of these standard deviations."""
    toy = f"gaussian(spectrum={','.join(map(str, spectrum))}, "
    return Sample(
        "vae-gaussian", toy, f"R{len(spectrum)}", (low, high), lambda beta: gaussian_optimum(spectrum, beta).kl
    )


SAMPLES = {
    "gaussian 10,5,2,.5,.1": gaussian([10, 5, 2, 0.5, 0.1], 0.1, 20),
    "gaussian 8,8,3,1,.2,.05": gaussian([8, 8, 3, 1, 0.2, 0.05], 0.1, 16),
    "gaussian 5,5,5,5,5": gaussian([5] * 5, 0.5, 10),
    "gaussian 9,3,1,.33": gaussian([9, 3, 1, 0.33], 0.15, 18),
    "circle in S1": Sample("vae-toy", "circle(", "S1", (0.04, 1.0), rate_of_circle, 0.5),
    "sphere in S2": Sample("vae-toy", "sphere(", "S2", (0.06, 1.0), lambda beta: rate_of_circle(beta, 2), 0.5),
    "curve in R3": Sample("vae-toy", "curve(", "R3", (0.02, 2.0), lambda beta: rate_of_intervals(beta, [HELIX]), 0.15),
    "box in R4": Sample(
        "vae-toy", "rectangles(sides=4,2,1, ", "R4", (0.05, 3.0), lambda beta: rate_of_intervals(beta, [4, 2, 1])
    ),
}
LENGTHS = {"vae-gaussian": (7, 40, 150), "vae-toy": (7, 25, 60)}
"""Epochs of 52 steps."""


def recipe_of(sample: Sample, seed: int, epochs: int) -> Any:
    """Return the recipe of one training; its points have the same seed."""
    changes = {"model.latent": sample.latent, "model.beta": list(sample.beta), "training.epochs": epochs}
    if sample.recipe == "vae-toy":
        changes |= {"model.encoder": [64, 64], "model.decoder": [64, 64]}
    data = {"data.files": [f"toy:{sample.toy}seed={seed})"], "training.seed": seed, "training.threads": 1}
    return read(sample.recipe, changes | data)


def measured(name: str, seed: int, epochs: int, folder: Path, points: int = HELD_OUT) -> dict[str, Any]:
    """Train, probe and measure; return curves, errors and the exact values as lists."""
    sample = SAMPLES[name]
    run = train(recipe_of(sample, seed, epochs), folder)
    betas = np.geomspace(*sample.beta, POINTS)
    found = dimension([run], betas=betas.tolist(), jets=points, probes=[probed(run)])
    exact = exact_curves(sample, betas)
    kept = [*exact, *(f"{curve}_error" for curve in exact), "converged", "consistent", "gain", "lacking"]
    columns = {column: np.asarray(found[column], float).tolist() for column in kept if column in found}
    truth = {f"{curve}_exact": values.tolist() for curve, values in exact.items()}
    return {"sample": name, "seed": seed, "epochs": epochs, "beta": betas.tolist()} | columns | truth


def exact_curves(sample: Sample, betas: Array) -> dict[str, Array]:
    """Return curve -> exact values (beta,), NaN where they are not known.

    D is the mean between neighbouring resolutions, as it is measured; D2 the slope at the resolution.
    """
    known = betas < sample.below
    rate, end = sample.exact(betas), 0.02
    slope = (sample.exact(betas * np.exp(-end)) - sample.exact(betas * np.exp(end))) / (2 * end)
    inside = known & np.r_[known[1:], True]
    values = {"rate": (rate, known), "kl": (rate, known), "D": (mean_slopes(betas, rate), inside), "D2": (slope, known)}
    return {curve: np.where(where, value, np.nan) for curve, (value, where) in values.items()}


def report(rows: Sequence[dict[str, Any]]) -> None:
    """Print the coverage of each length, and how often what is off is called converged."""
    for place, length in enumerate(("short", "middle", "long")):
        own = [row for row in rows if row["epochs"] == LENGTHS[SAMPLES[row["sample"]].recipe][place]]
        if own:
            print(f"{length}, {len(own)} runs")
            print("\n".join(line(curve, *gathered(own, curve)) for curve in CURVES))
            print(called_converged(own))


def gathered(rows: Sequence[dict[str, Any]], curve: str) -> tuple[Array, Array]:
    """Return what is missed and the errors of all resolutions with an exact value."""
    missed = np.concatenate([np.subtract(row[curve], row[f"{curve}_exact"]) for row in rows])
    error = np.concatenate([row[f"{curve}_error"] for row in rows])
    known = np.isfinite(missed)
    return missed[known], error[known]


def line(curve: str, missed: Array, error: Array) -> str:
    """Return one row of the table."""
    within = [100 * float((np.abs(missed) <= k * error).mean()) for k in (1, 2)]
    return (
        f"  {curve:<4} within 1 error {within[0]:5.1f} %, 2 errors {within[1]:5.1f} %; median error "
        f"{np.median(error):.3f}, missed {np.sqrt((missed**2).mean()):.3f} ({len(missed)} points)"
    )


def called_converged(rows: Sequence[dict[str, Any]]) -> str:
    """Say how many points of D are off, and which part of them is called converged."""
    missed = np.concatenate([np.subtract(row["D"], row["D_exact"]) for row in rows])
    good = np.concatenate([row["converged"] for row in rows]) > 0
    off = np.abs(missed) > OFF
    return (
        f"  D off by more than {OFF}: {off.sum()} of {np.isfinite(missed).sum()} points, "
        f"{(off & good).sum()} of them called converged; converged are {100 * good.mean():.0f} %"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing in the file, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="first seed [0]")
    parser.add_argument("--samples", nargs="+", default=list(SAMPLES), choices=list(SAMPLES), metavar="NAME")
    parser.add_argument("--out", type=Path, default=Path("runs/coverage.jsonl"))
    options = parser.parse_args(arguments)
    tune_cpu()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    done = {(row["sample"], row["seed"], row["epochs"]) for row in kept(options.out)}
    wanted = [
        (name, seed, epochs)
        for seed in range(options.first, options.first + options.seeds)
        for name in options.samples
        for epochs in LENGTHS[SAMPLES[name].recipe]
    ]
    for name, seed, epochs in [each for each in wanted if each not in done]:
        with tempfile.TemporaryDirectory() as folder:
            row = measured(name, seed, epochs, Path(folder) / "run")
        keep(options.out, row)
        print(f"{name}, seed {seed}, {epochs} epochs", flush=True)
    report(kept(options.out))


if __name__ == "__main__":
    main()
