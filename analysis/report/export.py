"""The figures of a report as files, each with its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from analysis.report.page import Section
from analysis.figures.style import house
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
    written = save_figures({part.name: part.figure for part in parts if part.figure is not None}, folder)
    for part in parts:
        if part.numbers.data_vars:
            written += save_numbers(part.numbers, folder, part.name)
    return written


def save_figures(drawn: Mapping[str, Figure], folder: Path) -> list[str]:
    """Write each figure as PNG, PDF and SVG; return the names of the files."""
    names = []
    for name, figure in drawn.items():
        for suffix, metadata in FORMATS.items():
            names.append(f"{name}.{suffix}")
            with house(), replacing(folder / names[-1]) as temporary:
                figure.savefig(temporary, format=suffix, metadata=metadata)
    return names


def save_numbers(numbers: xr.Dataset, folder: Path, name: str) -> list[str]:
    """Write numbers as NetCDF and as CSV, a row for each combination of their dimensions; return the names."""
    with replacing(folder / f"{name}.nc") as temporary:
        numbers.to_netcdf(temporary, engine="h5netcdf")
    with replacing(folder / f"{name}.csv") as temporary:
        table = numbers.to_dataframe()
        table.to_csv(temporary)
    return [f"{name}.nc", f"{name}.csv"]
