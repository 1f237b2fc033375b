"""Train a VAE on jets by stochastic variational inference; several latents, betas or seeds make a scan.

One combination of --latent, --beta and --seeds leaves a run folder, several leave a scan: a folder of runs with
scan.json, which lists them. Every command takes either. Options override the recipe; in brackets: what image-dvae says.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jetvae import options as shared
from recipes import names

if TYPE_CHECKING:
    from inference.latent_number import Found
    from inference.recipe import Recipe

DEFAULT = "image-dvae"
"""The recipe that is trained when none is named."""
KEYS = {
    "data": "data.files",
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "lr": "training.lr",
    "seed": "training.seed",
    "restarts": "training.restarts",
    "device": "training.device",
    "memory": "data.memory",
}
"""Option -> key of a recipe."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("recipe", nargs="?", metavar="RECIPE", help=f"{', '.join(names())}, or a TOML file [{DEFAULT}]")
    add("--preset", metavar="P", help="small or, where the recipe has it, paper [the recipe as written]")
    add("--latent", metavar="S", action="append", help="latent space; repeatable [L2(alpha=0.9)]")
    add(
        "--latents",
        choices=["auto"],
        help="auto: of a range of beta, double the first R of the latent space, at most to 64, until a training for a "
        "quarter of the epochs leaves some unused at the finest beta; then train with those in use and a spare one",
    )
    help_data = "HDF5 files of jets, .npy files or toys, sample:qcd, sample:top, sample:w; repeatable; classes come "
    shared.add(parser, data={"help": help_data + "from the file's labels unless named [sample:qcd sample:top]"})
    add(
        "--fraction",
        metavar="CLASS=F",
        nargs="+",
        action="extend",
        help="part of a class's training and validation jets kept; a bare F: of the last class (t/Q for qcd, top) [1]",
    )
    add(
        "--mixture",
        metavar="CLASS=W",
        nargs="+",
        action="extend",
        help="shares of the classes among the training jets, as qcd=0.99 top=0.01: as many of each are kept as make it",
    )
    add(
        "--memory",
        metavar="SIZE",
        help="leave the jets on disk and take so much memory, as 2GB, whatever the size of the files; what is noted of "
        "the jets, and files of other formats once converted, go into jets-cache beside --out [all jets in memory]",
    )
    add(
        "--beta",
        type=shared.resolution,
        metavar="B",
        nargs="+",
        help="resolution in units of the data (emd: radians), or 1/N for N pseudo-counts; several make a scan; "
        "LOW:HIGH is one model for the whole range [0.1]",
    )
    add(
        "--spectrum",
        type=shared.numbers,
        metavar="S,S,...",
        help="Gaussian points of these standard deviations, axes turned at random, one latent for each, and beta from "
        "the smallest to twice the largest; with the recipe vae-gaussian",
    )
    shared.add(parser, epochs={"help": "passes over the training jets [30]"})
    add("--batch-size", type=int, metavar="B", help="jets per step [100]")
    add("--lr", type=float, metavar="L", help="Adam's learning rate [0.005]")
    shared.add(parser, seed={"default": None, "help": "fixes split, initial weights, order and noise [0]"})
    add("--seeds", type=shared.positive, metavar="N", default=1, help="seeds from --seed on; several make a scan [1]")
    add(
        "--restarts",
        type=shared.positive,
        metavar="N",
        help="trainings of each run, with other initial weights, order and noise; the one of the lowest loss on the "
        "training jets is kept [1]",
    )
    add("--set", metavar="TABLE.KEY=V", action="append", default=[], help="any key of the recipe; repeatable")
    add("--cells", action="store_true", help="only write the folder of the scan; jetvae work DIR trains it, anywhere")
    shared.add(
        parser,
        "device",
        "together",
        "dask",
        out={"metavar": "DIR", "help": "folder, must not exist [runs/RECIPE-TIME]"},
    )
    add("--resume", action="store_true", help="continue what is in --out, as jetvae resume does")


def ordered(words: Sequence[str]) -> list[str]:
    """Move the recipe to the front, wherever it stands: behind ``--data`` it would be taken for a file."""
    known, rest = names(), list(words)
    for i, word in enumerate(rest):
        if (word.endswith(".toml") or word in known) and (i == 0 or rest[i - 1] != "--out"):
            return [rest.pop(i), *rest]
    return rest


