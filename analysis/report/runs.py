"""Run folders, or those of a scan: what their files say of each without evaluating any, and all of the best one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from analysis.report.inputs import KEPT, Known, attempt, kept, of_run
from analysis.store import Missing
from inference.run import Run
from inference.scan import MANIFEST, folders
from jets.command import command


def read_runs(
    paths: Sequence[str | Path],
    data: Sequence[str] | None = None,
    beta: float | None = None,
    signal: str | None = None,
    *,
    trust: bool = False,
    arviz: bool = False,
) -> Known:
    """Read run folders, or those of a scan: what is known of the best one, beside a table of all.

    Parameters
    ----------
    paths
        Folders of runs or of a scan.
    data, beta
        Jets and resolution to evaluate at; the run's own test jets and its own resolution by default.
    signal
        Class to be tagged.
    trust
        Whether to measure how far the posterior can be trusted; without ``data`` it is kept as ``trust.nc``.
    arviz
        Whether to add the figures of ArviZ; without ``data`` what they show is kept as ``arviz.nc``.

    Raises
    ------
    RunError
        There is no run, or it cannot be evaluated at ``data`` or ``beta``.
    """
    found = expanded(paths)
    table = overview(found)
    best = chosen(table)
    known = of_run(best, data, beta, signal, trust=trust, arviz=arviz)
    if len(found) > 1:
        scan = Path(paths[0])
        known.sources.update(runs=table, scan=kept(scan / "scan.nc", command("topology", scan), members=found))
    return known


def expanded(paths: Sequence[str | Path]) -> list[Path]:
    """Return run folders: of a scan its runs in the order of its manifest, of a folder of runs all."""
    found: list[Path] = []
    for path in map(Path, paths):
        holds_runs = (path / MANIFEST).is_file() or any(path.glob("*/config.toml"))
        is_run = any((path / name).exists() for name in KEPT)
        found += folders(path) if holds_runs and not is_run else [path]
    return found


def overview(folders: Sequence[Path]) -> xr.Dataset:
    """Return, for each run, what it is and how its training ended, (run,); NaN and empty where that is not known.

    ``latent``, ``setting`` (likelihood and beta), ``seed``, ``epochs``, ``complete``; ``loss`` and ``kl`` [nat per jet]
    of the validation jets after the epoch whose weights are kept, those of training where none are held out.
    """
    rows = [one(folder) for folder in folders]
    columns = {name: ("run", [row[name] for row in rows]) for name in rows[0]}
    return xr.Dataset(columns, {"run": [str(folder) for folder in folders]})


def one(folder: Path) -> dict[str, str | int | float | bool]:
    """Return the row of one run."""
    run = Run(folder)
    recipe, history = attempt(lambda: run.recipe, "recipe"), attempt(lambda: run.history, "history")
    epochs = [] if isinstance(history, Missing) else history
    ended = attempt(lambda: run.ended, "history")
    last = ended if not isinstance(ended, Missing) else epochs[-1] if epochs else {}
    row: dict[str, str | int | float | bool] = {"latent": "", "setting": "", "seed": -1, "complete": False}
    if not isinstance(recipe, Missing):
        row["latent"], row["seed"] = recipe.model.latent, recipe.training.seed
        row["setting"] = f"{recipe.model.likelihood}, beta {recipe.model.beta}"
        row["complete"] = bool(epochs) and run.complete
    losses = {name: last.get(f"validation_{name}", last.get(name, np.nan)) for name in ("loss", "kl")}
    return {**row, "epochs": len(epochs), **losses}


def chosen(table: xr.Dataset) -> Path:
    """Return the complete run of smallest loss, of those with the first one's likelihood and beta; else the first."""
    done = table.isel(run=np.flatnonzero(table["complete"]))
    if not done.sizes["run"]:
        return Path(str(table["run"].values[0]))
    alike = done.isel(run=np.flatnonzero(done["setting"] == done["setting"][0]))
    return Path(str(alike["run"].values[int(np.argmin(np.asarray(alike["loss"])))]))
