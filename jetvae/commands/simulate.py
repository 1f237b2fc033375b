"""Simulate jets of 550 < pT < 650 GeV: Pythia 8 and a light detector.

Killed at any moment, the same command continues where it was and ends with the
same file, byte for byte; docs/simulation.md says what is simulated. With --level parton hadron the partons and the
hadrons of the same jets go to PROCESS_parton.h5 and PROCESS_hadron.h5.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from jets.simulation.config import LEVELS, PROCESSES, RETIRED, SHOWERS, Config
from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("process", choices=[*PROCESSES])
    parser.add_argument("--n", type=int, metavar="N", default=Config.n, help="jets [%(default)s]")
    shared.add(parser, seed={"help": "of everything [%(default)s]"}, out={"type": Path, "help": "file [PROCESS.h5]"})
    parser.add_argument("--mpi", action="store_true", help="multiparton interactions on")
    parser.add_argument(
        "--max-constituents",
        type=int,
        metavar="M",
        default=Config.max_constituents,
        help="stored per jet, the hardest [%(default)s]",
    )
    for name in ("pthat_min", "pthat_max"):
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=float,
            metavar="GEV",
            default=getattr(Config, name),
            help="of the hard process, not of w and dark [%(default)s]",
        )
    parser.add_argument("--jobs", type=shared.positive, metavar="J", default=1, help="processes [%(default)s]")
    shared.add(parser, "dask")
    parser.add_argument(
        "--events-per-block",
        type=int,
        metavar="E",
        default=Config.events_per_block,
        help="collisions between two seeds [%(default)s]",
    )
    parser.add_argument(
        "--level",
        nargs="+",
        choices=LEVELS,
        default=Config.level,
        metavar="LEVEL",
        help=f"what is clustered: {', '.join(LEVELS)}; several give a file each, of the same jets [hadron]",
    )
    names = [*SHOWERS, RETIRED]
    parser.add_argument("--shower", choices=names, default=Config.shower, help="Pythia's parton shower [%(default)s]")
    tune = "Pythia's tune to proton collisions, by its number: 14 Monash 2013, 21 ATLAS A14, ... [%(default)s]"
    parser.add_argument("--tune", type=int, metavar="T", default=Config.tune, help=tune)
    on_off = ("on", "off")
    hadronisation = "off leaves only partons, in other events than on [%(default)s]"
    parser.add_argument("--hadronisation", choices=on_off, default=Config.hadronisation, help=hadronisation)
    parser.add_argument(
        "--detector", choices=on_off, default=Config.detector, help="[on; off where partons are clustered]"
    )
    parser.add_argument("--compact", action="store_true", help="small file: int16 constituents, rounded numbers")


def run(options: argparse.Namespace) -> None:
    """Simulate, print the rate and the file."""
    from jets.simulation.sample import files, simulate
    from jets.simulation.unfinished import folder_of

    given = vars(options) | {"out": options.out or Path(f"{options.process}.h5"), "level": tuple(options.level)}
    out, jobs, dask = (given.pop(name) for name in ("out", "jobs", "dask"))
    config = Config(**given)
    try:
        rate = simulate(config, out, jobs, dask)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; the same command continues from {folder_of(out)}") from None
    # The papers stand in for the banner of fastjet, which asks to be cited.
    print(f"{config.n} {config.process} jets, {rate:.0f} per second (Pythia arXiv:2203.11601, FastJet arXiv:1111.6097)")
    print(*files(config, out).values(), sep="\n")
