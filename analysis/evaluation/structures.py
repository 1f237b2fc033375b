"""What a search for structures found, as a tree: its path, its sides, each point's place, what each latent means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.evaluation.climbing import BUDGET, Step, as_good
from analysis.evaluation.parting import Parting, Search, Side, latent, log_joint, mixture
from analysis.evaluation.places import Places
from analysis.measures.kernel_density import log_density
from analysis.measures.manifolds import Gain, Manifold
from analysis.measures.meaning import compare
from analysis.store import NATS
from inference.race import Winner, small_vae

Points = NDArray[np.floating]


def tree_of(
    search: Search, sides: Sequence[Side], points: Points, seen: xr.DataArray, label: Sequence[str], unit: str
) -> xr.DataTree:
    """Return the tree of a search on points ``(N, K)``.

    ``path`` (step) and ``partings`` (parting): what was tried, and what it gained; ``sides`` (side): latent space,
    weight, mean ln p(x); ``points`` (point): side, p(side | x) (side, point), ln p(x), the density's for held-out ones;
    ``factors`` (factor): side, KL [nat], reach in units of the points, its correlation with each observable of ``seen``
    (point, observable); ``constant_data``: ``class_name`` (point).
    """
    ground = search.ground
    density = log_density(ground.train, ground.held_out, ground.beta)
    own = mixture(sides, ground.held_out)
    lead = Gain.of(density, own)
    groups = {
        "path": path(ground.steps, points.shape[1]),
        "partings": partings(search.partings),
        "sides": sides_table(sides, ground.steps),
        "points": placed(sides, points),
        "factors": factors(sides, points, seen),
        "constant_data": xr.Dataset({"class_name": ("point", np.asarray(label, str))}),
    }
    groups["sides"]["points"] = "side", np.bincount(groups["points"]["side_of"].values, minlength=len(sides))
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {
        "latent": latent(sides),
        "log_evidence": float(own.mean()),
        "density_lead": lead.mean,
        "density_lead_error": lead.error,
        "beta": ground.beta,
        "unit": unit,
        "seed": ground.seed,
        "trained_on": len(ground.train),
        "held_out": len(ground.held_out),
    }
    return tree


def path(steps: Sequence[Step], inputs: int) -> xr.Dataset:
    """Return what was tried on each side for vectors of that length, in order, all (step,)."""
    rows = [
        {
            "side": step.side,
            "before": str(step.before),
            "manifold": str(each.manifold),
            "generation": number,
            "gain": change.mean,
            "gain_error": change.error,
            "log_evidence": float(each.log_p.mean()),
            "kl": float(sum(each.kl)),
            "parameters": parameters(each.manifold, inputs),
            "followed": each.manifold == step.chosen,
            "seconds": each.seconds,
        }
        for number, step in enumerate(steps)
        for each, change in zip(step.tried, step.gains, strict=True)
    ]
    return table(rows, "step", ("gain", "gain_error", "log_evidence", "kl"))


def partings(found: Sequence[Parting]) -> xr.Dataset:
    """Return the attempts to part and to merge, in order, all (parting,)."""
    rows = [each._asdict() | {"gain": each.gain.mean, "gain_error": each.gain.error} for each in found]
    return table(rows, "parting", ("gain", "gain_error"))


def table(rows: Sequence[dict], dimension: str, nats: Sequence[str]) -> xr.Dataset:
    """Return rows as a table, empty where there are none."""
    names = list(rows[0]) if rows else []
    return xr.Dataset(
        {name: (dimension, np.array([row[name] for row in rows]), NATS if name in nats else {}) for name in names}
    )


def parameters(manifold: Manifold, inputs: int) -> int:
    """Return how many numbers of a model of vectors of that length are trained, without latents that are off."""
    if not manifold.dimension:
        return inputs
    return sum(
        values.numel() for values in small_vae(str(manifold), inputs, replace(BUDGET, shared=False)).parameters()
    )


def sides_table(sides: Sequence[Side], steps: Sequence[Step]) -> xr.Dataset:
    """Return latent space, what is as good, name in the path, weight and mean ln p(x) of each side, all (side,)."""
    names = [f"side {side.name}" if side.name else "all" for side in sides]
    level = [as_good(steps, name, side.best.manifold) for name, side in zip(names, sides, strict=True)]
    return xr.Dataset(
        {
            "latent": ("side", [str(side.best.manifold) for side in sides]),
            "as_good": ("side", [", ".join(map(str, each)) for each in level]),
            "path": ("side", names),
            "weight": ("side", [side.weight / sum(each.weight for each in sides) for side in sides]),
            "log_evidence": ("side", [float(side.best.log_p.mean()) for side in sides], NATS),
        }
    )


def placed(sides: Sequence[Side], points: Points) -> xr.Dataset:
    """Return where each point is: ``place``, ``probability`` (side, point), ``side_of`` and ``log_p`` (point,)."""
    joint = log_joint(sides, points)
    total = np.logaddexp.reduce(joint, 0)
    return xr.Dataset(
        {
            "place": (("point", "component"), points),
            "probability": (("side", "point"), np.exp(joint - total)),
            "side_of": ("point", joint.argmax(0)),
            "log_p": ("point", total, NATS),
        }
    )


def factors(sides: Sequence[Side], points: Points, seen: xr.DataArray) -> xr.Dataset:
    """Return what each latent of each side carries, moves, and is correlated with (factor,), on a side's own points."""
    owner = log_joint(sides, points).argmax(0)
    found = []
    for number, side in enumerate(sides):
        if isinstance(side.best.model, Winner) and (owner == number).sum() > 1:
            found.append(of_side(side, points[owner == number], seen[owner == number], number))
    if not found:
        return xr.Dataset(coords={"factor": np.zeros(0, str)})
    return xr.concat(found, "factor")


def of_side(side: Side, points: Points, seen: xr.DataArray, number: int) -> xr.Dataset:
    """Return :func:`factors` of one side."""
    places = Places(side.best.model, side.best.manifold, points)  # type: ignore[arg-type]
    columns, kinds = places.columns, [column.kind for column in places.columns]
    labels = [f"{number}: {column.name}" for column in columns]
    values = xr.DataArray(
        np.stack([column.values for column in columns], 1),
        dims=("jet", "coordinate"),
        coords={"coordinate": labels, "kind": ("coordinate", kinds)},
    )
    gone = compare(values, seen.rename(point="jet"))
    return xr.Dataset(
        {
            "side": ("factor", [number] * len(labels)),
            "kind": ("factor", kinds),
            "kl": ("factor", [side.best.kl[column.latent] for column in columns], NATS),
            "reach": ("factor", [places.reach(column.latent) for column in columns]),
            "correlation": (("factor", "observable"), gone["correlation"].values),
            "information": (("factor", "observable"), gone["information"].values, NATS),
        },
        {"factor": labels, "observable": seen["observable"].values},
    )