def run(options: argparse.Namespace) -> None:
    """Train, then name the files."""
    from inference import ranks
    from inference.grid import combinations, continued
    from inference.latent_number import train_with
    from inference.machine import tune_cpu
    from inference.training import default_folder, train_many
    from jetvae.trainings import finished, finished_by_several, resumed

    if options.resume:
        changes = unchanged(options)
        if ranks.launched():
            return finished_by_several(ranks.train(continued(Path(options.out), changes), options.out, resume=True))
        return finished(*resumed(options.out, changes, options.together))
    recipe = options.recipe or DEFAULT
    betas, given = options.beta or [None], overrides(options)
    found = latents_found(options, given) if options.latents else None
    latents = options.latent if found is None else [found.latent]
    recipes = combinations(recipe, given, preset=options.preset, latents=latents, betas=betas, seeds=options.seeds)
    first = next(iter(recipes.values()))
    tune_cpu(first.training.threads)
    if len(recipes) > 1 or options.cells or options.dask is not None:
        return run_scan(options, recipes, found)
    if ranks.launched():
        return finished_by_several(ranks.train(first, options.out))
    folder = Path(options.out) if options.out else default_folder(recipe)
    finished([train_with(first, folder, found)] if found else train_many([first], [folder]))


def run_scan(options: argparse.Namespace, recipes: dict[str, Recipe], found: Found | None) -> None:
    """Make a scan, and train it: here, on a cluster, or by whoever takes it up."""
    from inference import ranks
    from inference.latent_number import note
    from inference.recipe import RecipeError
    from inference.scan import create, folders, train
    from inference.training import default_folder
    from jetvae.trainings import finished, to_be_trained, worked_off

    if ranks.launched():
        raise RecipeError("under torchrun one run is trained at a time: one --latent, --beta and seed")
    if options.cells and options.dask is not None:
        raise RecipeError("--cells trains nothing; leave out --dask, or --cells")
    folder = Path(options.out) if options.out else default_folder(f"scan-{options.recipe or DEFAULT}")
    create(folder, recipes)
    if found is not None:
        note(folders(folder), found)
    if options.cells:
        return to_be_trained(folder, len(recipes))
    if options.dask is not None:
        from inference.cluster import distribute

        return worked_off(distribute(folder, options.dask, trust=True), folder)
    finished(train(folder, options.together), folder)


def latents_found(options: argparse.Namespace, given: dict[str, Any]) -> Found:
    """Search how many latents are enough, with the first seed.

    Raises
    ------
    RunError
        The folder to train in exists.
    RecipeError
        There are several latent spaces or betas; or as :func:`inference.latent_number.find`.
    """
    from inference.folder import assert_new
    from inference.grid import combinations
    from inference.latent_number import find
    from inference.recipe import RecipeError

    for name in ("latent", "beta"):
        if len(getattr(options, name) or [None]) > 1:
            raise RecipeError(f"--latents auto takes one --{name}; give one, or train for each by itself")
    if options.out:
        assert_new(Path(options.out))
    recipe = options.recipe or DEFAULT
    [first] = combinations(
        recipe, given, preset=options.preset, latents=options.latent, betas=options.beta or [None]
    ).values()
    return find(first)


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the options say as dotted keys of a recipe; ``--set`` has the last word."""
    from inference.grid import gaussian_data, read_fractions
    from inference.recipe import override

    given = {key: getattr(options, name) for name, key in KEYS.items() if getattr(options, name) is not None}
    if options.spectrum is not None:
        given = gaussian_data(options.spectrum) | given
    if options.fraction is not None:
        given["data.fraction"] = read_fractions(options.fraction)
    if options.mixture is not None:
        given["data.mixture"] = read_fractions(options.mixture, "mixture")
    if options.memory is not None:
        beside = Path(options.out).parent if options.out else Path("runs")
        given["data.cache"] = str(beside.resolve() / "jets-cache")  # wherever the run is opened from
    return given | dict(map(override, options.set))


def unchanged(options: argparse.Namespace) -> dict[str, Any]:
    """Return what ``--resume`` may change, after asserting that nothing else was given.

    Raises
    ------
    RunError
        Another option was given, or no folder.
    """
    from inference.folder import RunError

    if options.out is None:
        raise RunError("--resume needs --out, the folder of the run or scan to continue")
    given = [name for name in vars(options) if name not in ("resume", "out", "epochs", "device", "together")]
    untouched = {"seeds": 1, "set": [], "cells": False}
    changed = [f"--{name.replace('_', '-')}" for name in given if getattr(options, name) != untouched.get(name)]
    if changed:
        raise RunError(f"{options.out}: --resume cannot change {', '.join(changed)}; train anew with another --out")
    return {KEYS[name]: getattr(options, name) for name in ("epochs", "device") if getattr(options, name) is not None}
