"""Which label-free score finds odd jets that are not merely heavy? ``python -m benchmarks.search QCD TOP W``.

Files of one class each, or ``sample:qcd sample:top sample:w``. For every background and anomaly: half of the background
is what scores are fitted to, without labels, the other half and all jets of the anomaly are scored. Windows of the mass
are the narrower of both classes' middle 68 %. With ``--contamination 0.01`` so large a share of what is fitted to are
jets of the anomaly, which are not scored then. Beside the scores a supervised classifier of the same shapes, within the
window, each half scored by that of the other. Printed: medians and spread over seeds.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from itertools import permutations, product

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from analysis.evaluation.shape_scores import COMPARED
from analysis.measures.forest import Forest
from analysis.measures.oddness import Odd
from analysis.measures.searching import KNOWN, search_table, window_of
from analysis.measures.tagging import auc
from analysis.measures.typicality import Bulk
from inference.machine import tune_cpu
from jets import load
from jets.shapes import NAMES, shapes

Array = NDArray[np.floating]
LEVEL, MASS_BINS = 0.01, 10


def parted(own: tuple[Array, Array], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return tuple(np.array_split(np.random.default_rng(seed).permutation(len(own[0])), 2))


def fitted(
    sample: dict[str, tuple[Array, Array]], background: str, anomaly: str, share: float, seed: int
) -> tuple[dict[str, object], NDArray[np.int64], NDArray[np.int64]]:
    """Return what says how odd jets of some shapes are, and the rows of background and anomaly that are scored."""
    fit, test = parted(sample[background], seed)
    jets, known = (each[fit] for each in sample[background])
    rest = np.arange(len(sample[anomaly][0]))
    if share:
        mixed, rest = np.split(np.random.default_rng(seed).permutation(rest), [round(share * len(fit) / (1 - share))])
        jets, known = (
            np.concatenate([own, other[mixed]]) for own, other in zip((jets, known), sample[anomaly], strict=True)
        )
    odd = Odd.of(jets, seed, known)
    scores: dict[str, object] = {"odd": odd.score, "p": odd.p_value}
    for name, columns in COMPARED.items():
        own = [NAMES.index(column) for column in columns]
        bulk = Bulk.of(known[:, own])
        scores[name] = lambda found, bulk=bulk, own=own: bulk.distance(found[:, own])
    return scores, test, rest


def rows(
    sample: dict[str, tuple[Array, Array]], backgrounds: Sequence[str], shares: Sequence[float], seeds: int
) -> Iterator[dict[str, object]]:
    """Yield the numbers of each score, background, anomaly, contamination and seed."""
    pairs = [pair for pair in permutations(sample, 2) if pair[0] in backgrounds]
    for (background, anomaly), share, seed in product(pairs, shares, range(seeds)):
        start = time.perf_counter()
        scores, test, rest = fitted(sample, background, anomaly, share, seed)
        seconds = time.perf_counter() - start
        one, two = sample[background][1][test], sample[anomaly][1][rest]
        windows = [window_of(np.exp(each[:, 0])) for each in (one, two)]
        window = min(windows, key=lambda ends: ends[1] - ends[0])
        known, is_signal = np.concatenate([one, two]), np.arange(len(one) + len(two)) >= len(one)
        p = scores.pop("p")(one)
        values = np.stack([score(known) for score in scores.values()])
        coords = dict.fromkeys(KNOWN, ("jet", np.exp(known[:, 1]))) | {"mass": ("jet", np.exp(known[:, 0]))}
        coords["particles"] = ("jet", np.exp(known[:, NAMES.index("particles")]))
        found = search_table(
            xr.DataArray(values, {"score": list(scores), **coords}, ("score", "jet")), is_signal, window
        )
        where = {"background": background, "anomaly": anomaly, "window": "{:g}:{:g}".format(*window), "share": share}
        for name in scores:
            own = found.sel(score=name)
            row = {key: float(own[key]) for key in ("auc", "window_auc", "window_rejection")}
            row |= {f"rho {each}": float(own["correlation"].sel(known=each)) for each in KNOWN}
            row |= {f"jsd {cut:g}": float(own["sculpting"].sel(cut=cut)) for cut in (0.05, 0.01)}
            row |= {f"chance {cut:g}": float(own["by_chance"].sel(cut=cut)) for cut in (0.05, 0.01)}
            if name == "odd":
                bins = np.array_split(np.argsort(one[:, 0]), MASS_BINS)
                passed = [float((p[part] <= LEVEL).mean()) / LEVEL for part in bins]
                row |= {"passing": float((p <= LEVEL).mean()) / LEVEL, "least": min(passed), "most": max(passed)}
                row["seconds"] = seconds
            yield where | {"score": name} | row
        if not share:
            yield where | {"score": "supervised", "window_auc": ceiling(one, two, window, seed)}


def ceiling(one: Array, two: Array, window: tuple[float, float], seed: int) -> float:
    """Return the AUC, within a window, of trees that know the labels, each half of the jets scored by the other's."""
    inside = [each[(np.exp(each[:, 0]) >= window[0]) & (np.exp(each[:, 0]) < window[1])] for each in (one, two)]
    x, truth = np.concatenate(inside)[:, 2:], np.repeat([False, True], [len(each) for each in inside])
    weight = np.where(truth, 1 / truth.mean(), 1 / (1 - truth.mean()))
    found, order = np.empty(len(x)), np.random.default_rng(seed).permutation(len(x))
    for k in (0, 1):
        trees = Forest.fitted(x[order[k::2]], truth[order[k::2]], weight[order[k::2]], seed)
        found[order[1 - k :: 2]] = trees.log_odds(x[order[1 - k :: 2]])
    return auc(found[truth], found[~truth], repeats=2).value


