"""Archives: a run in one file, tensors of before, blocks of jets that wait for the rest of a sample."""

from __future__ import annotations

import hashlib
import io
import shutil
import unittest.mock
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch

from analysis.deployment.bundle import unpack_bundle, write_bundle
from inference.loaded import load_tensors
from inference.run import Run
from jets.errors import UserError
from jets.simulation.config import Config
from jets.simulation.unfinished import begin, block_path, ensure_block, folder_of, is_whole, load_block
from jets.sums import SUMS

from .kinds import Kind
from .mutate import mutated
from .run_files import TOY, anything, digest, flat, of_run, trained
from .structured import csv_of, json_of, safetensors_of, toml_of

EDITS = {".toml": toml_of, ".json": json_of, ".csv": csv_of, ".safetensors": safetensors_of}
"""Ending of a member's name -> what changes its content."""
SAMPLE = Config("qcd", 40, 1)
"""The sample whose blocks wait."""


def bundle(folder: Path) -> Sequence[Path]:
    """Write a run in one file."""
    return [write_bundle(Run.open(trained(*TOY)), folder / "run.zip")]


def unpacked(path: Path) -> str:
    """Return what a bundle's run holds."""
    folder = path.with_suffix("")
    try:
        return of_run(unpack_bundle(path, folder) / "config.toml")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bundle_of(data: bytes, random: Random) -> bytes:
    """Edit a member of a bundle and its checksum, or how it is packed."""
    if random.random() < 0.3:
        return mutated(data, random)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: (info, archive.read(info)) for info in archive.infolist()}
    name = random.choice(sorted(members))
    info, content = members[name]
    content = EDITS.get(Path(name).suffix, mutated)(content, random)
    members[name] = info, content
    if random.random() < 0.8:
        members[SUMS] = members[SUMS][0], summed({each: inner for each, (_, inner) in members.items() if each != SUMS})
    info.compress_type = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each, inner in members.values():
            archive.writestr(each, inner)
    return buffer.getvalue()


def summed(members: dict[str, bytes]) -> bytes:
    """Return the file of checksums of members."""
    return "".join(f"{hashlib.sha256(members[name]).hexdigest()}  {name}\n" for name in sorted(members)).encode()


def tensors(folder: Path) -> Sequence[Path]:
    """Write tensors as before."""
    state = {"epoch": 3, "model": {"w": torch.arange(12.0).reshape(3, 4), "b": torch.zeros(3)}, "loss": [1.0, 0.5]}
    torch.save(state, folder / "checkpoint.pt")
    return [folder / "checkpoint.pt"]


def tensors_of(path: Path) -> str:
    """Return what a file of tensors holds."""
    return flat(load_tensors(path, keys=("epoch", "model")))


def block(folder: Path) -> Sequence[Path]:
    """Write a block of jets as it waits for the rest of its sample."""
    arrays = {"label": np.arange(40) % 2, "jet": np.linspace(500, 600, 240, dtype="f4").reshape(40, 6)}
    with unittest.mock.patch("jets.simulation.unfinished.simulate_block", return_value=arrays):
        ensure_block(folder, SAMPLE, 0)
    return [block_path(folder, 0)]


def block_of(path: Path) -> str:
    """Return the numbers of a block; one that is not whole is simulated again."""
    if not is_whole(path):
        raise UserError(f"{path}: simulated again")
    return flat({name: digest(np.asarray(each)) for name, each in load_block(path.parent, 0).items()})


def begun(folder: Path) -> Sequence[Path]:
    """Begin a sample."""
    partial = folder_of(folder / "qcd.h5")
    begin(partial, SAMPLE)
    return [partial / "config.json"]


def begun_again(path: Path) -> str:
    """Return nothing where the folder is of the same sample; of another it is refused."""
    begin(path.parent, SAMPLE)
    return "the same sample"


KINDS = (
    Kind("bundle", bundle, unpacked),
    Kind("bundle, edited", bundle, unpacked, bundle_of, anything, 0.5),
    Kind("old tensors", tensors, tensors_of),
    Kind("block of a sample", block, block_of, weight=0.5),
    Kind("sample begun", begun, begun_again, json_of, weight=0.2),
)
"""Kinds of archives, and what waits beside them."""
