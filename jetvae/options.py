"""Options that several commands share, each declared once, and how their texts are read."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import Any

SAMPLES = ("sample:qcd", "sample:top", "sample:w")
"""The embedded samples."""
SAMPLES_BY_DIMENSION = ("sample:qcd", "sample:w", "sample:top")
"""The same by rising dimension."""


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return whole(text, 1)


def whole(text: str, least: int = 0) -> int:
    """Read a whole number of at least ``least``, below 2^31."""
    try:
        found = int(text)
    except ValueError:
        found = -1
    if not least <= found < 2**31:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {text}")
    return found


def number(text: str) -> float:
    """Read a finite number above 0."""
    found = difference(text)
    if not found:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return found


def difference(text: str) -> float:
    """Read a finite number of at least 0."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"expected a finite number of at least 0, got {text}")
    return found


SHARED: dict[str, tuple[str, dict[str, Any]]] = {
    "run": ("run", {"metavar": "RUN", "help": "run folder; of a scan, its best complete run"}),
    "runs": ("runs", {"metavar": "RUN", "nargs": "+", "help": "run folders, or the folder of a scan"}),
    "data": (
        "--data",
        {
            "metavar": "F[:class]",
            "nargs": "+",
            "action": "extend",
            "help": "jets to evaluate instead of the run's own test jets; repeatable",
        },
    ),
    "beta": (
        "--beta",
        {"type": number, "metavar": "B", "help": "resolution at which to evaluate a run of a range [the middle]"},
    ),
    "signal": ("--signal", {"metavar": "CLASS", "help": "class to be tagged [the last one]"}),
    "seed": ("--seed", {"type": whole, "metavar": "S", "default": 0, "help": "of all draws [0]"}),
    "jets": ("--jets", {"type": positive, "metavar": "N", "help": "test jets, evenly spaced"}),
    "draws": ("--draws", {"type": positive, "metavar": "S", "help": "draws of the guide for each jet"}),
    "device": ("--device", {"metavar": "D", "help": "auto, cpu or cuda [auto]"}),
    "epochs": ("--epochs", {"type": int, "metavar": "N", "help": "passes over the training jets"}),
    "delta": (
        "--delta",
        {"type": difference, "metavar": "D", "default": 0.025, "help": "difference that does not matter [0.025 nat]"},
    ),
    "together": (
        "--together",
        {"type": positive, "metavar": "K", "default": 16, "help": "trainings in one vectorised step, at most [16]"},
    ),
    "dask": (
        "--dask",
        {
            "metavar": "ADDRESS",
            "nargs": "?",
            "const": "",
            "help": "on the dask cluster of the scheduler at ADDRESS, or without one on this machine's cores",
        },
    ),
    "trust_code": (
        "--trust-code",
        {"action": "store_true", "help": "import the user's module that a run's latent space names: it runs its code"},
    ),
    "out": ("-o --out", {"metavar": "PATH", "help": "where to write"}),
}
"""Name -> how it is written, and what argparse is given for it."""
RUNS = ("run", "runs")
"""Those that name runs, whose recipes may be of somebody else."""


def add(parser: argparse.ArgumentParser, *names: str, **changed: dict[str, Any]) -> None:
    """Add shared options; ``changed`` names further ones of which a command changes default or help.

    >>> parser = argparse.ArgumentParser()
    >>> add(parser, "run", "data", jets={"default": 200, "help": "test jets [200]"})
    >>> parser.parse_args(["runs/mine", "--data", "a.h5", "b.h5:top"])
    Namespace(run='runs/mine', trust_code=False, data=['a.h5', 'b.h5:top'], jets=200)

    Whatever takes runs takes ``--trust-code``.
    """
    wanted = [*names, *changed]
    for name in [each for one in wanted for each in ([one, "trust_code"] if one in RUNS else [one])]:
        flag, settings = SHARED[name]
        parser.add_argument(*flag.split(), **(settings | changed.get(name, {})))


def numbers(text: str) -> tuple[float, ...]:
    """Read numbers separated by commas.

    >>> numbers("8,3,0.2")
    (8.0, 3.0, 0.2)
    """
    return tuple(float(part) for part in text.split(","))


def window(text: str) -> tuple[float, float]:
    """Read two rising numbers of at least 0 as ``LO:HI``.

    >>> window("65:105")
    (65.0, 105.0)
    """
    low, _, high = text.partition(":")
    found = difference(low), number(high)
    if found[0] >= found[1]:
        raise argparse.ArgumentTypeError(f"expected LO:HI with LO below HI, got {text}")
    return found


def resolution(text: str) -> float | tuple[float, ...]:
    """Read a resolution or a range ``LOW:HIGH``.

    >>> resolution("0.1"), resolution("1e-3:1")
    (0.1, (0.001, 1.0))
    """
    low, *high = text.split(":")
    return (float(low), *map(float, high)) if high else float(low)


def best_run(path: str) -> Any:
    """Open the run in a folder; of a scan the complete run of smallest loss, which a note names.

    Raises
    ------
    RunError
        There is neither a run nor a scan.
    """
    from pathlib import Path

    from analysis.report.runs import chosen, expanded, overview
    from inference.run import Run
    from jets.notes import LOG

    folders = expanded([path])
    found = chosen(overview(folders)) if len(folders) > 1 else folders[0]
    if len(folders) > 1:
        LOG.warning("%s is a scan of %d runs; this is %s", path, len(folders), found)
    return Run.open(Path(found))


def every_run(paths: Sequence[str]) -> list[Any]:
    """Open the runs in folders, of a scan all of them, in the order of its manifest."""
    from analysis.report.runs import expanded
    from inference.run import Run

    return [Run.open(path) for path in expanded(paths)]
