"""Time the Energy Mover's Distance, forward and backward, against other solvers at equal accuracy.

``python -m benchmarks.emd`` scans every solver's settings on a few pairs, keeps its fastest setting that is accurate
enough against the exact linear programme, and then times the kept settings alternately on one core; ratios come last.
``--quick`` does a smaller scan in less than a minute; ``--accuracy`` prints the table of errors instead; ``--threads``
times two threads against one. OTT-JAX is timed where it is installed (``pip install ott-jax``).
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.emd_contenders import (
    CORES,
    PEERS,
    QUICK,
    Peer,
    Solver,
    exact,
    leaves,
    normalised,
    ours,
    pin,
    warm_up,
)
from jets.emd import emd
from jets.emd.examples import PAIRS

LOOSE = Peer(ours, {"tolerance": [0.7, 0.5, 0.3, 0.2, 0.1]}, 0.05)
OURS = Peer(ours, {"tolerance": [0.3, 0.2, 0.1, 0.05, 0.02]}, 0.01)
DEFAULT = Peer(ours, {"tolerance": [0.02]}, 0.01)
VALUE_ONLY = Peer(ours, {"tolerance": [0.02], "gradient": [False]}, 0.01)


def clock(solve: Solver, x: np.ndarray, y: np.ndarray, setting: dict) -> float:
    """Return seconds of this process' one core per pair of one call: other processes on the machine do not count."""
    start = time.process_time()
    solve(x, y, **setting)
    return (time.process_time() - start) / len(x)


def scan(peer: Peer, x: np.ndarray, y: np.ndarray, truth: np.ndarray, budget: float) -> tuple[dict, float]:
    """Return the fastest setting within the error limit and its mean error; where none is, the most accurate one."""
    best, found, end = np.inf, None, time.perf_counter() + budget
    closest = None
    for values in itertools.product(*peer.grid.values()):
        setting = dict(zip(peer.grid, values, strict=True))
        value, _ = peer.solve(x, y, **setting)
        error = float(np.abs(value / truth - 1).mean())
        if np.isfinite(error) and (closest is None or error < closest[1]):
            closest = setting, error
        if error <= peer.limit:
            seconds = min(clock(peer.solve, x, y, setting) for _ in range(2))
            if seconds < best:
                best, found = seconds, (setting, error)
        if time.perf_counter() > end and found:
            break
    return found or closest


def race(kind: str, count: int, n: int, repeats: int, budget: float) -> None:
    """Scan, time alternately and print one kind of pairs."""
    x, y = map(normalised, PAIRS[kind](n, count))
    few = slice(0, min(32, count))
    truth, _ = exact(x[few], y[few], gradient=False)
    found: dict[str, tuple[Peer, dict, float]] = {}
    for name, peer in (
        {"ours, 5 %": LOOSE, "ours, 1 %": OURS, "ours, default": DEFAULT, "ours, value only": VALUE_ONLY} | PEERS
    ).items():
        try:
            result = scan(peer, x[few], y[few], truth, budget)
        except ImportError:
            print(f"  {name}: not installed")
            continue
        found[name] = (peer, *result)
        if result[1] > peer.limit:
            print(f"  {name}: no setting of the scan reaches {100 * peer.limit:g} %; its most accurate one is timed")
    times: dict[str, list[float]] = {name: [] for name in found}
    sizes = {}
    for name, (peer, setting, _) in found.items():
        seconds = clock(peer.solve, x[few], y[few], setting)
        sizes[name] = slice(0, count if seconds * count < 5 else min(32, count))
    for _ in range(repeats):
        for name, (peer, setting, _) in found.items():
            times[name].append(clock(peer.solve, x[sizes[name]], y[sizes[name]], setting))
    print(f"\n{kind} pairs, n = {n}, B = {count}, forward and backward, one core, best of {repeats}")
    for name, (_, setting, error) in found.items():
        chosen = ", ".join(f"{key} {value}" for key, value in setting.items())
        print(f"  {name:34s}{1e6 * min(times[name]):12.1f} us/pair   error {100 * error:7.4f} %   ({chosen})")
    report(kind, {name: min(seconds) for name, seconds in times.items()})


def report(kind: str, best: dict[str, float]) -> None:
    """Print every peer's time over ours at the accuracy the peer had to reach."""
    for name, peer in PEERS.items():
        if name not in best:
            continue
        seconds = best[name]
        mine = {0.05: "ours, 5 %", 0.01: "ours, 1 %"}.get(peer.limit, "ours, default")
        mine = "ours, value only" if "value only" in name else mine
        other = "" if "default" in mine else f" ({seconds / best['ours, default']:.1f} at the default tolerance)"
        print(f"ratio {kind}: {name} / {mine} = {seconds / best[mine]:.1f}{other}")


