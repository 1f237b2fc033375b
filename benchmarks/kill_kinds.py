"""What benchmarks.kill kills: for each kind how it begins and resumes, what must be whole, what must be equal."""

from __future__ import annotations

import filecmp
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import torch
import xarray as xr

import jets.convert  # noqa: F401 (imported before processes are forked)
from analysis.answers import opened, tables  # noqa: F401
from inference.folder import load_tensors
from inference.recipe import read
from inference.records import MANIFEST, read_history
from jets import load
from jets.emd import pairs as blocks
from jets.emd import pairwise
from jetvae.__main__ import main

CLOCK = {"seconds", "jets_per_second"}
"""Columns of a history that are times."""
TRAINING = ["vae-toy", "--data", "toy:curve(n=2000)", "--set", "training.compile=false"]
OFTEN = ["--set", "training.checkpoint_seconds=0"]
RUN = ("config.toml", "provenance.json", "history.csv", "history.nc", "checkpoint.safetensors", "weights.safetensors")


@dataclass(frozen=True)
class Kind:
    """One kind of work.

    Attributes
    ----------
    name, out
        Its name, and that of what it writes.
    work
        Function of the path of the output: begins, or resumes, by the documented command.
    broken
        Function of the output after a kill and of the undisturbed one: what is not whole.
    differences
        Function of the undisturbed output and the resumed one: what differs.
    begin
        Function of a folder: puts there what the work needs.
    reach
        Part of the undisturbed time within which kills come.
    needs
        Libraries.
    """

    name: str
    out: str
    work: Callable[[Path], Any]
    broken: Callable[[Path, Path], list[str]]
    differences: Callable[[Path, Path], list[str]]
    begin: Callable[[Path], Any] = lambda folder: folder.mkdir(parents=True, exist_ok=True)
    reach: float = 1.0
    needs: tuple[str, ...] = ()

    def begun(self, out: Path) -> bool:
        """Whether anything was written, temporary files and locks apart."""
        paths = out.rglob("*") if out.is_dir() else [out]
        waiting = out.with_name(f"{out.name}.partial")
        found = [*paths, *(waiting.iterdir() if waiting.is_dir() else ())]
        return any(path.is_file() and not path.name.startswith(".") for path in found)


def runs_of(out: Path) -> list[Path]:
    """Return the run folders below a folder, which may be one."""
    return sorted(path.parent for path in out.rglob("config.toml"))


def torn(out: Path, whole: Path) -> list[str]:
    """Return which files of run folders cannot be read."""
    problems = []
    for folder in runs_of(out):
        for path in (folder / name for name in RUN if (folder / name).exists()):
            try:
                content(path)
            except Exception as error:  # whatever half a file makes a reader say
                problems.append(f"{path.name}: {type(error).__name__}: {error}")
    return problems


def content(path: Path) -> Any:
    """Read a file of a run folder."""
    if path.suffix == ".safetensors":
        return load_tensors(path)
    if path.suffix == ".nc":
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            return tree.load()
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    return read_history(path) if path.suffix == ".csv" else read(path)


def trained_otherwise(whole: Path, out: Path) -> list[str]:
    """Return what of trained runs differs: weights, optimisers, random numbers, histories."""
    folders = [[path.relative_to(each) for path in runs_of(each)] for each in (whole, out)]
    if folders[0] != folders[1]:
        return [f"runs {folders[1]}, not {folders[0]}"]
    found = []
    for name in folders[0]:
        for file in ("weights.safetensors", "checkpoint.safetensors"):
            if not same(*(load_tensors(each / name / file) for each in (whole, out))):
                found.append(f"{name}: {file} differs")
        rows = [[without_clock(row) for row in read_history(each / name / "history.csv")] for each in (whole, out)]
        found += [f"{name}: the history differs"] * (rows[0] != rows[1])
    return found


