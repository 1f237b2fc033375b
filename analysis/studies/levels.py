"""``levels``: the scale below which two samples of jets differ, as partons and their hadrons do."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from analysis.evaluation.chosen import choose
from analysis.evaluation.resolutions import measure as at_resolutions
from analysis.evaluation.sample_names import names_of
from analysis.figures.level_differences import level_differences
from analysis.measures.level_differences import LEAST, Scale, compared, onset
from analysis.report.page import Part, Question, Table
from analysis.report.words import plus_minus
from analysis.studies.setup import Setup
from inference.run import Run
from jets import load

SEEDS = 3
RECIPES = {"qcd": "jet-qcd", "top": "jet-top", "w": "jet-w"}
"""Class of the jets -> recipe, the same for both samples; that of QCD for any other."""
CHANGES: dict[str, Any] = {}
"""Of the recipe."""
NAMES = {"D2": "D2", "kl": "KL"}
SHOWN = 8
"""Rows of the table."""


def measure(setup: Setup) -> xr.Dataset:
    """Return D2 and KL of the jets of two files against the scale, and their differences, over several seeds."""
    files = setup.files[:2]
    names, recipe = names_of(files), RECIPES.get(load(files[0]).classes[0], RECIPES["qcd"])
    samples = [
        [
            measured(run, setup.most)
            for run in setup.train(f"levels-{name}", recipe, {"data.files": (file,)} | CHANGES, SEEDS)
        ]
        for name, file in zip(names, files, strict=True)
    ]
    return compared(samples[0], samples[1], names).assign_attrs(jets=list(files), recipe=recipe)


def measured(run: Run, most: int) -> xr.Dataset:
    """Return KL and distortion of the first ``most`` held-out jets of a run, with their event numbers if there are any.

    The split is one of events: of two samples of the same events, the held-out jets of one seed are the same.
    """
    chosen = choose(run)
    found = at_resolutions(run, chosen, most)
    events = chosen.jets.events
    return found if events is None else found.assign_coords(event=("jet", np.asarray(events[:most])))


def levels(found: xr.Dataset) -> Part:
    """Say below which scale D2 and KL differ, or that no difference is seen."""
    onsets = {name: onset(found, name) for name in NAMES}
    drawn = {name: (scale.low, scale.high) for name, scale in onsets.items() if np.isfinite(scale.value)}
    first, second = (str(name) for name in found["sample"].values)
    finest = found.isel(beta=0)
    rows = []
    for place in np.linspace(0, found.sizes["beta"] - 1, SHOWN).astype(int):
        row = found.isel(beta=place)
        cells = [f"{float(row[name][i]):.3g}" for name in NAMES for i in range(2)]
        gaps = [signed(row, n) for n in NAMES]
        agree = converged(row)
        rows.append([f"{in_units(found, float(row['beta']))}", *cells[:2], gaps[0], *cells[2:], gaps[1], agree])
    head = [f"{text} {own}".strip() for text in NAMES.values() for own in (first, second, "difference")]
    return Part(
        "levels",
        f"{sizes_of(found)} {' '.join(sentence(found, name, onsets[name]) for name in NAMES)}"
        + (
            ""
            if converged(finest) == "yes"
            else " At the finest scale D1 and D2 differ by more than 10 %: not converged."
        ),
        "D2 and KL of both samples, below them their difference. Bands: error of the jets and spread of the seeds; the "
        "darker one of the difference, of the jets alone. Grey: the scale below which they differ.",
        figure=level_differences(found, drawn),
        table=Table(["scale", *head, "converged"], rows),
        numbers=found,
    )


def signed(row: xr.Dataset, name: str) -> str:
    """Return the difference of a curve at one resolution, with its error."""
    return plus_minus(*(float(row[f"{name}_difference{end}"]) for end in ("", "_error")))


def converged(row: xr.Dataset) -> str:
    """Return whether D1 and D2 of both samples agree at a resolution, within what counts as equal."""
    apart = np.abs(row["D1"] - row["D2"])
    return "yes" if bool((apart <= np.maximum(LEAST["D2"] * np.abs(row["D2"]), 0.05)).all()) else "no"


def sizes_of(found: xr.Dataset) -> str:
    """Say what was compared."""
    first, second = (str(name) for name in found["sample"].values)
    seeds, jets = found.attrs["seeds"], np.atleast_1d(found.attrs["jets_measured"])
    trainings = f"{seeds} trainings of each" if seeds > 1 else "one training of each, whose spread is unknown"
    same = f"{jets[0]} held-out jets, the same" if found.attrs["paired"] else f"{jets[0]} and {jets[1]} other jets"
    return f"{second} against {first}: {trainings}, {same}."


def sentence(found: xr.Dataset, name: str, scale: Scale) -> str:
    """Say below which scale a curve differs and by how much, or that no difference is seen and how large it may be."""
    share = f"{100 * LEAST[name]:.0f} %"
    gap, error = (np.asarray(found[f"{name}_difference{end}"]) for end in ("", "_error"))
    unit = " nat" if name == "kl" else ""
    first, second = (str(own) for own in found["sample"].values)
    finest = in_units(found, float(found["beta"][0]))
    if not np.isfinite(scale.value):
        most = int(np.argmax(np.abs(gap) / np.maximum(error, 1e-12)))
        where = in_units(found, float(found["beta"][most]))
        return (
            f"{NAMES[name]}: no difference of more than {share} is seen that reaches down to the finest scale, "
            f"{finest}, where it is {plus_minus(gap[0], error[0])}{unit}; "
            f"the most significant one is at {where}, {plus_minus(gap[most], error[most])}{unit}."
        )
    half = (scale.high - scale.low) / 2
    more = "larger" if gap[0] > 0 else "smaller"
    return (
        f"{NAMES[name]}: below {in_units(found, scale.value, half)} that of {second} is {more} than that of "
        f"{first} by more than {share}, at {finest} by {plus_minus(abs(gap[0]), error[0])}{unit}."
    )


def in_units(found: xr.Dataset, beta: float, error: float | None = None) -> str:
    """Return a resolution in the unit that is shown, with its error where it has one."""
    scale, unit = found.attrs["scale"], found.attrs["unit"]
    text = f"{beta * scale:.3g}" if error is None else plus_minus(beta * scale, error * scale)
    return f"{text} {unit}".strip()


QUESTION = Question("levels", "Below which scale do two samples differ, as partons and hadrons?", (levels,))
