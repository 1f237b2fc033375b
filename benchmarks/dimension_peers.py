"""Intrinsic dimension of the same points by TwoNN, MLE, DANCo, lPCA, the correlation dimension and D2 of a VAE.

``python -m benchmarks.dimension_peers --points 500 2000 8000 --seeds 3 --out runs/dimension_peers.jsonl`` resumes where
it stopped; ``--report`` only prints, and ``--picture FILE`` draws the noisy points. The points are those of
:mod:`benchmarks.dimension_points`; :mod:`benchmarks.dimension_estimators` says where each estimator is read.
``--noise`` adds Gaussian noise of these sizes, in units of the points' spread, to three manifolds: there D2 is read at
beta = 3 sigma and sigma / 3, the correlation dimension at distances of 6 sigma and of sigma. ``--jets FILE...`` takes
distances between jets, of which nothing is known: for TwoNN, MLE and the correlation dimension, which need no
coordinates. The peers are those of scikit-dimension, which the extra ``peers`` installs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import dimension_estimators as estimators
from benchmarks.dimension_jets import of_jets
from benchmarks.dimension_picture import picture
from benchmarks.dimension_points import MANIFOLDS, NOISY, points, spread
from inference.machine import tune_cpu

KEY = ("manifold", "noise", "n", "seed", "estimator")
"""What names a row."""
WITHIN = (0.05, 0.10)
"""Relative errors that are counted."""
Row = dict[str, Any]


def measured(manifold: str, noise: float, n: int, seed: int, estimator: str) -> Row:
    """Return a row: one estimate, and the processor time it took [s]."""
    x = points(manifold, n, seed, noise)
    start = time.process_time()
    found = estimators.ESTIMATORS[estimator](x, seed)
    seconds = round(time.process_time() - start, 2)
    value = None if np.isnan(found.value) else round(found.value, 4)
    row = dict(zip(KEY, (manifold, noise, n, seed, estimator), strict=True)) | {"value": value, "seconds": seconds}
    return row | {"spread": round(spread(x), 6)} | ({} if found.curve is None else {"curve": found.curve})


def wanted(options: argparse.Namespace) -> Iterator[tuple[str, float, int, int, str]]:
    """Yield the keys of the rows that the options ask for: all of a seed before the next."""
    for seed in range(options.seeds):
        for n in options.points:
            for noise in options.noise or [0.0]:
                for manifold in options.manifolds or (NOISY if options.noise else MANIFOLDS):
                    for estimator in options.estimators:
                        yield manifold, noise, n, seed, estimator


def kept(path: Path) -> list[Row]:
    """Return the rows of a file; a torn last one is left out."""
    texts = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(text) for text in texts]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing in the file, then report all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=[2000], metavar="N", help="numbers of points [2000]")
    parser.add_argument("--seeds", type=int, default=1, metavar="S", help="draws of the points [1]")
    parser.add_argument(
        "--noise", type=float, nargs="+", default=[], metavar="R", help="sizes of noise over the spread"
    )
    parser.add_argument(
        "--manifolds", nargs="+", choices=list(MANIFOLDS | NOISY), default=[], metavar="M", help="some of them [all]"
    )
    parser.add_argument(
        "--estimators", nargs="+", choices=list(estimators.ESTIMATORS), default=list(estimators.ESTIMATORS)
    )
    parser.add_argument("--jets", nargs="+", default=[], metavar="F", help="jets instead of points of known dimension")
    parser.add_argument("--out", type=Path, default=Path("runs/dimension_peers.jsonl"), metavar="FILE")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the dimension of noisy points against scale")
    options = parser.parse_args(arguments)
    tune_cpu()
    if options.jets:
        return print("\n".join(of_jets(options.jets)))
    if not options.report:
        measure(options)
    rows = kept(options.out)
    report(rows)
    if options.picture:
        picture(rows, options.picture)


def measure(options: argparse.Namespace) -> None:
    """Append the rows that are missing in the file."""
    if set(options.estimators) - set(estimators.OURS):
        estimators.peers()  # before any work, so that a missing package is said at once
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows = kept(options.out)
    options.out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = {tuple(row[name] for name in KEY) for row in rows}
    for key in wanted(options):
        if key not in done:
            row = measured(*key)
            with options.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(*key, row["value"], f"{row['seconds']} s", flush=True)


def report(rows: Sequence[Row]) -> None:
    """Print on how many manifolds each estimator is near the truth, every value, and those of noisy points."""
    for n in sorted({row["n"] for row in rows if not row["noise"]}):
        some = [row for row in rows if row["n"] == n and not row["noise"]]
        names = [name for name in estimators.ESTIMATORS if any(row["estimator"] == name for row in some)]
        print(f"\n{n} points, mean over seeds (standard deviation); -: no number\n| manifold | {' | '.join(names)} |")
        print("|---" * (1 + len(names)) + "|")
        for manifold in MANIFOLDS:
            print(f"| {manifold} | {' | '.join(told(of(some, manifold, name)) for name in names)} |")
        for within in WITHIN:
            print(f"| within {within:.0%} | {' | '.join(near(some, name, within) for name in names)} |")
        seconds = [np.median([row["seconds"] for row in some if row["estimator"] == name]) for name in names]
        print(f"| median seconds | {' | '.join(f'{each:.1f}' for each in seconds)} |")
    for line in of_noise([row for row in rows if row["noise"]]):
        print(line)


def of(rows: Sequence[Row], manifold: str, estimator: str) -> list[Row]:
    return [row for row in rows if (row["manifold"], row["estimator"]) == (manifold, estimator)]


def values(rows: Sequence[Row]) -> list[float]:
    """Return the numbers; none where half of the seeds or more have none."""
    return numbers([np.nan if row["value"] is None else row["value"] for row in rows])


def numbers(found: Sequence[float]) -> list[float]:
    """Return those that are numbers; none where half of them or more are not.

    >>> numbers([2.0, np.nan, 3.0]), numbers([2.0, np.nan])
    ([2.0, 3.0], [])
    """
    some = [value for value in found if not np.isnan(value)]
    return some if 2 * len(some) > len(found) else []


def told(rows: Sequence[Row]) -> str:
    """Return mean and standard deviation of some seeds as text."""
    return text_of(values(rows))


def text_of(found: Sequence[float]) -> str:
    """Return mean and standard deviation as text.

    >>> text_of([1.9, 2.1]), text_of([2.0]), text_of([])
    ('2.00 (0.14)', '2.00', '-')
    """
    if not found:
        return "-"
    return f"{np.mean(found):.2f}" + (f" ({np.std(found, ddof=1):.2f})" if len(found) > 1 else "")


def near(rows: Sequence[Row], estimator: str, within: float) -> str:
    """Return of how many manifolds the mean over seeds is near the truth; one without a number is not."""
    there = [name for name in MANIFOLDS if of(rows, name, estimator)]
    means = {name: values(of(rows, name, estimator)) for name in there}
    right = sum(bool(v) and abs(np.mean(v) / MANIFOLDS[name].dimension - 1) <= within for name, v in means.items())
    return f"{right} of {len(there)}"


def at(row: Row, sigmas: float) -> float:
    """Return the dimension of noisy points at a scale in units of the noise; NaN outside what was measured."""
    curve, exact = row["curve"], row["noise"]
    if "beta" in curve:
        scale, value, size = curve["beta"], curve["D2"], sigma_in_spreads(exact)
    else:
        scale, value, size = curve["scale"], curve["dimension"], sigma_in_spreads(exact) * row["spread"]
    logs = np.log(scale)
    return float(np.interp(np.log(sigmas * size), logs, value, left=np.nan, right=np.nan))


def sigma_in_spreads(noise: float) -> float:
    """Return the noise in units of the spread of the noisy points, from that in units of the exact ones'."""
    return noise / np.hypot(1, noise)


READ = {"D2": (3.0, 1 / 3), "correlation": (6.0, 1.0)}
"""Estimator that has a scale -> where it is read, in units of the noise: above and below it."""


def of_noise(rows: Sequence[Row]) -> Iterator[str]:
    """Yield lines on noisy points: peers, and ours above and below the size of the noise."""
    for manifold, noise, n in sorted({(row["manifold"], row["noise"], row["n"]) for row in rows}):
        some = [row for row in rows if (row["manifold"], row["noise"], row["n"]) == (manifold, noise, n)]
        yield f"\n{manifold}, dimension {NOISY[manifold].dimension}, noise {noise:g} of the spread, {n} points:"
        for name in estimators.ESTIMATORS:
            own = of(some, manifold, name)
            if own and name in READ:
                above, below = ([at(row, scale) for row in own] for scale in READ[name])
                yield f"  {name}: above the noise {text_of(numbers(above))}, below {text_of(numbers(below))}"
            elif own:
                yield f"  {name}: {told(own)}"


if __name__ == "__main__":
    main()
