"""Run -> DataTree: everything that the analysis needs, labelled, in one NetCDF file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr

from analysis import store
from analysis.evaluation.chosen import Chosen, assert_counts, choose
from analysis.evaluation.decoding import decoded, typical
from analysis.evaluation.draws import evaluate_jets
from analysis.evaluation.facts import facts
from analysis.evaluation.predictive import PREDICTED, groups_of_some, prior_group
from analysis.evaluation.resolutions import dimension_of
from analysis.measures.scores import score_table, stacked
from inference.entry import announce_weights
from inference.folder import RunFolder
from inference.machine import tune_cpu
from inference.run import Run
from jets import Jets
from jets.lock import locked
from models import VAE

DIMENSION_JETS = 1000
"""Jets on which the dimension is measured beside everything else; jetvae dimension takes more."""
PAIRED, PRIOR_DRAWS = 256, 1000
"""Jets whose densities are taken in pairs; draws of the prior."""
KEPT = "analysis.nc"
"""The file of a run's folder that keeps its evaluation."""
Groups = dict[str, xr.Dataset]


def evaluate(
    run: Run,
    data: Sequence[str] | Jets | None = None,
    *,
    draws: int = 8,
    seed: int = 0,
    beta: float | None = None,
    at_most: int | None = None,
    pairs: int = PAIRED,
    curve: bool = True,
) -> xr.DataTree:
    """Evaluate a run on held-out jets and return the labelled result.

    Parameters
    ----------
    run
        A run, opened by :func:`jetvae.open` or left by a training.
    data
        Jets or sources to evaluate on; by default the run's own test jets.
    draws
        Independent draws of the guide per jet; ELBO, KL and reconstruction are their means.
    seed
        Of the draws.
    beta
        Where to evaluate a run of a range of resolutions; in its (geometric) middle by default.
    at_most
        Most jets to evaluate, evenly spaced in the sample; all by default.
    pairs
        Jets of which each one's draw is held against each other's posterior; 0: none.
    curve
        Whether to measure a run of a range of resolutions over all of it too, as group ``dimension``.

    Returns
    -------
    xarray.DataTree
        Groups (dimensions): ``posterior`` z (chain, draw, jet, coordinate); ``prior`` z (chain, draw, coordinate);
        ``guide_params`` point (jet, coordinate); ``information`` kl [nats] (jet, kl_term); ``pairs`` see
        :func:`analysis.evaluation.predictive.pair_group`; ``sample_stats`` elbo, reconstruction, kl [nats] (jet),
        log_q, log_prior, log_weight [nats] (chain, draw, jet); ``log_likelihood`` x [nats] (chain, draw, jet);
        ``posterior_predictive`` x (chain, draw, jet, ...) and ``observed_data`` x (jet, ...) of some jets;
        ``posterior_nuts``, ``posterior_guide`` on the same jets, and ``sample_stats_nuts``, where ``jetvae nuts``
        made them; ``scores`` score_value (score, jet), larger is more anomalous or more of that mixture;
        ``constant_data`` class_name (jet), observables [see units]; ``images`` mean image of each class and of images
        decoded along latents (.., eta, phi); ``traversals`` the same of clouds; ``slides`` either in finer steps;
        ``history`` (epoch); ``dimension`` of a run of a range (:func:`analysis.evaluation.resolutions.dimension`).
        Labels: ``coordinate`` carries ``factor``, ``kind``, ``unit``; ``kl_term`` carries ``factor`` and
        ``coordinate_name``; ``step`` and ``probe`` carry ``path``, ``value``, ``factor``, ``coordinate_name``;
        ``score`` carries ``kind`` and ``component``. Attributes: recipe, provenance, beta.

    Raises
    ------
    RunError
        ``beta`` of a run that has one resolution, or outside its range.
    UserError
        A number of draws, jets or pairs that is none, or a negative seed.
    TypeError
        ``run`` is not an opened run.
    """
    if not isinstance(run, Run):
        raise TypeError(f"evaluate takes an opened run, not {run!r}: jetvae.open(path)")
    assert_counts(1, draws=draws)
    assert_counts(0, seed=seed, pairs=pairs)
    return evaluate_chosen(run, choose(run, data, at_most), draws, seed, beta, pairs, curve=curve)


def evaluate_chosen(
    run: Run, chosen: Chosen, draws: int, seed: int, beta: float | None, pairs: int = 0, *, curve: bool = False
) -> xr.DataTree:
    """Return :func:`evaluate` on jets that were chosen before; same errors."""
    tune_cpu()
    with run.at(beta) as vae:
        torch.manual_seed(seed)
        groups = groups_of_jets(vae, chosen, draws, pairs)
        used = float(vae.likelihood.beta)
    if run.recipe.model.beta.is_range and curve:
        groups["dimension"] = dimension_of(run, chosen, DIMENSION_JETS, seed)
    known = facts(run, chosen, used)
    result = xr.DataTree.from_dict({name: numbered(group) for name, group in (groups | known.groups).items()})
    result.attrs = known.attributes
    return result


def groups_of_jets(vae: VAE, chosen: Chosen, draws: int, pairs: int) -> Groups:
    """Return the groups that the model makes of the chosen jets, numbered as in their sample."""
    groups = evaluate_jets(vae, chosen.data, draws)
    groups |= decoded(vae, chosen.data, chosen.jets, typical(groups["sample_stats"]["elbo"].values))
    groups["prior"] = prior_group(vae, PRIOR_DRAWS)
    table = score_table(groups["sample_stats"], groups["guide_params"]["point"])
    groups["scores"] = xr.Dataset({"score_value": stacked(table)})
    for name, group in groups.items():
        if "jet" in group.dims:
            groups[name] = group.assign_coords(jet=chosen.number)
    return groups | groups_of_some(vae, chosen.some(PREDICTED), chosen.some(pairs), draws)


def numbered(group: xr.Dataset) -> xr.Dataset:
    """Number chains and draws, which ArviZ 1.x expects."""
    return group.assign_coords({dim: np.arange(group.sizes[dim]) for dim in ("chain", "draw") if dim in group.dims})


def evaluated(run: Run, data: Sequence[str] | None, beta: float | None = None) -> xr.DataTree:
    """Return the run's DataTree: the kept one, if of its recipe, weights and this resolution, else a new one.

    A new one is kept as ``analysis.nc``, made by one process where several ask for it at once; with ``data`` nothing is
    read or kept. Same errors as :func:`evaluate`.

    Raises
    ------
    DiskError
        The folder cannot be written to.
    """
    if data is not None:
        return evaluate(run, data, beta=beta)
    wanted = np.float32(run.recipe.model.beta.typical if beta is None else beta)
    if (kept := kept_tree(run, wanted)) is not None:
        return kept
    with locked(run.path, name=f".{KEPT}.lock", wait=True):  # another process may be making it
        kept = kept_tree(run, wanted)
        if kept is None:
            kept = evaluate(run, beta=beta)
            store.save(kept, run.path / KEPT)
        return kept


def kept_tree(run: Run, beta: np.float32) -> xr.DataTree | None:
    """Return the kept DataTree of a finished run, if it is of its recipe, weights and resolution ``beta``."""
    if not RunFolder(run.path).weights().exists():
        return None
    kept = store.of_run(run.path / KEPT, run.digest)
    if kept is None or kept.attrs["beta"] != beta:
        return None
    if "weight" in kept["constant_data"]:
        announce_weights()
    return kept
