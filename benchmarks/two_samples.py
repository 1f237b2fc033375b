"""Is the p-value of two samples uniform where nothing differs, and what is seen? ``python -m benchmarks.two_samples``.

Pairs of independent samples of a Gaussian, each with trainings of its own, from data to p: 200 pairs of equal
distribution, 100 of which each sample has two trainings, and 40 whose smallest of three sizes is 0.3 and 0.2. Many
trainings take their steps together, each on its own sample. Printed: Kolmogorov and Smirnov's probability of so uneven
p-values, and the shares below 0.01, 0.05 and 0.1; beside them how often the curves of two trainings of equal samples
differ by more than two errors of the jets.

A stopped run continues with the next pair: rows are kept in ``--out``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyro
from scipy.stats import kstest

from analysis.evaluation.two_samples import two_samples
from analysis.measures.two_samples import spans
from benchmarks.rows import keep, kept
from inference.completed import completed
from inference.feeds import feed_of
from inference.folder import RunFolder
from inference.recipe import Recipe, read
from inference.replicas import plan
from inference.run import Run
from inference.splits import Split, split
from inference.trainer import Trainer
from jets import Jets, concatenate
from models import build

SIZES, OTHER = (4.0, 1.0, 0.3), (4.0, 1.0, 0.2)
POINTS, EPOCHS = 600, 60
"""Of a sample, a third of them held out; passes, of six steps each."""
CASES = {
    "equal": (SIZES, SIZES, 1, 200),
    "narrower": (SIZES, OTHER, 1, 40),
    "two seeds": (SIZES, SIZES, 2, 100),
}
"""Case -> sizes of both samples, trainings of each, and pairs."""
CURVES = ("D2", "kl", "distortion", "D1")
TOGETHER = 8
"""Pairs that are trained together."""


def sample(sizes: Sequence[float], seed: Sequence[int]) -> Jets:
    """Return independent points of these sizes along the axes, ``(POINTS, 3)``."""
    points = np.random.default_rng(seed).normal(size=(POINTS, len(sizes))) * sizes
    return Jets(points.astype(np.float32), np.zeros(POINTS, np.int64), ("points",))


def trained(samples: Sequence[Jets], seeds: Sequence[int], folder: Path) -> list[Run]:
    """Return a run of each sample, all trained in one vectorised step.

    Each is what ``inference.train`` makes of its sample with its seed, but for the order of the noise.
    """
    whole = concatenate(samples)
    changes = {"data.test": 1 / 3, "model.latent": "R3", "model.beta": [0.05, 8.0], "training.epochs": EPOCHS}
    base = completed(
        read("vae-gaussian", changes | {"training.batch_size": 64, "training.threads": 1, "training.compile": False}),
        whole,
    )
    recipes = [seeded(base, seed) for seed in seeds]
    paths = [folder / f"run{i}" for i in range(len(samples))]
    own = list(zip(paths, recipes, samples, strict=True))
    folders = [RunFolder.create(path, recipe, jets) for path, recipe, jets in own]
    vaes = []
    for recipe in recipes:
        pyro.set_rng_seed(recipe.training.seed)
        vaes.append(build(recipe.model, recipe.image.pixels**2))
    trainer = Trainer(folders, recipes, vaes, whole)
    for i, (replica, jets) in enumerate(zip(trainer.replicas, samples, strict=True)):
        parts = split(jets, replica.recipe.data, replica.recipe.training.seed)
        replica.split = Split(*(part + i * POINTS for part in (parts.train, parts.validation, parts.test)))
    splits = [replica.split for replica in trainer.replicas]
    steps = plan(len(splits[0].train), base.training)
    trainer.feed = feed_of(whole, recipes, splits, seeds, steps, trainer.device, trainer.share)
    trainer.train()
    return [Run(path, jets) for path, _, jets in own]


def seeded(recipe: Recipe, seed: int) -> Recipe:
    """Return a recipe with another seed."""
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})


def row(case: str, pair: int, runs: Sequence[Run]) -> dict[str, object]:
    """Return what is found of a pair."""
    found = two_samples(runs, draws=1, seed=pair)
    errors = np.abs(found["D2_difference"] / found["D2_difference_error_of_jets"])
    told = np.asarray(found["kl"].mean("sample")) > 0.01
    most = int(np.abs(found["t"].sel(curve="D2").values).argmax())
    return {
        "case": case,
        "pair": pair,
        "p": found.attrs["p"],
        "of_curves": {name: float(found["curve_p"].sel(curve=name)) for name in CURVES},
        "most_at": float(found["beta"][most]),
        "up_to": max((high for _, high in spans(found, "D2")), default=None),
        "off": float((errors.values[told] > 2).mean()),
    }


def measure(case: str, pairs: Sequence[int], out: Path) -> None:
    """Train pairs together, compare each, and add its row to the file."""
    first, second, count, _ = CASES[case]
    start = time.perf_counter()
    number = list(CASES).index(case)
    samples = [sample(sizes, (number, pair, k)) for pair in pairs for k, sizes in enumerate((first, second))]
    seeds = [(10_000 * number + 2 * pair + k) * count + i for pair in pairs for k in (0, 1) for i in range(count)]
    with tempfile.TemporaryDirectory() as name:
        runs = trained([each for each in samples for _ in range(count)], seeds, Path(name))
        for i, pair in enumerate(pairs):
            found = row(case, pair, runs[2 * count * i : 2 * count * (i + 1)])
            keep(out, found)
    print(f"{case}: pairs {pairs[0]} to {pairs[-1]}, {time.perf_counter() - start:.0f} s", flush=True)


def report(rows: Sequence[dict]) -> None:
    """Print what all pairs of each case say."""
    for case in CASES:
        own = [each for each in rows if each["case"] == case]
        if not own:
            continue
        print(f"{case}: {len(own)} pairs of {POINTS} points, {POINTS // 3} of each held out")
        columns = {"all curves": [each["p"] for each in own]}
        columns |= {name: [each["of_curves"][name] for each in own] for name in CURVES}
        for name, values in columns.items():
            shares = "  ".join(f"{np.mean(np.array(values) <= level):.3f}" for level in (0.01, 0.05, 0.1))
            print(f"  {name:<11} p <= 0.01, 0.05, 0.1: {shares}   uniform: {kstest(values, 'uniform').pvalue:.3f}")
        off = np.mean([each["off"] for each in own])
        print(f"  scales at which D2 of two trainings differ by more than two errors: {off:.2f}")
        ends = [each["up_to"] for each in own if each["up_to"] is not None]
        if ends and case == "narrower":
            low, middle, high = np.quantile([each["most_at"] for each in own], [0.16, 0.5, 0.84])
            print(f"  D2 differs up to {np.median(ends):.2f} (median), most at {middle:.2f} ({low:.2f} to {high:.2f})")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the pairs that are not in the file yet, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, metavar="N", help="of each case, at most [200, 40, 100]")
    parser.add_argument("--cases", nargs="+", choices=[*CASES], default=[*CASES], help="[all]")
    parser.add_argument("--out", type=Path, default=Path("runs/two_samples.jsonl"), metavar="F", help="[%(default)s]")
    options = parser.parse_args(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for case in options.cases:
        wanted = CASES[case][3]
        done = {each["pair"] for each in kept(options.out) if each["case"] == case}
        left = [pair for pair in range(min(wanted, options.pairs or wanted)) if pair not in done]
        together = TOGETHER // CASES[case][2]
        for start in range(0, len(left), together):
            measure(case, left[start : start + together], options.out)
    report(kept(options.out))


if __name__ == "__main__":
    main()
