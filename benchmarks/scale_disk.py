"""Files larger than memory: ``python -m benchmarks.scale_disk --gigabytes 1 5 20``.

Files of jets are made on the spot, and removed. For each: the survey, an epoch of training with ``--memory``, and with
``--encode`` a table of what the run says of its jets; rate, and the peak of the resident memory of a process of its
own. The pages that the system keeps of a file are dropped before it is trained on. Beside them the same training of
200,000 jets in memory, by turns, and whether its losses are those of the same jets from disk.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import h5py
import numpy as np

from jets import load
from jets.hdf5 import CHECKED
from jets.writing import Writer

SUBSET = 200_000
"""Jets that are also trained on in memory."""
PEAK = """
import re, runpy, sys
sys.argv = ["jetvae", *sys.argv[1:]]
try:
    runpy.run_module("jetvae", run_name="__main__")
finally:
    print("peak", re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
"""
"""Runs a command, and says the peak of its resident memory [kB]: ``ru_maxrss`` would count its parent's too."""


def made(path: Path, size: float, jets: int | None = None) -> int:
    """Write jets, until the file has ``size`` bytes or holds so many; return their number.

    They are the embedded QCD and top jets, each time with other pT, so that no two are alike.
    """
    base, rng = load("sample:qcd", "sample:top"), np.random.default_rng(0)
    base, count = base[rng.permutation(len(base))], 0
    with h5py.File(path, "w", **CHECKED) as file, Writer(file) as writer:
        while path.stat().st_size < size if jets is None else count < jets:
            scaled = base.constituents.copy()
            scaled[..., 0] *= rng.uniform(0.8, 1.25, (len(base), 1)).astype(np.float32)
            writer.append(base.with_(constituents=scaled))
            count += len(base)
        writer.finish(str(path))
    return count


def drop(path: Path) -> None:
    """Have the system forget the pages that it keeps of a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def run(*words: str) -> tuple[float, float]:
    """Run ``jetvae``; return the seconds that it took, and the peak of its resident memory [GB]."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", PEAK, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    kilobytes = next(line for line in done.stderr.splitlines() if line.startswith("peak ")).split()[1]
    return time.perf_counter() - start, float(kilobytes) * 1024 / 1e9


def history(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a run's history."""
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def rate(folder: Path, first: int = 0) -> float:
    """Return the jets a second of a run, median of its epochs from ``first`` on."""
    return median(float(row["jets_per_second"]) for row in history(folder)[first:])


def trained(home: Path, name: str, file: Path, recipe: str, *words: str) -> tuple[Path, float, float]:
    """Train a run; return its folder, the seconds and the peak memory."""
    folder = home / name
    return folder, *run("train", recipe, "--data", str(file), "--out", str(folder), *words)


def beside_memory(home: Path, recipe: str, batch: int, memory: str, repeats: int) -> None:
    """Train on the same jets from memory and from disk by turns; print rates, and whether losses agree."""
    file = home / "subset.h5"
    made(file, 0, SUBSET)
    common = ("--epochs", "3", "--batch-size", str(batch), "--set", "data.window=65536", "--set", "data.split=hashed")
    found = []
    for i in range(repeats):
        kept, _, most = trained(home, f"kept{i}", file, recipe, *common)
        read, _, least = trained(home, f"read{i}", file, recipe, *common, "--memory", memory)
        equal = [row["loss"] for row in history(kept)] == [row["loss"] for row in history(read)]
        found.append((rate(kept, 1), rate(read, 1)))
        print(
            f"{recipe}, {SUBSET:,} jets, batch {batch}: in memory {found[-1][0]:,.0f} jets/s, {most:.2f} GB; from disk "
            f"{found[-1][1]:,.0f} jets/s, {least:.2f} GB; losses {'equal' if equal else 'DIFFER'}",
            flush=True,
        )
    print(f"from disk / in memory: {median(read / kept for kept, read in found):.3f}, median of {repeats}")
    file.unlink()


def of_size(home: Path, size: float, recipe: str, batch: int, memory: str, *, encode: bool) -> None:
    """Make a file, survey it, train on it for an epoch, encode it; print the rates and peaks."""
    file = home / "large.h5"
    count = made(file, size * 1e9)
    train = (recipe, "--data", str(file), "--memory", memory, "--batch-size", str(batch), "--epochs", "1")
    surveyed, first = run("train", *train, "--cells", "--out", str(home / "survey"))
    drop(file)
    run_at, took, peak = trained(home, f"run{size:g}", file, *train[:1], *train[3:])
    print(
        f"{file.stat().st_size / 1e9:.1f} GB, {count:,} jets: survey {surveyed:.0f} s, {first:.2f} GB; training "
        f"{rate(run_at):,.0f} jets/s, {took:.0f} s, {peak:.2f} GB",
        flush=True,
    )
    if encode:
        drop(file)
        seconds, peak = run("encode", str(run_at), str(file), "-o", str(home / "table.parquet"))
        print(f"    encoding {count / seconds:,.0f} jets/s, {seconds:.0f} s, {peak:.2f} GB", flush=True)
    shutil.rmtree(home / "survey")
    file.unlink()


def main(words: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, nargs="*", default=[1.0, 5.0, 20.0], help="sizes [1 5 20]")
    parser.add_argument("--recipe", default="image-dvae")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--encode", action="store_true", help="also encode each file")
    parser.add_argument("--folder", help="where the files are made [a temporary one]")
    options = parser.parse_args(words)
    home = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        if options.repeats:
            beside_memory(home, options.recipe, options.batch, options.memory, options.repeats)
        for size in options.gigabytes:
            of_size(home, size, options.recipe, options.batch, options.memory, encode=options.encode)
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
