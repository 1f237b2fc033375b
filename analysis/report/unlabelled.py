"""What a page says of jets of one class, such as those of a file without labels: how odd they are, and what they are.

The p-value of a jet is that of the score ``odd``: how often a jet of its mass and pT, like those of the training, is as
odd or odder (:mod:`analysis.measures.oddness`). It is uniform for jets like the training jets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from analysis.evaluation.odd_of_run import odd_of
from analysis.figures.excess import event_displays
from analysis.figures.style import COLOURS, figure_of
from analysis.measures.scores import PERCENTILES, oddest, percentiles
from analysis.report.page import Part, Table
from analysis.report.units import with_units
from analysis.report.words import counted, listed, plus_minus
from analysis.store import Missing, array, class_names
from inference.run import Run
from jets import Jets, load
from jets.command import command
from jets.shapes import shapes

SHOWN = 5
"""Jets in a row of pictures."""
ROWS = {
    "most": "the most anomalous by minus the bound on ln p(x)",
    "least": "the least anomalous by it",
    "smallest p": "those of the smallest p-value",
}
"""Name of a row of pictures -> which jets they are."""
BINS = 20
"""Of the histogram of p-values."""
LEVELS = (0.01, 0.05)
"""p-values below which the jets are counted."""


def one_class(tree: xr.DataTree) -> bool:
    """Whether all jets scored are of one class."""
    return len(np.unique(class_names(tree))) < 2


def own_jets(run: Run, tree: xr.DataTree, data: Sequence[str] | None = None) -> xr.Dataset | None:
    """Return the p-values of the jets scored, and those to be drawn; None of vectors.

    ``p_value`` (jet,), NaN of fewer than five particles, absent where the run has no such score, with the reason as
    attribute ``no_p_value``; ``particles`` (shown, particle, column) = pT [GeV], rapidity, azimuth [rad] from the jet's
    axis, and for each jet its ``row`` of pictures and ``number`` in the sample.
    """
    sample = run.jets if data is None else load(*data)
    if sample.are_vectors:
        return None
    number = np.asarray(tree["scores"]["jet"])
    result = p_values(run, sample[number])
    rows = rows_of(tree, result)
    chosen = [(row, k) for row, places in rows.items() for k in places]
    constituents = sample.constituents[number[[k for _, k in chosen]]]
    return result.assign_coords(jet=number).assign(
        particles=(("shown", "particle", "column"), constituents),
        row=("shown", [row for row, _ in chosen]),
        number=("shown", number[[k for _, k in chosen]]),
    )


def p_values(run: Run, jets: Jets) -> xr.Dataset:
    """Return ``p_value`` (jet,) of jets, or why there is none."""
    odd = odd_of(run)
    if odd is None:
        why = "fewer than 400 training jets, or without scikit-learn"
        return xr.Dataset(attrs={"no_p_value": f"no p-values: they need the score odd, which is not made of {why}"})
    return xr.Dataset({"p_value": ("jet", odd.p_value(shapes(jets.constituents)))})


def rows_of(tree: xr.DataTree, found: xr.Dataset) -> dict[str, np.ndarray]:
    """Return row of pictures -> places of its jets among those scored, the first of it first."""
    bound = np.asarray(array(tree, "scores/score_value").sel(score="elbo"), float)
    order = np.argsort(-bound, kind="stable")[: np.isfinite(bound).sum()]
    rows = {"most": order[:SHOWN], "least": order[::-1][:SHOWN]}
    if "p_value" in found:
        p_value = np.asarray(found["p_value"])
        rows["smallest p"] = np.argsort(p_value, kind="stable")[: min(SHOWN, int(np.isfinite(p_value).sum()))]
    return {name: places for name, places in rows.items() if len(places)}


def distribution(tree: xr.DataTree, found: xr.Dataset | None) -> Part:
    """List the percentiles of every score of jets of one class, and the oddest jets by the bound."""
    values = array(tree, "scores/score_value")
    known = with_units(tree)
    rows = [[known[name], *(f"{level:.4g}" for level in levels)] for name, levels in percentiles(values).items()]
    odd = oddest(values)
    said = (
        f"The most anomalous of {counted(values.sizes['jet'], 'jet')} by minus the bound on ln p(x), which no label "
        f"chose, are numbers {listed(map(str, odd))} of the sample."
        if odd
        else ""
    )
    verdict = f"One class, so no AUC. {said}"
    if found is not None and "p_value" in found:
        verdict += f" {shares(np.asarray(found['p_value']))[0]}"
    return Part(
        "scores",
        f"The jets scored are of one class, so that there is no AUC. {said}".strip(),
        "Percentiles of each score over the jets.",
        table=Table(["score", *(f"{level:g} %" for level in PERCENTILES)], rows),
        numbers=xr.Dataset({"score_value": values}),
        verdict=verdict.strip(),
    )


def displays(found: xr.Dataset) -> Part:
    """Draw the most and the least anomalous jets."""
    if not found.sizes.get("shown"):
        raise Missing("no jet has a score: there is none to draw")
    rows = []
    for name in dict.fromkeys(found["row"].values.tolist()):
        own = found.isel(shown=np.flatnonzero(found["row"] == name))
        titles = [f"{name}: {number}" for number in own["number"].values.tolist()]
        rows.append(list(zip(titles, own["particles"].values, strict=True)))
    lines = [f"{place} {ROWS[name]}" for place, name in zip(PLACES, ROWS, strict=True) if name in found["row"].values]
    return Part(
        "displays",
        "",
        f"Jets of the sample; {'; '.join(lines)}. Each particle is a disc whose area is its share of the pT, against "
        "rapidity and azimuth from the jet's axis. The numbers are those of the jets in the sample; no label chose "
        "them.",
        figure=event_displays(rows),
        numbers=found[["particles", "row", "number"]],
    )


PLACES = ("above:", "then", "below:")
"""Where the rows of :data:`ROWS` are drawn."""


def histogram(run: str, found: xr.Dataset) -> Part:
    """Draw the p-values; say how many are small."""
    if "p_value" not in found:
        raise Missing(str(found.attrs["no_p_value"]))
    p_value = np.asarray(found["p_value"])
    known = p_value[np.isfinite(p_value)]
    if not len(known):
        raise Missing("no jet has five particles, and so none has a p-value")
    lacking = len(p_value) - len(known)
    said = f" {counted(lacking, 'jet')} of fewer than five particles {'has' if lacking == 1 else 'have'} none."
    return Part(
        "p_values",
        f"{' '.join(shares(p_value))}{said if lacking else ''}",
        "p-values of the jets: how often a jet like the training jets, of the same mass and pT, is as odd or odder by "
        "the score odd, which needs no label and no latent space. Dashed: jets like the training jets, for which every "
        "p-value is equally likely; band: two standard deviations of the number in a bin. Each jet's own is in the "
        f"table of {command('encode', run)}.",
        figure=figure_of(draw_p_values, known, size=(4.6, 3.0)),
        numbers=found[["p_value"]],
    )


def shares(p_value: np.ndarray) -> list[str]:
    """Say which share of the jets ``(N,)`` has a p-value below each level, and what is expected, a sentence each.

    >>> shares(np.linspace(0.0005, 0.9995, 1000))[0]
    'p is below 0.01 for 1.00 ± 0.31 % of the jets, where 1 % of jets like the training jets would be.'
    """
    known = p_value[np.isfinite(p_value)]
    said = []
    for level in LEVELS:
        share = float((known < level).mean())
        error = np.sqrt(max(share, level) * (1 - level) / len(known))
        said.append(
            f"p is below {level:g} for {plus_minus(100 * share, 100 * float(error))} % of the jets, where "
            f"{100 * level:g} % of jets like the training jets would be."
        )
    return said


def draw_p_values(axes: Axes, p_value: np.ndarray) -> None:
    """Draw on axes the histogram of p-values ``(N,)``, and what is expected of jets like the training jets."""
    counts, edges = np.histogram(p_value, np.linspace(0, 1, BINS + 1))
    mean = len(p_value) / BINS
    error = np.sqrt(mean * (1 - 1 / BINS))
    axes.stairs(counts, edges, color=COLOURS[0], fill=True, alpha=0.5, label="jets scored")
    axes.axhline(mean, color="black", linestyle="--", linewidth=1, label="like the training jets")
    axes.axhspan(max(0, mean - 2 * error), mean + 2 * error, color="#8a8a8a", alpha=0.3, linewidth=0)
    axes.set(xlabel="p-value", ylabel=f"jets in a bin of {1 / BINS:g}", xlim=(0, 1), ylim=(0, 1.1 * max(*counts, mean)))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
