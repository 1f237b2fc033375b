"""Run -> DataTree: everything that the analysis needs, labelled, in one NetCDF file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.dimension import dimension_of
from analysis.observables import shape
from analysis.traversals import traversals
from inference.data import Images, data_for
from inference.elbo import kl_names, paired_traces, terms
from inference.machine import tune_cpu
from inference.run import Run, RunError
from jets import Jets, load
from jets.files import replacing
from models import VAE
from priors import Space

BATCH = 500
DIMENSION_JETS = 1000
"""Jets on which the dimension is measured beside everything else; analysis.dimension takes more."""


def evaluate(
    run: Run | str | Path,
    data: Sequence[str] | Jets | None = None,
    *,
    draws: int = 8,
    seed: int = 0,
    beta: float | None = None,
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

    Returns
    -------
    xarray.DataTree
        Groups (dimensions): ``posterior`` z (chain, draw, jet, coordinate); ``guide_params`` point (jet, coordinate);
        ``information`` kl [nats] (jet, kl_term); ``sample_stats`` elbo, reconstruction, kl [nats] (jet);
        ``log_likelihood`` x [nats] (chain, draw, jet); ``scores`` score_value (score, jet), larger is more anomalous
        or more of that mixture; ``constant_data`` class_name (jet), observables [see units]; ``images`` mean image
        of each class and of images decoded along latents (.., eta, phi); ``traversals`` the same of clouds; ``history``
        (epoch); ``dimension`` of a run of a range (see :func:`analysis.dimension.dimension`). Attributes: recipe,
        provenance, beta.

    Raises
    ------
    RunError
        ``beta`` of a run that has one resolution.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    tune_cpu()
    vae = run.vae()
    jets, index, which = choose_jets(run, data)
    images = data_for(jets, run.recipe, torch.device("cpu"))
    if beta is not None and vae.resolution is None:
        raise RunError(f"{run.path}: trained at beta = {run.recipe.model.beta:g} alone; leave beta out")
    torch.manual_seed(seed)
    with vae.at(run.recipe.model.typical_beta if beta is None else beta):
        groups = evaluate_jets(vae, images, draws)
        groups |= decoded(vae, images, jets, typical(groups["sample_stats"]["elbo"].values))
        used = float(vae.likelihood.beta)
    groups |= {"constant_data": constant_data(jets), "history": history(run)}
    if vae.resolution is not None:
        groups["dimension"] = dimension_of(run, jets[:DIMENSION_JETS], seed)
    groups["scores"] = scores(groups, vae.latent)
    result = xr.DataTree.from_dict(
        {name: group.assign_coords(jet=index) if "jet" in group.dims else group for name, group in groups.items()}
    )
    result.attrs = attributes(run, jets) | {"scored": which, "beta": used}
    return result


def choose_jets(run: Run, data: Sequence[str] | Jets | None) -> tuple[Jets, NDArray[np.int64], str]:
    """Return the jets to evaluate on, their numbers in the sample, and what they are; of its own, the test part."""
    jets = run.jets() if data is None else data if isinstance(data, Jets) else load(*data)
    if jets.fingerprint == run.provenance["data_fingerprint"]:
        index = run.split(jets).test
        return jets[index], index, "test part of the run's own sample"
    return jets, np.arange(len(jets)), "jets given by the user"


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


@dataclass
class Batch:
    """What one batch of jets contributes."""

    z: Tensor  # (draws, B, coordinates)
    point: Tensor  # (B, coordinates)
    kl: Tensor  # (B, terms), as charged in training
    information: Tensor  # (B, terms), the same but for relaxed categories
    log_likelihood: Tensor  # (draws, B)
    names: list[str]


@torch.no_grad()
def evaluate_jets(vae: VAE, images: Images, draws: int) -> dict[str, xr.Dataset]:
    """Draw from the guide for every jet; return posterior, guide_params, information, sample_stats, log_likelihood."""
    parts: list[Batch] = []
    for x in images.batches(torch.arange(len(images)), BATCH):
        with pyro.validation_enabled(not parts):  # the first batch finds what is wrong; checking all costs a quarter
            parts.append(evaluate_batch(vae, x, draws))
    coordinate = {
        "coordinate": list(vae.latent.coordinate_names),
        "kind": ("coordinate", list(vae.latent.coordinate_kinds)),
    }
    z = torch.cat([part.z for part in parts], 1).numpy()[None]
    log_likelihood = torch.cat([part.log_likelihood for part in parts], 1).numpy()[None]
    kl = torch.cat([part.kl for part in parts]).numpy()
    information = torch.cat([part.information for part in parts]).numpy()
    reconstruction = -log_likelihood.mean((0, 1))
    stats = {"elbo": -reconstruction - kl.sum(1), "reconstruction": reconstruction, "kl": kl.sum(1)}
    nats = {"units": "nat"}
    return {
        "posterior": xr.Dataset({"z": (("chain", "draw", "jet", "coordinate"), z)}, coordinate),
        "guide_params": xr.Dataset(
            {"point": (("jet", "coordinate"), torch.cat([part.point for part in parts]).numpy())}, coordinate
        ),
        "information": xr.Dataset({"kl": (("jet", "kl_term"), information, nats)}, {"kl_term": parts[0].names}),
        "sample_stats": xr.Dataset({name: ("jet", value, nats) for name, value in stats.items()}),
        "log_likelihood": xr.Dataset({"x": (("chain", "draw", "jet"), log_likelihood, nats)}),
    }


def evaluate_batch(vae: VAE, x: Tensor, draws: int) -> Batch:
    """Evaluate jets x ``(B, K)`` with ``draws`` draws of the guide."""
    space = vae.latent
    z, log_likelihood, kl, names = [], [], [], []
    for _ in range(draws):
        traces = paired_traces(vae.model, vae.guide, x)
        bound = terms(*traces)
        log_likelihood.append(-bound.reconstruction)
        kl.append(torch.cat(list(bound.kl.values()), -1))
        names = [name for site, value in bound.kl.items() for name in kl_names(space, site, value.shape[-1])]
        z.append(space.coordinates(vae.guide(x)))
    head = vae.encode(x)
    cost = torch.stack(kl).mean(0)
    information = cost.clone()
    for label, nats in space.information(head).items():  # where the cost of training is not the information
        for i, name in enumerate(kl_names(space, f"z_{label}", nats.shape[-1])):
            information[:, names.index(name)] = nats[:, i]
    return Batch(torch.stack(z), space.points(head), cost, information, torch.stack(log_likelihood), names)


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


def typical(elbo: NDArray[np.floating]) -> int:
    """Return the jet whose bound is the median one."""
    return int(np.argsort(elbo)[len(elbo) // 2])


@torch.no_grad()
def decoded(vae: VAE, images: Images, jets: Jets, number: int) -> dict[str, xr.Dataset]:
    """Return what is decoded along each latent of jet ``number``, as ``images`` or ``traversals``; class averages."""
    if jets.are_vectors:
        return {}
    x = images[torch.tensor([number])]
    names, points = traversals(vae.latent, first_jet(vae.guide(x)))
    mean = vae.decode(points).mean if names else x.new_empty(0, *x.shape[1:])
    average = average_images(images, jets)
    if x.dim() == 3:
        columns = {"step": names, "column": ["share of pT", "eta", "phi"]}
        parts = {
            "cloud": (("step", "particle", "column"), mean.numpy()),
            "jet": (("constituent", "column"), x[0].numpy()),
        }
        return {"images": average, "traversals": xr.Dataset(parts, columns)}
    pictures = mean.reshape(len(names), average.sizes["eta"], average.sizes["phi"]).numpy()
    return {"images": average.assign(decoded=(("probe", "eta", "phi"), pictures)).assign_coords(probe=names)}


def first_jet(z: Any) -> Any:
    """Return the first jet of a batch of draws, label -> value."""
    return {label: first_jet(value) if isinstance(value, dict) else value[0] for label, value in z.items()}


def average_images(images: Images, jets: Jets) -> xr.Dataset:
    """Return the ``average`` image of each class, ``(class, eta, phi)``."""
    pixels = images.config.pixels
    sums = torch.zeros(len(jets.classes), pixels * pixels, dtype=torch.float64)
    label = torch.as_tensor(jets.label)
    for rows in torch.arange(len(images)).split(BATCH):
        sums.index_add_(0, label[rows], images.picture(images.constituents[rows]).double())
    counts = torch.bincount(label, minlength=len(jets.classes)).clamp(min=1)[:, None]
    axes = {
        axis: (np.arange(pixels) + 0.5 - pixels / 2) * step
        for axis, step in zip(("eta", "phi"), images.config.width, strict=True)
    }
    average = (sums / counts).float().unflatten(-1, (pixels, pixels)).numpy()
    return xr.Dataset({"average": (("class", "eta", "phi"), average)}, {"class": list(jets.classes), **axes})


def history(run: Run) -> xr.Dataset:
    """Return the training history by epoch."""
    rows = run.history
    if not rows:
        return xr.Dataset()
    columns = {name: ("epoch", np.array([row[name] for row in rows])) for name in rows[0] if name != "epoch"}
    return xr.Dataset(columns, {"epoch": [int(row["epoch"]) for row in rows]})


def save(result: xr.DataTree, path: str | Path) -> Path:
    """Write a tree as NetCDF4, atomically; return the path."""
    with replacing(path) as temporary:
        result.to_netcdf(temporary, engine="h5netcdf")
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
