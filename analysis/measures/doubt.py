"""Which manifold points lie on, with doubt: one candidate, one of several, or none of them.

Three witnesses are heard: the evidence of raced candidates (:mod:`analysis.measures.topology`), the shape of the points
(:mod:`analysis.measures.shape`), and a density of the points without topology. A candidate is named where it alone is
allowed by the shape and near the best in evidence, and the density does not describe held-out points better.
"""

from __future__ import annotations

from typing import NamedTuple

import xarray as xr

from analysis.measures.signature import allowed, told
from analysis.measures.topology import at_beta, paired_error
from analysis.store import names

LEAD = 0.05
"""Lead of the density without topology that counts [nat per point]."""
APART = "; "
"""Between the candidates of a tree's attribute."""


class Answer(NamedTuple):
    """What can be said.

    Attributes
    ----------
    kind
        ``this``: a name. ``of``: one of ``topologies``, or none of the candidates. ``none``: none of them.
    topologies
        Those that are left.
    reasons
        Why it is no name.
    """

    kind: str
    topologies: tuple[str, ...]
    reasons: tuple[str, ...]


def answer(tree: xr.DataTree, ranking: xr.Dataset) -> Answer:
    """Return the answer of a league's tree and of its ranking by :func:`analysis.measures.topology.rank`."""
    shape = tree["shape"].to_dataset() if "shape" in tree else None
    near = [name for name in names(ranking, "topology") if bool(ranking["kept"].sel(topology=name))]
    fitting = allowed(shape, tree.attrs["candidates"].split(APART))
    both = tuple(name for name in fitting if name in near)
    surpassed = objection(tree, ranking)
    seen = "the shape of the points is not known" if shape is None else f"the points have {told(shape)}"
    if not fitting:
        contradicted = f"{seen}, which is the shape of no candidate"
        return (
            Answer("none", (), (contradicted, surpassed)) if surpassed else Answer("of", tuple(near), (contradicted,))
        )
    reasons = [surpassed] if surpassed else []
    if shape is None or not shape.attrs["judged"]:
        reasons.append(seen)
    if not both:
        reasons.append(f"{seen}, which is not the shape of the best by evidence")
    if len(both) > 1:
        reasons.append("their evidence and the shape of the points do not distinguish them")
    left = both if both and not surpassed else tuple(dict.fromkeys([*near, *fitting]))
    return Answer("of" if reasons else "this", left, tuple(reasons))


def objection(tree: xr.DataTree, ranking: xr.Dataset) -> str:
    """Say by how much the density without topology describes held-out points better than the best candidate.

    Nothing where the lead is within max(0.05 nat, two paired standard errors), or not known.
    """
    stats = at_beta(tree, None)
    if "reference" not in stats:
        return ""
    lead = stats["reference"] - stats["log_evidence"].sel(topology=ranking.attrs["best"])
    mean, error = float(lead.mean()), float(paired_error(lead))
    if mean <= max(LEAD, 2 * error):
        return ""
    best = ranking.attrs["best"]
    return f"a density without topology describes the points better than {best}, by {mean:.2g} +- {error:.1g} nat"


def decided(ranking: xr.Dataset, found: Answer) -> xr.Dataset:
    """Return the ranking with the choice that was made, for :func:`analysis.measures.topology.describe`."""
    return ranking.assign_attrs(chosen=found.topologies[0] if found.kind == "this" else "", lacking="")


def sentence(found: Answer) -> str:
    """Return the answer in words."""
    if found.kind == "this":
        return found.topologies[0]
    if found.kind == "none":
        return f"none of these: {'; '.join(found.reasons)}"
    return f"one of {', '.join(found.topologies)}, or none of these: {'; '.join(found.reasons)}"
