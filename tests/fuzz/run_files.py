"""Files of a run's folder, a recipe and a latent string, as commands read them."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
import xarray as xr

import priors
from analysis import store
from inference import scan
from inference.folder import RunFolder
from inference.recipe import read
from inference.run import Run
from jetvae.__main__ import main

from .kinds import Kind
from .mutate import mutated
from .structured import csv_of, json_of, safetensors_of, toml_of
from .structured_hdf5 import hdf5_of

SUMS = "SHA256SUMS"
SMALL = ("--epochs", "2", "--set", "model.encoder=[4]", "--set", "model.decoder=[4]", "--set", "training.batch_size=20")
TOY = ("vae-toy", "--data", "toy:circle(n=120)", "--latent", "S1")


def flat(value: Any) -> str:
    """Return any content of lists, tables and tensors as text: equal where it is equal."""
    if isinstance(value, torch.Tensor):
        return f"{value.dtype}{tuple(value.shape)}{hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{flat(inner)}" for key, inner in sorted(value.items(), key=str)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(flat, value)) + "]"
    return repr(value)


def of_run(path: Path) -> str:
    """Return what a run holds whose folder the file is in: recipe, origin, history, answers and kept results."""
    run = Run.open(path.parent)
    with torch.no_grad():
        answers = run.vae.encode(run.data[torch.arange(4)])
    kept = run.path / "analysis.nc"
    tree = flat(tree_of(store.of_run(kept, run.digest))) if path.name in (kept.name, SUMS) else ""
    weights = flat(dict(run.vae.state_dict()))
    return flat([run.recipe.to_toml(), run.provenance, run.history, weights, answers, tree, run.complete])


def tree_of(tree: xr.DataTree | None) -> Any:
    """Return a tree as tables of texts and digests."""
    if tree is None:
        return None
    return {
        node.path: [
            {str(key): str(value) for key, value in node.attrs.items()},
            {str(name): digest(np.asarray(values)) for name, values in node.variables.items()},
        ]
        for node in tree.subtree
    }


def digest(values: np.ndarray) -> str:
    """Return the type, shape and content of an array as text."""
    inner = repr(values.tolist()).encode() if values.dtype.kind in "OTU" else values.tobytes()
    return f"{values.dtype.kind}{values.shape}{hashlib.sha256(inner).hexdigest()}"


def checkpoint_of(path: Path) -> str:
    """Return the last checkpoint of a run that is in training."""
    return flat(RunFolder.open(path.parent).checkpoint())


def scan_of(path: Path) -> str:
    """Return what the runs of a scan are."""
    return flat([[str(run.path.relative_to(path.parent)), run.recipe.to_toml()] for run in scan.runs(path.parent)])


@functools.cache
def trained(*words: str) -> Path:
    """Train something small, once in a process."""
    out = Path(tempfile.mkdtemp()) / "run"
    assert main(["train", *words, *SMALL, "--out", str(out)]) == 0
    if "--seeds" not in words:
        assert main(["summary", str(out)]) == 0
    return out


def result(folder: Path) -> Sequence[Path]:
    """Write a small tree as results are kept."""
    jet = {"jet": np.arange(6), "class_name": ("jet", ["qcd", "top"] * 3)}
    scores = xr.Dataset({"elbo": ("jet", np.linspace(-3, 3, 6), {"units": "nat"})}, jet)
    tree = xr.DataTree.from_dict({"/scores": scores, "/history": xr.Dataset({"loss": ("epoch", [3.0, 2.0])})})
    tree.attrs = {"classes": ["qcd", "top"], "digest": "0" * 64}
    return [store.save(tree, folder / "result.nc")]


def result_of(path: Path) -> str:
    """Return what a kept result holds."""
    return flat(tree_of(store.open(path)))


def run_file(name: str, *, sums: bool) -> Callable[[Path], Sequence[Path]]:
    """Return what copies the folder of a run, with checksums or as of before them, and gives one of its files."""

    def seeds(folder: Path) -> Sequence[Path]:
        shutil.copytree(trained(*TOY), folder / "run")
        if not sums:
            (folder / "run" / SUMS).unlink()
        return [folder / "run" / name]

    return seeds


def unfinished(folder: Path) -> Sequence[Path]:
    """Copy the folder of a run as it is while it trains."""
    shutil.copytree(trained(*TOY), folder / "run")
    for path in [*folder.glob("run/weights.*"), *folder.glob(f"run/{SUMS}"), *folder.glob("run/analysis.nc")]:
        path.unlink()
    return sorted(folder.glob("run/checkpoint.*"))


def manifest(folder: Path) -> Sequence[Path]:
    """Copy the folder of a scan."""
    shutil.copytree(trained(*TOY, "--seeds", "2"), folder / "scan")
    return [folder / "scan" / "scan.json"]


def recipes(folder: Path) -> Sequence[Path]:
    """Write recipes."""
    paths = []
    for name in ("image-dvae", "jet-qcd", "vae-gaussian"):
        paths.append(folder / f"{name}.toml")
        paths[-1].write_text(read(name).to_toml())
    return paths


LATENTS = (
    "R4 x S1 x C2", "T2 x D3(alpha=1,.25,.1) x R1", "R1 | R2 x S1", "(R1 | C3(temperature=.3)) x L2", "G2:3 x S2", "C3",
    "S3(posterior=vmf) x R2", "S1(init=2) x P2", "T10", "D2(alpha=.9) | L2(alpha=.9) | R1",
)  # fmt: skip


def latents(folder: Path) -> Sequence[Path]:
    """Write latent strings, one in a file."""
    paths = []
    for text in LATENTS:
        try:
            priors.parse(text)
        except priors.LatentStringError:
            continue
        paths.append(folder / f"{len(paths)}.txt")
        paths[-1].write_text(text)
    return paths


def latent_of(path: Path) -> str:
    """Return the canonical text of a latent string, of which the parsed one must be the same."""
    space = priors.parse(path.read_bytes().decode("utf-8", "replace"))
    assert str(priors.parse(str(space))) == str(space)
    return str(space)


PIECES = (
    "R4", "S1", "T2", "D3", "L2", "C2", "G2:3", "S2", "P2", "M2", " x ", " | ", "(", ")", "alpha=", "1", ",", ".25",
    "=", "(alpha=", "temperature", "posterior=", "relaxed", "99999999999", "-1", "nan", "1e400", "os:system", ":", "x",
    " ", "self=1", "position=2", "build=3", "true", "ü", "\0", "R", "0", "module:Class(2)",
)  # fmt: skip


def latent_damage(data: bytes, random: Random) -> bytes:
    """Change a latent string by words of its grammar; what comes out is another space, or none."""
    words = [data.decode()]
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(data) + 1)
        text = "".join(words)
        words = [
            text[:at],
            random.choice(PIECES) * random.choice((1, 1, 1, 1, 2, 40)),
            text[at + random.randrange(3) :],
        ]
    return "".join(words).encode()


def accepted(path: Path) -> str:
    """Return the same for every recipe that is read: another recipe is another recipe."""
    again = read(path)
    assert json.dumps(again.model_dump(mode="json"))
    return "a recipe"


def any_latent(path: Path) -> str:
    """Return the same for every latent string that is read."""
    latent_of(path)
    return "a space"


def anything(path: Path) -> str:
    """Return the same for all: without checksums another number is another number."""
    return ""


FILES: dict[str, Callable[[bytes, Random], bytes]] = {
    "config.toml": toml_of,
    "provenance.json": json_of,
    "history.csv": csv_of,
    "weights.safetensors": safetensors_of,
    "analysis.nc": mutated,
    SUMS: mutated,
}
SLOW = {"analysis.nc": 0.05, SUMS: 0.2}
"""Weights of kinds of which a case takes long."""
KINDS = (
    *(
        Kind(f"run {name}", run_file(name, sums=True), of_run, damage, weight=SLOW.get(name, 0.5))
        for name, damage in FILES.items()
    ),
    *(
        Kind(f"old run {name}", run_file(name, sums=False), of_run, damage, anything, SLOW.get(name, 0.5))
        for name, damage in FILES.items()
        if name != SUMS
    ),
    Kind("result", result, result_of, structure=anything, weight=0.5),
    Kind("result, edited", result, result_of, hdf5_of, anything, weight=0.5),
    Kind("run checkpoint", unfinished, checkpoint_of, safetensors_of),
    Kind("scan scan.json", manifest, scan_of, json_of),
    Kind("recipe", recipes, accepted, toml_of),
    Kind("latent string", latents, any_latent, latent_damage, weight=2),
)
"""Kinds of files of a run."""
