"""What is known of a run, finished or not: each thing that a report may speak of, or why it is missing."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import xarray as xr

from analysis import store
from analysis.answers import to_arviz
from analysis.evaluation.facts import epochs
from analysis.evaluation.tree import evaluate, evaluated
from analysis.evaluation.trusted import trusted
from analysis.measures.meaning import coordinate_kl, meaning
from analysis.measures.observables import observables
from analysis.measures.summary import summarise
from analysis.report.unlabelled import one_class, own_jets
from analysis.store import Missing
from inference.digests import outdated
from inference.folder import RunError, RunFolder
from inference.run import Run
from jets.command import command
from jets.errors import one_line

T = TypeVar("T")
BROKEN = (ValueError, OSError, TypeError, LookupError, RuntimeError, EOFError)
"""What reading a damaged run may raise; the errors of a user's are among the first."""
KEPT = ("config.toml", "provenance.json", "history.csv", "analysis.nc")
"""Files of which any one is enough for a page."""


@dataclass(frozen=True)
class Known:
    """What is known of one run. Each property raises :class:`Missing`, with the reason, where something is not.

    Attributes
    ----------
    name
        The run's folder, or what stands for it.
    sources
        Name -> what was read, or the :class:`Missing` that says why not: ``tree``, ``provenance``, ``recipe``,
        ``history``, ``trust``, ``dimension``, ``scan``; ``arviz`` and ``arviz_nuts`` where ArviZ is to draw; ``jets``
        where all those scored are of one class (:func:`analysis.report.unlabelled.own_jets`).
    signal
        Class to be tagged; the last one where None.
    notes
        What a reader must know first.
    """

    name: str
    sources: dict[str, Any]
    signal: str | None = None
    notes: list[str] = field(default_factory=list)

    def source(self, name: str) -> Any:
        """Return what was read under ``name``."""
        found = self.sources.get(name, Missing(f"{name}: not there"))
        if isinstance(found, Missing):
            raise found
        return found

    @property
    def tree(self) -> xr.DataTree:
        """The evaluated run."""
        return self.source("tree")

    @property
    def provenance(self) -> dict[str, Any]:
        """Command, seed, versions, data."""
        return self.source("provenance")

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe's tables."""
        return tomllib.loads(self.source("recipe"))

    @property
    def plain(self) -> bool:
        """Whether it is a plain autoencoder, without prior and posterior; False where that is not known."""
        return not isinstance(self.sources.get("recipe", Missing()), Missing) and self.recipe["model"]["kind"] == "ae"

    @property
    def history(self) -> xr.Dataset:
        """Losses by epoch, (epoch,)."""
        return self.source("history")

    @cached_property
    def numbers(self) -> dict[str, Any]:
        """What :func:`analysis.summarise` says."""
        return summarise(self.tree, self.signal)

    @cached_property
    def meaning(self) -> xr.Dataset:
        """Latents against observables, see :func:`analysis.measures.meaning.meaning`."""
        if not observables(self.tree).size:
            raise Missing("the data have no observables to compare latents with")
        return meaning(self.tree)

    @cached_property
    def coordinate_kl(self) -> xr.DataArray:
        """Mean KL [nat] of each coordinate, (coordinate,)."""
        return coordinate_kl(self.tree)


def of_tree(tree: xr.DataTree, signal: str | None = None) -> Known:
    """Return what a tree alone says, from :func:`analysis.evaluate`."""
    known = Known(str(tree.attrs["run"]), {"tree": tree}, signal)
    complete_from(known.sources, tree)
    return known


def of_run(
    path: str | Path,
    data: Sequence[str] | None = None,
    beta: float | None = None,
    signal: str | None = None,
    *,
    trust: bool = False,
    arviz: bool = False,
) -> Known:
    """Read a run folder, whole or not; evaluate it unless its kept evaluation is of its recipe and weights.

    With ``trust``, first measure how far its posterior can be trusted; with ``arviz``, draw what ArviZ shows.

    Raises
    ------
    RunError
        Nothing there is of a run. With ``data`` or ``beta``, whatever keeps the run from being evaluated at them.
    """
    folder = Path(path)
    if not any((folder / name).exists() for name in KEPT):
        raise RunError(f"{folder}: no run there (none of {', '.join(KEPT)}); train one: {command('train')}")
    known, run = Known(str(folder), {}, signal), Run(folder)
    tree = tree_of(run, data, beta, known.notes)
    sources = {
        "tree": tree,
        "provenance": attempt(lambda: run.provenance, "provenance.json"),
        "recipe": attempt(lambda: run.recipe.to_toml(), "config.toml"),
        "history": attempt(lambda: some_epochs(epochs(run.history)), "history.csv"),
        "trust": trust_of(run, data, beta) if trust else kept(folder / "trust.nc", command("trust", folder), run),
        "dimension": kept(folder / "dimension" / "dimension.nc", command("dimension", folder), run),
    }
    if arviz:
        sources["arviz"] = attempt(lambda: to_arviz.kept(whole(run), data, beta), "ArviZ")
        sources["arviz_nuts"] = attempt(lambda: to_arviz.nuts_of(run), "nuts.nc")
    known.sources.update(sources)
    if isinstance(tree, xr.DataTree):
        complete_from(known.sources, tree)
        if one_class(tree):
            known.sources["jets"] = attempt(lambda: own_jets(run, tree, data), "jets")
        if not tree.attrs["complete"]:
            known.notes.append(
                f"Training is not complete. Continue it: {command('resume', folder)}; what follows describes its last "
                "checkpoint."
            )
    return known


