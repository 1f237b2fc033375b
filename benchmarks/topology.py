"""Does the league name the truth? Seven manifolds, many seeds, unseen warps and dimensions; the confusion table.

``python -m benchmarks.topology --trials 15 --out runs/topology.jsonl`` resumes where it stopped, and
``--trials 0`` reports. The first trial of a process traces, and on a new machine compiles, every candidate.
"""

import argparse
import json
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from analysis.evaluation.league import league, workers
from analysis.measures.topology import ORDER, rank
from inference.machine import tune_cpu
from jets import toys

BETA, NOISE, COUNT = 0.1, 0.03, 2667  # 2,000 of the points are trained on
DIMENSIONS = (5, 8)


def line(n, random):
    return random.uniform(-1.5, 1.5, (n, 1))


def sheet(n, random):
    return random.uniform(-1, 1, (n, 2)) * [1.5, 1.0]


def cylinder(n, random):
    angle = random.uniform(-np.pi, np.pi, n)
    return np.stack([np.cos(angle), np.sin(angle), random.uniform(-1, 1, n)], 1)


def toy(name):
    return lambda n, random: toys.TOYS[name](n=n, seed=int(random.integers(1 << 30))).points


MANIFOLDS = {
    "R1": line,
    "S1": toy("circle"),
    "T2": toy("torus"),
    "S2": toy("sphere"),
    "R1 | R2": toy("curve_and_plane"),
    "R2": sheet,
    "S1 x R1": cylinder,
}
"""The topology that is true -> what draws its points."""


def embedded(points, size, random):
    """Turn the points into R^size and shear them quadratically: one to one, nowhere flat."""
    padded = np.pad(points - points.mean(0), ((0, 0), (0, size - points.shape[1])))
    turned = padded @ toys.rotation(size, random)
    along = turned @ toys.rotation(size, random)[:, :2]
    bent = turned + 0.2 * (along[:, :1] ** 2) * random.normal(size=size) / np.sqrt(size)
    bent += 0.15 * np.tanh(2 * along[:, 1:]) * random.normal(size=size) / np.sqrt(size)
    return bent + NOISE * random.normal(size=bent.shape)


def trial(truth, seed, pool):
    random = np.random.default_rng((seed, list(MANIFOLDS).index(truth)))
    size = DIMENSIONS[seed % len(DIMENSIONS)]
    points = embedded(MANIFOLDS[truth](COUNT, random), size, random)
    start = time.perf_counter()
    ranking = rank(league(points, BETA, seed=seed, pool=pool))
    evidence = {str(name): round(float(ranking["log_evidence"].sel(topology=name)), 4) for name in ORDER}
    return {
        "truth": truth,
        "seed": seed,
        "dimension": size,
        "chosen": ranking.attrs["chosen"],
        "first": ranking.attrs["first"],
        "lacking": ranking.attrs["lacking"],
        "best": ranking.attrs["best"],
        "log_evidence": evidence,
        "elbo": {str(name): round(float(ranking["elbo"].sel(topology=name)), 4) for name in ORDER},
        "error": {str(name): round(float(ranking["difference_error"].sel(topology=name)), 4) for name in ORDER},
        "seconds": round(time.perf_counter() - start, 1),
    }


def report(rows):
    counts = Counter((row["truth"], row["chosen"] or "none") for row in rows)
    print(f"{'truth':<8} | chosen: " + " ".join(f"{name:>8}" for name in [*ORDER, "none"]))
    for truth in MANIFOLDS:
        print(f"{truth:<8} |         " + " ".join(f"{counts[truth, name] or '.':>8}" for name in [*ORDER, "none"]))
    right = sum(row["truth"] == row["chosen"] for row in rows)
    none = [row for row in rows if not row["chosen"]]
    for row in none:
        print(f"none for {row['truth']}, seed {row['seed']}: {row['lacking']}")
    by_rule = sum(row["truth"] == row["first"] for row in none)
    print(f"none chosen in {len(none)} trials, in {by_rule} of which the rule would have named the truth")
    raw = sum(row["truth"] == row["best"] for row in rows)
    print(f"named {right} of {len(rows)} ({100 * right / len(rows):.1f} %); largest ln p(x) alone names {raw}")
    for jobs in sorted({row["jobs"] for row in rows}):
        seconds = sorted(row["seconds"] for row in rows if row["jobs"] == jobs)
        print(f"jobs {jobs}: median of {len(seconds)} trials {np.median(seconds):.1f} s, longest {seconds[-1]} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1, help="seeds for each manifold")
    parser.add_argument("--first", type=int, default=100, help="first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=Path("runs/topology.jsonl"))
    options = parser.parse_args()
    tune_cpu()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = kept(options.out)
    done = {(row["truth"], row["seed"]) for row in rows}
    seeds = range(options.first, options.first + options.trials)
    with workers(options.jobs) or nullcontext() as pool:
        for truth, seed in ((truth, seed) for seed in seeds for truth in MANIFOLDS):
            if (truth, seed) in done:
                continue
            row = trial(truth, seed, pool) | {"jobs": options.jobs}
            with options.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"{truth}: {row['chosen'] or 'none'}  {row['seconds']} s", flush=True)
    if rows := kept(options.out):
        report(rows)


def kept(path):
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


if __name__ == "__main__":
    main()
