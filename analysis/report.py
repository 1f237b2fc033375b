"""One self-contained HTML page on a run: ``python -m analysis.report RUN``."""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import arviz_stats
import jinja2
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from rich.console import Console

from analysis import dimension_figures, figures
from analysis.access import UnknownClassError, array, class_names, classes, names
from analysis.commandline import run_parser
from analysis.meaning import coordinate_kl, meaning
from analysis.observables import observables
from analysis.physics_figures import cloud_traversals, meaning_map
from analysis.summary import print_tables, summarise


def write_report(
    tree: xr.DataTree, out: str | Path, signal: str | None = None, *, figure_folder: str | Path | None = None
) -> Path:
    """Write the page of a tree made by :func:`analysis.evaluate`; return its path.

    Loss curves, KL spectrum, latent histograms by class, ROC, average and decoded images, ArviZ's summary of the
    aggregate posterior, and how to reproduce it. The page loads nothing from elsewhere. Each figure also goes into
    ``figure_folder``, if given, as PNG and PDF.
    """
    from jets.files import replacing

    numbers = summarise(tree, signal)
    drawn = draw(tree, numbers)
    if figure_folder is not None:
        save_figures(drawn, Path(figure_folder))
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((files("analysis") / "report.html.j2").read_text())
    page = template.render(
        numbers=numbers,
        attributes=tree.attrs,
        provenance=json.loads(tree.attrs["provenance"]),
        figures={name: svg(figure, name) for name, figure in drawn.items()},
        aggregate=aggregate_summary(tree),
        best=max(numbers["auc"].items(), key=lambda item: item[1]["value"], default=None),
    )
    with replacing(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(out)


def draw(tree: xr.DataTree, numbers: dict[str, Any]) -> dict[str, Figure]:
    """Return every figure that the tree allows."""
    drawers: dict[str, Callable[[], Figure]] = {
        "kl_spectrum": lambda: figures.kl_spectrum(tree),
        "latent_histograms": lambda: figures.latent_histograms(tree),
    }
    if "images" in tree:
        drawers["jet_images"] = lambda: figures.jet_images(tree)
    if "dimension" in tree:
        drawers["dimension"] = lambda: dimension_figures.dimensions(tree["dimension"].to_dataset())
    if observables(tree).size:
        drawers["meaning"] = lambda: meaning_map(meaning(tree).isel(sample=0), coordinate_kl(tree))
    if "traversals" in tree:
        drawers["traversals"] = lambda: cloud_traversals(tree)
    if "images" in tree:
        drawers["jet_images"] = lambda: figures.jet_images(tree)
    if "epoch" in tree["history"].dims:
        drawers["losses"] = lambda: figures.losses(tree)
    if numbers["auc"]:
        drawers["roc_curves"] = lambda: figures.roc_curves(tree, numbers["signal"])
    return {name: drawer() for name, drawer in drawers.items()}


def save_figures(drawn: dict[str, Figure], folder: Path) -> None:
    """Write each figure as PNG and PDF."""
    from jets.files import replacing

    for name, figure in drawn.items():
        for suffix, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None})):
            with replacing(folder / f"{name}.{suffix}") as temporary:
                figure.savefig(temporary, format=suffix, metadata=metadata)


def svg(figure: Figure, name: str) -> str:
    """Return a figure as an SVG element whose ids are unique on the page and which scales with it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(xlink:href="|url\()#', rf"\1#{name}-", text)
    return re.sub(
        r'<svg ([^>]*?)width="[^"]*pt" height="[^"]*pt"|<svg height="[^"]*pt" ([^>]*?)width="[^"]*pt"',
        lambda m: f'<svg role="img" aria-labelledby="{name}-caption" {m.group(1) or m.group(2)}',
        text,
        count=1,
    )


def aggregate_summary(tree: xr.DataTree) -> pd.DataFrame:
    """Return ArviZ's summary of the aggregate posterior q(z | class): mean, sd and interval of each coordinate."""
    draws, label = array(tree, "posterior/z").drop_vars("kind", errors="ignore"), class_names(tree)
    tables = {}
    for name in classes(tree):
        mine = draws.isel(jet=np.flatnonzero(label == name))
        pooled = mine.stack(sample=("chain", "draw", "jet")).reset_index("sample", drop=True)
        columns = xr.Dataset({c: pooled.sel(coordinate=c, drop=True) for c in names(draws, "coordinate")})
        tables[name] = arviz_stats.summary(columns, sample_dims=["sample"], kind="stats", round_to=3)
    return pd.concat(tables, names=["class", "coordinate"])


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = run_parser("report", "Write a run's HTML report.")
    result.add_argument("--out", metavar="F", help="the page [RUN/report.html]")
    result.add_argument("--summary", action="store_true", help="also print the tables of analysis.summary")
    result.add_argument("--figures", metavar="DIR", help="also write each figure there as PNG and PDF")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate a run (or read what the summary kept), write the page, name it."""
    options = parser().parse_args(arguments)
    from analysis.tree import evaluated
    from inference.run import Run, RunError

    run = Run.open(options.run)
    result = evaluated(run, options.data, options.beta)
    try:
        if options.summary:
            print_tables(summarise(result, options.signal), Console())
        path = write_report(
            result, options.out or run.path / "report.html", options.signal, figure_folder=options.figures
        )
    except UnknownClassError as error:
        raise RunError(f"--signal: {error}") from error
    print(f"report: {path}")


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
