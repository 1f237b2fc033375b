"""Kill ``jetvae train`` at random moments and ``jetvae resume`` it each time: ``python -m benchmarks.kill --times 20``.

The recipe image-dvae on a tenth of the jets, with a checkpoint after every epoch. After each SIGKILL every file of the
run folder must load, weights must not be there before the end, and a temporary file must not pass for a result. In
the end weights, optimiser and history equal those of an undisturbed run, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import xarray as xr

from inference.folder import CHECKPOINT, WEIGHTS, RunFolder, load_tensors
from inference.recipe import read
from inference.run import Run
from jets import sums
from jets.sums import SUMS

NAMES = {"config.toml", "provenance.json", "history.csv", "history.nc", CHECKPOINT, WEIGHTS, SUMS}
FRACTION, EPOCHS = 0.1, 6
EXACT = ("model", "first", "second", "count", "rng", "steps")
"""What of a checkpoint must be equal; rows of epochs hold times too."""
CLOCK = {"seconds", "jets_per_second"}


def command(out: Path, recipe: Path) -> list[str]:
    """Return the command that starts the run, or resumes it if it has begun."""
    begun = (out / "config.toml").exists() and (out / "provenance.json").exists()
    words = ["resume", out] if begun else ["train", recipe, "--out", out]
    return [sys.executable, "-m", "jetvae", *map(str, words)]


def kill_once(out: Path, recipe: Path, generator: random.Random, longest: float) -> tuple[int, int, bool]:
    """Start, kill at a random moment of training; return epochs before, epochs after, and whether it was killed."""
    before, checkpoint = epochs(out), out / CHECKPOINT
    stamp = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
    process = subprocess.Popen(command(out, recipe), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (checkpoint.exists() and checkpoint.stat().st_mtime_ns != stamp):
        time.sleep(0.01)  # until training is under way
    time.sleep(generator.uniform(0.0, longest))
    process.send_signal(signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    return before, epochs(out), killed


def epochs(out: Path) -> int:
    """Return the number of epochs in the last checkpoint."""
    checkpoint = RunFolder(out).checkpoint()
    return len(checkpoint["epochs"]) if checkpoint else 0


def broken(out: Path) -> list[str]:
    """Return what is wrong with the files of a run folder; whole files that are no results are temporaries."""
    problems = []
    for path in sorted(out.iterdir()):
        if path.name in NAMES:
            try:
                load(path)
            except Exception as error:  # whatever half a file makes a reader say
                problems.append(f"{path.name}: {type(error).__name__}: {error}")
        elif path.suffix in {".safetensors", ".pt", ".nc", ".csv", ".toml", ".json"} and not path.name.startswith("."):
            problems.append(f"{path.name} looks like a result")
    return problems


def load(path: Path) -> Any:
    """Read a file of a run folder."""
    if path.suffix == ".safetensors":
        return load_tensors(path)
    if path.name == SUMS:
        return sums.read(path.parent)
    if path.suffix == ".nc":
        return xr.load_datatree(path) if hasattr(xr, "load_datatree") else xr.open_datatree(path).load()
    if path.suffix == ".json":
        return json.loads(path.read_text())
    return Run(path.parent).history if path.suffix == ".csv" else read(path)


def differences(whole: Path, killed: Path) -> list[str]:
    """Return what differs between the results of two runs."""
    first, second = (load(path / WEIGHTS) for path in (whole, killed))
    found = [f"weights: {name}" for name in first if not torch.equal(first[name], second[name])]
    first, second = (load(path / CHECKPOINT) for path in (whole, killed))
    found += [f"checkpoint: {name}" for name in EXACT if not same(first[name], second[name])]
    rows = [[{k: v for k, v in row.items() if k not in CLOCK} for row in c["epochs"]] for c in (first, second)]
    return found + ["history"] * (rows[0] != rows[1])


def same(a: Any, b: Any) -> bool:
    """Whether two nests of tensors are equal bit for bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20, help="kills")
    parser.add_argument("--epochs", type=int, help=f"epochs of the training [{EPOCHS} for each kill]")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args(arguments)
    options.epochs = options.epochs or EPOCHS * options.times
    generator, failures = random.Random(options.seed), []
    overrides = {
        "training.checkpoint_seconds": 0.0,
        "training.epochs": options.epochs,
        "data.fraction": {"qcd": FRACTION, "top": FRACTION},
    }
    with tempfile.TemporaryDirectory() as folder:
        recipe, whole, out = (Path(folder) / name for name in ("recipe.toml", "whole", "killed"))
        recipe.write_text(read("image-dvae", overrides).to_toml())
        start = time.perf_counter()
        subprocess.run(command(whole, recipe), check=True, capture_output=True)
        print(f"undisturbed: {options.epochs} epochs in {time.perf_counter() - start:.1f} s", flush=True)
        longest = (time.perf_counter() - start) / options.times / 2  # of the half of the run that kills spread over
        for i in range(1, options.times + 1):
            before, after, killed = kill_once(out, recipe, generator, longest)
            problems = broken(out) + ([f"{WEIGHTS} before the end"] if killed and (out / WEIGHTS).exists() else [])
            temporaries = len([path for path in out.iterdir() if path.name not in NAMES])
            print(
                f"kill {i}: epochs {before} -> {after}, {temporaries} temporaries, {problems or 'all files whole'}",
                flush=True,
            )
            failures += problems
            if not killed:
                failures.append(f"kill {i} came after the end; raise --epochs")
                break
        subprocess.run(command(out, recipe), check=True, capture_output=True)
        failures += broken(out) + differences(whole, out)
    print("\n".join(failures))
    print("PASS: the same weights, bit for bit" if not failures else "FAIL")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
