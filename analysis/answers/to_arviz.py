"""A run, a tree, a scan or a file of NUTS as ArviZ takes it; what :func:`jetvae.to_arviz` is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis import store
from analysis.evaluation.chosen import Chosen, assert_counts, choose
from analysis.evaluation.facts import nuts_groups
from analysis.evaluation.predicted import predictions
from analysis.evaluation.tree import evaluate_chosen
from analysis.measures.arviz_groups import FEWEST, groups_of, some
from analysis.measures.containers import container
from analysis.measures.marginal import elpd
from analysis.measures.nuts_form import of_some, standard
from analysis.measures.variables import Owners
from analysis.store import Missing
from inference.data import data_for
from inference.run import Run, RunError
from inference.scan import MANIFEST
from jets import Jets
from jets.command import command
from jets.errors import UserError
from priors import Space, Superposition, parse

Source = Run | xr.DataTree | str | Path


class Wanted(NamedTuple):
    """What is to be shown: see :func:`to_arviz`."""

    jets: int | Sequence[int] = 8
    draws: int = 200
    held_out: int = 200
    data: Sequence[str] | Jets | None = None
    beta: float | None = None
    predictive: str = "posterior"
    seed: int = 0


def to_arviz(
    source: Source,
    *,
    jets: int | Sequence[int] = 8,
    draws: int = 200,
    held_out: int = 200,
    data: Sequence[str] | Jets | None = None,
    beta: float | None = None,
    predictive: str = "posterior",
    seed: int = 0,
) -> Any:
    """Return what every function of ArviZ accepts: an ``InferenceData`` on 0.23, a ``DataTree`` on 1.x.

    Parameters
    ----------
    source
        A run or its folder; a tree that :func:`jetvae.evaluate` made, or its file; ``nuts.nc``; or a scan, its folder
        or ``scan.nc``.
    jets
        How many jets to show the latents of, or their numbers in the sample. By default jets that NUTS sampled, where
        it did, so that the two can be put side by side.
    draws
        Of the guide for each jet, at least 100, in one chain: they are independent, R-hat says nothing of them.
    held_out
        How many test jets ln p(x) and the predictions are of.
    data, beta
        Jets and resolution to evaluate at, as :func:`jetvae.evaluate` takes them.
    predictive
        What ``posterior_predictive`` holds: ``posterior``, each jet drawn given its own latents, for ``plot_ppc``; or
        ``prior``, jets drawn from the prior: what is expected of a jet that was left out, for ``loo_pit``.
    seed
        Of the draws.

    Returns
    -------
    InferenceData or DataTree
        Groups, all with chain and draw: ``posterior``, ``prior``: a variable of each factor (.., jet, ..), see
        :mod:`analysis.measures.variables`; ``sample_stats``; ``log_likelihood``: the marginal ln p(x) of each jet
        [nat], under the name of the first observable; ``posterior_predictive``, ``prior_predictive``,
        ``observed_data``: ``width`` [rad] and ``core`` of images and clouds, ``length`` and ``x`` of vectors;
        ``constant_data``: ln p(x), its error, k-hat. Of a scan a dictionary: latent space -> ``ELPDData`` of the same
        jets, for ``az.compare``. Of NUTS the groups of its file (:mod:`analysis.measures.nuts_form`).

    Raises
    ------
    UserError
        Fewer than 100 draws; a plain autoencoder; jets that are not there; nothing of these.
    """
    if predictive not in ("posterior", "prior"):
        raise UserError(f"predictive = {predictive!r}: expected 'posterior' or 'prior'")
    assert_counts(0, seed=seed)
    if isinstance(jets, int):
        assert_counts(1, jets=jets)
    wanted = Wanted(jets, draws, held_out, data, beta, predictive, seed)
    if isinstance(source, Run):
        return container(*groups_of_run(source, wanted))
    if isinstance(source, xr.DataTree):
        return of_tree(source, wanted)
    path = Path(source)
    if path.is_file():
        return of_tree(store.open(path), wanted)
    if (path / MANIFEST).is_file():
        if not (path / "scan.nc").is_file():
            raise Missing(f"{path}: the scan was not evaluated yet: {command('topology', path)}")
        return of_tree(store.open(path / "scan.nc", path), wanted)
    return container(*groups_of_run(Run.open(path), wanted))


def kept(run: Run, data: Sequence[str] | None = None, beta: float | None = None) -> Any:
    """Return what :func:`to_arviz` returns of a run; of its own jets it is kept as ``arviz.nc`` in its folder.

    Raises
    ------
    DiskError
        The folder cannot be written to.
    """
    groups, attributes = groups_of_run(run, Wanted(data=data, beta=beta))
    if data is None:
        tree = xr.DataTree.from_dict({name: group for name, group in groups.items() if group.data_vars})
        tree.attrs = attributes | {"digest": run.digest}
        store.save(tree, run.path / "arviz.nc")
    return container(groups, attributes)


def groups_of_run(run: Run, wanted: Wanted) -> tuple[dict[str, xr.Dataset], dict[str, Any]]:
    """Return groups and attributes of a run, evaluated on held-out jets; see :func:`to_arviz`."""
    if run.recipe.model.kind == "ae":
        raise RunError(f"{run.path}: a plain autoencoder has no posterior, hence nothing for ArviZ")
    assert_counts(FEWEST, draws=wanted.draws)
    assert_counts(1, held_out=wanted.held_out)
    own = choose(run, wanted.data)
    shown = some(shown_of(run, own, wanted), wanted.jets)
    chosen = narrowed(run, own, np.union1d(some(own.number, wanted.held_out), shown))
    tree = evaluate_chosen(run, chosen, wanted.draws, wanted.seed, wanted.beta)
    with run.at(wanted.beta) as vae:
        torch.manual_seed(wanted.seed)
        x = chosen.data[torch.arange(len(chosen.data))]
        predicted = predictions(vae, run.recipe, x, chosen.number, wanted.draws)
        groups = groups_of(tree, shown, owners(vae.latent), predicted, wanted.seed)
    if wanted.predictive == "prior":
        groups["posterior_predictive"] = groups["prior_predictive"]
    return groups, {name: tree.attrs[name] for name in ABOUT}


def shown_of(run: Run, own: Chosen, wanted: Wanted) -> NDArray[np.integer]:
    """Return the numbers of jets to choose from: those that NUTS sampled at this resolution, if it did, else all."""
    if wanted.data is not None:
        return own.number
    beta = run.recipe.model.beta.typical if wanted.beta is None else wanted.beta
    nuts = nuts_groups(run, beta)
    return np.asarray(nuts["posterior_nuts"]["jet"]) if nuts else own.number


ABOUT = ("run", "latent", "beta", "likelihood", "data")
"""Attributes of a tree that belong to its groups."""


def narrowed(run: Run, chosen: Chosen, wanted: NDArray[np.integer]) -> Chosen:
    """Return those of the chosen jets that have the wanted numbers.

    Raises
    ------
    Missing
        One is not among them.
    """
    if lacking := sorted({*wanted.tolist()} - {*chosen.number.tolist()}):
        raise Missing(f"jets: no jet {lacking[0]} among the {len(chosen.number)} that are held out")
    rows = np.flatnonzero(np.isin(chosen.number, wanted))
    jets = chosen.jets[rows]
    return Chosen(jets, chosen.number[rows], chosen.which, data_for(jets, run.recipe, torch.device("cpu")))


def of_tree(tree: xr.DataTree, wanted: Wanted) -> Any:
    """Return a tree of a run, of a scan or of NUTS for ArviZ."""
    if "sampler" in tree.attrs:
        whole = standard(tree, wanted.seed)
        numbers = np.asarray(whole["posterior"]["jet"])
        return container(of_some(whole, some(numbers, wanted.jets)), plain(tree.attrs))
    if "sample_stats" in tree and "topology" in tree["sample_stats"].dims:
        return elpd(tree, wanted.beta)
    if "posterior" not in tree:
        known = ", ".join(map(str, tree)) or "no groups"
        raise UserError(f"nothing for ArviZ: got {known}, expected a run, its tree, a scan, or nuts.nc")
    shown = some(np.asarray(tree["posterior"]["jet"]), wanted.jets)
    try:
        groups = groups_of(tree, shown, owners(parse(str(tree.attrs["latent"]))), {}, wanted.seed)
    except Missing as error:
        if "draws = " in str(error):
            raise Missing(f"{error}; evaluate with draws=100, or give the run: {tree.attrs.get('run')}") from error
        raise
    return container(groups, {name: tree.attrs[name] for name in ABOUT if name in tree.attrs})


def plain(attributes: Any) -> dict[str, object]:
    """Return the attributes of a file of NUTS that say what it is."""
    return {name: attributes[name] for name in ("sampler", "beta", "standard") if name in attributes}


def owners(space: Space) -> Owners:
    """Return factor within a superposition -> factor of its category, and number of its manifold.

    >>> owners(parse("R1 | R2 x S1"))
    {'M2_R1': ('M2', 0), 'M2_R2': ('M2', 1), 'M2_S1': ('M2', 1)}
    """
    return {
        f"{label}_{inner}": (label, number)
        for label, factor in space.items
        if isinstance(factor, Superposition)
        for number, inner, _ in factor.items
    }


def nuts_of(run: Run) -> Any:
    """Return what ``jetvae nuts`` left in a run's folder for ArviZ.

    Raises
    ------
    Missing
        There is nothing, or it is of another recipe or other weights.
    """
    found = store.of_run(run.path / "nuts.nc", run.digest)
    if found is None:
        raise Missing(f"no reference posterior: {command('nuts', run.path)}")
    return to_arviz(found)
