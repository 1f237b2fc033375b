"""Two runs side by side: their numbers with differences, then each question answered by both."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from analysis.measures.information import ACTIVE
from analysis.measures.weighting import mean_error, mean_of, mean_over_jets, with_weights
from analysis.report.inputs import Known
from analysis.report.page import Page, Part, Question, Section, Table
from analysis.report.run_page import title
from analysis.report.sections import QUESTIONS
from analysis.report.words import plus_minus
from analysis.store import array

Pair = tuple[Known, Known]
PER_JET = {"elbo": "ELBO [nat]", "reconstruction": "reconstruction [nat]", "kl": "KL [nat]"}


def compared(pair: Pair) -> Page:
    """Return the page of two runs side by side."""
    notes = [f"{known.name}: {note}" for known in pair for note in known.notes]
    heads = [f"{title(known)} ({known.name})" for known in pair]
    first = Question("difference", "How do they differ?", (bounds_and_areas, recipes)).answered(pair)
    sections = [first, *(both(question, pair) for question in QUESTIONS)]
    return Page("Two runs side by side", " and ".join(heads), sections, notes, heads)


def both(question: Question, pair: Pair) -> Section:
    """Return a question answered by both runs."""
    sections = [question.answered(known) for known in pair]
    parts, beside = (
        [replace(part, name=f"{letter}-{part.name}") for part in section.parts]
        for letter, section in zip("ab", sections, strict=True)
    )
    return Section(question.name, question.question, parts, beside)


def bounds_and_areas(pair: Pair) -> Part:
    """Set the numbers of both runs beside each other."""
    trees = [known.tree for known in pair]
    same = same_jets(*trees)
    rows = [row(name, title, trees, paired=same) for name, title in PER_JET.items()]
    rows.append(["active coordinates", *(str(active(tree)) for tree in trees), ""])
    rows += list(auc_rows(pair))
    change, error = difference("elbo", trees, paired=same)
    better = "the second" if change > 0 else "the first"
    how = "the same jets, paired" if same else "different jets"
    if trees[0].attrs["likelihood"] != trees[1].attrs["likelihood"] or trees[0].attrs["beta"] != trees[1].attrs["beta"]:
        verdict = "Their bounds cannot be compared: likelihood or resolution differ."
    elif abs(change) <= 2 * error:
        verdict = f"Their ELBOs agree within two errors ({plus_minus(change, error)} nat per jet, {how})."
    else:
        verdict = f"The ELBO of {better} is higher, by {plus_minus(abs(change), error)} nat per jet ({how})."
    return Part("numbers", verdict, table=Table(["", "first", "second", "second - first"], rows))


def same_jets(first: xr.DataTree, second: xr.DataTree) -> bool:
    """Whether both were evaluated on the same jets."""
    own, other = (np.asarray(array(tree, "sample_stats/elbo")["jet"]) for tree in (first, second))
    return np.array_equal(own, other) and np.array_equal(first.attrs["data"], second.attrs["data"])


def row(name: str, title: str, trees: list[xr.DataTree], *, paired: bool) -> list[str]:
    """Return mean and error of a number per jet of both, and of the difference."""
    means = [mean_and_error(per_jet(tree, name)) for tree in trees]
    return [title, *(plus_minus(*mean) for mean in means), plus_minus(*difference(name, trees, paired=paired))]


def difference(name: str, trees: list[xr.DataTree], *, paired: bool) -> tuple[float, float]:
    """Return the mean difference per jet, second less first, and its standard error."""
    first, second = (per_jet(tree, name) for tree in trees)
    if paired:
        return mean_and_error(second.copy(data=second.values - first.values))
    (a, a_error), (b, b_error) = mean_and_error(first), mean_and_error(second)
    return b - a, float(np.hypot(a_error, b_error))


def per_jet(tree: xr.DataTree, name: str) -> xr.DataArray:
    """Return a number of each jet, with the jets' weights."""
    return with_weights(array(tree, f"sample_stats/{name}").astype(float), tree)


def mean_and_error(values: xr.DataArray) -> tuple[float, float]:
    """Return the mean over jets and its standard error, by their weights if any."""
    if "weight" in values.coords:
        return float(mean_over_jets(values)), float(mean_error(values))
    found = np.asarray(values)
    error = found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.nan
    return float(found.mean()), float(error)


def active(tree: xr.DataTree) -> int:
    """Return the number of coordinates that carry information."""
    return int((mean_of(tree, "information/kl") >= ACTIVE).sum())


def auc_rows(pair: Pair) -> Iterator[list[str]]:
    """Yield the AUC of each score that both runs have; errors of a difference as if independent."""
    first, second = (known.numbers["auc"] for known in pair)
    for name in [name for name in first if name in second]:
        a, b = first[name], second[name]
        change = plus_minus(b["value"] - a["value"], float(np.hypot(a["error"], b["error"])))
        yield [f"AUC of {name}", *(plus_minus(found["value"], found["error"]) for found in (a, b)), change]


def recipes(pair: Pair) -> Part:
    """List where the recipes differ."""
    first, second = (dict(flat(tomllib.loads(known.source("recipe")))) for known in pair)
    known = [name for name in dict.fromkeys([*first, *second]) if first.get(name) != second.get(name)]
    if not known:
        return Part("recipes", "Their recipes are the same.")
    rows = [[name, str(first.get(name, "")), str(second.get(name, ""))] for name in known]
    return Part(
        "recipes", f"Their recipes differ in {len(rows)} entries.", table=Table(["entry", "first", "second"], rows)
    )


def flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted name and value of every entry of nested tables.

    >>> list(flat({"model": {"beta": 1}, "name": "x"}))
    [('model.beta', 1), ('name', 'x')]
    """
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
