"""One training on several processes, timed: ``python -m benchmarks.scale_ranks``; nothing else must run meanwhile.

Jets per second of one process; of two that share a batch of the same size, or of twice the size; and of two processes
that train by themselves at the same time, which is what the cores of this machine can do at most. From each the median
epoch, the first left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from inference.records import read_history

KINDS = {
    "dense images (image-dvae), batch 256": (["image-dvae", "--batch-size", "256"], 256, 12),
    "dense images (image-dvae), batch 1024": (["image-dvae", "--batch-size", "1024"], 1024, 16),
    "clouds (jet-w), batch 100": (["jet-w", "--batch-size", "100", "--set", "data.limit=2000"], 100, 6),
    "clouds (jet-qcd), batch 400": (["jet-qcd", "--batch-size", "400"], 400, 6),
    "clouds (jet-qcd), batch 1000": (["jet-qcd", "--batch-size", "1000"], 1000, 6),
}
LIMIT = ["--set", "data.validation=0.0001", "--set", "training.checkpoint_seconds=1000"]
COMPILED = ["--set", "training.compile=true"]


def begun(words: list[str], folder: Path, processes: int) -> subprocess.Popen:
    """Start a training on so many processes."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    start = [sys.executable, *(torchrun if processes > 1 else []), "-m", "jetvae", "train"]
    return subprocess.Popen(
        [*start, *words, *LIMIT, *COMPILED, "--out", str(folder)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def rate(folder: Path) -> float:
    """Return the jets per second of the median epoch."""
    return statistics.median(row["jets_per_second"] for row in read_history(folder / "history.csv")[1:])


def timed(home: Path, words: list[str], processes: int, together: int = 1) -> float:
    """Return the jets per second of so many trainings at the same time."""
    folders = [home / f"{time.monotonic_ns()}-{number}" for number in range(together)]
    for training in [begun(words, folder, processes) for folder in folders]:
        assert training.wait(600) == 0
    return sum(rate(folder) for folder in folders)


def main(words: Sequence[str] | None = None) -> None:
    """Time each kind, some times over; print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[""], help="kinds whose names begin so [all]")
    options = parser.parse_args(words)
    print("| jets/s | one process | two, batch shared | two, twice the batch (weak scaling) | two trainings at once |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        for name, (recipe, size, epochs) in KINDS.items():
            if not name.startswith(tuple(options.only)):
                continue
            given = [*recipe, "--epochs", str(epochs)]
            twice = [str(2 * size) if word == str(size) else word for word in given]
            found = [
                [
                    timed(Path(home), given, 1),
                    timed(Path(home), given, 2),
                    timed(Path(home), twice, 2),
                    timed(Path(home), given, 1, 2),
                ]
                for _ in range(options.repeats)
            ]
            one, shared, weak, both = (statistics.median(column) for column in zip(*found, strict=True))
            ratio = weak / (2 * one)
            print(f"| {name} | {one:,.0f} | {shared:,.0f} | {weak:,.0f} ({ratio:.2f}) | {both:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
