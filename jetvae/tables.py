"""Numbers as tables in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import xarray as xr
from rich.console import Console
from rich.table import Table

from analysis.measures.meaning import strongest
from analysis.measures.tagging import Estimate
from analysis.report.page import Table as PageTable
from analysis.store import names


def print_summary(summary: Mapping[str, Any], console: Console) -> None:
    """Print what :func:`analysis.summarise` says of a run."""
    scored = ", ".join(f"{count:,} {name}" for name, count in summary["counts"]["scored"].items())
    console.print(f"[bold]{summary['run']}[/]: {summary['latent']}, beta = {summary['beta']:g}; scored on {scored}")
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
    speed = f"trained at {summary['jets_per_second']:,.0f} jets/s"
    console.print(f"ELBO {summary['elbo']:.3f} nat per jet; {speed}", highlight=False)


def print_auc(summary: Mapping[str, Any], console: Console) -> None:
    """Print the AUC of every score, and how well a category agrees with the classes."""
    if summary["auc"]:
        table = Table("score", "AUC", "error", title=f"tagging {summary['signal']}", title_justify="left")
        for name, estimate in summary["auc"].items():
            table.add_row(name, f"{estimate['value']:.4f}", f"{estimate['error']:.4f}")
        console.print(table)
    else:
        console.print("one class only: no AUC")
    if summary["category"]:
        found = summary["category"]
        auc, accuracy = ("{value:.3f} ± {error:.3f}".format(**found[name]) for name in ("auc", "accuracy"))
        console.print(f"category {found['chosen']}, of the wider jets: AUC {auc}, accuracy {accuracy}", highlight=False)


def print_anomaly(found: Mapping[str, Mapping[str, Estimate]], signal: str, console: Console) -> None:
    """Print the numbers of every score, from :func:`analysis.measures.tagging.performance_table`."""
    heads = ("AUC", "1/eps_B at .3", "at .5", "significance gain")
    table = Table("score", *heads, title=f"tagging {signal}, held-out jets, no label used", title_justify="left")
    for name, numbers in found.items():
        cells = [
            f"{n.value:.4g} ± {n.error:.2g}" if key != "auc" else f"{n.value:.4f} ± {n.error:.4f}"
            for key, n in numbers.items()
        ]
        table.add_row(name, *cells)
    console.print(table)


def print_meaning(found: xr.Dataset, kl: xr.DataArray, console: Console) -> None:
    """Print what each coordinate means, and where each observable is found, beside its ceiling where it is known.

    ``found`` is one sample of :func:`analysis.measures.meaning.meaning`; ``kl`` (coordinate,) in nats.
    """
    shown = Table("coordinate", "KL [nat]", "best observable", "correlation", "information [nat]")
    for name in names(kl, "coordinate"):
        one = found.sel(coordinate=name)
        best = str(one["best"].values)
        numbers = (float(one[key].sel(observable=best)) for key in ("correlation", "information"))
        shown.add_row(name, f"{float(kl.sel(coordinate=name)):.2f}", best, *(f"{number:.2f}" for number in numbers))
    console.print(shown)
    beside = {"together": "all, linearly", "ceiling": "supervised network"}
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
