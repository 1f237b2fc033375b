"""One training for a range of beta against twelve at one beta each: ``python -m benchmarks.dimension [RECIPE]``.

The twelve have the recipe with one beta and its other settings. Each is given epochs from a ladder, the cheapest with
which its objective on held-out jets exceeds that of the one training at its beta by at most 0.02 nat or 0.5 %,
interpolated between the rungs. The ladder ends with the epochs of that one: what is still worse then counts no more,
and makes the ratio a lower bound. The search is not counted. With ``--together`` the twelve are also trained in one
vectorised step, with as many epochs as the slowest of them needs, and the cheaper way counts. Also printed is what
twelve with as many epochs as the one would take, from the seconds per epoch of the longest trained: the scan of who
does not know what each beta needs. Processor time of this process and its compilers on one thread, without evaluation;
the last line is the ratio.

With ``--mrvae`` the other is a Multi-Rate VAE (:mod:`benchmarks.multi_rate`) with networks of the same widths, as many
steps of the same batches and the best of three learning rates with each of two losses: by how much its objective on
held-out points exceeds that of the one training at each beta, over seeds.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis.evaluation.chosen import choose
from analysis.evaluation.resolutions import measure
from benchmarks import multi_rate
from inference.recipe import Recipe, read
from inference.run import Run
from inference.training import train, train_many
from models import Beta

POINTS = 12
LADDER = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
"""Epochs of a training at one beta, in units of those of the range."""
NATS, PART = 0.02, 0.005
"""By how much an objective may exceed the other: nats, or part of it."""


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what ``work`` returns, and the processor time it took [s]."""
    before = processor_time()
    result = work()
    return result, processor_time() - before


def processor_time() -> float:
    return sum(use.ru_utime + use.ru_stime for use in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def curves(run: Run, jets: int, betas: Sequence[float] | None = None) -> xr.Dataset:
    """Return ``kl`` and ``objective`` of held-out jets (beta, jet) [nat], at one draw of the noise."""
    found = measure(run, choose(run), jets, betas)
    kl, power = found["kl"].sum("kl_term"), found.attrs["power"]
    return xr.Dataset({"kl": kl, "objective": kl + found["distortion"] / (power * found["beta"] ** power)})


def gap(alone: xr.Dataset, together: xr.Dataset, name: str) -> tuple[float, float]:
    """Return the mean difference of the same jets and its error [nat]."""
    difference = np.asarray(alone[name])[0] - np.asarray(together[name])
    return float(difference.mean()), float(difference.std() / len(difference) ** 0.5)


def at_one_beta(recipe: Recipe, beta: float, epochs: int) -> Recipe:
    """Return the recipe at one beta with so many epochs."""
    model = recipe.model.model_copy(update={"beta": Beta(beta)})
    return recipe.model_copy(update={"model": model, "training": recipe.training.model_copy(update={"epochs": epochs})})


class Need(NamedTuple):
    """What one beta needs."""

    rung: int
    """Of the ladder: the fewest epochs that are enough."""
    seconds: float
    """Interpolated between that rung and the one below, both logarithms, to where the excess is what is allowed."""
    longest: int
    """Rung of the longest training tried."""
    epoch: float
    """Of that one [s]."""


def need(recipe: Recipe, target: xr.Dataset, jets: int, folder: Path, start: int) -> Need:
    """Search the fewest epochs that are enough at the target's beta.

    The search begins at a rung, goes down while trainings are good and up while they are not, and ends at the top.
    """
    tried: dict[int, tuple[float, float]] = {}

    def good(rung: int) -> bool:
        if rung not in tried:
            tried[rung] = attempt(recipe, target, jets, folder, rung)
        return tried[rung][0] <= 0

    rung = start
    while good(rung) and rung > 0 and good(rung - 1):
        rung -= 1
    while not good(rung) and rung + 1 < len(LADDER):
        rung += 1
    longest = max(tried)
    epoch = tried[longest][1] / epochs_of(recipe, longest)
    (excess, seconds), (worse, less) = tried[rung], tried.get(rung - 1, (0.0, 0.0))
    if excess <= 0 < worse:
        seconds = less * (seconds / less) ** (worse / (worse - excess))
    return Need(rung, seconds, longest, epoch)


def attempt(recipe: Recipe, target: xr.Dataset, jets: int, folder: Path, rung: int) -> tuple[float, float]:
    """Train at the target's beta; return the excess above what is allowed [nat], and the seconds."""
    beta, one = float(target["beta"]), at_one_beta(recipe, float(target["beta"]), epochs_of(recipe, rung))
    allowed = max(NATS, PART * float(target["objective"].mean()))
    run, seconds = timed(lambda: train(one, folder / f"{beta:.4g}-{rung}"))
    found = curves(run, jets)
    (loss, error), (kl, kl_error) = (gap(found, target, name) for name in ("objective", "kl"))
    print(
        f"beta {beta:7.4g} {one.training.epochs:4d} epochs {seconds:6.1f} s  objective {loss:+.3f} +- {error:.3f}"
        f"  KL {kl:+.3f} +- {kl_error:.3f}  (allowed {allowed:.3f})",
        flush=True,
    )
    return loss - allowed, seconds


def epochs_of(recipe: Recipe, rung: int) -> int:
    return max(1, round(LADDER[rung] * recipe.training.epochs))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train both ways, print times and the curves' differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="vae-gaussian", help="with a range of beta [vae-gaussian]")
    parser.add_argument("--data", nargs="+", metavar="F", help="other data")
    parser.add_argument("--epochs", type=int, metavar="N", help="of the one training")
    parser.add_argument("--jets", type=int, default=3000, metavar="N", help="held-out jets [3000]")
    parser.add_argument("--together", action="store_true", help="also train the twelve in one vectorised step")
    parser.add_argument("--mrvae", action="store_true", help="against a Multi-Rate VAE instead")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="of both, with --mrvae [3]")
    options = parser.parse_args(arguments)
    given = {"data.files": options.data, "training.epochs": options.epochs, "training.threads": 1}
    recipe = read(options.recipe, {key: value for key, value in given.items() if value is not None})
    with tempfile.TemporaryDirectory() as name:
        if options.mrvae:
            against_multi_rate(recipe, options.jets, Path(name), options.seeds)
        else:
            compare(recipe, options.jets, Path(name), together=options.together)


