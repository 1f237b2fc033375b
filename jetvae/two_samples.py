"""What ``jetvae dimension`` does with runs of two samples: compare them; a table, a verdict, and files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from inference.run import Run

WORDS = {"D2": "D2", "kl": "KL", "distortion": "distortion", "D1": "D1"}
"""Curve -> its name in sentences and tables, in the order in which they are printed."""
SHOWN = ("D2", "kl")
"""Curves of the printed table."""


def compare(runs: Sequence[Run], options: argparse.Namespace) -> None:
    """Compare the samples of runs, print table and verdict, write the files, name them."""
    from analysis.evaluation.two_samples import two_samples
    from analysis.figures.two_samples import two_samples as drawn
    from analysis.report.export import save_figures
    from analysis.store import save
    from inference.digests import digests
    from inference.recipe import RecipeError
    from jets.files import replacing

    if options.probe:
        raise RecipeError("a probe is of the runs of one sample: leave out --probe, or give runs of one")
    found = two_samples(runs, jets=options.jets)
    if options.scale is not None:
        found.attrs["scale"] = options.scale
    folder = Path(options.out or runs[0].path / "comparison")
    found.attrs |= digests(runs, folder)
    wide = table(found)
    print(wide[[name for name in wide if name.startswith(SHOWN)]].to_string(float_format="{:.3g}".format))
    print(*sentences(found), sep="\n")
    save(found, folder / "comparison.nc")
    with replacing(folder / "comparison.csv") as temporary:
        wide.to_csv(temporary)
    names = save_figures({"comparison": drawn(found)}, folder)
    print(f"wrote comparison.nc, comparison.csv, {', '.join(names)} in {folder}")


def table(found: xr.Dataset) -> pd.DataFrame:
    """Return a row for each resolution: of each curve both samples, their difference, and t and p of the test."""
    import pandas as pd

    columns = {}
    for name in WORDS:
        for sample in found["sample"].values:
            columns[f"{name} {sample}"] = found[name].sel(sample=sample).values
        columns[f"{name} difference"] = found[f"{name}_difference"].values
        columns[f"{name} error"] = found[f"{name}_difference_error"].values
        columns |= {f"{name} {own}": found[own].sel(curve=name).values for own in ("t", "p")}
    return pd.DataFrame(columns, index=pd.Index(found["beta"].values, name="beta"))


def sentences(found: xr.Dataset) -> list[str]:
    """Say what was compared, whether anything differs, and which curve at which scales."""
    from analysis.measures.two_samples import LEVEL
    from analysis.report.words import counted

    first, second = (str(name) for name in found["sample"].values)
    seeds, jets = found.attrs["seeds"], found.attrs["jets_tested"]
    shared = found.attrs["events_of_both"]
    together = f", {shared:,} events with jets of both" if shared else ""
    error = "error: of the jets and seeds"
    if "no_errors" in found.attrs:
        error = f"no errors: {found.attrs['no_errors']}; give several seeds of each"
    p = found.attrs["p"]
    verdict = f"differ from those of {first} in the same models" if p < LEVEL else "do not differ visibly"
    return [
        f"difference: {second} - {first}, each in its own models ({counted(seeds, 'training')} of each); {error}",
        f"t, p: jets of both samples in the same models, {found.attrs['permutations']:,} permutations; p of a scale is "
        "corrected for all scales of its curve",
        f"{jets[0]:,} held-out jets of {first} and {jets[1]:,} of {second}{together}: those of {second} {verdict}, "
        f"p = {p:.2g} for all curves and scales together",
        *(of_curve(found, name) for name in WORDS),
    ]


def of_curve(found: xr.Dataset, name: str) -> str:
    """Say at which scales a curve differs.

    The ranges are of the scales with p < 0.05.
    """
    import numpy as np

    from analysis.measures.two_samples import spans

    scale, unit = found.attrs["scale"], found.attrs["unit"]
    own = found.sel(curve=name)
    ranges = [f"{low * scale:.3g} to {high * scale:.3g} {unit}".strip() for low, high in spans(found, name)]
    largest = own.isel(beta=int(np.abs(own["t"].values).argmax()))
    most = f"most at {float(largest['beta']) * scale:.3g} {unit}".strip() + f", t = {float(largest['t']):.1f}"
    where = f"differs from {', '.join(ranges)}" if ranges else "no difference seen"
    return f"  {WORDS[name]}: {where} ({most}), p = {float(own['curve_p']):.2g}"
