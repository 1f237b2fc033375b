"""The question: can it be trusted."""

from __future__ import annotations

import numpy as np
import xarray as xr

from analysis.figures import by_arviz
from analysis.figures.trust import calibration_curves, nuts_comparison
from analysis.measures import marginal, trust
from analysis.measures.against_nuts import against_nuts
from analysis.report.inputs import Known
from analysis.report.page import Part, Question, Table
from analysis.report.words import counted, listed, plus_minus
from analysis.store import Missing, array
from jets.command import command


def checks(known: Known) -> Part:
    """List what was checked, and how it came out."""
    if known.plain:
        raise Missing("a plain autoencoder has no posterior to be trusted")
    tree, looked = looked_at(known)
    if array(tree, "sample_stats/log_weight").sizes["draw"] < 2:
        raise Missing(f"one draw for each jet says nothing; this draws more: {command('trust', known.name)}")
    found = trust.checks(tree)
    rows = [["pass" if check.passed else "FAIL", check.name, check.reading, limit(check)] for check in found]
    failed = [f"{check.name} (passes with {limit(check)})" for check in found if not check.passed]
    short = f"{len(found) - len(failed)} of {counted(len(found), 'check')} passed"
    short += f"; failed: {listed(failed)}." if failed else "."
    more = f" A quick look only; enough draws for more: {command('trust', known.name)}."
    reading, verdict = (short, short) if looked else (f"{short}{more}", f"{short}{more.split(';')[0]}.")
    table = Table(["", "check", "finding", "passes with"], rows)
    return Part("checks", reading, table=table, warning=bool(failed), verdict=verdict)


def limit(check: trust.Check) -> str:
    """Return in words what a check's number was compared with."""
    said = {
        "importance weights": f"at most {100 * check.limit:g} % of jets with k-hat > {trust.GOOD_K:g}",
        "gap": f"at most {check.limit:g} nat",
        "calibration": f"p of at least {1 - check.limit:.2g}",
        "reference posterior": f"a median |shift| of at most {check.limit:g} sd",
    }
    return said.get(check.name, f"at most {check.limit:g}")


def looked_at(known: Known) -> tuple[xr.DataTree, bool]:
    """Return the tree of ``jetvae trust`` if it was made, else the evaluated one, and whether it is the former."""
    try:
        return known.source("trust"), True
    except Missing:
        return known.tree, False


def weights(known: Known) -> Part | None:
    """Draw k-hat of each jet."""
    tree, looked = looked_at(known)
    if not looked:
        return None
    table = trust.importance(tree)
    khat, gap = table["khat"].values, table["gap"].values
    if np.isnan(khat).all():
        draws = array(tree, "sample_stats/log_weight").sizes["draw"]
        raise Missing(f"{draws} draws for each jet are too few for k-hat: {command('trust', known.name)}")
    error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.nan
    reading = (
        f"The median k-hat of {len(khat)} jets is {np.median(khat):.2f}; with weights the bound rises by "
        f"{plus_minus(float(gap.mean()), float(error))} nat per jet to ln p(x)."
    )
    if bad := int((khat > trust.GOOD_K).sum()):
        reading += f" Of {counted(bad, 'jet')} k-hat is above {trust.GOOD_K}: the error of ln p(x) is not known there."
    caption = "Tail index k-hat of each jet's importance weights; above 0.7 they do not correct the guide."
    return Part("khat", reading, caption, figure=by_arviz.khat(one(tree, table)), numbers=table)


def one(tree: xr.DataTree, table: xr.Dataset) -> object:
    """Return ln p(x) and k-hat of each jet that has one, as ArviZ has them."""
    log_weight = array(tree, "sample_stats/log_weight")
    draws = log_weight.sizes["chain"] * log_weight.sizes["draw"]
    known = table.isel(jet=np.flatnonzero(np.isfinite(table["khat"])))
    return marginal.one(known["log_evidence"], known["khat"], draws)


def calibration(known: Known) -> Part | None:
    """Draw the calibration of each coordinate."""
    tree, _ = looked_at(known)
    if "simulation" not in tree:
        return None
    table = trust.calibrate(tree)
    p_value = table["p_value"]
    worst = str(p_value["coordinate"].values[int(np.argmin(np.asarray(p_value)))])
    return Part(
        "calibration",
        f"Simulated truths are ranked least evenly in {worst}, with p = {float(p_value.min()):.3f} "
        f"before the {p_value.size} coordinates are allowed for.",
        "Ranks of simulated truths among draws of the posterior: their distribution less the uniform one, and the band "
        "that holds all of it for 95 % of exact posteriors.",
        figure=calibration_curves(table),
        numbers=table,
    )


def reference(known: Known) -> Part | None:
    """Hold the guide against NUTS."""
    if known.plain:
        return None
    trees = [tree for tree in (known.sources.get("trust"), known.sources.get("tree")) if isinstance(tree, xr.DataTree)]
    with_nuts = [tree for tree in trees if "posterior_nuts" in tree]
    if not with_nuts:
        raise Missing(f"no reference posterior: {command('nuts', known.name)}, then this command again")
    table = against_nuts(with_nuts[0])
    return Part(
        "nuts",
        f"{trust.nuts_check(with_nuts[0]).reading}.",
        "Guide against NUTS for each jet and coordinate: shift of the mean and ratio of the widths, in units of the "
        "true posterior's standard deviation. An exact guide has all its points where the lines cross.",
        figure=nuts_comparison(table),
        numbers=table,
    )


QUESTION = Question("trust", "Can it be trusted?", (checks, weights, calibration, reference))