def tree_of(run: Run, data: Sequence[str] | None, beta: float | None, notes: list[str]) -> xr.DataTree | Missing:
    """Return the evaluated run; of one that cannot be evaluated what an earlier evaluation left, and note it."""
    if data is not None or beta is not None:
        return evaluated(run, data, beta)
    ways = (
        lambda: evaluated(whole(run), None),
        lambda: evaluate(whole(run)),
        lambda: store.open(run.path / "analysis.nc", run.path),
    )
    return first_of(ways, notes)


def trust_of(run: Run, data: Sequence[str] | None, beta: float | None) -> xr.DataTree:
    """Return what ``jetvae trust`` measures; of the run's own jets it is kept."""
    found = trusted(run, data, beta=beta)
    if data is None:
        store.save(found, run.path / "trust.nc")
    return found


def whole(run: Run) -> Run:
    """Return the run, after asserting that its folder holds one."""
    RunFolder.open(run.path)
    return run


def complete_from(sources: dict[str, Any], tree: xr.DataTree) -> None:
    """Take from the tree what was not read from elsewhere."""
    history = tree["history"].to_dataset()
    inside = {
        "provenance": json.loads(tree.attrs["provenance"]),
        "recipe": str(tree.attrs["recipe"]),
        "history": history if history.sizes.get("epoch") else Missing("no epoch is recorded: history.csv is missing"),
    }
    inside |= {name: tree[name].to_dataset() for name in ("dimension",) if name in tree}
    for name, value in inside.items():
        if isinstance(sources.get(name, Missing()), Missing):
            sources[name] = value


def first_of(ways: Sequence[Callable[[], T]], notes: list[str]) -> T | Missing:
    """Return what the first way that works yields; note why others did not."""
    reasons: list[str] = []
    for way in ways:
        found = attempt(way, "evaluation")
        if not isinstance(found, Missing):
            if reasons:
                notes.append(f"{reasons[0]}. What follows is from what was kept of an earlier evaluation.")
            return found
        reasons.append(str(found))
    notes.append(f"The run could not be evaluated: {reasons[0]}. What does not need it is shown.")
    return Missing("needs the evaluated run: see the note at the top")


def attempt(read: Callable[[], T], what: str) -> T | Missing:
    """Return what ``read`` yields, or :class:`Missing` with the reason."""
    try:
        return read()
    except FileNotFoundError as error:
        return Missing(f"{Path(error.filename or what).name} is missing")
    except Missing as error:
        return error
    except BROKEN as error:
        return Missing(f"{what}: {one_line(error)}")


def some_epochs(history: xr.Dataset) -> xr.Dataset:
    """Return the history, if there is any."""
    if not history.sizes.get("epoch"):
        raise Missing("history.csv is missing or empty: no epoch is recorded")
    if lacking := {"loss", "reconstruction", "kl"} - set(history):
        raise Missing(f"history.csv lacks {', '.join(sorted(lacking))}")
    return history


def kept(path: Path, remedy: str, run: Run | None = None, members: Sequence[Path] = ()) -> xr.DataTree | Missing:
    """Return a tree that another command left, or what to run for it, also where it is of other weights.

    ``members`` are the runs that a result of several must be of.
    """
    if not path.exists():
        return Missing(f"not measured yet: {remedy}")
    found = attempt(lambda: store.open(path, path.parent if run is None else run.path), path.name)
    if run is not None and isinstance(found, xr.DataTree):
        digest = attempt(lambda: run.digest, path.name)
        if isinstance(digest, Missing):
            return digest
        if found.attrs.get("digest", digest) != digest:
            return Missing(f"{path.name} is of another recipe or other weights than the run's: {remedy}")
    if isinstance(found, xr.DataTree) and (changed := outdated(found.attrs, path, members)):
        return Missing(f"{path.name}: {changed}; measure again: {remedy}")
    return found
