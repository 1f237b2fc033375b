"""Every command: with words of every kind, on whole runs and on damaged ones; exit 0 and true, or 2 and one line."""

from __future__ import annotations

import argparse
import shutil
from functools import cache
from pathlib import Path

from jetvae.__main__ import command_module, parser_of
from jetvae.commands import COMMANDS

from .cases import Entries, Random, Tools, pick
from .terminal import checked

entries = Entries()
WORDS = (
    "-1",
    "0",
    "1",
    "2",
    "x",
    "",
    "nan",
    "inf",
    "1e9",
    "0.1",
    "0.1:1",
    "1:0.1",
    ":",
    "a=b",
    "=",
    "qcd=0.5",
    "R2",
    "R2 x",
    "nowhere",
    ".",
    "/",
    "é",
    "sample:qcd",
    "sample:w:w",
    "toy:circle(n=20)",
    "toy:moon",
    "training.epochs=1",
    "model.latent=Q7",
    "no=1",
    "--",
    "--no-such",
    "1,2",
    "1,,2",
    "cpu",
    "tpu",
    "9" * 25,
    "nowhere.h5",
    "nowhere.npy",
    "own.toml",
    "triangle",
    "qcd",
)
SLOW = ("simulate", "league", "discover", "study", "nuts")
"""Commands that are given words here only, and no work."""


@cache
def options_of(name: str) -> tuple[tuple[str, ...], int]:
    """Return the options of a command, and how many words come before them."""
    parser = parser_of(name, command_module(name))
    actions = [each for each in parser._actions if not isinstance(each, argparse._HelpAction)]
    flags = tuple(flag for each in actions for flag in each.option_strings)
    return flags, sum(not each.option_strings for each in actions)


@entries(2400)
def words_of_commands(random: Random, tools: Tools) -> str:
    """Options with words of every kind; there are no runs, so that nothing can come of most."""
    name = pick(random, list(COMMANDS))
    flags, places = options_of(name)
    words = [name]
    if name == "draw":
        words.append(pick(random, ("latents", "hysteresis", "samples", "correlation", "x")))
    first = "nowhere" if name not in ("simulate", "study", "league", "discover") else pick(random, ("x", "nowhere", ""))
    words += [first] * min(places, 2) if random.random() < 0.8 else []
    for _ in range(int(random.integers(0, 4))):
        if flags:
            words.append(pick(random, flags))
        words += [pick(random, WORDS) for _ in range(int(random.integers(0, 3)))]
    if name in ("train", "simulate", "league", "discover", "study") and "--no-such" not in words:
        words.append("--no-such")  # else it may work for minutes
    if name == "draw" and words[1] == "correlation":
        words += ["--data", "nowhere.h5"]
    return checked(words, tools)


def copied(tools: Tools, name: str, as_name: str = "run") -> Path:
    """Return a fresh copy of a run."""
    folder = tools.folder / as_name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(tools.runs(name), folder)
    return folder


READING: dict[str, tuple[tuple[str, ...], ...]] = {
    "summary": ((), ("--json",), ("--signal", "top"), ("--signal", "w"), ("--out", "x/y.nc"), ("--data", "sample:w:w")),
    "information": ((), ("--data", "toy:circle(n=20)"), ("--data", "nowhere.h5")),
    "anomaly": ((), ("--window", "50:150"), ("--signal", "qcd"), ("--signal", "nothing"), ("--out", "scores.nc")),
    "meaning": ((), ("--out", "figures")),
    "trust": ((), ("--draws", "1"), ("--out", "trust.nc")),
    "dimension": ((), ("--scale", "0"), ("--out", "d")),
    "topology": ((), ("--delta", "0"), ("--delta", "-1"), ("--draws", "1")),
    "report": ((), ("--out", "page.html"), ("--signal", "nothing"), ("--summary",), ("--trust",)),
    "draw": ((), ("--truth", "nothing")),
    "resume": (("--epochs", "3"), ("--epochs", "1"), ("--epochs", "0"), ("--device", "tpu"), ()),
}
"""Command -> further words, of which each may be given."""
FEW = {
    "trust": ("--jets", "4", "--draws", "20"),
    "dimension": ("--jets", "20"),
    "topology": ("--jets", "8", "--draws", "20"),
}
WEIGHT = (
    "summary",
    "summary",
    "summary",
    "information",
    "information",
    "anomaly",
    "trust",
    "dimension",
    "topology",
    "draw",
    "resume",
    "resume",
    "meaning",
    "report",
)
"""Commands as often as they are tried; pages and figures take seconds."""


def of_run(random: Random, folder: Path, name: str) -> list[str]:
    """Return the words of a command on a run."""
    if name == "draw":
        words = ["draw", "latents", str(folder), "--out", "map.png"]
    else:
        words = [name, str(folder), *FEW.get(name, ())]
    words += pick(random, READING[name])
    if random.random() < 0.15:
        words += ["--beta", pick(random, ("0.1", "1", "5", "0", "nan", "1e6"))]
    return words


@entries(150, slow=True)
def commands_on_runs(random: Random, tools: Tools) -> str:
    """Whole runs of images, clouds, vectors and ranges, and scans; twice where what is kept is read again."""
    name = pick(random, ("image", "image", "cloud", "vectors", "range", "scan"))
    command = pick(random, WEIGHT)
    words = of_run(random, copied(tools, name), command)
    found = checked(words, tools)
    if command in ("information", "summary"):
        assert checked(words, tools) == found
    return found
