"""Every writer of the project on a disk that is full: run by test_full_disk.py in a process of its own.

``python full_disk.py FOLDER limit`` or, where FOLDER is a small disk, ``python full_disk.py FOLDER fill``. Prints one
JSON object, writer -> what was wrong.
"""

import hashlib
import io
import json
import os
import resource
import shutil
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import xarray as xr

import inference
import jets
from analysis.answers.tables import table
from analysis.answers.written import written
from analysis.deployment.bundle import write_bundle
from analysis.deployment.whole import whole_folder
from analysis.report.export import save_figure, save_numbers
from analysis.report.page import Page
from inference.recipe import read
from inference.trainer import Trainer
from jets.convert import convert
from jets.disk import DiskError
from jets.emd import pairwise
from jets.simulation import unfinished
from jets.simulation.config import Config

FREE = (0.0, 0.4, 0.9)
"""Parts of what a file needs for which there is room."""


@contextmanager
def limited(folder, room):
    """Let no file become larger than ``room`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def filled(folder, room):
    """Fill the small disk of ``folder`` but for ``room`` bytes."""
    found = os.statvfs(folder)
    free = (found.f_bavail - room // found.f_frsize) * found.f_frsize
    filler = Path(folder).parent / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free))
    try:
        yield
    finally:
        filler.unlink()


def numbers(version, size=2000):
    return xr.Dataset({"x": ("jet", np.random.default_rng(version).random(size)), "c": ("jet", ["é"] * size)})


def drawn(folder, version):
    figure, axes = plt.subplots()
    axes.plot([version, 2])
    save_figure(figure, folder / "figure.pdf")
    plt.close(figure)


def page(folder, version):
    Page(f"{version}" * 5000, "é", [], []).save(folder / "report.html")


def tables(suffix):
    def write(folder, version):
        random = np.random.default_rng(version)
        with table(folder / f"table{suffix}", {"run": "mine"}) as append:
            for _ in range(3):
                rows = pd.DataFrame({"x": random.random(9000), "class": ["top"] * 9000})
                append(rows)

    return write


def sample(version, count=300):
    return jets.load("sample:top")[np.arange(version, version + count)]


def converted(folder, version):
    convert([str(folder.parent / f"given{version}.h5")], folder / "converted.h5")


def block(folder, version):
    unfinished.simulate_block = lambda config, number: {"label": np.zeros(5000), "x": np.full(5000, version)}
    unfinished.ensure_block(folder, Config("w"), 3)


def pairs(folder, version):
    pairwise(sample(version, 60).constituents, file=folder / "pairs.h5")


def exported(folder, version):
    with whole_folder(folder / "exported") as temporary:
        (temporary / "card.md").write_text("é" * 20000, encoding="utf-8")
        torch.export.save(torch.export.export(torch.nn.Linear(50, 50), (torch.zeros(1, 50),)), temporary / "a.pt2")


def bundle(run):
    def write(folder, version):
        write_bundle(run, folder / "bundle.zip")
        assert zipfile.ZipFile(folder / "bundle.zip").testzip() is None

    return write


def contents(folder):
    """Name -> digest of every file, with what lies in folders."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def wrong(folder, write, full, *, replaces):
    """Return what is wrong with a writer: the error, the earlier file, what is left, and the next try with room."""
    found = []
    folder.mkdir()
    write(folder, 1)
    before = contents(folder)
    size = max(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    for part in FREE:
        if not replaces:
            shutil.rmtree(folder)
            folder.mkdir()
        try:
            with full(folder, int(part * size)):
                write(folder, 2)
            found.append(f"{part}: no error")
        except DiskError as error:
            if "\n" in str(error) or not ("free some" in str(error) or "raise the limit" in str(error)):
                found.append(f"{part}: {error}")
            if str(folder) not in str(error) and folder.name != "bundle":  # it is first gathered in /tmp
                found.append(f"{part}: names another file: {error}")
        except Exception as error:
            found.append(f"{part}: {type(error).__name__}: {error}")
        after = contents(folder)
        if (after != before) if replaces else after:
            found.append(f"{part}: left {after}, before {before}")
    write(folder, 2)
    if contents(folder).keys() != before.keys():
        found.append(f"with room: {contents(folder)}")
    return found


def training(folder, full):
    """Train; the disk is full from the second epoch on; resume with room; the weights equal those undisturbed."""
    settings = {"data.files": ["toy:curve(n=400)"], "training.epochs": 4, "training.checkpoint_seconds": 0.0}
    recipe = read("vae-toy", settings | {"training.compile": False})
    whole, real, found = inference.train(recipe, folder / "whole"), Trainer.train_epoch, []
    size = (whole.path / "checkpoint.safetensors").stat().st_size

    def epoch(trainer, number, *_):
        if number != 2:
            return real(trainer, number)
        rows = real(trainer, number)
        trainer.full = full(folder, size // 2)
        trainer.full.__enter__()
        failing.append(trainer)
        return rows

    failing = []
    Trainer.train_epoch = epoch
    try:
        inference.train(recipe, folder / "run")
        found.append("no error")
    except DiskError as error:
        said = f"run/checkpoint.safetensors holds 2 epochs; resume with: jetvae resume {folder / 'run'}"
        found += [] if said in str(error) and "\n" not in str(error) else [str(error)]
    finally:
        Trainer.train_epoch = real
    failing[0].full.__exit__(None, None, None)
    left = [path.name for path in (folder / "run").iterdir() if path.name.startswith(".")]
    run = inference.train(recipe, folder / "run", resume=True)
    same = all(torch.equal(a, whole.vae.state_dict()[name]) for name, a in run.vae.state_dict().items())
    found += [f"left {left}"] if left else []
    found += [] if same else ["other weights after resuming"]
    with full(folder, 100):
        try:
            inference.train(recipe, folder / "new")
            found.append("no error for a new folder")
        except DiskError:
            pass
    return found + (["a folder without a run"] if (folder / "new").exists() else []), whole


def main(folder, kind):
    full = {"limit": limited, "fill": filled}[kind]
    plt.switch_backend("agg")
    sys.stderr = io.StringIO()
    pairwise(sample(0, 3).constituents)  # compiles, and keeps what it compiled
    for version in (1, 2):
        jets.save(folder / f"given{version}.h5", sample(version))
    (folder / "training").mkdir()
    problems = {}
    problems["training"], run = training(folder / "training", full)
    writers = {
        "netcdf": lambda at, version: written(numbers(version), at / "x.nc"),
        "large netcdf": lambda at, version: written(numbers(version, 110_000), at / "x.nc"),
        "numbers": lambda at, version: save_numbers(numbers(version), at, "numbers"),
        "figure": drawn,
        "page": page,
        "jets": lambda at, version: jets.save(at / "x.h5", sample(version)),
        "vectors": lambda at, version: written(jets.load(f"toy:curve(n={900 + version})"), at / "x.npy"),
        "convert": converted,
    }
    writers |= {f"encode{suffix}": tables(suffix) for suffix in (".parquet", ".root", ".h5", ".nc", ".csv")}
    once = {"simulation": block, "pairwise": pairs, "export": exported, "bundle": bundle(run)}
    for name, write in (writers | once).items():
        at = folder / name.replace(".", "-")
        problems[name] = wrong(at, write, full, replaces=name in writers)
    print(json.dumps(problems))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