def two_threads(n: int = 64, count: int = 256, repeats: int = 25) -> None:
    """Print how much faster two threads on two cores are than one: the median of ratios of alternating calls."""
    if len(CORES) < 2:
        print("two threads: not timed, for this process has one core")
        return
    for kind in PAIRS:
        x, y = map(normalised, PAIRS[kind](n, count))
        ratios = [on_threads(1, x, y) / on_threads(2, x, y) for _ in range(repeats)]
        low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
        print(f"ratio {kind}: one thread / two = {middle:.2f} (middle half of {repeats}: {low:.2f} to {high:.2f})")
    pin(1)
    torch.set_num_threads(1)


def on_threads(threads: int, x: np.ndarray, y: np.ndarray) -> float:
    """Return the seconds of a call on that many threads and cores, by the clock on the wall."""
    pin(threads)
    torch.set_num_threads(threads)
    ours(x[:8], y[:8], 0.02)
    start = time.perf_counter()
    ours(x, y, 0.02)
    return time.perf_counter() - start


def accuracy(count: int, sizes: Sequence[int], powers: Sequence[int], tolerances: Sequence[float]) -> None:
    """Print errors, bounds and gradients against the exact programme, and how many times faster ours is."""
    print(
        "kind p n tolerance | mean error % | width of bounds % | outside | least margin | cosine: angles, weights | us"
    )
    for kind, p, n in itertools.product(PAIRS, powers, sizes):
        x, y = PAIRS[kind](n, count)
        start = time.process_time()
        truth, slope = solved(x.astype(float), y.astype(float), "exact", 0.02, p)
        exact_seconds = (time.process_time() - start) / count
        for tolerance in tolerances:
            start = time.process_time()
            found, gradient = solved(x, y, "fused", tolerance, p)
            seconds = (time.process_time() - start) / count
            value, lower, upper = (part.detach().double() for part in found)
            exact_value = truth.value.detach()
            outside = int(((lower > exact_value) | (upper < exact_value)).sum())
            cosines = [cosine(gradient[..., part], slope[..., part]) for part in (slice(1, 3), slice(0, 1))]
            print(
                f"{kind:10s}{p:2d}{n:4d} {tolerance:6g} | {100 * float((value / exact_value - 1).abs().mean()):7.3f} | "
                f"{100 * float(((upper - lower) / exact_value).mean()):7.3f} | {outside}/{count} | "
                f"{float(torch.minimum(exact_value - lower, upper - exact_value).min()):.1e} | "
                f"{cosines[0]:.4f}, {cosines[1]:.4f} | {1e6 * seconds:.0f}, exact {exact_seconds / seconds:.1f} x",
                flush=True,
            )


def solved(x: np.ndarray, y: np.ndarray, method: str, tolerance: float, p: int) -> tuple:
    one, two = leaves(x, y)
    distance = emd(one, two, p=p, method=method, tolerance=tolerance)
    return distance, torch.cat(torch.autograd.grad(distance.value.sum(), (one, two)), 1)


def cosine(one: torch.Tensor, two: torch.Tensor) -> float:
    one, two = one.flatten(1).double(), two.flatten(1).double()
    return float(torch.nn.functional.cosine_similarity(one, two, dim=1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller scan and batch, under a minute")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), metavar="NAME", help="time these alone, and ours")
    parser.add_argument("--threads", action="store_true", help="time two threads against one instead")
    parser.add_argument("--accuracy", action="store_true", help="print the table of errors instead")
    parser.add_argument("--count", type=int, default=1000, help="pairs of each kind in the table of errors")
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64, 100], help="particles, in that table")
    parser.add_argument(
        "--powers", type=int, nargs="+", default=[1], choices=[1, 2], help="of the angle, in that table"
    )
    parser.add_argument("--tolerances", type=float, nargs="+", default=[0.1, 0.02, 0.005], help="in that table")
    arguments = parser.parse_args()
    warm_up()
    if arguments.threads:
        two_threads()
        return
    if arguments.accuracy:
        accuracy(arguments.count, arguments.sizes, arguments.powers, arguments.tolerances)
        return
    for name in set(PEERS) - set(arguments.peers or PEERS):
        del PEERS[name]
    if arguments.quick:
        for name in PEERS.keys() & QUICK.keys():
            PEERS[name].grid.update(QUICK[name])
    for kind in PAIRS:
        race(kind, 64 if arguments.quick else 256, 64, 3 if arguments.quick else 5, 10 if arguments.quick else 300)
    two_threads()


if __name__ == "__main__":
    main()
