"""Compute a matrix of pairs of jets on two cores, then race one core of ours, POT's exact solver and energyflow.

``python -m benchmarks.emd_matrix 5000 --energyflow PYTHON``: PYTHON is an interpreter with numpy < 2 and energyflow.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from benchmarks.emd_contenders import CORES, exact, normalised, pin, warm_up
from jets import load
from jets.emd import pairwise

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
    jets = np.concatenate([load(f"sample:{kind}").constituents for kind in ("qcd", "top")])
    jets = jets[np.random.default_rng(0).permutation(len(jets))[:count]]
    cores = min(2, len(CORES))
    pin(cores)
    start = time.perf_counter()
    found = pairwise(jets, tolerance=tolerance, file=file, progress=True, threads=cores)
    rate = count * (count - 1) / 2 / (time.perf_counter() - start)
    pin(1)
    some = np.random.default_rng(1).integers(count, size=(1000, 2))
    some = some[some[:, 0] != some[:, 1]]
    truth = np.concatenate([one_exact(jets[i], jets[j]) for i, j in some])
    error = np.abs(found[some[:, 0], some[:, 1]] / truth - 1).mean()
    print(f"{count} x {count} jets of up to {jets.shape[1]} particles, tolerance {tolerance}, cores: {cores}")
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=600, metavar="N", help="jets [600]")
    parser.add_argument("--file", help="HDF5 file for the matrix, which an interrupted run resumes")
    parser.add_argument("--energyflow", metavar="PYTHON", help="interpreter with numpy < 2 and energyflow")
    arguments = parser.parse_args()
    warm_up()
    matrix(arguments.count, arguments.file, arguments.energyflow)


if __name__ == "__main__":
    main()
