"""Time the Energy Mover's Distance on a CUDA device, forward and backward: ``python -m benchmarks.emd_cuda``.

Clouds are on the device before and their gradients after. Each solver's settings are scanned on a few pairs, its
fastest that is accurate enough against the exact linear programme is kept, and the kept ones are timed in turn; medians
are shown. The table of sizes is of ours alone, with its errors, and how often the exact distance lies outside its
bounds.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.emd_contenders import (
    PEERS,
    Clouds,
    Peer,
    exact,
    leaves,
    normalised,
    ours,
    with_geomloss,
    with_pot_batch,
)
from jets.emd import emd
from jets.emd.examples import PAIRS

GEOMLOSS, POT = (PEERS[name].grid for name in ("geomloss", "POT batched Sinkhorn"))
SOLVERS = {
    "ours, default": Peer(ours, {"tolerance": [0.02]}, 0.01),
    "ours, 1 %": Peer(ours, {"tolerance": [0.3, 0.2, 0.1, 0.05, 0.02]}, 0.01),
    "ours, 5 %": Peer(ours, {"tolerance": [0.7, 0.5, 0.3, 0.2, 0.1]}, 0.05),
    "ours, value only": Peer(ours, {"tolerance": [0.02], "gradient": [False]}, 0.01),
    "geomloss, 1 %": Peer(with_geomloss, GEOMLOSS | {"debias": [True]}, 0.01),
    "geomloss, 5 %": Peer(with_geomloss, GEOMLOSS | {"debias": [True]}, 0.05),
    "POT batched Sinkhorn, 5 %": Peer(with_pot_batch, POT, 0.05),
}
FEW, BUDGET = 32, 8.0
"""Pairs on which settings are scanned, and the seconds that a scan may take."""


def seconds(call: Callable[[], object]) -> float:
    """Return the time of a call until the device is done."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def chosen(peer: Peer, x: Clouds, y: Clouds, truth: np.ndarray) -> tuple[dict, float] | None:
    """Return the fastest setting within the error limit, or the most accurate one, and its mean error; None if none."""
    found, end = [], time.perf_counter() + BUDGET
    for values in itertools.product(*peer.grid.values()):
        setting = dict(zip(peer.grid, values, strict=True))
        try:
            value, _ = peer.solve(x, y, **setting)
        except RuntimeError:  # POT 0.9.7 starts one of its two batched methods on the CPU
            continue
        error = float(np.abs(value / truth - 1).mean())
        if np.isfinite(error):
            took = min(seconds(partial(peer.solve, x, y, **setting)) for _ in range(2))
            found.append((error > peer.limit, took if error <= peer.limit else error, setting, error))
        if time.perf_counter() > end and found:
            break
    if not found:
        return None
    best = min(found, key=lambda each: each[:2])
    return best[2], best[3]


def race(kind: str, count: int, n: int, repeats: int) -> None:
    """Print a table of one kind of pairs."""
    arrays = [normalised(cloud) for cloud in PAIRS[kind](n, count)]
    x, y = (torch.from_numpy(cloud).cuda() for cloud in arrays)
    truth, _ = exact(*(cloud[:FEW] for cloud in arrays), gradient=False)
    settings = {name: chosen(peer, x[:FEW], y[:FEW], truth) for name, peer in SOLVERS.items()}
    kept = {name: (SOLVERS[name], *setting) for name, setting in settings.items() if setting}
    times: dict[str, list[float]] = {name: [] for name in kept}
    for _ in range(repeats):
        for name, (peer, setting, _) in kept.items():
            times[name].append(seconds(partial(peer.solve, x, y, **setting)))
    times["exact with gradient (POT), one core"] = [seconds(partial(exact, *arrays))]
    print(f"\n{kind} pairs, n = {n}, B = {count}, forward and backward, median of {repeats}")
    usual = statistics.median(times["ours, default"])
    for name, each in times.items():
        middle = statistics.median(each)
        error = f"error {100 * kept[name][2]:.3f} %  {kept[name][1]}" if name in kept else "error 0"
        print(f"  {name:36}{1e6 * middle / count:10.2f} us a pair {middle / usual:8.1f} x ours, default   {error}")


def sizes(count: int, repeats: int) -> None:
    """Print the times and errors of ours for clouds of several sizes."""
    print(f"\nours, default, B = {count}: us a pair")
    print(f"{'n':>5} {'pairs':10}{'with gradient':>15}{'value only':>12}{'mean error':>12}{'outside bounds':>16}")
    for n, kind in itertools.product((16, 32, 50, 64, 100), PAIRS):
        arrays = PAIRS[kind](n, min(count, 1024))
        x, y = (torch.from_numpy(cloud).cuda().repeat(-(-count // len(cloud)), 1, 1)[:count] for cloud in arrays)
        truth = exact(*(normalised(cloud[:256]).astype(float) for cloud in arrays), gradient=False)[0]
        value, lower, upper = (part[:256].cpu().double().numpy() for part in emd(x, y))
        outside = int(((lower > truth) | (upper < truth)).sum())
        middle = [
            statistics.median(seconds(partial(ours, x, y, 0.02, gradient)) for _ in range(repeats))
            for gradient in (True, False)
        ]
        per_pair = "".join(f"{1e6 * each / count:{width}.3f}" for each, width in zip(middle, (15, 12), strict=True))
        print(f"{n:5} {kind:10}{per_pair}{100 * np.abs(value / truth - 1).mean():10.3f} %{outside:12}/256")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1024, help="B [1024]")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("torch finds no CUDA device here; python -m benchmarks.emd times the CPU")
    warnings.filterwarnings("ignore", module="ot")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    x, y = leaves(*PAIRS["unrelated"](64, 2))
    print(f"first call, with compilation: {seconds(partial(ours, x.detach().cuda(), y.detach().cuda(), 0.02)):.1f} s")
    sizes(16 * options.pairs, options.repeats)
    for kind in PAIRS:
        race(kind, options.pairs, 64, options.repeats)


if __name__ == "__main__":
    main()
