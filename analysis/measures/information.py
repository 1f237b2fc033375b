r"""Mutual information of latents and jets, and where the KL goes.

For a posterior q(z|x), its average over jets q(z) and the prior p(z), in nats (Chen et al. 1802.04942, eq. 2, and
Hoffman & Johnson 2016):

.. math::
    \langle KL(q(z|x)\,\|\,p(z))\rangle = I(x; z) + TC(z) + \sum_k KL(q(z_k)\,\|\,p(z_k))

with the mutual information I, the total correlation :math:`TC = \sum_k I(x; z_k) - I(x; z)` of a posterior that
factorises, and the mismatch of each coordinate with its prior. Functions of a DataTree alone.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from analysis.measures.weighting import mean_error, mean_over_jets, with_weights
from analysis.store import NATS, array, class_names, classes, names, where

ACTIVE = 0.1
"""Mean KL from which a term counts as active [nat]."""
ALL = "all"
BOUNDS = ("lower", "upper")


def information(tree: xr.DataTree, threshold: float = ACTIVE) -> xr.Dataset:
    """Return every number of this module, for all jets together and for each class, where there are several.

    Variables (dimensions): ``kl`` and its standard error ``kl_error`` (class, kl_term); ``active`` (class): degrees
    of freedom above ``threshold`` nats; with a group ``pairs``: ``mutual_information`` (class, bound, term), terms and
    ``total``, ``total_correlation`` (class, bound), ``prior_mismatch`` (class, bound, kl_term), each between a lower
    and an upper bound and with its ``_error``; with categories: :func:`category_usage`. Event weights count in the
    first three alone.
    """
    label = class_names(tree)
    parts = {ALL: np.ones(len(label), bool)} | {name: label == name for name in classes(tree)}
    parts = {name: mask for name, mask in parts.items() if name == ALL or 1 < mask.sum() < len(label)}
    tables = [information_of(tree, mask, threshold) for mask in parts.values()]
    return xr.concat(tables, xr.Variable("class", list(parts)), join="outer")


def information_of(tree: xr.DataTree, mask: NDArray[np.bool_], threshold: float) -> xr.Dataset:
    """Return the numbers of the jets in ``mask`` ``(jet,)``."""
    jets = np.flatnonzero(mask)
    kl = with_weights(array(tree, "information/kl"), tree).isel(jet=jets)
    mean = mean_over_jets(kl)
    result = xr.Dataset({"kl": mean, "kl_error": mean_error(kl)})
    result["active"] = freedom(mean, array(tree, "guide_params/point"), threshold)[0]
    result = result.merge(category_usage(array(tree, "guide_params/point").isel(jet=jets)))
    if "pairs" in tree:
        number = np.asarray(array(tree, "information/kl")["jet"])[jets]
        rows = np.flatnonzero(np.isin(tree["pairs"]["drawn"], number))
        if len(rows) > 2:
            pairs = tree["pairs"].to_dataset().isel(drawn=rows, given=rows)
            result = result.merge(decomposition(pairs, kl.sel(jet=pairs["drawn"].values)))
    return result


CONSTRAINED = ("simplex", "category", "direction")
"""Kinds of factors whose coordinates obey one equation."""


def freedom(kl: xr.DataArray, points: xr.DataArray, threshold: float = ACTIVE) -> tuple[int, int]:
    """Return how many degrees of freedom carry at least ``threshold`` nats, and how many there are.

    A simplex or category of K members has K - 1, as a direction in K dimensions. ``kl`` (kl_term,) in nats; where that
    of a factor does not split, all of its degrees of freedom carry it or none.
    """
    active = total = 0
    for factor in dict.fromkeys(names(points, "factor")):
        own, terms = where(points, "coordinate", factor=factor), where(kl, "kl_term", factor=factor)
        free = own.sizes["coordinate"] - (names(own, "kind")[0] in CONSTRAINED)
        carrying = int((terms >= threshold).sum())
        total += free
        active += min(carrying, free) if terms.sizes["kl_term"] > 1 else free * carrying
    return active, total


def decomposition(pairs: xr.Dataset, kl: xr.DataArray) -> xr.Dataset:
    """Split the mean KL of the paired jets, ``(jet, kl_term)``, into information, total correlation and prior mismatch.

    The information of a term inside a superposition counts with the share of the jets that its manifold has.
    ``prior_mismatch_error`` is that of the difference, since KL and information vary together from jet to jet.
    """
    found = information_bounds(pairs)
    result, influence = found.drop_dims("drawn"), found["influence"]
    terms = names(pairs["log_q"], "kl_term")
    bounds = (result["mutual_information"] * result["share"]).fillna(0)
    opposite = bounds.isel(bound=[1, 0]).assign_coords(bound=list(BOUNDS))
    correlation = bounds.sel(term=terms).sum("term") - opposite.sel(term="total", drop=True)
    mismatch = kl.mean("jet") - opposite.sel(term=terms).rename(term="kl_term")
    own = np.asarray(kl.transpose("jet", "kl_term")) - np.asarray(influence.sel(term=terms))[::-1]
    result["prior_mismatch_error"] = (("bound", "kl_term"), own.std(1, ddof=1) / np.sqrt(kl.sizes["jet"]), NATS)
    result["total_correlation"] = correlation.clip(min=0).assign_attrs(NATS)
    result["prior_mismatch"] = mismatch.clip(min=0).assign_attrs(NATS)
    return result


def information_bounds(pairs: xr.Dataset) -> xr.Dataset:
    r"""Return bounds on :math:`I(x; z_k)` of each term and on :math:`I(x; z)`, ``(bound, term)`` in nats.

    From M draws :math:`z_i \sim q(z|x_i)` and ``log_q`` :math:`\ln q(z_i|x_j)` (drawn, given, kl_term):

    .. math::
        \Bigl\langle\ln\frac{q(z_i|x_i)}{\frac1M\sum_j q(z_i|x_j)}\Bigr\rangle \le I \le
        \Bigl\langle\ln\frac{q(z_i|x_i)}{\frac1{M-1}\sum_{j\neq i} q(z_i|x_j)}\Bigr\rangle

    in expectation. The lower bound, the minibatch one, cannot exceed ln M; the upper one leaves the jet itself out
    (Poole et al. 1905.06922, eqs. 12 and 13). ``mutual_information`` and ``mutual_information_error``: the bounds of
    one sample differ from the truth by their errors too. ``share`` (term): part of the draws that have the term; one
    inside a superposition is averaged over the jets whose draw lies on its manifold alone, NaN for fewer than three.
    ``total_correlation_error`` (bound,). ``influence`` (bound, drawn, term): what each jet does to share times bound.
    """
    log_q = np.asarray(pairs["log_q"], np.float64)
    there = np.concatenate([(log_q != 0).any(1), np.ones((len(log_q), 1), bool)], 1)
    log_q = np.concatenate([log_q, log_q.sum(-1, keepdims=True)], -1)
    found = np.full((2, log_q.shape[-1]), np.nan)
    influence = np.zeros((2, len(log_q), log_q.shape[-1]))
    for term, mine in enumerate(there.T):
        if mine.sum() > 2:
            ratio, influence[:, mine, term] = bounds_of(log_q[np.ix_(mine, mine)][..., term])
            found[:, term] = ratio.mean(1)
    share = there.mean(0)
    error = standard_error(influence) / np.maximum(share, 1e-9)
    correlation = influence[..., :-1].sum(-1) - influence[::-1, :, -1]
    counted = influence + np.nan_to_num(found)[:, None] * (there - share)
    return xr.Dataset(
        {
            "mutual_information": (("bound", "term"), found, NATS),
            "mutual_information_error": (("bound", "term"), np.where(np.isnan(found), np.nan, error), NATS),
            "total_correlation_error": ("bound", standard_error(correlation), NATS),
            "share": ("term", share),
            "influence": (("bound", "drawn", "term"), counted, NATS),
        },
        {"bound": list(BOUNDS), "term": [*names(pairs["log_q"], "kl_term"), "total"]},
    )


def standard_error(influence: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the standard error of a mean from what each of M jets does to it, ``(2, M, ...)``; NaN from one."""
    count = influence.shape[1]
    return influence.std(1, ddof=1) / np.sqrt(count) if count > 1 else influence.mean(1) * np.nan


