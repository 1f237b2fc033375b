"""What a search for structures found, in words, and what speaks against it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from analysis.measures.doubt import LEAD
from analysis.measures.signature import compatible, told
from analysis.store import names

MEANS = 0.3
"""Least ``|correlation|`` of an observable that a latent is said to be correlated with."""


def verdict(tree: xr.DataTree) -> str:
    """Return what was found."""
    sides, latent = tree["sides"], tree.attrs["latent"]
    if sides.sizes["side"] == 1:
        return f"{latent}: one manifold"
    shares = zip(np.asarray(sides["latent"]), np.asarray(sides["weight"]), strict=True)
    parts = ", ".join(f"{100 * float(weight):.0f} % {manifold}" for manifold, weight in shares)
    return f"{latent}: a category of {sides.sizes['side']}, then {parts}"


def doubts(tree: xr.DataTree) -> list[str]:
    """Return what speaks against the structure that was found, in words.

    A density without structure that leads it by more than max(0.05 nat, two errors); a shape of the points that is not
    its shape; a manifold of the same dimension that is as good; as many real numbers as are tried at most.
    """
    found = []
    lead, error = tree.attrs["density_lead"], tree.attrs["density_lead_error"]
    if lead > max(LEAD, 2 * error):
        found.append(f"a density without structure describes the points better, by {lead:.2g} +- {error:.1g} nat")
    if "shape" in tree:
        shape = tree["shape"].to_dataset()
        if compatible(shape, tree.attrs["latent"]) is False:
            found.append(f"the points have {told(shape)}, which is not its shape")
    for latent, level in zip(np.asarray(tree["sides/latent"]), np.asarray(tree["sides/as_good"]), strict=True):
        if level:
            found.append(f"the points do not distinguish {latent} from {level}")
    if any("R8" in str(manifold) for manifold in np.asarray(tree["sides/latent"])):
        found.append("more than eight real numbers are not tried: there may be more")
    return found


def sentences(tree: xr.DataTree) -> list[str]:
    """Return the verdict, what speaks against it, who is on which side, and what each latent is correlated with."""
    against = doubts(tree)
    said = [verdict(tree)]
    said += [f"in doubt: {reason}" for reason in against] or ["nothing speaks against it"]
    return [*said, *members(tree), *meanings(tree)]


def members(tree: xr.DataTree) -> list[str]:
    """Return of which classes the points of each side are, where there are several of both."""
    label, side = np.asarray(tree["constant_data/class_name"]).astype(str), np.asarray(tree["points/side_of"])
    known = np.unique(label)
    if len(known) < 2 or tree["sides"].sizes["side"] < 2:
        return []
    latents = np.asarray(tree["sides/latent"])
    return [
        f"side {k} ({latents[k]}): "
        + ", ".join(f"{int(((side == k) & (label == name)).sum()):,} {name}" for name in known)
        for k in range(len(latents))
    ]


def meanings(tree: xr.DataTree) -> list[str]:
    """Return what each latent carries, moves, and is most correlated with."""
    table, unit = tree["factors"].to_dataset(), tree.attrs["unit"]
    if not table.sizes.get("factor"):
        return []
    strength = table["correlation"].fillna(0)
    said = []
    for name in names(table["kl"], "factor"):
        row = table.sel(factor=name)
        own, known = np.asarray(strength.sel(factor=name)), names(strength, "observable")
        text = f"{name}: {float(row['kl']):.2f} nat, moves points by {float(row['reach']):.3g} {unit}".rstrip()
        if own.size and abs(own).max() >= MEANS:
            most = int(abs(own).argmax())
            text += f", correlated with {known[most]} ({own[most]:+.2f})"
        said.append(text)
    return said
