r"""Which latent topology the jets prefer.

Topologies are compared by held-out :math:`\ln p(x)`, importance weighted, at equal beta and metric, in paired
differences over jets and seeds. A larger space imitates a smaller one, and an open one a closed one, so the largest
:math:`\ln p` is not the answer: every candidate within max(delta, 2 standard errors) of it is kept, and the first of
those in :data:`ORDER` is chosen. Functions of a DataTree alone, with dimensions topology, beta, seed, jet.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.store import NATS, array, names
from jets.errors import UserError

ORDER = ("S1", "R1", "S2", "T2", "R2", "S1 x R1", "R1 | R2", "R3")
"""Low dimension first, then closed before open."""
DELTA = 0.025
"""Difference in ln p(x) that does not matter [nat per jet]."""


def rank(tree: xr.DataTree, beta: float | None = None, delta: float = DELTA) -> xr.Dataset:
    """Return the comparison of topologies, all (topology,), best first.

    ``log_evidence`` and ``elbo``: means over jets and seeds [nat]; ``difference`` of log_evidence from the best and its
    paired standard error ``difference_error``; ``weight``: stacking weight; ``kept``: within the tie band. Attribute
    ``chosen``: the first of those kept in ORDER.

    Raises
    ------
    UserError
        The tree holds several betas and none is chosen.
    """
    stats = at_beta(tree, beta)
    evidence = stats["log_evidence"]
    mean = evidence.mean(("seed", "jet"))
    best = names(mean, "topology")[int(np.argmax(mean.values))]
    difference = evidence - evidence.sel(topology=best)
    error = paired_error(difference)
    kept = mean.max() - mean <= np.maximum(delta, 2 * error)
    result = xr.Dataset(
        {
            "log_evidence": mean.assign_attrs(NATS),
            "elbo": stats["elbo"].mean(("seed", "jet")).assign_attrs(NATS),
            "difference": difference.mean(("seed", "jet")).assign_attrs(NATS),
            "difference_error": error.assign_attrs(NATS),
            "weight": stacking_weights(evidence),
            "kept": kept,
        }
    )
    chosen = min((name for name in names(kept, "topology") if bool(kept.sel(topology=name))), key=place)
    result.attrs = {"chosen": chosen, "best": best, "delta": delta}
    return result.isel(topology=np.argsort(-np.asarray(mean), kind="stable"))


def at_beta(tree: xr.DataTree, beta: float | None) -> xr.Dataset:
    """Return ``sample_stats`` at one resolution."""
    stats = tree["sample_stats"].to_dataset()
    if beta is None and stats.sizes.get("beta", 1) > 1:
        known = ", ".join(f"{value:g}" for value in stats["beta"].values)
        raise UserError(f"--beta: the scan holds several betas; choose one of {known}")
    return stats.squeeze("beta") if beta is None else stats.sel(beta=beta, method="nearest")


def paired_error(difference: xr.DataArray) -> xr.DataArray:
    """Return the standard error of the mean difference: over jets, or over seeds where that is larger."""
    count = difference.notnull().sum(("seed", "jet"))
    jets = difference.std(("seed", "jet")) / np.sqrt(np.maximum(1, count))
    if difference.sizes["seed"] < 2:
        return jets
    return np.maximum(jets, difference.mean("jet").std("seed", ddof=1) / np.sqrt(difference.sizes["seed"]))


def place(topology: str) -> tuple[int, str]:
    """Return the place of a topology in ORDER; what is not there comes last.

    >>> sorted(["R2", "R1 x S1", "S1", "R7"], key=place)
    ['S1', 'R2', 'R1 x S1', 'R7']
    """
    parts = sorted(topology.split(" x "))
    found = [i for i, known in enumerate(ORDER) if sorted(known.split(" x ")) == parts]
    return (found[0] if found else len(ORDER), topology)


def stacking_weights(evidence: xr.DataArray, steps: int = 2000) -> xr.DataArray:
    r"""Return the weights w that maximise :math:`\sum_n \ln\sum_k w_k p_k(x_n)`, ``(topology,)``, as ``az.compare``.

    By expectation maximisation, which is concave here (Yao et al. 1704.02030, eq. 4). ``evidence`` (topology, seed,
    jet) in nats.
    """
    flat = evidence.stack(point=("seed", "jet")).transpose("topology", "point").dropna("point")
    values = np.asarray(flat, np.float64)
    density = np.exp(values - values.max(0))
    weight = np.full(len(values), 1 / len(values))
    for _ in range(steps):
        share: NDArray[np.floating] = weight[:, None] * density
        weight = (share / share.sum(0)).mean(1)
    return xr.DataArray(weight, {"topology": evidence["topology"]}, ("topology",))


def preference(tree: xr.DataTree, beta: float | None = None) -> xr.DataArray:
    """Return which part of each class prefers each topology, ``(topology, class)``: largest ln p(x) of a jet."""
    evidence = at_beta(tree, beta)["log_evidence"]
    best = evidence.argmax("topology")
    label = array(tree, "constant_data/class_name")
    known = [str(name) for name in np.unique(label.values) if name]
    table = [[float((best.where(label == name) == i).sum() / (label == name).sum()) for name in known]
             for i in range(evidence.sizes["topology"])]  # fmt: skip
    return xr.DataArray(table, {"topology": evidence["topology"], "class": known}, ("topology", "class"))


def describe(ranking: xr.Dataset) -> list[str]:
    """Return the lines of the table that a reader wants."""
    lines = [f"{'topology':<12} {'ln p(x)':>9} {'ELBO':>9} {'difference':>18} {'weight':>7}"]
    for name in names(ranking, "topology"):
        row = ranking.sel(topology=name)
        mark = " <- chosen" if name == ranking.attrs["chosen"] else "  kept" if bool(row["kept"]) else ""
        lines.append(
            f"{name:<12} {float(row['log_evidence']):9.3f} {float(row['elbo']):9.3f} "
            f"{float(row['difference']):9.3f} +- {float(row['difference_error']):.3f} {float(row['weight']):7.2f}{mark}"
        )
    return lines
