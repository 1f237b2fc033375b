"""The page of a search for structures: what was found, what was tried and gained, what each latent means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from analysis.figures.structures import points_by_side, search_path
from analysis.measures.manifolds import Gain
from analysis.measures.structure import MEANS, doubts, meanings, members, verdict
from analysis.report.page import Page, Part, Section, Table
from analysis.report.words import counted, plus_minus
from analysis.store import names

SHOWN = 3
"""Observables that are named for each latent."""


def discovered(tree: xr.DataTree, points: np.ndarray) -> Page:
    """Return the page of a search on points ``(N, K)``."""
    unit = tree.attrs["unit"]
    lead = (
        f"{', '.join(np.atleast_1d(tree.attrs['data']).tolist())} at beta = {tree.attrs['beta']:.4g} {unit}".rstrip()
        + f": {counted(tree.attrs['trained_on'], 'point')} to train on, {tree.attrs['held_out']:,} held out"
    )
    sections = [
        Section("found", "What are these points made of?", [found(tree), points_part(tree, points)]),
        Section(
            "path", "What was tried, and what did it gain?", [path_part(tree), partings_part(tree), all_tried(tree)]
        ),
        Section("meaning", "What does each latent mean?", [meaning_part(tree)]),
        Section("doubt", "What speaks against it?", [doubt_part(tree)]),
    ]
    return Page(f"Structures found: {tree.attrs['latent']}", lead, sections)


def found(tree: xr.DataTree) -> Part:
    """Describe the sides."""
    sides = tree["sides"].to_dataset()
    rows = [
        [
            str(k),
            str(sides["latent"].values[k]),
            f"{float(sides['weight'][k]):.3f}",
            f"{int(sides['points'][k]):,}",
            f"{float(sides['log_evidence'][k]):.3f}",
        ]
        for k in range(sides.sizes["side"])
    ]
    head = ["side", "manifold", "share", "points", "ln p(x) on its own points [nat]"]
    reading = ". ".join([verdict(tree), *members(tree)]) + "."
    return Part("sides", reading, table=Table(head, rows))


def points_part(tree: xr.DataTree, points: np.ndarray) -> Part:
    """Draw the points."""
    if points.shape[1] < 2:
        return Part("points", "", missing="points of one number are not drawn")
    caption = (
        "The points in the two directions in which they spread most, coloured by the side that they are likely on."
    )
    if "stress" in tree.attrs:
        caption += (
            f" Their distances are the Energy Mover's Distances of jets at a pT of {tree.attrs['pt']:.4g} GeV, "
            f"up to {tree.attrs['stress']:.2g} GeV (root mean square; correlation {tree.attrs['correlation']:.3f})."
        )
    return Part("points", "", caption, figure=points_by_side(tree, points))


def path_part(tree: xr.DataTree) -> Part:
    """Draw the path on all points."""
    own = tree["path"].to_dataset()
    whole = own.isel(step=np.flatnonzero(own["side"] == "all"))
    chosen = [str(name) for name in whole["manifold"].values[np.asarray(whole["followed"], bool)]]
    last = "R0" if not chosen else chosen[-1]
    reading = (
        f"On all points: {' -> '.join(['R0', *chosen])}. It ends there: of {counted(whole.sizes['step'], 'manifold')} "
        f"that were tried none describes held-out points better than {last} by 0.025 nat and two errors, or as well "
        "and is simpler."
    )
    caption = (
        "Every manifold that was tried on all points, by the ln p(x) of held-out points that it falls short of the one "
        "where the search ended. Grey band: 0.025 nat, a difference that does not matter."
    )
    return Part("path", reading, caption, figure=search_path(tree))


def partings_part(tree: xr.DataTree) -> Part:
    """Describe what was parted and merged."""
    table = tree["partings"].to_dataset()
    if not table.sizes.get("parting"):
        return Part("partings", "No way to part the points was found.")
    rows = [
        [
            str(row["side"].item()),
            str(row["way"].item()),
            f"{row['before'].item()} -> {row['after'].item()}",
            str(Gain(float(row["gain"]), float(row["gain_error"]))),
            "yes" if bool(row["followed"]) else "no",
        ]
        for row in (table.isel(parting=k) for k in range(table.sizes["parting"]))
    ]
    count = int(np.asarray(table["followed"], bool).sum())
    head = ["of", "by", "structure", "gain [nat / point]", "followed"]
    return Part(
        "partings", f"{counted(len(rows), 'attempt')} to part or merge, {count} followed.", table=Table(head, rows)
    )


def all_tried(tree: xr.DataTree) -> Part:
    """List all that was tried, with what it costs."""
    table = tree["path"].to_dataset()
    rows = [
        [
            str(row["side"].item()),
            f"{row['before'].item()} -> {row['manifold'].item()}",
            plus_minus(float(row["gain"]), float(row["gain_error"])),
            f"{float(row['kl']):.2f}",
            f"{int(row['parameters']):,}",
            f"{float(row['seconds']):.0f}",
            "yes" if bool(row["followed"]) else "",
        ]
        for row in (table.isel(step=k) for k in range(table.sizes["step"]))
    ]
    head = ["on", "step", "gain [nat / point]", "KL [nat]", "parameters", "seconds", "followed"]
    return Part("tried", "", table=Table(head, rows, folded=f"All {len(rows)} races"), numbers=table)


def meaning_part(tree: xr.DataTree) -> Part:
    """Say what latents carry, move and are correlated with."""
    table, unit = tree["factors"].to_dataset(), tree.attrs["unit"]
    if not table.sizes.get("factor"):
        return Part("meaning", "", missing="the points are points: there is no latent")
    rows = []
    for name in names(table["kl"], "factor"):
        row = table.sel(factor=name)
        strength = row["correlation"].fillna(0)
        order = np.argsort(-np.abs(strength.values), kind="stable")[:SHOWN]
        goes = ", ".join(
            f"{row['observable'].values[k]} ({float(strength[k]):+.2f})"
            for k in order
            if abs(float(strength[k])) >= MEANS
        )
        rows.append([name, f"{float(row['kl']):.2f}", f"{float(row['reach']):.3g}", goes or "none of those known"])
    head = ["side: latent", "KL [nat]", f"moves points by [{unit}]" if unit else "moves points by", "correlated with"]
    caption = f"{'; '.join(meanings(tree)[:1])}."
    return Part("latents", f"For instance {caption}", table=Table(head, rows), numbers=table)


def doubt_part(tree: xr.DataTree) -> Part:
    """Say what speaks against what was found."""
    against, lead = doubts(tree), tree.attrs["density_lead"]
    if against:
        text = "; ".join(against)
        return Part("doubts", f"{text[0].upper()}{text[1:]}.", warning=True)
    amount = plus_minus(abs(lead), tree.attrs["density_lead_error"])
    density = (
        f"A density without structure describes held-out points {'better' if lead > 0 else 'worse'} by {amount} nat."
    )
    return Part("doubts", f"Nothing that was looked at. {density}")


def points_table(tree: xr.DataTree) -> pd.DataFrame:
    """Return a row for each point: its number in the sample, class, side, p(side | x), ln p(x)."""
    points = tree["points"].to_dataset()
    columns = {"number": points["number"].values, "class": tree["constant_data/class_name"].values}
    columns |= {"side": points["side_of"].values, "log_p": points["log_p"].values}
    columns |= {f"probability_{k}": row for k, row in enumerate(points["probability"].values)}
    return pd.DataFrame(columns)
