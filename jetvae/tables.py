"""Numbers as tables in the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from analysis.measures.few import too_few
from analysis.measures.meaning import FEWEST, strongest
from analysis.measures.scores import PERCENTILES, oddest, percentiles
from analysis.measures.searching import search_table
from analysis.measures.tagging import auc, performance_table, unscored
from analysis.report.page import Table as PageTable
from analysis.report.searched import counts_table
from analysis.store import names


def terminal() -> Console:
    """Return the terminal, for text as it is: a class ``[bold]`` or ``:top:`` is neither markup nor a picture."""
    return Console(markup=False, emoji=False)


def print_summary(summary: Mapping[str, Any], console: Console) -> None:
    """Print what :func:`analysis.summarise` says of a run."""
    scored = ", ".join(f"{count:,} {name}" for name, count in summary["counts"]["scored"].items())
    console.print(f"{summary['run']}: {summary['latent']}, beta = {summary['beta']:g}; scored on {scored}")
    print_auc(summary, console)
    table = Table("coordinate", "KL [nat]", title="information", title_justify="left")
    for name, value in summary["kl"].items():
        table.add_row(name, f"{value:.3f}")
    console.print(table)
    if "dimension" in summary:
        table = Table(*summary["dimension"], title="dimension", title_justify="left")
        for row in zip(*summary["dimension"].values(), strict=True):
            table.add_row(*(f"{value:.4g}" for value in row))
        console.print(table)
    if "restarts" in summary:
        from inference.restarts import said  # torch takes seconds to import

        console.print(said(summary["restarts"]), highlight=False)
    speed = f"trained at {summary['jets_per_second']:,.0f} jets/s"
    console.print(f"ELBO {summary['elbo']:.3f} nat per jet; {speed}", highlight=False)


def print_auc(summary: Mapping[str, Any], console: Console) -> None:
    """Print the AUC of every score, and how well a category agrees with the classes."""
    if summary["auc"]:
        scored = summary["counts"]["scored"]
        title = title_of(summary["signal"], [name for name, count in scored.items() if count])
        table = Table("score", "AUC", "error", title=title, title_justify="left")
        for name, estimate in summary["auc"].items():
            table.add_row(name, f"{estimate['value']:.4f}", f"{estimate['error']:.4f}")
        console.print(table)
        signal = scored[summary["signal"]]
        print_notes(signal, sum(scored.values()) - signal, summary.get("unscored", {}), console)
    else:
        console.print("one class only: no AUC")
    if summary["category"]:
        found = summary["category"]
        auc, accuracy = ("{value:.3f} ± {error:.3f}".format(**found[name]) for name in ("auc", "accuracy"))
        console.print(f"category {found['chosen']}, of the wider jets: AUC {auc}, accuracy {accuracy}", highlight=False)


def title_of(signal: str, known: Sequence[str]) -> str:
    """Return the title of a table of AUCs.

    >>> title_of("top", ["qcd", "top"]), title_of("qcd", ["qcd", "top"])
    ('tagging: signal top (the last class named), background qcd', 'tagging: signal qcd, background top')
    """
    others = ", ".join(name for name in known if name != signal)
    return f"tagging: signal {signal}{' (the last class named)' if signal == known[-1] else ''}, background {others}"


def print_notes(signal: int, background: int, unscored: Mapping[str, int], console: Console) -> None:
    """Print that the jets are few, and how many have no score, where that is so."""
    if said := too_few(signal, background):
        console.print(said, highlight=False)
    print_unscored(unscored, console)


def print_unscored(unscored: Mapping[str, int], console: Console) -> None:
    """Print how many jets have no score."""
    for name, count in unscored.items():
        console.print(f"{name}: {count:,} jets without a score (NaN) left out", highlight=False)


def print_anomaly(found: xr.Dataset, signal: str, console: Console, window: tuple[float, float] | None = None) -> None:
    """Print the numbers of every score of :func:`analysis.evaluation.jet_scores.scores`, of jets at given mass too."""
    values, is_signal = found["score_value"], np.asarray(found["class_name"]) == signal
    known = [str(name) for name in np.atleast_1d(found.attrs["classes"])]
    heads = ("AUC", "1/eps_B at .3", "at .5", "significance gain")
    title = f"{title_of(signal, known)}; held-out jets, no label used"
    table = Table("score", *heads, title=title, title_justify="left")
    for name, numbers in performance_table(values, is_signal).items():
        cells = [
            f"{n.value:.4g} ± {n.error:.2g}" if key != "auc" else f"{n.value:.4f} ± {n.error:.4f}"
            for key, n in numbers.items()
        ]
        table.add_row(name, *cells)
    console.print(table)
    print_notes(int(is_signal.sum()), int((~is_signal).sum()), unscored(values), console)
    if "mass" in values.coords and is_signal.any() and not is_signal.all():
        print_search(search_table(values, is_signal, window), console)
        if "weight" in values.coords:
            console.print("given the mass, each jet counts once, whatever its weight", highlight=False)


def print_search(found: xr.Dataset, console: Console) -> None:
    """Print what a search asks of scores, of :func:`analysis.measures.searching.search_table`."""
    low, high, signal, background = (found.attrs[name] for name in ("low", "high", "signal", "background"))
    title = f"given the mass: {low:g} to {high:g} GeV, {signal:,} signal, {background:,} background jets"
    heads = ["AUC", "1/eps_B(.3)", "rho m", "pT", "n", "JSD 5%", "1%"]
    table = Table("score", *heads, title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in names(found["auc"], "score"):
        own = found.sel(score=name)
        cells = [concise(*(float(own[f"window_{key}{end}"]) for end in ("", "_error"))) for key in ("auc", "rejection")]
        cells += [f"{float(value):.2f}" for value in own["correlation"]]
        table.add_row(name, *cells, *(f"{float(value):.3f}" for value in own["sculpting"]))
    chance = [f"{float(value):.3f}" for value in found["by_chance"].isel(score=0)]
    table.add_row("by chance", *[""] * 5, *chance)
    console.print(table)
    said = "rho: rank correlation with mass, pT and number of particles among background jets; JSD: what a cut that"
    console.print(f"{said} keeps so many of them does to their mass spectrum [nat, at most 0.69]", highlight=False)


def print_hunt(found: xr.Dataset, console: Console, is_signal: NDArray[np.bool_] | None = None) -> None:
    """Print what a search found, and, where labels are given, how well its scores tag in the window."""
    counted = counts_table(found)
    table = Table(*counted.head, box=SIMPLE_HEAD, pad_edge=False)
    for row in counted.rows:
        table.add_row(*row)
    console.print(table)
    if is_signal is None:
        return
    inside = np.asarray(found["inside"])
    for name in names(found["tail"], "score"):
        score = -np.asarray(found["tail"].sel(score=name))
        signal, others = score[inside & is_signal], score[inside & ~is_signal]
        if len(signal) and len(others):
            said = f"{name}: AUC {concise(*auc(signal, others))} in the window, {len(signal):,} jets to be found"
            console.print(said, highlight=False)
    console.print("labels are used for these AUCs alone", highlight=False)


def concise(value: float, error: float) -> str:
    """Return a number with its error in units of its last digit.

    >>> concise(0.8842, 0.0041), concise(68.6, 11.1), concise(0.5, 0.0), concise(float("nan"), 0.1)
    ('0.884(4)', '69(11)', '0.5', '-')
    """
    if not math.isfinite(value):
        return "-"
    if not error > 0:
        return f"{value:.3g}"
    places = max(0, -math.floor(math.log10(error)))
    return f"{value:.{places}f}({error * 10**places:.0f})"


def print_distribution(values: xr.DataArray, console: Console) -> None:
    """Print the percentiles of each score (score, jet) of jets of one class, and the oddest of them."""
    title = f"scores of {values.sizes['jet']:,} jets of one class, larger is more anomalous: no AUC without another"
    table = Table("score", *(f"{level} %" for level in PERCENTILES), title=title, title_justify="left")
    for name, levels in percentiles(values).items():
        table.add_row(name, *(f"{level:.4g}" for level in levels))
    console.print(table)
    if odd := oddest(values):
        console.print(f"most anomalous by minus the bound: jets {', '.join(map(str, odd))}", highlight=False)
    print_unscored(unscored(values), console)


def print_meaning(found: xr.Dataset, kl: xr.DataArray, console: Console) -> None:
    """Print what each coordinate means, and where each observable is found, beside its ceiling where it is known.

    ``found`` is one sample of :func:`analysis.measures.meaning.meaning`; ``kl`` (coordinate,) in nats.
    """
    shown = Table("coordinate", "KL [nat]", "best observable", "correlation", "information [nat]")
    for name in names(kl, "coordinate"):
        one = found.sel(coordinate=name)
        best = str(one["best"].values)
        keys = ("correlation", "information")
        numbers = (float(one[key].sel(observable=best)) if best else float("nan") for key in keys)
        shown.add_row(name, f"{float(kl.sel(coordinate=name)):.2f}", best, *(f"{number:.2f}" for number in numbers))
    console.print(shown)
    if not np.isfinite(found["correlation"]).any():
        console.print(f"too few jets: no correlation, each needs {FEWEST}", highlight=False)
    beside = {"together": "all, linearly", "read_out": "network of the latents", "ceiling": "network of the jet"}
    beside = {name: title for name, title in beside.items() if name in found}
    shown = Table("observable", "best coordinate or pair", "correlation", *beside.values())
    for name, (label, value) in strongest(found).items():
        shown.add_row(name, label, f"{value:.2f}", *(f"{float(found[key].sel(observable=name)):.2f}" for key in beside))
    console.print(shown)


def aligned(table: PageTable) -> Iterator[str]:
    """Yield the rows of a page's table, its columns aligned.

    >>> list(aligned(PageTable(["", "AUC"], [["VAE", "0.9"]])))
    ['     AUC', 'VAE  0.9']
    """
    rows = [[*map(str, row)] for row in (table.head, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *cells])