def bounds_of(log_q: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    r"""Return the ratios whose means are the two bounds, and what each jet does to those, both ``(2, M)``.

    A jet enters by its own ratio and by its part :math:`q(z_i|x_j)/\sum_j q(z_i|x_j)` of the average of every other, so
    that the standard error of a bound is that of the difference of the two (the infinitesimal jackknife).
    """
    count = len(log_q)
    others = log_q.copy()
    np.fill_diagonal(others, -np.inf)
    norm = np.stack([logsumexp(log_q, 1), logsumexp(others, 1)])
    ratio = np.diagonal(log_q) - norm + np.log([[count], [count - 1]])
    part = np.stack([np.exp(log_q - norm[0][:, None]).sum(0), np.exp(others - norm[1][:, None]).sum(0)])
    return ratio, ratio - ratio.mean(1, keepdims=True) - part + 1


def interval(row: xr.Dataset, name: str) -> tuple[float, float]:
    """Return from where to where an information lies, in nats: the bounds, two errors wider, never below zero.

    NaN of fewer than three pairs. ``row`` holds ``name`` and ``<name>_error``, both (bound,); of
    ``mutual_information`` by term the total is taken.
    """
    bounds, error = row[name], row[f"{name}_error"]
    if "term" in bounds.dims:
        bounds, error = bounds.sel(term="total"), error.sel(term="total")
    low, high = (np.asarray(bounds) + np.array([-2, 2]) * np.asarray(error)).tolist()
    return float(np.maximum(0.0, low)), float(np.maximum(0.0, high))


def category_usage(point: xr.DataArray) -> xr.Dataset:
    r"""Return the information of each category, from its probabilities ``point`` (jet, coordinate); empty without.

    ``usage_entropy`` :math:`H(\langle q(c|x)\rangle)`, ``doubt`` :math:`\langle H(q(c|x))\rangle`, and their
    difference ``category_information`` :math:`I(x; c)`, each (category,) in nats.
    """
    categories = where(point, "coordinate", kind="category")
    found = list(dict.fromkeys(names(categories, "factor")))
    if not found:
        return xr.Dataset()
    rows = []
    for factor in found:
        probability = np.asarray(where(categories, "coordinate", factor=factor), np.float64)
        usage, doubt = entropy(probability.mean(0)), entropy(probability).mean()
        rows.append((usage, doubt, usage - doubt))
    variables = ("usage_entropy", "doubt", "category_information")
    table = {name: ("category", column, NATS) for name, column in zip(variables, np.array(rows).T, strict=True)}
    return xr.Dataset(table, {"category": found})


def entropy(probability: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the entropy [nat] of probabilities ``(..., K)``.

    >>> round(float(entropy(np.array([0.5, 0.5]))), 4), float(entropy(np.array([1.0, 0.0])))
    (0.6931, 0.0)
    """
    return -xlogy(probability, probability).sum(-1) + 0.0


def mismatches(name: str, row: xr.Dataset) -> str:
    """Return the line on how far each coordinate of all jets of a class is from its prior."""
    found = {term: interval(row.sel(kl_term=term), "prior_mismatch") for term in names(row, "kl_term")}
    said = ", ".join(f"{term} {low:.2f} to {high:.2f}" for term, (low, high) in found.items())
    return f"{name}: mismatch with the prior [nat] {said} (2 errors)"


def describe(table: xr.Dataset) -> list[str]:
    """Return the lines that a reader wants, from :func:`information`."""
    lines = []
    for name in names(table, "class"):
        row = table.sel({"class": name})
        kl = ", ".join(f"{term} {float(row['kl'].sel(kl_term=term)):.2f}" for term in names(table, "kl_term"))
        lines.append(f"{name}: {int(row['active'])} active; KL [nat] {kl}")
        if "mutual_information" in row:
            told, tc = interval(row, "mutual_information"), interval(row, "total_correlation")
            said = f"I(x; z) {told[0]:.2f} to {told[1]:.2f} nat, total correlation {tc[0]:.2f} to {tc[1]:.2f} nat"
            finite = bool(np.isfinite(told).all())
            lines.append(f"{name}: {said} (2 errors)" if finite else f"{name}: too few paired jets for I(x; z)")
            lines += [mismatches(name, row)] if finite and "prior_mismatch" in row else []
        for category in names(table, "category") if "category" in table.dims else []:
            usage = row.sel(category=category)
            lines.append(
                f"{name}: {category} carries {float(usage['category_information']):.3f} of "
                f"{float(usage['usage_entropy']):.3f} nat"
            )
    return lines
