"""Run folders with something deleted, cut, replaced or edited: what can still be read is, else one line says what."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import torch

from inference import tensors
from inference.folder import CHECKPOINT, WEIGHTS, load_tensors
from jets.sums import SUMS

from .cases import Entries, Random, Tools, pick
from .commands import copied, of_run
from .terminal import checked, run

entries = Entries()
FILES = ("config.toml", "provenance.json", "history.csv", "history.nc", WEIGHTS, CHECKPOINT, "analysis.nc")
TEXTS = (
    "",
    "x",
    "{}",
    "[]",
    "null",
    "[model]\n",
    "[model]\nlatent = 'R9'\n",
    "a,b\n1,2\n",
    "epoch,loss\n1,x\n",
    "\0\0",
    "ü" * 50,
)


def delete(path: Path, random: Random) -> None:
    """Remove a file."""
    path.unlink()


def cut(path: Path, random: Random) -> None:
    """Keep the beginning of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(random.integers(len(content)))])


def replace(path: Path, random: Random) -> None:
    """Put a text in the place of a file."""
    path.write_bytes(pick(random, TEXTS).encode(pick(random, ("utf-8", "utf-16"))))


def folder(path: Path, random: Random) -> None:
    """Put a folder in the place of a file."""
    path.unlink()
    path.mkdir()


def edit_text(path: Path, random: Random) -> None:
    """Change, remove or double a line, or a word in it."""
    lines = path.read_text().splitlines() or [""]
    place = int(random.integers(len(lines)))
    line = lines[place]
    words = line.split(pick(random, (" ", ",", "=", ":")))
    words[int(random.integers(len(words)))] = pick(random, ("", "-1", "nan", "1e400", "x", '"R7"', "{", "true", "1.5"))
    lines[place : place + 1] = pick(
        random, ([], [line, line], [" ".join(words)], [",".join(words)], [line[: len(line) // 2]])
    )
    path.write_text("\n".join(lines))


def edit_json(path: Path, random: Random) -> None:
    """Remove a key, or give it another value."""
    content = json.loads(path.read_text())
    key = pick(random, list(content))
    content[key] = pick(random, (None, 3, "x", [], {}, {"a": {}}, -1.5))
    if random.random() < 0.5:
        del content[key]
    path.write_text(json.dumps(content))


def edit_tensors(path: Path, random: Random) -> None:
    """Remove a tensor, change its shape, or fill it with NaN."""
    content = load_tensors(path)
    weights = content.get("model", content)
    key = pick(random, [key for key in weights if isinstance(weights[key], torch.Tensor)])
    change: Callable[[torch.Tensor], torch.Tensor] = pick(
        random, (lambda t: t * float("nan"), lambda t: t[..., None], lambda t: t.flatten()[:0], lambda t: t.double())
    )
    weights[key] = change(weights[key])
    if random.random() < 0.3:
        del weights[key]
    tensors.save(pick(random, (content, content, content, {"x": 1})), path)


def edit_tree(path: Path, random: Random) -> None:
    """Remove a group, a variable or an attribute of a NetCDF file."""
    with h5py.File(path, "a") as file:
        names: list[str] = []
        file.visit(names.append)
        if random.random() < 0.3 and file.attrs:
            del file.attrs[pick(random, list(file.attrs))]
        elif names:
            del file[pick(random, names)]


EDITS = {".toml": edit_text, ".csv": edit_text, ".json": edit_json, ".safetensors": edit_tensors, ".nc": edit_tree}


def damaged(path: Path, random: Random) -> None:
    """Damage a file in one of the ways that its kind allows."""
    change = pick(random, (delete, cut, replace, folder, EDITS[path.suffix], EDITS[path.suffix]))
    try:
        change(path, random)
    except (OSError, ValueError, LookupError, RuntimeError, AttributeError, TypeError):
        cut(path, random)  # what was damaged before cannot be edited


COMMANDS = (
    "summary",
    "information",
    "anomaly",
    "trust",
    "resume",
    "draw",
    "topology",
    "summary",
    "information",
    "report",
)


@entries(260, slow=True)
def damaged_runs(random: Random, tools: Tools) -> str:
    """A command on a run of which one or two files are not what they were; it ends, and leaves no file half written."""
    path = copied(tools, pick(random, ("image", "image", "image", "vectors", "cloud")))
    if random.random() < 0.4:
        shutil.copy(evaluated(tools, path), path / "analysis.nc")
    if random.random() < 0.5:  # as runs of before checksums were kept
        (path / SUMS).unlink()
    for _ in range(int(random.integers(1, 3))):
        there = [path / name for name in FILES if (path / name).is_file()]
        damaged(pick(random, there), random)
    command = pick(random, COMMANDS if random.random() < 0.3 else COMMANDS[:-1])
    return checked(of_run(random, path, command), tools)


def evaluated(tools: Tools, path: Path) -> Path:
    """Return the kept tree of the run that ``path`` is a copy of."""
    name = {"pixels": "image", "emd": "cloud"}.get(likelihood(path), "vectors")
    kept = tools.runs(name).parent / f"{name}.nc"
    if not kept.exists():
        assert run(["summary", str(tools.runs(name)), "--out", str(kept)]).code == 0
    return kept


def likelihood(path: Path) -> str:
    """Return the likelihood that a run's recipe names."""
    return next(line.split('"')[1] for line in (path / "config.toml").read_text().splitlines() if "likelihood" in line)


SCANS = ("scan.json", "R1", "S1", "R1/beta0.1-seed0", f"R1/beta0.1-seed0/{WEIGHTS}", "S1/beta0.1-seed1/config.toml")

LISTS = (
    *("", "x", "{}", "[]", "null", '{"runs": 3}', '{"runs": []}', '{"runs": [{}]}'),
    *('{"runs": [{"folder": 3}]}', '{"runs": [{"folder": "../.."}]}'),
)


@entries(60, slow=True)
def damaged_scans(random: Random, tools: Tools) -> str:
    """A scan that lost runs, or whose list is not what it was."""
    path = copied(tools, "scan")
    victim = path / pick(random, SCANS)
    if victim.is_dir():
        shutil.rmtree(victim)
    elif victim.name == "scan.json" and random.random() < 0.6:
        victim.write_text(pick(random, LISTS))
    elif victim.is_file():
        damaged(victim, random)
    command = pick(random, ("topology", "topology", "summary", "summary", "information", "resume", "report", "draw"))
    return checked(of_run(random, path, command), tools)
