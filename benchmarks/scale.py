"""All that goes past one process: ``python -m benchmarks.scale``, an hour; ``--only queue`` takes seconds.

A scan is trained by one command, and again: by workers of which some are killed at random moments; on a dask cluster
whose scheduler and a worker are killed and started again; by a worker that is interrupted and called again. Weights are
compared byte for byte, and how often each run was finished is counted from the workers' own words. Then batch systems
are simulated (:mod:`benchmarks.scale_queue`), one training is shared by two processes (:mod:`benchmarks.scale_ranks`),
and files larger than memory are trained on (:mod:`benchmarks.scale_disk`). Nothing else must run meanwhile.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from benchmarks import scale_disk, scale_ranks
from benchmarks.scale_queue import table
from inference.folder import WEIGHTS
from inference.scan import folders

JETVAE = [sys.executable, "-m", "jetvae"]
RECIPE = ["vae-toy", "--data", "toy:curve(n=600)", "--set", "training.compile=false", "--beta", "0.1", "0.2"]


def called(words: list[str], log: Path) -> subprocess.Popen:
    """Start a command in a session of its own; what it says goes to a file."""
    with log.open("a") as file:
        return subprocess.Popen(words, stdout=file, stderr=file, start_new_session=True)


def written(folder: Path, cells: int, epochs: int) -> Path:
    """Write a scan to be trained."""
    words = [*JETVAE, "train", *RECIPE, "--seeds", str(cells // 2), "--epochs", str(epochs), "--cells"]
    subprocess.run([*words, "--out", str(folder)], check=True, capture_output=True)
    return folder


def by_one(scan: Path) -> None:
    """Train a scan by one command, as it is."""
    subprocess.run([*JETVAE, "resume", str(scan), "--together", "1"], check=True, capture_output=True)


def by_workers(scan: Path, workers: int, kills: int, rng: random.Random) -> str:
    """Train it by workers, some of which are killed."""
    logs = [scan.with_name(f"{scan.name}-{number}.log") for number in range(workers)]
    running = [called([*JETVAE, "work", str(scan)], log) for log in logs]
    moments = []
    for victim in running[:kills]:
        wait_for(lambda: finished(scan) >= 1)
        time.sleep(rng.uniform(0.5, 5.0))
        victim.send_signal(signal.SIGKILL)
        moments.append(finished(scan))
    for worker in running[kills:]:
        assert worker.wait(600) == 0, logs
    return f"{workers} workers, {kills} killed when {' and '.join(map(str, moments))} runs were finished"


def by_interrupted(scan: Path, rng: random.Random) -> str:
    """Train it by a worker that is interrupted once, and called again."""
    log = scan.with_name(f"{scan.name}.log")
    worker = called([*JETVAE, "work", str(scan)], log)
    wait_for(lambda: finished(scan) >= 2)
    time.sleep(rng.uniform(0.2, 2.0))
    worker.send_signal(signal.SIGINT)
    assert worker.wait(60) == 130, log
    done = finished(scan)
    assert called([*JETVAE, "work", str(scan)], log).wait(600) == 0, log
    return f"a worker interrupted when {done} runs were finished, and called again"


@contextmanager
def killing(processes: list[subprocess.Popen]):
    """Kill in the end what still runs."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def by_dask(scan: Path, workers: int, rng: random.Random) -> str:
    """Train it on a dask cluster whose scheduler and a worker are killed and started again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    log = scan.with_name(f"{scan.name}.log")
    dask = [sys.executable, "-m"]
    scheduler = [*dask, "distributed.cli.dask_scheduler", "--port", address.rpartition(":")[2], "--no-dashboard"]
    worker = [*dask, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    started = [called(words, log) for words in [scheduler, *[worker] * workers]]
    with killing(started):
        client = called([*JETVAE, "work", str(scan), "--dask", address], log)
        wait_for(lambda: finished(scan) >= 3)
        time.sleep(rng.uniform(0.5, 5.0))
        done = finished(scan)
        for process in started[:2]:
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(3.0)
        started.extend(called(words, log) for words in [scheduler, *[worker] * workers])
        assert client.wait(900) == 0, log
    return f"dask, scheduler and a worker killed when {done} runs were finished"


def wait_for(met: Callable[[], bool]) -> None:
    """Wait until something is so."""
    while not met():
        time.sleep(0.05)


def finished(scan: Path) -> int:
    """Return how many runs have weights."""
    return sum((path / WEIGHTS).exists() for path in folders(scan))


def compared(scan: Path, reference: Path) -> str:
    """Say how a scan differs from another."""
    pairs = [((path / WEIGHTS), reference / path.relative_to(scan) / WEIGHTS) for path in folders(scan)]
    equal = sum(one.exists() and one.read_bytes() == other.read_bytes() for one, other in pairs)
    said = Counter(
        line.removeprefix("wrote ")
        for log in scan.parent.glob(f"{scan.name}*.log")
        for line in log.read_text().splitlines()
        if line.startswith("wrote ") and "/beta" in line
    )
    left = [path.name for path in scan.rglob("*") if path.name.endswith((".tmp", ".lock"))]
    twice = sum(count > 1 for count in said.values())
    return f"{equal} of {len(pairs)} equal byte for byte, {twice} finished twice, {len(left)} files left over"


PARTS = ("scans", "queue", "ranks", "disk")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to run [all]")
    parser.add_argument("--cells", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    if "scans" in options.only:
        scans(options)
    if "queue" in options.only:
        print("\n".join(table()))
    if "ranks" in options.only:
        scale_ranks.main([])
    if "disk" in options.only:
        scale_disk.main([])


def scans(options: argparse.Namespace) -> None:
    """Train a scan, undisturbed and disturbed; print how long each took, and how it compares."""
    os.environ["OMP_NUM_THREADS"] = "1"
    rng, home = random.Random(options.seed), Path(tempfile.mkdtemp())
    reference = written(home / "serial", options.cells, options.epochs)
    start = time.perf_counter()
    by_one(reference)
    print(f"{options.cells} runs by one command: {time.perf_counter() - start:.0f} s", flush=True)
    for kind in (
        lambda scan: by_workers(scan, options.workers, options.kills, rng),
        lambda scan: by_dask(scan, 2, rng),
        lambda scan: by_interrupted(scan, rng),
    ):
        scan = written(home / f"scan{len(list(home.iterdir()))}", options.cells, options.epochs)
        start = time.perf_counter()
        print(f"{kind(scan)}: {time.perf_counter() - start:.0f} s, {compared(scan, reference)}", flush=True)
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
