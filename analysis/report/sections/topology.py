"""The question: which topology."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from analysis.figures import by_arviz
from analysis.figures.dimension import scales
from analysis.figures.manifolds import shares_by_scale
from analysis.figures.topology import birth_and_death, differences
from analysis.measures import marginal
from analysis.measures.categories import manifold_names, shares
from analysis.measures.persistence import REAL, closed_factors, persistence
from analysis.measures.topology import preference, rank, verdict
from analysis.report.inputs import Known
from analysis.report.page import Part, Question, Table
from analysis.report.words import counted, listed, plus_minus
from analysis.store import Missing, names
from jets.command import command

MOST_PARTS = 4
"""Pieces of the range of scales that are named, at most."""


def league(known: Known) -> Part:
    """List the runs, and the mean bound of each latent space over its seeds."""
    try:
        table = known.source("runs")
    except Missing as error:
        latent = known.recipe["model"]["latent"]
        raise Missing(
            f"one latent space alone, {latent}, cannot be compared; train several and give the folder: "
            f"{command('train', '--latent', 'A', '--latent', 'B', '--seeds', 3)}"
        ) from error
    rows = [cells(table.isel(run=i)) for i in range(table.sizes["run"])]
    found = bounds(table)
    alone = len({setting for _, setting in found}) < 2
    said = [
        f"{latent}{'' if alone else f' ({setting})'} {plus_minus(mean, error)}"
        for (latent, setting), (mean, error) in found.items()
    ]
    reading = f"{counted(int(table['complete'].sum()), 'complete run')} of {table.sizes['run']}. "
    reading += f"Minus ELBO on validation jets [nat]: {listed(said)}. " if said else ""
    head = ["latent space", "likelihood, β", "seed", "epochs", "-ELBO [nat]", "KL [nat]", "complete"]
    return Part("league", f"{reading}What follows is of {known.name}.", table=Table(head, rows), numbers=table)


def cells(run: xr.Dataset) -> list[str]:
    """Return the row of one run."""
    loss, kl, complete = (run[name].item() for name in ("loss", "kl", "complete"))
    known = [str(run[name].values) for name in ("latent", "setting", "seed", "epochs")]
    return [*known, f"{loss:.3f}", f"{kl:.2f}", "yes" if complete else "no"]


def bounds(table: xr.Dataset) -> dict[tuple[str, str], tuple[float, float]]:
    """Return latent space and setting -> mean loss over seeds and its error, by setting, the best of each first.

    Of the complete runs; the error of one seed is NaN. Losses of two settings (likelihood and beta) are in different
    units, so that they are neither averaged nor compared.
    """
    done = table.isel(run=np.flatnonzero(table["complete"]))
    keys = [*zip(map(str, done["latent"].values), map(str, done["setting"].values), strict=True)]
    found = {}
    for key in dict.fromkeys(keys):
        loss = np.asarray(done["loss"])[[other == key for other in keys]]
        found[key] = float(loss.mean()), float(loss.std(ddof=1) / len(loss) ** 0.5) if len(loss) > 1 else float("nan")
    return dict(sorted(found.items(), key=lambda item: (item[0][1], item[1][0])))


def ranking(known: Known) -> Part | None:
    """Rank the latent spaces of a scan by held-out ln p(x)."""
    if isinstance(known.sources.get("runs", Missing()), Missing):
        return None
    tree = known.source("scan")
    table = rank(tree, float(known.tree.attrs["beta"]))
    best, chosen = table.attrs["best"], table.attrs["chosen"]
    kept = [name for name in names(table["kept"], "topology") if bool(table["kept"].sel(topology=name))]
    beta = f"At β = {float(known.tree.attrs['beta']):.3g}"
    reading = f"{beta} {best} has the largest held-out ln p(x)"
    if len(kept) > 1 or kept == [best]:
        reading += (
            "; no other is within the errors of it" if kept == [best] else f"; {listed(kept)} cannot be distinguished"
        )
    said = verdict(table)
    order = f"The first of them, in the order of dimension and of closed before open, is {chosen}."
    rows = [ranked(table.sel(topology=name), name) for name in names(table["kept"], "topology")]
    head = ["latent space", "ln p(x) [nat]", "ELBO [nat]", "difference [nat]", "stacking weight"]
    return Part(
        "topology",
        f"{reading}. {order if chosen else f'{said[0].upper()}{said[1:]}.'}",
        f"{beta}: held-out ln p(x) and ELBO of each latent space less the best one's; bars: two paired errors.",
        figure=None if alike(known, table) else differences(table),
        table=Table(head, rows, best=names(table["kept"], "topology").index(chosen) if chosen else None),
        warning=not chosen,
        verdict=f"{reading}.{'' if chosen else f' In doubt: {said}.'}",
        numbers=table.merge(preference(tree, float(known.tree.attrs["beta"])).rename("preference"), join="outer"),
    )


def alike(known: Known, table: xr.Dataset) -> bool:
    """Whether the errors of ArviZ's comparison, of the jets alone, are no smaller than ours, which count seeds too."""
    try:
        found = by_jet(known)
    except Missing:
        return False
    errors = found["dse"].reindex(names(table["kept"], "topology"))
    return bool((errors.to_numpy() >= 0.95 * np.asarray(table["difference_error"])).all())


def by_jet(known: Known) -> pd.DataFrame:
    """Return the table of ``az.compare``, differences and their errors [nat] per jet."""
    found, points = compared(known)
    return found.assign(elpd_diff=found["elpd_diff"] / points, dse=found["dse"] / points)


