"""Run -> DataTree: everything that the analysis needs, labelled, in one NetCDF file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis.evaluation.decoding import decoded, typical
from analysis.evaluation.resolutions import dimension_of
from analysis.evaluation.draws import evaluate_jets
from analysis.measures.observables import shape
from analysis.evaluation.predictive import evenly, pair_group, predictive_groups, prior_group
from inference.data import Images, data_for
from inference.machine import tune_cpu
from inference.run import Run, RunError
from jets import Jets, load
from jets.files import replacing
from models import VAE
from priors import Space

DIMENSION_JETS = 1000
"""Jets on which the dimension is measured beside everything else; analysis.evaluation.resolutions takes more."""
LARGE = 100_000
"""Numbers from which an array is worth compressing."""
PREDICTED, PREDICTIONS, PAIRED, PRIOR_DRAWS = 64, 8, 256, 1000
"""Jets that are predicted, how often; jets whose densities are taken in pairs; draws of the prior."""
NUTS = ("posterior_nuts", "posterior_guide", "sample_stats_nuts")
"""Groups of the file that ``inference.nuts`` leaves."""


def evaluate(
    run: Run | str | Path,
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
        A run, or its folder.
    data
        Jets or sources to evaluate on; by default the run's own sample, of which the test jets are taken.
    draws
        Independent draws of the guide per jet; ELBO, KL and reconstruction are their means.
    seed
        Of the draws.
    beta
        Where in its range to look at a run of a range of resolutions; in the (geometric) middle by default.
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
        :func:`analysis.evaluation.predictive.pair_group`; ``sample_stats`` elbo, reconstruction, kl [nats] (jet), log_q,
        log_prior, log_weight [nats] (chain, draw, jet); ``log_likelihood`` x [nats] (chain, draw, jet);
        ``posterior_predictive`` x (chain, draw, jet, ...) and ``observed_data`` x (jet, ...) of some jets;
        ``posterior_nuts``, ``posterior_guide`` on the same jets, and ``sample_stats_nuts``, where ``inference.nuts``
        made them; ``scores`` score_value (score, jet), larger is more anomalous or more of that mixture;
        ``constant_data`` class_name (jet), observables [see units]; ``images`` mean image of each class and of images
        decoded along latents (.., eta, phi); ``traversals`` the same of clouds; ``slides`` either in finer steps;
        ``history`` (epoch); ``dimension`` of a run of a range (see :func:`analysis.evaluation.resolutions.dimension`). Attributes:
        recipe, provenance, beta, names and units of the coordinates.

    Raises
    ------
    RunError
        ``beta`` of a run that has one resolution.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    tune_cpu()
    vae = run.vae()
    jets, index, which = choose_jets(run, data, at_most)
    images = data_for(jets, run.recipe, torch.device("cpu"))
    if beta is not None and vae.resolution is None:
        raise RunError(f"{run.path}: trained at beta = {run.recipe.model.beta:g} alone; leave beta out")
    torch.manual_seed(seed)
    with vae.at(run.recipe.model.typical_beta if beta is None else beta):
        groups = evaluate_jets(vae, images, draws)
        groups |= decoded(vae, images, jets, typical(groups["sample_stats"]["elbo"].values))
        groups |= {
            "constant_data": constant_data(jets),
            "history": history(run),
            "prior": prior_group(vae, PRIOR_DRAWS),
        }
        groups["scores"] = scores(groups, vae.latent)
        groups = {n: group.assign_coords(jet=index) if "jet" in group.dims else group for n, group in groups.items()}
        groups |= groups_of_some(vae, images, index, draws, pairs)
        used = float(vae.likelihood.beta)
    if vae.resolution is not None and curve:
        groups["dimension"] = dimension_of(run, jets[:DIMENSION_JETS], seed)
    result = xr.DataTree.from_dict({name: numbered(group) for name, group in (groups | nuts_groups(run, used)).items()})
    result.attrs = attributes(run, jets) | {"scored": which, "beta": used}
    return result


def groups_of_some(vae: VAE, images: Images, index: NDArray[np.int64], draws: int, pairs: int) -> dict[str, xr.Dataset]:
    """Return the groups whose size allows some jets only: observed_data, posterior_predictive, pairs."""
    rows = evenly(len(images), PREDICTED)
    predicted = predictive_groups(vae, images[torch.as_tensor(rows)], min(draws, PREDICTIONS))
    groups = {name: group.assign_coords(jet=index[rows]) for name, group in predicted.items()}
    rows = evenly(len(images), pairs)
    if pairs and vae.config.kind == "vae":
        own = {"drawn": index[rows], "given": index[rows]}
        groups["pairs"] = pair_group(vae, images[torch.as_tensor(rows)]).assign_coords(own)
    return groups


def numbered(group: xr.Dataset) -> xr.Dataset:
    """Number chains and draws, which ArviZ 1.x expects."""
    return group.assign_coords({dim: np.arange(group.sizes[dim]) for dim in ("chain", "draw") if dim in group.dims})


def nuts_groups(run: Run, beta: float) -> dict[str, xr.Dataset]:
    """Return what ``python -m inference.nuts`` left in the run folder, if it did so since training and at this beta."""
    path, weights = run.path / "nuts.nc", run.path / "weights.pt"
    if not path.exists() or (weights.exists() and path.stat().st_mtime < weights.stat().st_mtime):
        return {}
    with xr.open_datatree(path, engine="h5netcdf") as kept:
        same = np.isclose(kept.attrs["beta"], beta)
        return {name: kept[name].load().to_dataset() for name in NUTS} if same else {}


def choose_jets(
    run: Run, data: Sequence[str] | Jets | None, at_most: int | None = None
) -> tuple[Jets, NDArray[np.int64], str]:
    """Return the jets to evaluate on, their numbers in the sample, and what they are; of its own, the test part."""
    jets = run.jets() if data is None else data if isinstance(data, Jets) else load(*data)
    own = jets.fingerprint == run.provenance["data_fingerprint"]
    index = run.split(jets).test if own else np.arange(len(jets))
    index = index[evenly(len(index), len(index) if at_most is None else at_most)]
    return jets[index], index, "test part of the run's own sample" if own else "jets given by the user"


def attributes(run: Run, jets: Jets) -> dict[str, object]:
    """Return what the tree says of itself."""
    rates = [row["jets_per_second"] for row in run.history]
    return {
        "run": str(run.path),
        "latent": run.recipe.model.latent,
        "likelihood": run.recipe.model.likelihood,
        "classes": list(jets.classes),
        "data": list(jets.sources),
        "jets_per_second": float(np.median(rates)) if rates else float("nan"),
        "complete": int(run.complete),
        "recipe": run.recipe.to_toml(),
        "provenance": json.dumps(run.provenance),
        "train_counts": json.dumps(run.provenance["counts"]),
    }


def scores(groups: dict[str, xr.Dataset], space: Space) -> xr.Dataset:
    """Return every score of every jet: reconstruction, kl, elbo, ``latent_<coordinate>``, ``mixture_<k>``.

    ``reconstruction``, ``kl`` and ``elbo`` (minus the bound) are larger for worse described jets, in nats; a latent
    or mixture score is the posterior's centre in that coordinate.
    """
    stats, points = groups["sample_stats"], groups["guide_params"]["point"]
    table = {"reconstruction": stats["reconstruction"].values, "kl": stats["kl"].values, "elbo": -stats["elbo"].values}
    mixtures = 0
    for i, (name, kind) in enumerate(zip(space.coordinate_names, space.coordinate_kinds, strict=True)):
        if kind in ("simplex", "category"):
            table[f"mixture_{mixtures}"] = points.values[:, i]
            mixtures += 1
        else:
            table[f"latent_{name}"] = points.values[:, i]
    return xr.Dataset({"score_value": (("score", "jet"), np.stack(list(table.values())))}, {"score": list(table)})


def constant_data(jets: Jets) -> xr.Dataset:
    """Return what is known of the jets: class, kinematics, substructure, truth."""
    variables = {"class_name": ("jet", np.array(jets.classes)[jets.label])}
    for group in ("jet", "subst", "truth"):
        for name, values in getattr(jets, group).items():
            variables[name if group != "jet" else f"jet_{name}"] = ("jet", values)
    if not jets.are_vectors:
        variables |= {name: ("jet", values) for name, values in shape(jets.constituents).items()}
    return xr.Dataset(variables)


def history(run: Run) -> xr.Dataset:
    """Return the training history by epoch."""
    rows = run.history
    if not rows:
        return xr.Dataset()
    columns = {name: ("epoch", np.array([row[name] for row in rows])) for name in rows[0] if name != "epoch"}
    return xr.Dataset(columns, {"epoch": [int(row["epoch"]) for row in rows]})


def save(result: xr.DataTree, path: str | Path) -> Path:
    """Write a tree as NetCDF4, atomically, large arrays compressed; return the path."""
    encoding = {
        node.path: {
            name: {"zlib": True, "complevel": 1}
            for name, variable in node.dataset.data_vars.items()
            if variable.size > LARGE and variable.dtype.kind == "f"
        }
        for node in result.subtree
    }
    with replacing(path) as temporary:
        result.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)
    return Path(path)


def evaluated(run: Run, data: Sequence[str] | None, beta: float | None = None) -> xr.DataTree:
    """Return the run's DataTree: the one that the summary kept if it is newer than the weights, else a new one."""
    kept, weights = run.path / "analysis.nc", run.path / "weights.pt"
    if data is None and kept.exists() and weights.exists() and kept.stat().st_mtime >= weights.stat().st_mtime:
        result = xr.open_datatree(kept, engine="h5netcdf").load()
        if beta is None or result.attrs["beta"] == np.float32(beta):
            return result
    result = evaluate(run, data, beta=beta)
    if data is None:
        save(result, kept)
    return result
