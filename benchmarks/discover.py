"""Ten known structures: what a search finds, beside the league and a rich space that prunes itself.

``python -m benchmarks.discover --out runs/discover.jsonl`` resumes where it stopped; ``--report`` prints the table. The
rich space, R4 x T2 x S2 x C3, is raced as one candidate of a league; a latent counts as in use from 0.1 nat.
"""

import argparse
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pyro
import torch

from analysis.evaluation.discover import discover
from analysis.evaluation.league import league
from analysis.measures.doubt import answer, sentence
from analysis.measures.information import ACTIVE
from analysis.measures.manifolds import Manifold
from analysis.measures.structure import doubts
from analysis.measures.topology import rank
from benchmarks.rows import keep, kept
from benchmarks.topology import BETA, COUNT
from benchmarks.topology_manifolds import MANIFOLDS, drawn, embedded, horseshoe
from inference.lower_bound import elbo
from inference.machine import tune_cpu
from inference.race import padded_points, race
from jets import Jets, load
from jets.processes import workers

RICH = "R4 x T2 x S2 x C3"
JETS, SCALE = ("sample:qcd", "sample:w", "sample:top"), 20.0  # GeV
SIZE = 6  # numbers of a point, but of the curve in many


def curve_in_many(seed):
    random = np.random.default_rng(seed)
    return random.permutation(embedded(horseshoe(COUNT, random), 20, random))


STRUCTURES = {
    "line": "R1",
    "circle": "S1",
    "normal plane": "R2",
    "sphere": "S2",
    "torus": "T2",
    "S2 x R1": "S2 x R1",
    "curve and plane": "R1 | R2",
    "circles linked": "S1 | S1",
    "two lines": "R1 | R1",
    "curve in R20": "R1",
    "jets": "",
}
"""Name -> its structure, with sides sorted by name; that of QCD, W and top jets at 20 GeV is not known."""


def points_of(name, seed):
    if name == "curve in R20":
        return curve_in_many(seed)
    assert name in MANIFOLDS
    return drawn(name, COUNT, SIZE, seed)


def canonical(latent):
    """Write a structure with its sides in order.

    >>> canonical("R2 | R1"), canonical("R1 x S1")
    ('R1 | R2', 'S1 x R1')
    """
    return " | ".join(sorted(str(Manifold.of(side)) for side in latent.split("|")))


def searched(sample, beta, at_most, seed, pool):
    start = time.perf_counter()
    tree = discover(sample, beta, at_most=at_most, seed=seed, pool=pool, say=lambda text: None)
    weights = [round(float(w), 3) for w in tree["sides/weight"].values]
    found = {"found": canonical(tree.attrs["latent"]), "as_found": tree.attrs["latent"], "weights": weights}
    found |= {"doubts": doubts(tree), "races": int(tree["path"].sizes.get("step", 0))}
    return found | {"seconds": round(time.perf_counter() - start, 1)}


def by_league(points, seed, pool):
    start = time.perf_counter()
    tree = league(points, BETA, seed=seed, pool=pool)
    return {
        "league": sentence(answer(tree, rank(tree))).split(":")[0],
        "league_seconds": round(time.perf_counter() - start, 1),
    }


def by_pruning(points, seed):
    start = time.perf_counter()
    winner = race(points, RICH, BETA, seed=seed)
    x = padded_points((points - winner.mean) / winner.scale)
    with torch.no_grad(), pyro.validation_enabled(False):
        kl = {site: nats.mean(0) for site, nats in elbo(winner.vae.model, winner.vae.guide, x).kl.items()}
    used = [int((nats >= ACTIVE).sum()) for nats in kl.values()]
    category = "C3 x " if used[3] else ""
    nats = {site: [round(float(value), 3) for value in values] for site, values in kl.items()}
    seconds = round(time.perf_counter() - start, 1)
    return {"rich": category + str(Manifold(*used[:3])), "rich_kl": nats, "rich_seconds": seconds}


def trial(name, seed, pool, options):
    row = {"structure": name, "truth": STRUCTURES[name], "seed": seed}
    if name == "jets":
        return row | searched(load(*JETS), SCALE, 2000, seed, pool)
    points = points_of(name, seed)
    sample = Jets(points.astype(np.float32), np.zeros(len(points), np.int64), ("points",), sources=(name,))
    row |= searched(sample, BETA, COUNT, seed, pool)
    if options.league:
        row |= by_league(points, seed, pool)
    if options.rich:
        row |= by_pruning(points, seed)
    return row


def report(rows):
    print("| structure | truth | found | seconds | in doubt | league | rich space, pruned |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        cells = [row["structure"], row["truth"], row["found"], f"{row['seconds']:.0f}", "yes" if row["doubts"] else ""]
        cells += [row.get("league", "-"), row.get("rich", "-")]
        print("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    known = [row for row in rows if row["truth"]]
    right = sum(row["found"] == row["truth"] for row in known)
    print(f"{right} of {len(known)} found; longest {max(row['seconds'] for row in rows):.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structure", action="append", help="only this one; repeat it")
    parser.add_argument("--seed", type=int, default=700, help="of points and searches")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--league", action="store_true", help="also the league")
    parser.add_argument("--rich", action="store_true", help="also the rich space")
    parser.add_argument("--report", action="store_true", help="search nothing")
    parser.add_argument("--out", type=Path, default=Path("runs/discover.jsonl"))
    options = parser.parse_args()
    tune_cpu()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    done = kept(options.out)
    with nullcontext() if options.report else workers(options.jobs, tune_cpu) as pool:
        for name in [] if options.report else options.structure or STRUCTURES:
            if any(row["structure"] == name and row["seed"] == options.seed for row in done):
                continue
            row = trial(name, options.seed, pool, options)
            keep(options.out, row)
            print(f"{name}: {row['found']}  {row['seconds']} s", flush=True)
    if rows := kept(options.out):
        report(rows)


if __name__ == "__main__":
    main()
