"""Search for structures: manifolds grown factor by factor, and a category; leaves a page, a tree and a table."""

from __future__ import annotations

import argparse

from jets.processes import cores
from jetvae import options as shared

KEPT = "interrupted; no race is kept"
"""What Ctrl-C leaves."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("data", metavar="F", nargs="+", help="jets, an .npy file of vectors (N, K), or a toy such as toy:torus(n=3000)")
    help_beta = "resolution: of jets a distance in GeV, of vectors in their unit; above their noise"
    shared.add(parser, beta={"required": True, "help": help_beta})
    shared.add(parser, jets={"default": 2000, "help": "points, evenly spaced [2000]"})
    add("--pt", type=shared.number, metavar="P", help="pT in GeV given to every jet [the median of the jets]")
    shared.add(parser, seed={"help": "of split, restarts and draws [0]"})
    add("--jobs", type=shared.positive, metavar="N", default=cores(), help="processes [one for each core]")
    shared.add(parser, "dask")
    shared.add(parser, out={"metavar": "DIR", "default": "discovered", "help": "folder of the files [discovered]"})


def run(options: argparse.Namespace) -> None:
    """Search, print what was found, write the files, name them."""
    from analysis.evaluation.discover import discover
    from analysis.figures.structures import points_by_side, search_path
    from analysis.measures.structure import sentences
    from analysis.report.discovery import discovered, points_table
    from analysis.report.export import save_figures
    from analysis.store import array, save
    from inference.entry import announce
    from inference.machine import tune_cpu
    from jets import load
    from jets.files import ready, replacing
    from jets.processes import workers

    sample = load(*options.data)
    announce(sample)
    folder = ready(options.out)
    with workers(options.jobs, tune_cpu, options.dask) as pool:
        tree = discover(sample, options.beta, at_most=options.jets, pt=options.pt, seed=options.seed, pool=pool)
    print("\n".join(sentences(tree)))
    points = array(tree, "points/place").values
    save(tree, folder / "discover.nc")
    with replacing(folder / "points.csv") as temporary:
        points_table(tree).to_csv(temporary, index=False)
    figures = {"path": search_path(tree)} | ({"points": points_by_side(tree, points)} if points.shape[1] > 1 else {})
    drawn = save_figures(figures, folder)
    discovered(tree, points).save(folder / "discover.html")
    print(f"wrote discover.html, discover.nc, points.csv, {', '.join(drawn)} in {folder}")
