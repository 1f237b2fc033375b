"""The question: what does each factor mean."""

from __future__ import annotations

import numpy as np
import xarray as xr

from analysis.figures.clouds import cloud_traversals
from analysis.figures.images import jet_images
from analysis.figures.meaning import meaning_map
from analysis.measures.information import ACTIVE
from analysis.measures.meaning import FEWEST, strongest
from analysis.measures.observables import observables
from analysis.report.inputs import Known
from analysis.report.page import Part, Question, Table
from analysis.report.slider import slides
from analysis.report.words import counted, listed
from analysis.store import Missing, array, names

STRONG, WEAK = 0.5, 0.1
"""Correlation from which a coordinate is said to follow an observable, and to be correlated with it at all."""


def correlations(known: Known) -> Part:
    """Draw the map of correlations; name the best observable of each active coordinate."""
    found, kl = known.meaning.isel(sample=0), known.coordinate_kl
    least = -np.inf if known.plain else ACTIVE
    active = [name for name in names(kl, "coordinate") if not float(kl.sel(coordinate=name)) < least]
    if (few := int(known.tree["guide_params"].sizes["jet"])) < FEWEST:
        raise Missing(f"{counted(few, 'jet')} scored: a correlation needs {FEWEST}; give more with --data")
    said = [sentence(found, name) for name in sorted(active, key=lambda name: -float(kl.sel(coordinate=name)))[:6]]
    return Part(
        "meaning",
        f"{'; '.join(said)}." if said else f"No coordinate carries {ACTIVE:g} nat: none means anything.",
        "Correlation of each coordinate's posterior centre with observables of the jets scored: rank correlation, "
        "circular where an angle is involved. Framed: the observable of most mutual information.",
        figure=meaning_map(found, kl),
        numbers=found[["correlation", "information", "best"]],
    )


def sentence(found: xr.Dataset, coordinate: str) -> str:
    """Say in words what a coordinate is correlated with."""
    one = found.sel(coordinate=coordinate)
    best = str(one["best"].values)
    if not best:
        return f"{coordinate} cannot be compared: it does not vary, or no observable has {FEWEST} jets"
    r, nats = (float(one[name].sel(observable=best)) for name in ("correlation", "information"))
    if not np.isfinite(r):
        return f"{coordinate} does not vary"
    verb = "follows" if abs(r) >= STRONG else "is weakly correlated with" if abs(r) >= WEAK else "shares most with"
    return f"{coordinate} {verb} {best} (correlation {round(r, 2) + 0.0:.2f}, {nats:.2f} nat)"


def places(known: Known) -> Part | None:
    """List where each observable is to be found; the first part says where there are none."""
    if not observables(known.tree).size:
        return None
    table = strongest(known.meaning.isel(sample=0))
    if not table:
        raise Missing(f"no observable has {FEWEST} jets in which it and a coordinate vary")
    rows = [[name, label, f"{value:.2f}"] for name, (label, value) in table.items()]
    strong = [name for name, (_, value) in table.items() if abs(value) >= STRONG]
    reading = f"Of {len(rows)} observables {len(strong)} are found with a correlation of at least {STRONG:g}"
    head = ["observable", "best coordinate or pair", "correlation"]
    return Part(
        "strongest",
        reading + (f": {listed(strong)}." if strong else "."),
        table=Table(head, rows, folded="Where each observable is found"),
    )


def slider(known: Known) -> Part | None:
    """Let the reader move along each latent; of vectors the pictures say that there are none."""
    if not {"images", "traversals"} & set(known.tree.children):
        return None
    widget, changes = slides(known.tree)
    by_change = sorted(changes.items(), key=lambda item: -item[1])
    reading = f"A jet changes most along {by_change[0][0]}, where up to {100 * by_change[0][1]:.0f} % of its pT moves"
    others = [f"{name} {100 * change:.0f} %" for name, change in by_change[1:4]]
    return Part(
        "slider",
        reading + (f"; then {listed(others)}." if others else "."),
        "What is decoded along one latent, the others held at those of the jet of median bound.",
        widget=widget,
    )


def pictures(known: Known) -> Part:
    """Draw the decoded jets for paper."""
    tree = known.tree
    if "traversals" in tree:
        return Part(
            "traversals",
            "",
            "Decoded jets along each latent, all others held at those of a typical jet; each disc is a particle, its "
            "area the share of pT.",
            figure=cloud_traversals(tree),
            numbers=tree["traversals"].to_dataset(),
        )
    if "images" not in tree:
        raise Missing("the data are vectors: there is no picture of what is decoded")
    return Part(
        "jet_images",
        likeness(tree),
        "Average image of each class, and decoded images: each vertex of a simplex, each real coordinate swept with "
        "the others at those of a typical jet. Logarithmic colour.",
        figure=jet_images(tree),
        numbers=tree["images"].to_dataset(),
    )


def likeness(tree: xr.DataTree) -> str:
    """Say which average image each decoded vertex is most like."""
    if "decoded" not in tree["images"]:
        return ""
    average, decoded = array(tree, "images/average"), array(tree, "images/decoded")
    vertices = decoded.isel(probe=np.flatnonzero(np.isnan(decoded["value"])))
    known = [name for name in names(average, "class") if float(average.sel({"class": name}).sum()) > 0]
    if not vertices.sizes["probe"] or len(known) < 2:
        return ""
    said = []
    for name, picture in zip(names(vertices, "probe"), np.asarray(vertices), strict=True):
        overlap = [overlapping(picture, np.asarray(average.sel({"class": c}))) for c in known]
        best = int(np.argmax(overlap))
        said.append(f"{name} is most like the average {known[best]} ({100 * overlap[best]:.0f} % overlap)")
    return f"{listed(said)}."


def overlapping(first: np.ndarray, second: np.ndarray) -> float:
    """Return the part of pT that two images share, the sum of the smaller pixels of each normalised."""
    return float(np.minimum(first / first.sum(), second / second.sum()).sum())


QUESTION = Question("meaning", "What does each factor mean?", (correlations, places, slider, pictures))
