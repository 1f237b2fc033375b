"""The groups of ArviZ, of an evaluated run: latents of some jets, ln p(x) and predictions of more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.marginal import replicates
from analysis.measures.trust import importance
from analysis.measures.variables import Owners, directions, of_each_jet, variables, with_pseudo_prior
from analysis.store import NATS, Missing, array

T = TypeVar("T", xr.DataArray, xr.Dataset)
FEWEST = 100
"""Draws of a jet below which densities and their errors say little."""
CAUTION = (
    "ln p(x|z) at a draw of the jet's own latents; loo and waic of it mean nothing, since without the jet its latents "
    "follow their prior. The group log_likelihood holds the marginal ln p(x)."
)
CORE = 0.2
"""Radius of a jet's core, in the jet's frame."""


def groups_of(
    tree: xr.DataTree, shown: NDArray[np.integer], owners: Owners, predicted: Mapping[str, xr.Dataset], seed: int = 0
) -> dict[str, xr.Dataset]:
    """Return the groups of a run that :func:`analysis.evaluate` made, with one chain of draws of the guide.

    ``posterior``, ``prior``: a variable of each factor (chain, draw, jet, ..), of the jets ``shown``;
    ``sample_stats``: ``log_q``, ``log_prior``, ``log_weight``, ``log_likelihood_given_z`` [nat] of the same;
    ``log_likelihood``: the marginal ln p(x) of all jets (:func:`analysis.measures.marginal.replicates`);
    ``constant_data``: ``log_evidence``, ``log_evidence_error``, ``khat`` of all jets; those of ``predicted`` beside.

    Raises
    ------
    Missing
        Fewer than 100 draws; or a plain autoencoder, which has no posterior.
    """
    z = of_jets(one_chain(array(tree, "posterior/z")), shown)
    if "prior" not in tree or "z" not in tree["prior"]:
        raise Missing("a plain autoencoder has no prior and no posterior, and nothing that ArviZ could show of them")
    if z.sizes["draw"] < FEWEST:
        raise Missing(f"draws = {z.sizes['draw']} of the guide for each jet: expected at least {FEWEST}")
    draws = z.sizes["draw"]
    prior = array(tree, "prior/z")
    pseudo, shared = (of_each_jet(prior, z["jet"], draws, seed + i) for i in (1, 2))
    z, about = with_pseudo_prior(z, pseudo, owners), directions(z)
    stats = {name: of_jets(one_chain(array(tree, f"sample_stats/{name}")), shown) for name in STATS}
    conditional = of_jets(one_chain(array(tree, "log_likelihood/x")), shown)
    stats["log_likelihood_given_z"] = conditional.assign_attrs(NATS | {"caution": CAUTION})
    known = importance(tree)[["log_evidence", "log_evidence_error", "khat"]]
    return {
        "posterior": variables(z, about),
        "prior": variables(shared, about),
        "sample_stats": xr.Dataset(stats),
        "log_likelihood": xr.Dataset({main_observable(predicted): replicates(tree, draws, seed)}),
        **predicted,
        "constant_data": known,
    }


def main_observable(predicted: Mapping[str, xr.Dataset]) -> str:
    """Return the name that ln p(x) has: that of the first observable, as ``loo_pit`` of ArviZ 1.x expects."""
    return str(next(iter(predicted["observed_data"].data_vars))) if "observed_data" in predicted else "x"


STATS = ("log_q", "log_prior", "log_weight")
"""Densities of the draws."""


def one_chain(values: xr.DataArray) -> xr.DataArray:
    """Return draws (chain, draw, ..) in one chain: those of the guide are independent, so that R-hat says nothing."""
    rest = [dim for dim in values.dims if dim not in ("chain", "draw")]
    flat = values.transpose("chain", "draw", *rest)
    count = flat.sizes["chain"] * flat.sizes["draw"]
    merged = flat.values.reshape(1, count, *flat.shape[2:])
    own = {name: value for name, value in flat.coords.items() if not {"chain", "draw"} & set(value.dims)}
    coords = own | {"chain": [0], "draw": np.arange(count)}
    return xr.DataArray(merged, coords, ("chain", "draw", *rest), flat.name, flat.attrs)


def of_jets(values: T, numbers: Sequence[int] | NDArray[np.integer]) -> T:
    """Return the jets of these numbers in the sample.

    Raises
    ------
    Missing
        One is not among them.
    """
    known = np.asarray(values["jet"])
    lacking = np.setdiff1d(np.asarray(numbers), known)
    if lacking.size:
        raise Missing(
            f"jets: no jet {lacking[0]} among the {known.size} there are: {', '.join(map(str, known[:8]))}, .."
        )
    return values.sel(jet=np.asarray(numbers))


def some(known: NDArray[np.integer], wanted: int | Sequence[int]) -> NDArray[np.integer]:
    """Return the wanted numbers of jets: so many of those known, evenly spaced, or these.

    >>> some(np.array([2, 5, 7, 9]), 2), some(np.array([2, 5]), [5])
    (array([2, 7]), array([5]))
    """
    if isinstance(wanted, int | np.integer):
        count = min(len(known), int(wanted))
        return known[np.arange(count) * len(known) // max(1, count)]
    return np.asarray(wanted)


def described(x: NDArray[np.floating], eta: NDArray[np.floating], phi: NDArray[np.floating]) -> dict[str, NDArray]:
    """Return what ArviZ holds predictions against, of shares of pT x (.., pixel or particle) at eta, phi likewise.

    ``width``, the mean distance from the axis weighted with pT, and ``core``, the share of pT within 0.2 of it: both
    linear in the shares, so that the noise of pseudo-counts does not shift them.
    """
    radius = np.hypot(eta, phi)
    total = np.maximum(x.sum(-1), np.finfo(np.float32).tiny)
    return {"width": (x * radius).sum(-1) / total, "core": (x * (radius < CORE)).sum(-1) / total}


UNITS = {"width": "rad", "core": "1", "length": "1", "x": "1"}
"""Of what is predicted."""
