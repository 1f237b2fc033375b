"""Options that say of a file of jets what it does not say itself."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from jetvae import options as shared

if TYPE_CHECKING:
    from jets.formats import Wanted


def add(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    add = parser.add_argument
    add("--format", metavar="NAME", default="", help="format of the file [by its content]")
    add("--columns", type=names, metavar="A,B,..", default=(), help="of an array: pt,eta,phi or E,px,py,pz ...")
    add("--labels", type=names, metavar="A,B,..", default=(), help="names of the classes 0, 1, ...")
    add("--radius", type=shared.number, metavar="R", help="of anti-kT, where the file holds events")
    add("--jets", choices=("leading", "all"), default="", help="of each event [leading]")
    add("--collection", metavar="NAME", default="", help="which jets of the file, such as FatJet or Jet")


def names(text: str) -> tuple[str, ...]:
    """Read names between commas."""
    found = tuple(name.strip() for name in text.split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"expected names between commas, got {text!r}")
    return found


def wanted(options: argparse.Namespace) -> Wanted:
    """Return what they say."""
    from jets.formats import Wanted

    given = {name: getattr(options, name) for name in ("format", "columns", "labels", "radius", "jets", "collection")}
    return Wanted(**given)
