r"""Which latent topology the jets prefer.

Topologies are compared by held-out :math:`\ln p(x)`, importance weighted, at equal beta and metric, in paired
differences over jets and seeds. A larger space imitates a smaller one, and an open one a closed one, so the largest
:math:`\ln p` is not the answer: every candidate within max(delta, 2 standard errors) of it is kept, and the first of
those in :data:`ORDER` is chosen. A candidate that lacks evidence (ln p(x) that is not finite) at a point where another
has it is never kept. Nothing is chosen where the evidence does not allow it: :func:`lacking` says why. Functions of a
DataTree alone, with dimensions topology, beta, seed, jet.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.trust import GOOD_K
from analysis.store import NATS, Missing, array, names
from jets.command import command

ORDER = ("S1", "R1", "S1 | S1", "R1 | R1", "S2", "T2", "R2", "S1 x R1", "R1 | R2", "R3")
"""Low dimension first, then closed before open."""
DELTA = 0.025
"""Difference in ln p(x) that does not matter [nat per jet]."""
BAD_SHARE = 0.05
"""Share of points with k-hat above 0.7 from which the evidence of a candidate counts only where it has settled."""
SETTLED = 0.25
"""Part of delta by which the mean ln p(x) may grow with the second half of the draws, two errors included."""
FEWEST_EPOCHS = 6
"""Epochs below which nobody can say whether a training has converged."""


def rank(tree: xr.DataTree, beta: float | None = None, delta: float = DELTA) -> xr.Dataset:
    """Return the comparison of topologies, all (topology,), best first.

    ``log_evidence`` and ``elbo``: means over jets and seeds [nat]; ``difference`` of log_evidence from the best and its
    paired standard error ``difference_error``, over the points that both have; ``weight``: stacking weight;
    ``missing``: points without evidence; ``unsure``: share of the points with k-hat above 0.7; ``shift``: by how much
    the mean ln p(x) grew with the second half of the draws, two errors included [nat]; ``kept``: none missing, and
    within the tie band. Attributes: ``best``, the largest of those with all points; ``first``, of those kept in
    ORDER; ``chosen``, the same, or empty where ``lacking`` says what is missing for a choice.

    Raises
    ------
    Missing
        The tree holds several betas and none is chosen; or not this one; or no evidence at all.
    """
    stats = at_beta(tree, beta)
    evidence = stats["log_evidence"].where(np.isfinite(stats["log_evidence"]))
    missing = (evidence.isnull() & evidence.notnull().any("topology")).sum(("seed", "jet"))
    mean = evidence.mean(("seed", "jet"))
    if not (usable := mean.notnull() & (missing == missing.where(mean.notnull()).min())).any():
        raise Missing("no ln p(x) of the scan is a finite number: there is nothing to rank")
    best = names(mean, "topology")[int(np.nanargmax(np.where(usable, mean, np.nan)))]
    difference = evidence - evidence.sel(topology=best)
    error = paired_error(difference)
    near = -difference.mean(("seed", "jet")) <= np.maximum(delta, 2 * error)
    near = near | difference.isnull().all(("seed", "jet"))
    kept = near & (missing == 0)
    result = xr.Dataset(
        {
            "log_evidence": mean.assign_attrs(NATS),
            "elbo": stats["elbo"].mean(("seed", "jet")).assign_attrs(NATS),
            "difference": difference.mean(("seed", "jet")).assign_attrs(NATS),
            "difference_error": error.assign_attrs(NATS),
            "weight": weights_of_complete(evidence, missing == 0),
            "missing": missing,
            "unsure": unsure(stats),
            "shift": shifted(stats).assign_attrs(NATS),
            "kept": kept,
        }
    )
    first = min((name for name in names(kept, "topology") if bool(kept.sel(topology=name))), key=place, default="")
    reasons = lacking(tree, stats, missing, near, delta)
    result.attrs = {"chosen": "" if reasons else first, "first": first, "best": best, "delta": delta}
    result.attrs["lacking"] = "; ".join(reasons)
    order = np.lexsort((-np.nan_to_num(np.asarray(mean), nan=-np.inf), np.asarray(missing) > 0))
    return result.isel(topology=order)


def lacking(
    tree: xr.DataTree, stats: xr.Dataset, missing: xr.DataArray, near: xr.DataArray, delta: float = DELTA
) -> list[str]:
    """Return what keeps the evidence from allowing a choice, in words; nothing where it does.

    One seed, unless every candidate was restarted (attribute ``restarts``); runs that are not complete (attribute
    ``incomplete``) or of fewer than 6 epochs; of the candidates that are within the tie band (``near``), ``missing``
    points, no k-hat at all, and k-hat above 0.7 for more than 5 % of the points, where ln p(x) is a lower bound of
    unknown error, unless it has settled: with twice the draws its mean grew by less than a quarter of ``delta``.
    """
    found = []
    if stats.sizes["seed"] < 2 and not tree.attrs.get("restarts"):
        found.append(f"there is one seed only: {command('train', '--seeds', 3)} trains several")
    if incomplete := int(tree.attrs.get("incomplete", 0)):
        found.append(f"{incomplete} of its runs are not complete: {command('resume', 'SCAN')}")
    if "epochs" in stats and (epochs := float(stats["epochs"].min())) < FEWEST_EPOCHS:
        found.append(f"no run of {epochs:.0f} epochs can be known to have converged")
    for name in names(near, "topology"):
        if not bool(near.sel(topology=name)):
            continue
        if count := int(missing.sel(topology=name)):
            found.append(f"{name} lacks ln p(x) of {count:,} points that others have")
        if "khat" in stats and stats["khat"].sel(topology=name).isnull().all():
            found.append(f"{name} has no k-hat, for want of draws: {command('topology', 'SCAN', '--draws', 200)}")
        share, moved = (float(values.sel(topology=name)) for values in (unsure(stats), shifted(stats)))
        if share > BAD_SHARE and not moved <= SETTLED * delta:
            growth = f", and its ln p(x) still grows with the draws ({moved:.2g} nat)" if np.isfinite(moved) else ""
            found.append(f"k-hat of {name} is above {GOOD_K} for {100 * share:.0f} % of the points{growth}")
    return found


def unsure(stats: xr.Dataset) -> xr.DataArray:
    """Return the share of the points with a k-hat for which it is above 0.7, ``(topology,)``; zero where none has."""
    if "khat" not in stats:
        return xr.zeros_like(stats["topology"], dtype=float)
    over = ("seed", "jet")
    return (stats["khat"] > GOOD_K).sum(over) / np.maximum(1, stats["khat"].notnull().sum(over))


def shifted(stats: xr.Dataset) -> xr.DataArray:
    """Return by how much the mean ln p(x) moved with the second half of the draws, two errors added, ``(topology,)``.

    Infinite where that is not known.
    """
    if "log_evidence_shift" not in stats:
        return xr.full_like(stats["topology"], np.inf, dtype=float)
    moved, over = stats["log_evidence_shift"], ("seed", "jet")
    error = moved.std(over) / np.sqrt(np.maximum(1, moved.notnull().sum(over)))
    found = abs(moved.mean(over)) + 2 * error
    return found.fillna(np.inf)


def weights_of_complete(evidence: xr.DataArray, complete: xr.DataArray) -> xr.DataArray:
    """Return the stacking weights of the candidates with evidence at every point, zero for others."""
    weight = xr.zeros_like(complete, dtype=float)
    if complete.any():
        weight[np.flatnonzero(complete)] = stacking_weights(evidence.isel(topology=np.flatnonzero(complete))).values
    return weight


def at_beta(tree: xr.DataTree, beta: float | None) -> xr.Dataset:
    """Return ``sample_stats`` at one resolution.

    Raises
    ------
    Missing
        The tree holds several and none is chosen, or not the one that is.
    """
    stats = tree["sample_stats"].to_dataset()
    known = ", ".join(f"{value:g}" for value in stats["beta"].values)
    if beta is None:
        if stats.sizes["beta"] > 1:
            raise Missing(f"--beta: the scan holds several betas; choose one of {known}")
        return stats.squeeze("beta")
    found = stats.sel(beta=beta, method="nearest")
    if not np.isclose(float(found["beta"]), beta, rtol=1e-3):
        raise Missing(f"--beta {beta:g}: the scan was evaluated at {known}")
    return found


def paired_error(difference: xr.DataArray) -> xr.DataArray:
    """Return the standard error of the mean difference: over jets, or over seeds where that is larger."""
    count = difference.notnull().sum(("seed", "jet"))
    jets = difference.std(("seed", "jet")) / np.sqrt(np.maximum(1, count))
    if difference.sizes["seed"] < 2:
        return jets
    return np.fmax(jets, difference.mean("jet").std("seed", ddof=1) / np.sqrt(difference.sizes["seed"]))


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
    best = evidence.where(np.isfinite(evidence), -np.inf).argmax("topology")
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
        mark += f"  lacks {int(row['missing']):,} points" if int(row["missing"]) else ""
        share = float(row["unsure"])
        settled = ", settled" if float(row["shift"]) <= SETTLED * ranking.attrs["delta"] else ""
        mark += f"  k-hat > {GOOD_K} for {100 * share:.0f} % of the points{settled}" if share > BAD_SHARE else ""
        lines.append(
            f"{name:<12} {float(row['log_evidence']):9.3f} {float(row['elbo']):9.3f} "
            f"{float(row['difference']):9.3f} +- {float(row['difference_error']):.3f} {float(row['weight']):7.2f}{mark}"
        )
    return [*lines, verdict(ranking)] if ranking.attrs["lacking"] else lines


def verdict(ranking: xr.Dataset) -> str:
    """Say what is chosen, or why nothing is."""
    first, reasons = ranking.attrs["first"], ranking.attrs["lacking"]
    if not reasons:
        return f"chosen: {first}"
    return f"none chosen: {reasons}" + (f". By what there is it would be {first}" if first else "")
