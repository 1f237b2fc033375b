"""The figures of a report as files, each with its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.style import house
from analysis.report.legends import clear_of_curves
from analysis.report.page import Section
from analysis.store import save
from jets.files import replacing

FORMATS: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}
"""Format -> metadata left out, so that equal figures are equal files."""


def export(sections: Iterable[Section], folder: Path) -> list[str]:
    """Write every figure and the numbers of every part; return the names of the files."""
    parts = [part for section in sections for part in section.parts]
    drawn = {part.name: clear_of_curves(part.figure) for part in parts if part.figure is not None}
    written = save_figures(drawn, folder)
    for part in parts:
        if part.numbers.data_vars:
            written += save_numbers(part.numbers, folder, part.name)
    return written


def save_figures(drawn: Mapping[str, Figure], folder: Path) -> list[str]:
    """Write each figure as PNG, PDF and SVG; return the names of the files."""
    return [
        save_figure(figure, folder / f"{name}.{suffix}").name for name, figure in drawn.items() for suffix in FORMATS
    ]


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure in the format that the name ends in, PNG where it ends in none, atomically; return the path."""
    suffix = path.suffix.removeprefix(".") or "png"
    with house(), replacing(path) as temporary:
        figure.savefig(temporary, format=suffix, metadata=FORMATS.get(suffix))
    return path


def save_numbers(numbers: xr.Dataset, folder: Path, name: str) -> list[str]:
    """Write numbers as NetCDF and as CSV, a row for each combination of their dimensions; return the names."""
    save(numbers, folder / f"{name}.nc")
    with replacing(folder / f"{name}.csv") as temporary:
        table = numbers.to_dataframe()
        table.to_csv(temporary)
    return [f"{name}.nc", f"{name}.csv"]