def compared(known: Known) -> tuple[pd.DataFrame, int]:
    """Return the table of ``az.compare`` on held-out ln p(x), and the number of jets and seeds that it is of."""
    import arviz

    beta = float(known.tree.attrs["beta"])
    each = marginal.elpd(known.source("scan"), beta)
    return by_arviz.called(arviz.compare, each), marginal.points_of(known.source("scan"), beta).sizes["point"]


def comparison(known: Known) -> Part | None:
    """Let ArviZ compare the latent spaces of a scan by held-out marginal ln p(x) of each jet."""
    if isinstance(known.sources.get("runs", Missing()), Missing):
        return None
    try:
        table, points = compared(known)
    except Missing:  # a scan of one latent space
        return None
    each, ours = by_jet(known), rank(known.source("scan"), float(known.tree.attrs["beta"]))
    rows = [
        [str(name), plus_minus(0.0 - abs(float(row["elpd_diff"])), float(row["dse"])), f"{float(row['weight']):.2f}"]
        for name, row in each.iterrows()
    ]
    reading = f"At β = {float(known.tree.attrs['beta']):.3g} az.compare, on ln p(x) of {counted(points, 'jet')} of "
    reading += f"all seeds, has {table.index[0]} first. "
    reading += (
        "Its errors are those above."
        if alike(known, ours)
        else "Its errors are of the jets alone; those above count the seeds too, which scatter more."
    )
    head = ["latent space", "difference [nat per jet]", "stacking weight"]
    caption = "By ArviZ: summed held-out ln p(x) of each latent space, and the differences from the best, with errors."
    return Part("compare", reading, caption, figure=by_arviz.compare(table), table=Table(head, rows))


def ranked(row: xr.Dataset, name: str) -> list[str]:
    """Return the row of one latent space."""
    evidence, elbo, weight = (f"{row[key].item():.3f}" for key in ("log_evidence", "elbo", "weight"))
    return [name, evidence, elbo, plus_minus(row["difference"].item(), row["difference_error"].item()), weight]


def manifolds(known: Known) -> Part | None:
    """Say which manifold, or category, the jets of each class live on; of a range of resolutions at each scale."""
    found = shares(known.tree)
    if found is None:
        return None
    labels = manifold_names(str(known.recipe["model"]["latent"]), names(found, "category"))
    rows = [[name, *(f"{100 * part:.1f} %" for part in np.asarray(row))] for name, row in by_class(found)]
    said = [f"{100 * row.max():.0f} % of {name} lie on {labels[int(row.argmax())]}" for name, row in by_class(found)]
    reading = f"At beta = {float(known.tree.attrs['beta']):.3g}, {listed(said)}."
    curves = known.sources.get("dimension", Missing())
    curves = curves.to_dataset() if isinstance(curves, xr.DataTree) else curves
    drawn = isinstance(curves, xr.Dataset) and curves.sizes.get("category") == len(labels)
    if drawn:
        reading += f" {over_scales(curves, labels)}"
    return Part(
        "manifolds",
        reading,
        "Part of the jets of each class that each manifold or category has, against the scale." if drawn else "",
        figure=shares_by_scale(curves, labels) if drawn else None,
        table=Table(["class", *labels], rows),
        numbers=curves[["category_share"]] if drawn else xr.Dataset({"category_share": found}),
    )


def by_class(values: xr.DataArray) -> list[tuple[str, np.ndarray]]:
    """Return name and shares (category,) of each class of ``(class, category)``."""
    return list(zip(names(values, "class"), np.asarray(values.transpose("class", "category")), strict=True))


def over_scales(curves: xr.Dataset, labels: Sequence[str]) -> str:
    """Say which manifold has the most jets of each class at which scale."""
    scale, unit = scales(curves), curves.attrs["unit"]
    first = np.asarray(curves["category_share"].transpose("class", "beta", "category").argmax("category"))
    said = []
    for name, row in zip(names(curves["category_share"], "class"), first, strict=True):
        cuts = [0, *(np.flatnonzero(np.diff(row)) + 1), len(row)]
        ends = [
            (labels[row[a]], f"{scale[a]:.3g}", f"{scale[b - 1]:.3g} {unit}".strip(), b - a) for a, b in pairwise(cuts)
        ]
        parts = [
            f"{label} at {high}" if one == 1 else f"{label} from {low} to {high}" for label, low, high, one in ends
        ]
        said.append(f"{name}: {listed(parts) if len(parts) <= MOST_PARTS else f'changes {len(parts) - 1} times'}")
    return f"On which most lie, by scale; {'; '.join(said)}."


def closure(known: Known) -> Part | None:
    """Say whether the posterior means close the circles of the latent space."""
    if known.plain or not closed_factors(known.tree):
        return None
    table = persistence(known.tree)
    found, expected = np.asarray(table["found"], int), np.asarray(table["expected"], int)
    each = zip(names(table["found"], "name"), found, expected, strict=True)
    said = listed(f"{counted(n, 'loop')} of {wanted} on {name}" for name, n, wanted in each)
    alike = bool((found == expected).all())
    return Part(
        "closure",
        f"The posterior means close {said}" + (". " if alike else ": jets leave a gap, or wind otherwise. "),
        "Loops of the posterior means as balls about them grow: the radius at which each is born, in radii of the "
        f"circle, and at which it dies. Above the dashed line, death = {REAL:g} birth, it is no noise.",
        figure=birth_and_death(table) if table.sizes["loop"] else None,
        numbers=table.drop_dims("name"),
        warning=not alike,
    )


QUESTION = Question("topology", "Which topology?", (league, ranking, comparison, manifolds, closure))
