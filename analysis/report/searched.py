"""The page of a search in a window of the mass: is there an excess, what does it look like, what speaks against it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from analysis.evaluation.mean_images import passing_images
from analysis.figures.excess import event_displays, excess_figure, mean_images
from analysis.measures.excess import CUTS
from analysis.measures.hunt import SCORES, looks, regime, sentences
from analysis.report.page import Page, Part, Section, Table
from analysis.report.words import counted, plus_minus

Array = NDArray[np.floating]
SHOWN = 6
"""Jets of each kind that are drawn."""


def searched(found: xr.Dataset, constituents: Array, known: Array, name: str) -> Page:
    """Return the page of what :func:`analysis.measures.hunt.hunt` found among jets ``(N, M, 3)`` of a sample.

    ``known`` are their shapes ``(N, 14)``.
    """
    low, high = found.attrs["edges"][1:3]
    sections = [
        Section("excess", "Is there an excess?", [counts_part(found)]),
        Section("looks", "What does it look like?", look_parts(found, constituents, known)),
        Section("doubt", "What has to be known about it?", [doubt_part(found)]),
    ]
    inside, beside = (counted(int(found[each].sum()), "jet") for each in ("inside", "beside"))
    start, end = found.attrs["edges"][0], found.attrs["edges"][3]
    lead = f"{name}: {inside} between {low:g} and {high:g} GeV, {beside} beside it, from {start:.3g} to {end:.3g} GeV"
    return Page(f"A search between {low:g} and {high:g} GeV", lead, sections)


def surest(found: xr.Dataset) -> float:
    """Return the cut at which the score that applies is surest."""
    z = np.asarray(found["significance"].sel(score=regime(found)))
    return CUTS[int(np.nanargmax(z))] if np.isfinite(z).any() else CUTS[0]


def counts_part(found: xr.Dataset) -> Part:
    """Say how many jets pass, and how many are expected."""
    said = sentences(found)
    caption = (
        "Jets that pass the cut, against their mass, and how many would if the share that passes were the smooth "
        "function of the mass that fits the sidebands. Grey: the window, which is not fitted. Below: the difference in "
        "units of the root of what is expected."
    )
    reading = " ".join(f"{line[0].upper()}{line[1:]}." for line in said)
    figure = excess_figure(found, surest(found))
    numbers = found[["observed", "expected", "expected_error", "significance"]]
    return Part("counts", reading, caption, figure=figure, table=counts_table(found), numbers=numbers)


def counts_table(found: xr.Dataset) -> Table:
    """Return observed and expected jets of each score and cut."""
    rows = []
    for score in SCORES:
        for cut in CUTS:
            own = found.sel(score=score, cut=cut)
            z = float(own["significance"])
            expected = f"{float(own['expected']):,.1f} ± {float(own['expected_error']):.1f}"
            observed = f"{float(own['observed']):,.0f}"
            rows.append([score, f"{100 * cut:g} %", observed, expected, "too few" if np.isnan(z) else f"{z:+.2f}"])
    return Table(["score", "cut", "in the window", "expected", "significance"], rows)


def displays_part(found: xr.Dataset, constituents: Array) -> Part:
    """Draw jets of the window: the most odd by the score that applies, and some at random."""
    score = regime(found)
    inside = np.flatnonzero(found["inside"])
    tail, mass = np.asarray(found["tail"].sel(score=score)), np.asarray(found["mass"])
    most = inside[np.argsort(tail[inside], kind="stable")[:SHOWN]]
    some = np.random.default_rng(0).choice(inside, min(SHOWN, len(inside)), replace=False)
    rows = [[(f"jet {k}, {mass[k]:.0f} GeV", constituents[k]) for k in each] for each in (most, some)]
    caption = (
        f"Above: the jets of the window that are farthest out by {score}. Below: jets of the window at random. Each "
        "particle is a disc whose area is its share of the pT, against rapidity and azimuth [rad] from the jet's axis."
    )
    return Part("displays", "", caption, figure=event_displays(rows))


def look_parts(found: xr.Dataset, constituents: Array, known: Array) -> list[Part]:
    """Draw jets, their mean images, and give their shapes; no images where no jet passes on either side."""
    images = passing_images(constituents, found, regime(found), CUTS[0])
    drawn = [images_part(images)] if int(images["jets"].min()) else []
    return [displays_part(found, constituents), *drawn, shapes_part(found, known)]


def images_part(images: xr.Dataset) -> Part:
    """Draw the mean jets that pass, and say how wide they are."""
    inside, beside = (
        f"{plus_minus(float(own['radius']), float(own['radius_error']))} rad"
        for own in (images.sel(where=where) for where in ("inside", "beside"))
    )
    score, cut = images.attrs["score"], 100 * images.attrs["cut"]
    passing = f"Of jets that pass {score}'s cut of {cut:g} %"
    reading = f"{passing} the pT lies {inside} from the axis in the window, {beside} beside it."
    caption = (
        f"Mean images of the jets that pass {score}'s cut of {cut:g} %, centred, turned and mirrored, and their "
        "difference: what the window's have more of is red. Without an anomaly they differ as their masses do."
    )
    return Part("images", reading, caption, figure=mean_images(images), numbers=images)


def shapes_part(found: xr.Dataset, known: Array) -> Part:
    """Say in which shapes the jets that pass differ."""
    table = looks(found, known)
    score = regime(found)
    own = table.sel(score=score)
    order = np.argsort(-np.abs(np.nan_to_num(own.values)), kind="stable")
    first = [f"{own['shape'].values[k]} ({float(own[k]):+.1f})" for k in order[:3]]
    rows = [[str(table["shape"].values[k]), *(f"{float(each):+.2f}" for each in table[:, k])] for k in order]
    reading = (
        f"Of the window's jets those that pass {score}'s cut of {100 * CUTS[1]:g} % differ most in {', '.join(first)}: "
        "medians, in units of half the middle 68 % of the window's jets."
    )
    return Part("shapes", reading, table=Table(["shape", *SCORES], rows), numbers=table.to_dataset(name="shift"))


def doubt_part(found: xr.Dataset) -> Part:
    """Say what the p-value rests on."""
    text = (
        "The p-value holds for one window, fixed before the jets were looked at; of several, multiply the smallest by "
        "their number, as jetvae search does where it is given several. It rests on one assumption: without an "
        "anomaly, the share of jets that passes is a quadratic "
        "function of ln m over window and sidebands, within 4 %. docs/search.md says how often p is small among QCD "
        "jets alone. Odd jets are those of two to four prongs. The score weak was learned "
        "from this window, and finds whatever changes with the mass: its significance is no evidence."
    )
    return Part("doubts", text)


def jets_table(found: xr.Dataset, classes: Array) -> pd.DataFrame:
    """Return a row for each jet of window and sidebands: its number, class, mass [GeV], and what the scores say."""
    near = np.flatnonzero(found["inside"] | found["beside"])
    columns = {"number": near, "class": np.asarray(classes)[near], "mass": np.asarray(found["mass"])[near]}
    columns["in_window"] = np.asarray(found["inside"])[near].astype(int)
    columns |= {score: np.asarray(found["tail"].sel(score=score))[near] for score in SCORES}
    return pd.DataFrame(columns)
