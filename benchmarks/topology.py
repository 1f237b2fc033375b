"""Does the league name the truth, and doubt where there is none? 24 manifolds, unseen warps and dimensions.

``python -m benchmarks.topology --trials 3 --out runs/topology.jsonl`` resumes where it stopped, and ``--trials 0``
reports; ``--shape-only`` trains nothing and says what the shape of the points alone allows. The first trial of a
process traces, and on a new machine compiles, what it races.
"""

import argparse
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from analysis.evaluation.league import league
from analysis.measures.doubt import answer
from analysis.measures.shape import shape
from analysis.measures.signature import allowed
from analysis.measures.topology import ORDER, rank
from benchmarks.rows import keep, kept
from benchmarks.topology_manifolds import MANIFOLDS, drawn
from inference.machine import tune_cpu
from jets.processes import workers

BETA, COUNT = 0.1, 2667  # 2,000 of the points are trained on
DIMENSIONS = (6, 7)


def trial(name, seed, pool, options):
    size = DIMENSIONS[seed % len(DIMENSIONS)]
    points = drawn(name, COUNT, size, seed)
    start = time.perf_counter()
    row = {"manifold": name, "truth": MANIFOLDS[name][0], "seed": seed, "dimension": size}
    if options.shape_only:
        row |= {"allowed": allowed(shape(points, BETA), ORDER)}
    else:
        row |= judged(league(points, BETA, seed=seed, pool=pool, every=options.all))
    return row | {"seconds": round(time.perf_counter() - start, 1), "jobs": options.jobs}


def judged(tree):
    ranking = rank(tree)
    found = answer(tree, ranking)
    numbers = {
        name: {str(key): round(float(value), 4) for key, value in ranking[name].to_series().items()}
        for name in ("log_evidence", "difference_error")
    }
    lead = float(
        (tree["sample_stats/reference"] - tree["sample_stats/log_evidence"].sel(topology=ranking.attrs["best"])).mean()
    )
    return {
        "allowed": allowed(tree["shape"].to_dataset(), ORDER),
        "kind": found.kind,
        "topologies": found.topologies,
        "reasons": found.reasons,
        "by_evidence": ranking.attrs["first"],
        "lead": round(lead, 4),
        **numbers,
    }


def said(row):
    """Return the answer of a row in a few words; of a trial without races that of the shape alone."""
    names = row.get("topologies", row["allowed"])
    if row.get("kind", "none" if not names else "this") == "none":
        return "none of these"
    return names[0] if row.get("kind", "this") == "this" and len(names) == 1 else "one of " + ", ".join(names)


def holds(row):
    """Whether the truth is named or among those that are left; of an unlisted one, whether nothing is named."""
    names = row.get("topologies", row["allowed"])
    return row["truth"] in names if row["truth"] else said(row).startswith(("none", "one of"))


def report(rows):
    for name in MANIFOLDS:
        mine = [row for row in rows if row["manifold"] == name]
        answers = [said(row) for row in mine]
        counts = ", ".join(f"{answers.count(text)} {text}" for text in dict.fromkeys(answers))
        print(f"{name:<16} {MANIFOLDS[name][0] or 'not listed':<10} {len(mine):>3} trials: {counts}")
    listed, unlisted = ([row for row in rows if bool(row["truth"]) == there] for there in (True, False))
    named = sum(said(row) == row["truth"] for row in listed)
    print(f"truth listed: {named} named, {sum(map(holds, listed))} named or among those left, of {len(listed)}")
    print(f"truth not listed: {sum(map(holds, unlisted))} of {len(unlisted)} not named")
    wrong = [row for row in rows if said(row) != row["truth"] and said(row) in ORDER]
    wrong += [row for row in listed if said(row) == "none of these"]
    print(f"confidently wrong: {len(wrong)} of {len(rows)}")
    seconds = sorted(row["seconds"] for row in rows)
    print(f"median {np.median(seconds):.1f} s, longest {seconds[-1]} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1, help="seeds for each manifold")
    parser.add_argument("--first", type=int, default=200, help="first seed")
    parser.add_argument("--manifold", action="append", help="only this one; repeat it")
    parser.add_argument("--shape-only", action="store_true", help="train nothing")
    parser.add_argument("--all", action="store_true", help="race every candidate")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=Path("runs/topology.jsonl"))
    options = parser.parse_args()
    tune_cpu()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    done = {(row["manifold"], row["seed"]) for row in kept(options.out)}
    seeds = range(options.first, options.first + options.trials)
    with workers(options.jobs) or nullcontext() as pool:
        for name, seed in ((name, seed) for seed in seeds for name in options.manifold or MANIFOLDS):
            if (name, seed) in done:
                continue
            row = trial(name, seed, pool, options)
            keep(options.out, row)
            print(f"{name}: {said(row)}  {row['seconds']} s", flush=True)
    if rows := kept(options.out):
        report(rows)


if __name__ == "__main__":
    main()
