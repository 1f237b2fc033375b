"""Train a grid of latent spaces, resolutions and seeds: ``python -m inference.scan [RECIPE] --latent A --latent B``.

A scan is a folder: ``scan.json`` lists its runs, which lie in ``<latent>/beta<B>-seed<S>``. The runs of one latent
space train together, in one vectorised step.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path

from inference.data import completed
from inference.errors import exit_code
from inference.fit import default_folder, load_for, train_many
from inference.folder import RunFolder
from inference.machine import tune_cpu
from inference.recipe import Recipe, RecipeError
from inference.run import Run, RunError
from inference.svi import DEFAULT, grid, overrides, recipe_first, recipe_parser
from jets.files import replacing

MANIFEST = "scan.json"
TOGETHER = 16
"""Runs in one vectorised step; more gain no speed and cost memory."""


def parser() -> argparse.ArgumentParser:
    """Return the command line: that of ``inference.svi``, with ``--latent`` repeatable."""
    result = recipe_parser(
        "inference.scan",
        "Train every combination of latent space, beta and seed, independently.",
        "Leaves one run folder for each and scan.json, which lists them. Interrupted? --resume --out DIR goes on.",
    )
    add = result.add_argument
    add("--latent", metavar="S", action="append", help="latent space; repeat it for each [the recipe's]")
    add("--seeds", type=int, metavar="N", default=1, help="seeds from --seed on [1]")
    add("--together", type=int, metavar="K", default=TOGETHER, help=f"runs in one vectorised step [{TOGETHER}]")
    add("--out", metavar="DIR", help="scan folder, must not exist [runs/scan-RECIPE-TIME]")
    add("--resume", action="store_true", help="finish the scan in --out; it takes no option but --together")
    return result


def runs(folder: str | Path) -> list[Run]:
    """Return the runs of a scan folder, finished or not, in the order of its manifest.

    Raises
    ------
    RunError
        There is no scan in ``folder``.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise RunError(f"{folder}: no scan there ({MANIFEST} is missing); make one with python -m inference.scan")
    return [Run.open(Path(folder) / row["folder"]) for row in json.loads(path.read_text())["runs"]]


def create(folder: Path, recipes: dict[str, Recipe]) -> None:
    """Make the folders of all runs, ``name -> recipe`` below ``folder``, and the manifest; nothing is trained.

    Raises
    ------
    RunError
        The folder exists and is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder}: already exists; choose another --out, or finish that scan with --resume")
    jets = load_for(next(iter(recipes.values())))
    for name, recipe in recipes.items():
        RunFolder.create(folder / name, completed(recipe, jets), jets)
    rows = [
        {"folder": name, "latent": recipe.model.latent, "beta": recipe.model.beta.plain, "seed": recipe.training.seed}
        for name, recipe in recipes.items()
    ]
    with replacing(folder / MANIFEST) as temporary:
        temporary.write_text(json.dumps({"command": shlex.join(sys.orig_argv), "runs": rows}, indent=1) + "\n")


def combinations(options: argparse.Namespace) -> dict[str, Recipe]:
    """Return ``<latent>/beta<B>-seed<S>`` -> recipe of every combination that the command line asks for."""
    given = overrides(options)
    recipes = {}
    latents = given.pop("model.latent", [None])
    for latent in [latents] if isinstance(latents, str) else latents:
        extra = {} if latent is None else {"model.latent": latent}
        for name, recipe in grid(options, given | extra, options.seeds).items():
            recipes[f"{folder_name(recipe.model.latent)}/{name}"] = recipe
    return recipes


def folder_name(latent: str) -> str:
    """Return a latent string as the name of a folder.

    >>> folder_name("R1 | R2 x S1"), folder_name("L2(alpha=0.9)")
    ('R1+R2-x-S1', 'L2-alpha=0.9')
    """
    return re.sub(r"[^\w.=,+]+", "-", latent.replace(" | ", "+")).strip("-")


def pending(folder: Path, together: int) -> Iterator[list[Run]]:
    """Yield the unfinished runs of a scan, at most ``together`` of one latent space at a time."""
    unfinished = [run for run in runs(folder) if not run.complete]
    for _, members in groupby(unfinished, key=lambda run: run.path.parent):
        while chunk := list(islice(members, together)):
            yield chunk


def train(folder: Path, together: int = TOGETHER) -> list[Run]:
    """Train what is unfinished and return all runs; one that fails does not stop the others.

    Raises
    ------
    RunError
        After the last training, when some failed: it names them.
    """
    failures = []
    for chunk in pending(folder, together):
        recipes = [run.recipe for run in chunk]
        tune_cpu(recipes[0].training.threads)
        print(f"{recipes[0].model.latent}: {len(chunk)} runs in {chunk[0].path.parent}", file=sys.stderr)
        try:
            train_many(recipes, [run.path for run in chunk], resume=True)
        except RunError as error:
            failures.append(str(error))
    if failures:
        raise RunError(f"{folder}: {len(failures)} trainings failed: {'; '.join(failures)}")
    return runs(folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the grid, then name the files."""
    options = parser().parse_args(recipe_first(sys.argv[1:] if arguments is None else arguments))
    if options.seeds < 1 or options.together < 1:
        raise RecipeError("--seeds and --together: expected whole numbers of at least 1")
    if options.resume and (options.out is None or overrides(options)):
        raise RunError("--resume needs --out, the folder of the scan to finish, and takes no option but --together")
    folder = Path(options.out) if options.out else default_folder(f"scan-{options.recipe or DEFAULT}")
    if not options.resume:
        create(folder, combinations(options))
    for run in train(folder, options.together):
        last = run.history[-1]
        print(f"{run.path}  loss {last['loss']:.4f} = {last['reconstruction']:.4f} + KL {last['kl']:.4f}")
    print(f"wrote {folder / MANIFEST}")


if __name__ == "__main__":
    sys.exit(exit_code(main))
