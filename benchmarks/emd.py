"""Time the Energy Mover's Distance, forward and backward, against other solvers at equal accuracy.

``python benchmarks/emd.py`` scans every solver's settings on a few pairs, keeps its fastest setting that is accurate
enough against the exact linear programme, and then times the kept settings alternately on one core; ratios come last.
``--quick`` does a smaller scan in less than a minute; ``--accuracy`` prints the table of errors instead; ``--threads``
times two threads against one;
``--matrix 5000`` times a matrix of pairs against POT and, given an interpreter that has it, energyflow.
OTT-JAX is timed where it is installed (``pip install ott-jax``).
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(cores: int) -> None:
    """Keep this process, and every thread pool of every library, on that many cores."""
    if CORES:
        os.sched_setaffinity(0, CORES[-cores:])


pin(1)

import geomloss  # noqa: E402
import numpy as np  # noqa: E402
import ot  # noqa: E402
import torch  # noqa: E402

from jets.emd import emd, pairwise  # noqa: E402
from jets.emd.examples import PAIRS  # noqa: E402

Cloud = torch.Tensor
Solver = Callable[..., tuple[np.ndarray, object]]


class Peer(NamedTuple):
    """A solver, the grid of settings to scan (from fast to slow), and the error it must reach."""

    solve: Solver
    grid: dict[str, list]
    limit: float


def normalised(cloud: np.ndarray) -> np.ndarray:
    cloud = cloud.copy()
    cloud[..., 0] /= cloud[..., 0].sum(-1, keepdims=True)
    return cloud


def leaves(x: np.ndarray, y: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(cloud).clone().requires_grad_() for cloud in (x, y)]


def ours(x: np.ndarray, y: np.ndarray, tolerance: float, gradient: bool = True) -> tuple[np.ndarray, object]:
    one, two = leaves(x, y)
    if not gradient:
        with torch.no_grad():
            return emd(one, two, tolerance=tolerance).value.numpy(), None
    value = emd(one, two, tolerance=tolerance).value
    return value.detach().numpy(), torch.autograd.grad(value.sum(), (one, two))


def with_geomloss(x: np.ndarray, y: np.ndarray, blur: float, scaling: float, debias: bool) -> tuple[np.ndarray, object]:
    one, two = leaves(x, y)
    loss = geomloss.SamplesLoss("sinkhorn", p=1, blur=blur, scaling=scaling, debias=debias, backend="tensorized")
    value = loss(one[..., 0], one[..., 1:], two[..., 0], two[..., 1:])
    return value.detach().numpy(), torch.autograd.grad(value.sum(), (one, two))


def with_pot_batch(x: np.ndarray, y: np.ndarray, reg: float, iterations: int, method: str) -> tuple[np.ndarray, object]:
    one, two = leaves(x, y)
    cost = ((one[:, :, None, 1:] - two[:, None, :, 1:]).square().sum(-1) + 1e-20).sqrt()
    with torch.no_grad():
        plan = ot.solve_batch(
            cost, reg, one[..., 0], two[..., 0], max_iter=iterations, tol=1e-6, method=method, grad="detach"
        ).plan
    value = (plan * cost).sum((1, 2))
    return value.detach().numpy(), torch.autograd.grad(value.sum(), (one, two), allow_unused=True)


_compiled: dict = {}


def with_ott(
    x: np.ndarray, y: np.ndarray, epsilon: float, iterations: int, momentum: float
) -> tuple[np.ndarray, object]:
    import jax
    import jax.numpy as jnp
    from ott.geometry import geometry
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import acceleration, sinkhorn

    def single(one: jax.Array, two: jax.Array) -> tuple:
        cost = jnp.sqrt(((one[:, None, 1:] - two[None, :, 1:]) ** 2).sum(-1) + 1e-20)
        solver = sinkhorn.Sinkhorn(
            max_iterations=iterations,
            threshold=1e-4,
            momentum=acceleration.Momentum(value=momentum),
        )
        problem = linear_problem.LinearProblem(geometry.Geometry(cost, epsilon=epsilon), one[:, 0], two[:, 0])
        result = solver(problem)
        return result.reg_ot_cost, jax.lax.stop_gradient((result.matrix * cost).sum())

    key = (epsilon, iterations, momentum)
    if key not in _compiled:
        _compiled[key] = jax.jit(jax.vmap(jax.value_and_grad(single, argnums=(0, 1), has_aux=True)))
    (_, value), gradient = jax.block_until_ready(_compiled[key](x, y))
    return np.asarray(value), gradient


def exact(x: np.ndarray, y: np.ndarray, gradient: bool = True) -> tuple[np.ndarray, object]:
    values, gradients = [], []
    for one, two in zip(x.astype(float), y.astype(float), strict=True):
        delta = one[:, None, 1:] - two[None, :, 1:]
        cost = np.sqrt((delta**2).sum(-1))
        a, b = (cloud[:, 0] / cloud[:, 0].sum() for cloud in (one, two))
        plan, log = ot.emd(a, b, cost, log=True)
        values.append(log["cost"])
        if gradient:
            force = (plan / np.maximum(cost, 1e-300))[..., None] * delta
            gradients.append((force.sum(1), -force.sum(0), log["u"], log["v"]))
    return np.array(values), gradients


PEERS = {
    "exact, value and gradient (POT)": Peer(exact, {"gradient": [True]}, 1e-6),
    "exact, value only (POT)": Peer(exact, {"gradient": [False]}, 1e-6),
    "geomloss": Peer(
        with_geomloss,
        {
            "blur": [0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003],
            "scaling": [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99],
            "debias": [True, False],
        },
        0.01,
    ),
    "POT batched Sinkhorn": Peer(
        with_pot_batch,
        {"reg": [0.03, 0.01, 0.003, 0.001], "iterations": [50, 200, 1000], "method": ["sinkhorn", "log_sinkhorn"]},
        0.05,
    ),
    "OTT-JAX": Peer(
        with_ott,
        {"epsilon": [0.03, 0.01, 0.003, 0.001], "iterations": [50, 200, 1000], "momentum": [1.0, 1.5]},
        0.05,
    ),
}
QUICK: dict[str, dict[str, list]] = {
    "geomloss": {"blur": [0.003, 0.001], "scaling": [0.8, 0.9], "debias": [True]},
    "POT batched Sinkhorn": {"reg": [0.01, 0.003], "iterations": [200], "method": ["sinkhorn"]},
    "OTT-JAX": {"epsilon": [0.01, 0.003], "iterations": [200], "momentum": [1.5]},
}
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


def accuracy(count: int) -> None:
    """Print errors, bounds and gradients of the default against the exact programme."""
    print("kind n tolerance | mean error % | width of bounds % | outside | least margin | cosine: angles, weights")
    for kind, n in itertools.product(PAIRS, (32, 64, 100)):
        x, y = PAIRS[kind](n, count)
        truth, slope = solved(x.astype(float), y.astype(float), "exact", 0.02)
        for tolerance in (0.1, 0.02, 0.005):
            found, gradient = solved(x, y, "fused", tolerance)
            value, lower, upper = (part.detach().double() for part in found)
            exact_value = truth.value.detach()
            outside = int(((lower > exact_value) | (upper < exact_value)).sum())
            cosines = [cosine(gradient[..., part], slope[..., part]) for part in (slice(1, 3), slice(0, 1))]
            print(
                f"{kind:10s}{n:4d} {tolerance:6g} | {100 * float((value / exact_value - 1).abs().mean()):7.3f} | "
                f"{100 * float(((upper - lower) / exact_value).mean()):7.3f} | {outside}/{count} | "
                f"{float(torch.minimum(exact_value - lower, upper - exact_value).min()):.1e} | "
                f"{cosines[0]:.4f}, {cosines[1]:.4f}"
            )


def solved(x: np.ndarray, y: np.ndarray, method: str, tolerance: float) -> tuple:
    one, two = leaves(x, y)
    distance = emd(one, two, method=method, tolerance=tolerance)
    return distance, torch.cat(torch.autograd.grad(distance.value.sum(), (one, two)), 1)


def cosine(one: torch.Tensor, two: torch.Tensor) -> float:
    one, two = one.flatten(1).double(), two.flatten(1).double()
    return float(torch.nn.functional.cosine_similarity(one, two, dim=1).mean())


#: What another interpreter, one with numpy < 2 and energyflow, runs to be timed.
ENERGYFLOW = """
import sys, time, numpy, energyflow
jets = numpy.load(sys.argv[1]).astype(float)
energyflow.emd.emds(jets[:20], R=1.0, norm=True, n_jobs=1)
start = time.process_time()
energyflow.emd.emds(jets, R=1.0, norm=True, n_jobs=1)
print(len(jets) * (len(jets) - 1) / 2 / (time.process_time() - start))
"""


def matrix(count: int, file: str | None, python: str | None, tolerance: float = 0.05) -> None:
    """Compute a matrix of count x count jets on two cores; then race one core of ours, POT and energyflow on parts."""
    from jets.hdf5 import load

    jets = np.concatenate([load(f"sample:{kind}").constituents for kind in ("qcd", "top")])
    jets = jets[np.random.default_rng(0).permutation(len(jets))[:count]]
    pin(2)
    start = time.perf_counter()
    found = pairwise(jets, tolerance=tolerance, file=file, progress=True, threads=2)
    rate = count * (count - 1) / 2 / (time.perf_counter() - start)
    pin(1)
    some = np.random.default_rng(1).integers(count, size=(1000, 2))
    some = some[some[:, 0] != some[:, 1]]
    truth = np.concatenate([one_exact(jets[i], jets[j]) for i, j in some])
    error = np.abs(found[some[:, 0], some[:, 1]] / truth - 1).mean()
    print(
        f"{count} x {count} jets of up to {jets.shape[1]} particles, tolerance {tolerance}, two threads on two cores:"
    )
    print(f"{rate:,.0f} pairs/s, mean error {error:.2%}")
    rivals = {
        "ours": lambda: rate_of(lambda: pairwise(jets[:150], tolerance=tolerance, threads=1), 150 * 149 / 2),
        "POT's exact programme": lambda: rate_of(lambda: [one_exact(jets[i], jets[j]) for i, j in some], len(some)),
    }
    if python:
        rivals["energyflow"] = lambda: energyflow_rate(python, jets[:150])
    rates = {name: max(rival() for _ in range(5)) for name, rival in rivals.items()}
    print("one core: " + ", ".join(f"{name} {each:,.0f} pairs/s" for name, each in rates.items()))
    for name in list(rates)[1:]:
        print(f"ratio of rates, one core: ours / {name} = {rates['ours'] / rates[name]:.1f}")


def rate_of(work: Callable[[], object], pairs: float, timer: Callable[[], float] = time.process_time) -> float:
    """Return pairs per second of one core's time, or of another timer's."""
    start = timer()
    work()
    return pairs / (timer() - start)


def energyflow_rate(python: str, jets: np.ndarray) -> float:
    """Return energyflow's pairs per second in its own interpreter."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/jets.npy", jets)
        command = [python, "-c", ENERGYFLOW, f"{folder}/jets.npy"]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def one_exact(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the exact distance of two padded jets, their padding dropped."""
    one, two = (jet[jet[:, 0] > 0][None] for jet in (x, y))
    return exact(normalised(one), normalised(two), gradient=False)[0]


def warm_up() -> None:
    """Compile, and say how long that takes."""
    x, y = PAIRS["unrelated"](32, 2)
    start = time.perf_counter()
    ours(x, y, 0.02)
    print(f"first call, compiling or reading the cache: {time.perf_counter() - start:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller scan and batch, under a minute")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), metavar="NAME", help="time these alone, and ours")
    parser.add_argument("--threads", action="store_true", help="time two threads against one instead")
    parser.add_argument("--accuracy", action="store_true", help="print the table of errors instead")
    parser.add_argument("--count", type=int, default=1000, help="pairs of each kind in the table of errors")
    parser.add_argument("--matrix", type=int, metavar="N", help="time the matrix of N x N jets instead")
    parser.add_argument("--file", help="HDF5 file for the matrix")
    parser.add_argument("--energyflow", metavar="PYTHON", help="interpreter with numpy < 2 and energyflow")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", module="ot")
    warm_up()
    if arguments.threads:
        two_threads()
        return
    if arguments.accuracy:
        accuracy(arguments.count)
        return
    if arguments.matrix:
        matrix(arguments.matrix, arguments.file, arguments.energyflow)
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