def without_clock(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a history without times."""
    return {key: value for key, value in row.items() if key not in CLOCK}


def same(a: Any, b: Any) -> bool:
    """Whether two nests of tensors are equal bit for bit, times apart."""
    if isinstance(a, Mapping):
        a, b = without_clock(a), without_clock(b)
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else bool(a == b)


def train(out: Path) -> int:
    """Begin a training, or resume it."""
    if (out / "config.toml").exists():
        return main(["resume", str(out)])
    return main(["train", *TRAINING, *OFTEN, "--epochs", "12", "--out", str(out)])


def scan(out: Path) -> int:
    """Begin a scan of two spaces and two seeds, or resume it."""
    if (out / MANIFEST).exists():
        return main(["resume", str(out)])
    which = ["--latent", "R1", "--latent", "R2", "--seeds", "2"]
    return main(["train", *TRAINING, *OFTEN, "--epochs", "6", *which, "--out", str(out)])


def simulate(out: Path) -> int:
    """Simulate a small sample; the same command continues."""
    return main(["simulate", "w", "--n", "60", "--events-per-block", "50", "--seed", "3", "--out", str(out)])


def pairs(out: Path) -> int:
    """Compute the distances of 300 jets in blocks of 64; the same call continues."""
    blocks.BLOCK = BLOCK
    pairwise(SAMPLE.constituents, file=out)
    return 0


def pairs_torn(out: Path, whole: Path) -> list[str]:
    """Return what is wrong with the file of a pair matrix: blocks that are said to be done are right."""
    if not out.exists():
        return []
    with h5py.File(out) as some, h5py.File(whole) as all_of_it:
        done = np.kron(some["done"][:], np.ones((BLOCK, BLOCK), bool))[: len(SAMPLE), : len(SAMPLE)]
        return ["a block differs"] * (not np.array_equal(some["emd"][:][done], all_of_it["emd"][:][done]))


def pairs_otherwise(whole: Path, out: Path) -> list[str]:
    """Return whether two pair matrices differ."""
    with h5py.File(whole) as first, h5py.File(out) as second:
        return ["the matrix differs"] * (not np.array_equal(first["emd"][:], second["emd"][:]))


def with_a_run(folder: Path) -> None:
    """Put a small trained run beside what will be written, the same each time."""
    folder.mkdir(parents=True, exist_ok=True)
    first = folder.parent / "first"
    if not first.exists():
        main(["train", *TRAINING, "--epochs", "2", "--out", str(first)])
    shutil.copytree(first, folder / "run")


def encode(out: Path) -> int:
    """Encode points into a table; the same command begins anew."""
    return main(["encode", str(out.parent / "run"), "toy:curve(n=20000)", "-o", str(out)])


def convert(out: Path) -> int:
    """Convert the samples into one file; the same command begins anew."""
    return main(["convert", "sample:qcd", "sample:top", "sample:w", "-o", str(out)])


def evaluate(out: Path) -> int:
    """Print the numbers of a run, which are kept, and write its page and figures; the same commands begin anew."""
    return main(["summary", str(out)]) or main(["report", str(out), "--figures", str(out / "figures")])


def other_bytes(whole: Path, out: Path) -> list[str]:
    """Return whether two files differ."""
    return ["other bytes"] * (not filecmp.cmp(whole, out, shallow=False))


def not_whole(out: Path, whole: Path) -> list[str]:
    """Return whether a file that appears when it is whole is anything else."""
    return other_bytes(whole, out) if out.exists() else []


def other_rows(whole: Path, out: Path) -> list[str]:
    """Return whether two tables differ."""
    first, second = (pd.read_parquet(path) for path in (whole, out))
    return ["other rows"] * (not first.equals(second))


def no_table(out: Path, whole: Path) -> list[str]:
    """Return whether a table that appears when it is whole is anything else."""
    return other_rows(whole, out) if out.exists() else []


def results_torn(out: Path, whole: Path) -> list[str]:
    """Return which results of an analysis are not those of the undisturbed one."""
    found = []
    for path in sorted(each for each in out.rglob("*") if each.is_file() and not each.name.startswith(".")):
        expected = whole / path.relative_to(out)
        if path.suffix == ".nc" and path.name != "history.nc":
            equal = content(path).equals(content(expected))
            found += [f"{path.name} differs"] * (not equal)
        elif path.suffix in (".png", ".pdf", ".svg", ".csv") and path.name != "history.csv":
            found += [f"{path.name} differs"] * (not filecmp.cmp(path, expected, shallow=False))
        elif path.suffix == ".html" and not path.read_text(encoding="utf-8").rstrip().endswith("</html>"):
            found.append(f"{path.name} has no end")
    return found


def results_otherwise(whole: Path, out: Path) -> list[str]:
    """Return what of the results of an analysis differs or is missing."""
    names = [{str(path.relative_to(each)) for path in each.rglob("*")} for each in (whole, out)]
    return [f"missing or too much: {names[0] ^ names[1]}"] * (names[0] != names[1]) + results_torn(out, whole)


SAMPLE, BLOCK = load("sample:top")[:300], 64
ALL = (
    Kind("training", "run", train, torn, trained_otherwise, reach=0.4),
    Kind("scan", "scan", scan, torn, trained_otherwise, reach=0.4),
    Kind("simulate", "w.h5", simulate, not_whole, other_bytes, reach=0.4, needs=("pythia8mc", "fastjet", "awkward")),
    Kind("pairwise", "pairs.h5", pairs, pairs_torn, pairs_otherwise, reach=0.4),
    Kind("encode", "table.parquet", encode, no_table, other_rows, with_a_run, needs=("pyarrow",)),
    Kind("convert", "all.h5", convert, not_whole, other_bytes),
    Kind("analysis", "run", evaluate, results_torn, results_otherwise, with_a_run),
)
KINDS = {kind.name: kind for kind in ALL}
