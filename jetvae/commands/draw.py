"""Draw a single figure: the picture of a latent space, hysteresis, the dimension of several samples."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jetvae import options as shared

NUMBERS = (250, 500, 1000, 2000, 4000, 8000)


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the figures, each with its options."""
    figures = parser.add_subparsers(dest="figure", metavar="FIGURE", required=True)
    for name, (declare, _, about) in FIGURES.items():
        declare(figures.add_parser(name, help=about, description=about, allow_abbrev=False))


def run(options: argparse.Namespace) -> None:
    """Draw, and name the file."""
    FIGURES[options.figure][1](options)
    print(f"wrote {options.out}")


def write_figure(figure: Any, out: str) -> None:
    """Write a figure in the format that its name says, PNG where it says none."""
    from analysis.report.export import save_figure

    save_figure(figure, Path(out))


def add_latents(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``latents``."""
    shared.add(parser, "runs", beta={"help": "where to evaluate runs of a range [its middle]"})
    parser.add_argument("--truth", metavar="NAME", help="variable that colours [the first true coordinate]")
    shared.add(parser, out={"metavar": "F", "default": "latent_map.png", "help": "figure [latent_map.png]"})


def write_latents(options: argparse.Namespace) -> None:
    """Evaluate the runs, print the root mean squares, draw them side by side."""
    from analysis.evaluation.tree import evaluate
    from analysis.figures.latent_map import column_title, latent_map, rms
    from analysis.store import names

    runs = shared.every_run(options.runs)
    trees = [evaluate(r, draws=1, beta=options.beta if r.recipe.model.beta.is_range else None) for r in runs]
    for run, tree in zip(runs, trees, strict=True):
        found = rms(tree)
        spread = " ".join(f"{name} {float(found.sel(coordinate=name)):.3f}" for name in names(found, "coordinate"))
        print(run.path, spread)
    truth = options.truth or next(iter(runs[0].jets.truth), None)
    write_figure(latent_map(trees, [column_title(tree) for tree in trees], truth), options.out)


def add_hysteresis(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``hysteresis``."""
    parser.add_argument("annealed", metavar="ANNEALED", help="run with a down-up-down schedule of beta")
    parser.add_argument("range", metavar="RANGE", help="run for a range of beta on the same data")
    shared.add(parser, out={"metavar": "F", "default": "hysteresis.png", "help": "figure [hysteresis.png]"})


def write_hysteresis(options: argparse.Namespace) -> None:
    """Print the KL of each pass at some betas, and draw them."""
    import numpy as np

    from analysis import store
    from analysis.evaluation.resolutions import dimension
    from analysis.figures.hysteresis import hysteresis
    from analysis.measures.annealing import passes
    from inference.run import Run

    annealed, covered = Run.open(options.annealed), Run.open(options.range)
    steps = store.open(annealed.path / "history.nc", annealed.path)["step"].to_dataset()
    curves = dimension([covered])
    found = passes(steps, np.asarray(curves["beta"]))
    table = found.to_pandas().T.assign(range=np.asarray(curves["kl"]))
    if "exact_kl" in curves:
        table["exact"] = np.asarray(curves["exact_kl"])
    print(table.iloc[::3].to_string(float_format="{:.3f}".format))
    write_figure(hysteresis(found, curves), options.out)


def add_samples(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``samples``."""
    parser.add_argument("samples", metavar="NAME=DIR", nargs="+", help="name, and folder written by jetvae dimension")
    out = {"metavar": "F", "default": "dimension_samples.png", "help": "figure [dimension_samples.png]"}
    shared.add(parser, out=out)


def write_samples(options: argparse.Namespace) -> None:
    """Read what ``jetvae dimension`` measured of each sample, and draw it in one figure."""
    from analysis import store
    from analysis.figures.dimension_samples import dimension_samples
    from inference.digests import outdated
    from inference.run import RunError
    from jets.command import command

    curves = {}
    for text in options.samples:
        name, _, folder = text.partition("=")
        path = Path(folder) / "dimension.nc"
        if not folder or not path.exists():
            raise RunError(f"{text}: expected NAME=DIR with DIR/dimension.nc; {command('dimension', 'RUN')} writes it")
        curves[name] = store.open(path).to_dataset()
        if reason := outdated(curves[name].attrs, path):
            raise RunError(f"{path}: {reason}; measure again: {command('dimension', 'RUN')}")
    write_figure(dimension_samples(curves), options.out)


def add_correlation(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``correlation``."""
    add = parser.add_argument
    shared.add(parser, data={"default": None, "help": "jets [the embedded ones]"})
    shared.add(parser, jets={"default": 2000, "help": "jets of each class [2000]"})
    add("--pt", type=shared.number, metavar="P", help="pT in GeV given to every jet [the median of the jets]")
    help_points = "numbers of points [250 ... 8000]"
    add("--points", type=shared.positive, nargs="+", default=NUMBERS, metavar="N", help=help_points)
    help_seeds = "samples of points of each kind, at least two [3]"
    add("--seeds", type=lambda text: shared.whole(text, 2), default=3, metavar="N", help=help_seeds)
    add("--matrices", type=Path, metavar="DIR", help="keep pair matrices; resume those there")
    out = {"metavar": "F", "default": "correlation_dimension.png", "help": "figure [correlation_dimension.png]"}
    shared.add(parser, out=out)


def write_correlation(options: argparse.Namespace) -> None:
    """Measure the correlation dimension of each class and of known samples, print and draw it."""
    from analysis.evaluation.pair_distances import of_classes, own_pt
    from analysis.figures.correlation_dimension import correlation_figure
    from analysis.measures.correlation_dimension import describe, known_samples
    from inference.entry import announce
    from jets import load
    from jets.notes import LOG

    sample = load(*(options.data or shared.SAMPLES_BY_DIMENSION))
    announce(sample)
    pt = own_pt(sample) if options.pt is None else options.pt
    LOG.warning("every jet is scaled to a pT of %.4g GeV", pt)
    found = of_classes(sample, options.jets, pt, options.matrices)
    known = known_samples(options.points, options.seeds)
    print("\n".join(describe(found, known)))
    write_figure(correlation_figure(found, known, pt), options.out)


FIGURES = {
    "latents": (
        add_latents,
        write_latents,
        "the two latents that vary most, and the spread of each, a column for each run",
    ),
    "hysteresis": (add_hysteresis, write_hysteresis, "KL of an annealed training on its way down, up and down again"),
    "samples": (add_samples, write_samples, "dimension against resolution of several samples, and D1 / D2 below it"),
    "correlation": (
        add_correlation,
        write_correlation,
        "correlation dimension of jets by the Energy Mover's Distance",
    ),
}
"""Name -> what declares its options, what draws it, and its description."""
