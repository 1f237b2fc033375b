"""Search a window of the mass for an excess of odd jets, without labels, and say how likely it is by chance.

Two scores: odd, which is independent of the window and gives the p-value, and weak,
learned from the window. Leaves a page, figures, a NetCDF file and a table of jets;
of several windows a folder each, and says how likely their smallest p-value is.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from jetvae import options as shared
from jetvae import reading

if TYPE_CHECKING:
    from pathlib import Path

    from analysis.measures.hunt import Halves
    from jets import Jets

    Window = tuple[float, float]


KEPT = "interrupted; nothing is written, and nothing is kept"
"""What Ctrl-C leaves."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("files", metavar="F[:class]", nargs="+", help="jets, of any known format")
    about = "masses in GeV, fixed beforehand; one or several"
    add("--window", type=shared.window, nargs="+", metavar="LO:HI", required=True, help=about)
    add("--mass", metavar="NAME", help="column that is the mass [that of the jet's particles]")
    add("--signal", metavar="CLASS", help="class whose jets are to be found: prints the AUC, changes nothing else")
    shared.add(parser, "seed", out={"metavar": "DIR", "default": "searched", "help": "folder of the files [searched]"})
    reading.add(parser)


def run(options: argparse.Namespace) -> None:
    """Search, print what was found, write the files, name them."""
    from analysis.measures.excess import Bands
    from analysis.measures.hunt import Halves, best_of, masses_of
    from inference.entry import announce
    from jets import load
    from jets.errors import UserError
    from jets.files import ready
    from jets.shapes import shapes

    sample = load(*options.files, **vars(reading.wanted(options)))
    announce(sample)
    if sample.are_vectors:
        raise UserError(f"{', '.join(sample.sources)}: vectors; a search takes jets with particles")
    if options.signal is not None and options.signal not in sample.classes:
        raise UserError(f"--signal {options.signal}: no such class; there are {', '.join(sample.classes)}")
    mass = None if options.mass is None else column(sample, options.mass)
    known = shapes(sample.constituents)
    try:
        for window in options.window:
            Bands.of(masses_of(known, mass), window)
        folder = ready(options.out)
        halves = Halves.of(sample.constituents, options.seed, known)
        found = [
            search(sample, window, mass, halves, options, folder if len(options.window) == 1 else folder / name)
            for name, window in ((f"{low:g}-{high:g}", (low, high)) for low, high in options.window)
        ]
    except ValueError as error:
        raise UserError(f"{', '.join(sample.sources)}: {error}") from None
    if len(found) > 1:
        print(best_of(found))
    if sample.weights is not None:
        print("each jet counts once, whatever its weight")


def search(sample: Jets, window: Window, mass: Any, halves: Halves, options: argparse.Namespace, folder: Path) -> Any:
    """Search one window, print what was found, write the files, name them; return what was found."""
    import numpy as np

    from analysis.measures.hunt import hunt, sentences
    from analysis.report.export import save_figures
    from analysis.report.searched import jets_table, searched
    from analysis.store import save
    from jets.files import replacing
    from jetvae.tables import print_hunt, terminal

    found = hunt(sample.constituents, window, mass, options.seed, halves=halves)
    classes = np.array(sample.classes)[sample.label]
    print_hunt(found, terminal(), None if options.signal is None else classes == options.signal)
    print("\n".join(sentences(found)))
    page = searched(found, sample.constituents, halves.known, ", ".join(sample.sources))
    figures = {part.name: part.figure for each in page.sections for part in each.parts}
    save(found.assign_attrs(sources=", ".join(sample.sources), seed=options.seed), folder / "search.nc")
    with replacing(folder / "scores.csv") as temporary:
        jets_table(found, classes).to_csv(temporary, index=False)
    drawn = save_figures({name: figure for name, figure in figures.items() if figure is not None}, folder)
    page.save(folder / "search.html")
    print(f"wrote search.html, search.nc, scores.csv, {', '.join(drawn)} in {folder}")
    return found


def column(sample: Jets, name: str) -> Any:
    """Return a column of the jets, ``(N,)``."""
    from jets.errors import UserError

    columns = {**sample.subst, **sample.jet, **{f"jet_{key}": each for key, each in sample.jet.items()}}
    if name not in columns:
        known = ", ".join([*sample.jet, *sample.subst]) or "none"
        raise UserError(f"--mass {name}: {', '.join(sample.sources)} has no such column; it has {known}")
    return columns[name]