def cost(file: str) -> None:
    """Print what ``odd`` of the jets of a file costs: time and memory to fit and calibrate it, jets scored a second."""
    jets = load(file).constituents
    shapes(jets[:10])  # compiles, or reads what was compiled
    start = time.perf_counter()
    odd = Odd.of(jets)
    fit = time.perf_counter()
    odd.score(shapes(jets))
    seconds, memory = time.perf_counter() - fit, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{len(jets):,} jets: fitted and calibrated in {fit - start:.1f} s; {len(jets) / seconds:,.0f} jets/s scored")
    print(f"peak memory {memory:.2f} GB")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="F", help="one class each")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--contamination", type=float, nargs="+", default=[0.0], metavar="SHARE")
    parser.add_argument("--background", nargs="+", metavar="CLASS", help="these alone [each]")
    parser.add_argument("--cost", action="store_true", help="print what odd of the first file costs instead")
    parser.add_argument("--half", choices=("even", "odd"), help="only jets with these numbers")
    options = parser.parse_args(arguments)
    tune_cpu()
    if options.cost:
        cost(options.files[0])
        return
    start, sample = time.perf_counter(), {}
    for file in options.files:
        jets = load(file)
        chosen = jets[np.arange({"even": 0, "odd": 1, None: 0}[options.half], len(jets), 2 if options.half else 1)]
        known = shapes(chosen.constituents)
        good = np.isfinite(known).all(1)
        sample[jets.classes[0]] = chosen.constituents[good], known[good]
    count = sum(len(known) for _, known in sample.values())
    print(f"shapes of {count:,} jets: {count / (time.perf_counter() - start):,.0f} a second", flush=True)
    table = []
    for row in rows(sample, options.background or list(sample), options.contamination, options.seeds):
        table.append(row)
        if row["score"] == "odd":
            print(*(f"{each:.3f}" if isinstance(each, float) else each for each in row.values()), flush=True)
    frame = pd.DataFrame(table)
    groups = frame.drop(columns="window").groupby(["background", "anomaly", "share", "score"], sort=False)
    with pd.option_context("display.width", 250, "display.max_columns", 40, "display.float_format", "{:.3f}".format):
        print(groups.median())
        print("spread over seeds, largest less smallest:")
        print(groups[["auc", "window_auc"]].agg(np.ptp))


if __name__ == "__main__":
    main()
