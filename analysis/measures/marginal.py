r"""Held-out marginal ln p(x) of single jets as ArviZ has it: draws that say how well it is known, and elpd of a scan.

A latent of ours belongs to one jet. With the conditional :math:`\ln p(x|z)` as log likelihood, leaving a jet out
leaves its latents' prior, far from their posterior: ``loo`` and ``waic`` of it mean nothing. The marginal
:math:`\ln p(x) = \ln\int p(x|z)\,p(z)\,dz` of a jet that was not trained on is its expected log predictive density.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from analysis.measures.containers import version_one
from analysis.measures.topology import at_beta
from analysis.measures.trust import GOOD_K, pooled
from analysis.store import NATS, Missing, names

LARGEST = 300.0
"""``|ln p(x)|`` [nat] beyond which the weights of ``compare``, made of p(x), would leave the range of a double."""


def replicates(tree: xr.DataTree, draws: int, seed: int = 0) -> xr.DataArray:
    r"""Return :math:`\ln\hat p(x)` of each jet, (chain, draw, jet) [nat], by Bayesian bootstrap of its weights.

    Replicate r is :math:`\ln\sum_s g_{rs} w_s` with g uniform on the simplex (Rubin, Ann. Stat. 9 (1981) 130): about
    the importance-weighted estimate, with its error as spread. ``loo`` of them is that estimate less about the square
    of the error.
    """
    log_w = pooled(tree)
    values = np.asarray(log_w, np.float64)
    share = np.random.default_rng(seed).dirichlet(np.ones(values.shape[1]), draws)
    largest = np.nan_to_num(values.max(1, keepdims=True), neginf=0.0)
    with np.errstate(divide="ignore"):  # a jet whose weights are all zero
        found = np.log(np.exp(values - largest) @ share.T) + largest
    coords = {"chain": [0], "draw": np.arange(draws), "jet": log_w["jet"].values}
    return xr.DataArray(found.T[None], coords, ("chain", "draw", "jet"), "x", NATS | {"long_name": "marginal ln p(x)"})


def points_of(tree: xr.DataTree, beta: float | None = None) -> xr.Dataset:
    """Return ``log_evidence`` [nat] and ``khat`` (topology, point) of a scan, at points that all candidates have.

    A point is a jet of a seed. Candidates without any ln p(x) are left out; attribute ``left_out`` counts the points
    that not all have.

    Raises
    ------
    Missing
        There are not two candidates with ln p(x) of the same two jets; or as :func:`analysis.measures.topology.rank`.
    """
    stats = at_beta(tree, beta)
    wanted = stats[[name for name in ("log_evidence", "khat") if name in stats]]
    flat = wanted.stack(point=("seed", "jet")).transpose("topology", "point").reset_index("point")
    flat = flat.isel(topology=np.flatnonzero(np.isfinite(np.asarray(flat["log_evidence"])).any(1)))
    finite = np.isfinite(np.asarray(flat["log_evidence"]))
    shared, known = finite.all(0), finite.any(0)
    if flat.sizes["topology"] < 2 or int(shared.sum()) < 2:
        raise Missing("there are no two latent spaces with ln p(x) of the same jets: nothing to compare")
    result = flat.isel(point=np.flatnonzero(shared))
    return result.assign_attrs(left_out=int((known & ~shared).sum()))


def elpd(tree: xr.DataTree, beta: float | None = None) -> dict[str, object]:
    """Return latent space -> ArviZ's ``ELPDData`` of held-out ln p(x), pointwise, as ``az.compare`` takes them.

    ``pareto_k`` are those of the importance weights; ``p`` is 0, since no jet was trained on. Where ``|ln p(x)|``
    exceeds 300 nat the largest of a point is subtracted from all, which changes neither differences nor weights.

    Raises
    ------
    Missing
        As :func:`points_of`.
    """
    table = points_of(tree, beta)
    evidence = table["log_evidence"].astype(np.float64)
    if float(abs(evidence).max()) > LARGEST:
        evidence = evidence - evidence.max("topology")
    khat = table["khat"] if "khat" in table else xr.full_like(evidence, np.nan)
    draws = int(tree.attrs.get("draws", 1))
    return {name: one(evidence.sel(topology=name), khat.sel(topology=name), draws) for name in names(table, "topology")}


def one(evidence: xr.DataArray, khat: xr.DataArray, draws: int) -> object:
    """Return the ``ELPDData`` of pointwise ln p(x) (point,) [nat], of ArviZ 0.23 or 1.x."""
    import arviz  # here, since it imports much

    each, k = (values.drop_vars("topology", errors="ignore") for values in (evidence, khat))
    count, total = each.size, float(each.sum())
    shared: dict[str, Any] = {"se": float(np.sqrt(count * each.var())), "n_samples": draws, "n_data_points": count}
    shared |= {"warning": bool((k > GOOD_K).any()), "scale": "log", "good_k": GOOD_K}
    if version_one():
        return vars(arviz)["ELPDDataLOO"](elpd=total, p=0.0, elpd_i=each, pareto_k=k, **shared)
    own = {"elpd_loo": total, "p_loo": 0.0, "loo_i": each.rename("loo_i"), "pareto_k": k.rename("pareto_shape")}
    found = own | shared
    return arviz.stats.ELPDData(data=[*found.values()], index=[*found])