def against_multi_rate(recipe: Recipe, jets: int, folder: Path, seeds: int) -> None:
    """Train both for each seed; print times, objectives and their differences at resolutions over the range."""
    betas, rows = np.geomspace(recipe.model.beta.low, recipe.model.beta.high, POINTS).tolist(), []
    for seed in range(seeds):
        training = recipe.training.model_copy(update={"seed": seed})
        rows.append(excess(recipe.model_copy(update={"training": training}), jets, folder / f"{seed}", betas))
    print("beta, excess of the Multi-Rate VAE [nat]: mean over seeds, least, largest")
    for value, found in zip(betas, np.transpose(rows), strict=True):
        print(f"{value:8.4g}  {found.mean():+.3f}  {found.min():+.3f}  {found.max():+.3f}")


def excess(recipe: Recipe, jets: int, folder: Path, betas: Sequence[float]) -> NDArray[np.float64]:
    """Return by how much the objective of a Multi-Rate VAE exceeds ours at each beta [nat], on held-out points."""
    one, seconds = timed(lambda: train(recipe, folder))
    ours = curves(one, jets, betas)["objective"].transpose("beta", "jet")
    x, held_out = one.data[torch.from_numpy(one.split.train)], choose(one).data[torch.arange(ours.sizes["jet"])]
    own, latents, best = ours.mean("jet").values, len(one.vae.latent.coordinate_names), np.inf
    for rate, balance in itertools.product(multi_rate.RATES, (False, True)):
        vae, took = timed(partial(multi_rate.trained, recipe, x, latents, rate, balance=balance))
        known = float((multi_rate.objective(vae, x[: len(held_out)], betas).mean(1) / own).mean())
        if known < best:
            best, other, said = (
                known,
                multi_rate.objective(vae, held_out, betas).mean(1),
                f"{rate:g}{', balanced' * balance}, {took:.1f} s",
            )
    print(f"ours {seconds:.1f} s; Multi-Rate VAE at its best, {said}; objectives of both:", flush=True)
    print("  ".join(f"{value:.3g}: {a:.3f} {b:.3f}" for value, a, b in zip(betas, own, other, strict=True)), flush=True)
    return other - own


def compare(recipe: Recipe, jets: int, folder: Path, *, together: bool) -> None:
    """Train both ways and print."""
    one, seconds = timed(lambda: train(recipe, folder / "range"))
    print(f"one training for {recipe.model.beta}: {recipe.training.epochs} epochs, {seconds:.1f} s", flush=True)
    betas = np.geomspace(recipe.model.beta.low, recipe.model.beta.high, POINTS + 2)[1:-1].tolist()
    target = curves(one, jets, betas)
    rung, needs = len(LADDER) - 2, []
    for beta in betas:
        needs.append(need(recipe, target.sel(beta=beta), jets, folder, rung))
        rung = needs[-1].rung
    longest = max(found.longest for found in needs)
    epoch = np.median([found.epoch for found in needs if found.longest == longest])
    equal, total = POINTS * recipe.training.epochs * epoch, sum(found.seconds for found in needs)
    print(f"{POINTS} trainings of as many epochs as the one: {equal:.1f} s, ratio {equal / seconds:.2f}")
    print(f"{POINTS} trainings, each with the epochs it needs: {total:.1f} s")
    if together:
        slowest = epochs_of(recipe, max(found.rung for found in needs))
        recipes = [at_one_beta(recipe, beta, slowest) for beta in betas]
        folders = [folder / f"together-{i}" for i in range(POINTS)]
        total = min(total, vectorised := timed(lambda: train_many(recipes, folders))[1])
        print(f"{POINTS} in one vectorised step of {slowest} epochs: {vectorised:.1f} s")
    print(f"ratio: {total / seconds:.2f}")


if __name__ == "__main__":
    main()
