"""Is the p-value of ``jetvae search`` right, and what does it find? ``python -m benchmarks.hunt QCD --signal W``.

Files of one class each: the background, and, where a share is given, what is looked for. Each experiment takes jets of
the background at random, ``--jets`` or all, and so many of the other file that they are ``--share`` of all jets in the
window; all is fitted anew. Printed: how the p-values are distributed, how often they are below some levels, the AUC of
both scores in the window, and what the window's own score finds. Rows are kept in ``--out``; it resumes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstest

from analysis.measures.hunt import SCORES, hunt, regime
from analysis.measures.tagging import auc
from benchmarks.rows import keep, kept
from inference.machine import tune_cpu
from jets import load
from jets.shapes import shapes
from jetvae.options import window

Array = NDArray[np.floating]
Sample = tuple[Array, Array]
LEVELS = (0.001, 0.01, 0.05, 0.1, 0.5)


def sample_of(files: Sequence[str]) -> Sample:
    """Return jets and their shapes."""
    jets = load(*files).constituents
    return jets, shapes(jets)


def inside(known: Array, ends: tuple[float, float]) -> NDArray[np.bool_]:
    """Return which jets of these shapes are in the window."""
    mass = np.exp(known[:, 0])
    return (mass >= ends[0]) & (mass < ends[1])


def experiment(
    background: Sample, signal: Sample | None, ends: tuple[float, float], jets: int, share: float, seed: int
) -> dict[str, object]:
    """Return what one search finds."""
    random = np.random.default_rng(seed)
    rows = random.permutation(len(background[0]))[:jets]
    parts = [[each[rows] for each in background]]
    if signal is not None:
        wanted = share / (1 - share) * inside(parts[0][1], ends).sum()
        order = random.permutation(len(signal[0]))
        count = int(np.searchsorted(np.cumsum(inside(signal[1][order], ends)), wanted)) + 1
        parts.append([each[order[:count]] for each in signal])
    constituents, known = (np.concatenate(each) for each in zip(*parts, strict=True))
    start = time.perf_counter()
    found = hunt(constituents, ends, known=known, seed=seed)
    row = {"seed": seed, "share": share if signal else 0.0, "jets": jets, "window": list(ends)}
    row |= {"p_value": found.attrs["p_value"], "seconds": time.perf_counter() - start, "regime": regime(found)}
    row["found_share"] = found.attrs["share"]
    is_signal, own = np.arange(len(known)) >= len(rows), found["inside"].values
    for name in SCORES:
        row[f"{name}_significance"] = found["significance"].sel(score=name).values.tolist()
        score = -found["tail"].sel(score=name).values
        if signal is not None:
            row[f"{name}_auc"] = auc(score[own & is_signal], score[own & ~is_signal], repeats=2).value
    return row


def of_kind(path: Path, kind: dict[str, object]) -> list[dict[str, object]]:
    """Return the experiments of a file that were made with these settings."""
    return [row for row in kept(path) if all(row[name] == value for name, value in kind.items())]


def report(rows: Sequence[dict[str, object]]) -> Iterator[str]:
    """Yield lines on experiments of one kind."""
    p = np.array([row["p_value"] for row in rows], float)
    levels = ", ".join(f"{100 * (p <= level).mean():.3g} % p <= {level:g}" for level in LEVELS)
    yield f"{len(rows)} searches: {levels}; p uniform: Kolmogorov-Smirnov {kstest(p, 'uniform').pvalue:.2g}"
    yield f"median p {np.median(p):.2g}, smallest {p.min():.2g}, largest {p.max():.2g}"
    for name in SCORES:
        z = np.array([row[f"{name}_significance"] for row in rows], float)
        yield f"  {name}: significance at each cut {np.nanmean(z, 0).round(2)}, spread {np.nanstd(z, 0).round(2)}"
        if f"{name}_auc" in rows[0]:
            areas = [float(str(row[f"{name}_auc"])) for row in rows]
            yield f"  {name}: AUC in the window, median {np.median(areas):.3f}"
    shares = np.array([row["found_share"] for row in rows], float)
    yield f"  share of the window that weak finds: {np.nanmean(shares):.4f}, spread {np.nanstd(shares):.4f}"
    yield f"  {np.mean([row['regime'] == 'weak' for row in rows]):.2f} say that another kind is usual there"
    yield f"  {np.median([float(str(row['seconds'])) for row in rows]):.1f} s a search without shapes"


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what is missing, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("background", nargs="+", metavar="F")
    parser.add_argument("--signal", nargs="+", metavar="F")
    parser.add_argument("--window", type=window, default=(65, 105), metavar="LO:HI")
    parser.add_argument("--share", type=float, default=0.01, help="of the jets in the window [0.01]")
    parser.add_argument("--jets", type=int, default=10_000, metavar="N", help="of the background [10000]")
    parser.add_argument("--experiments", type=int, default=20, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="S", help="first seed [0]")
    parser.add_argument("--out", type=Path, default=Path("runs/hunt.jsonl"))
    options = parser.parse_args(arguments)
    tune_cpu()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    background, signal = sample_of(options.background), sample_of(options.signal) if options.signal else None
    kind = {"jets": options.jets, "window": list(options.window), "share": options.share if signal else 0.0}
    done = {row["seed"] for row in of_kind(options.out, kind)}
    for seed in sorted(set(range(options.first, options.first + options.experiments)) - done):
        row = experiment(background, signal, options.window, options.jets, options.share, seed)
        keep(options.out, row)
        print(f"{seed}: p {row['p_value']:.3g}", flush=True)
    print("\n".join(report(of_kind(options.out, kind))))


if __name__ == "__main__":
    main()
