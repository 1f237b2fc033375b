"""Measure KL, distortion and dimension against resolution; leaves NetCDF, CSV and figures.

Runs of one range of beta that differ in their seed, or runs at one beta each (five or more), as a scan leaves them.
Runs of two samples of jets are compared: where their dimension and KL differ, and how surely.
"""

from __future__ import annotations

import argparse

from jetvae import options as shared

CURVES = ("kl", "distortion", "D1", "D2", "rate", "rate_error", "D", "D_error")
SHOWN = (*CURVES, "consistent", "converged", "bound", "lacking", "gain", "excess")
"""Columns that are printed."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "runs", jets={"default": 3000, "help": "held-out jets to evaluate on [3000]"})
    scale = "show beta times this [clouds: the median jet pT in GeV; else 1]"
    parser.add_argument("--scale", type=shared.number, metavar="X", help=scale)
    parser.add_argument(
        "--probe",
        action="store_true",
        help="train each run on, with networks twice as wide, in RUN/probe: what that gains and changes goes into "
        "errors and converged; half as many epochs as the run's own",
    )
    shared.add(
        parser,
        out={
            "metavar": "DIR",
            "help": "folder of the files [RUN/dimension of the first run; of two samples RUN/comparison]",
        },
    )


def run(options: argparse.Namespace) -> None:
    """Measure, print a table, write the files, name them."""
    from analysis.evaluation.resolutions import dimension
    from analysis.evaluation.two_samples import by_sample
    from analysis.figures.dimension import all_figures
    from analysis.report.export import save_figures
    from analysis.store import save
    from inference.digests import digests
    from inference.probe import probed
    from jets.files import ready, replacing
    from jetvae.two_samples import compare

    runs = shared.every_run(options.runs)
    if len(by_sample(runs)) > 1:
        compare(runs, options)
        return
    folder = ready(options.out or runs[0].path / "dimension")
    found = dimension(runs, jets=options.jets, probes=[probed(run) for run in runs] if options.probe else ())
    if options.scale is not None:
        found.attrs["scale"] = options.scale
    found.attrs |= digests(runs, folder)
    table = found[[name for name in found.data_vars if found[name].dims == ("beta",)]].to_dataframe()
    in_unit = f"scale_{found.attrs['unit']}"
    if found.attrs["unit"]:
        table.insert(0, in_unit, table.index * found.attrs["scale"])
    shown = table[[name for name in (in_unit, *SHOWN) if name in table]].dropna(axis="columns", how="all")
    print(shown.to_string(float_format="{:.4g}".format))
    if "no_errors" in found.attrs:
        print(f"no errors: {found.attrs['no_errors']}; give several seeds, or --probe")
    save(found, folder / "dimension.nc")
    with replacing(folder / "dimension.csv") as temporary:
        table.to_csv(temporary)
    drawn = save_figures(all_figures(found), folder)
    print(f"wrote dimension.nc, dimension.csv, {', '.join(drawn)} in {folder}")
