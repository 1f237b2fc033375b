"""What to train: every combination of latent space, resolution and seed; what a run that resumes may change."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inference import scan
from inference.alone import alone
from inference.folder import RunError, RunFolder
from inference.machine import tune_cpu
from inference.provenance import RESUMABLE
from inference.recipe import Recipe, RecipeError, read
from inference.run import Run
from inference.sample import load_for
from inference.tables import flat
from inference.training import train_many
from jets.lock import locked


def combinations(
    recipe: str | Path,
    overrides: Mapping[str, Any],
    *,
    preset: str | None = None,
    latents: Sequence[str] | None = None,
    betas: Sequence[Any] | None = None,
    seeds: int = 1,
) -> dict[str, Recipe]:
    """Return ``<latent>/beta<B>-seed<S>`` -> recipe of every combination.

    Parameters
    ----------
    recipe, overrides, preset
        As :func:`inference.recipe.read` takes them.
    latents, betas
        Latent strings and resolutions (see :class:`models.Beta`); none, or None among them: the recipe's own.
    seeds
        How many, from the recipe's own on.

    Raises
    ------
    RecipeError
        One of them cannot be used, or two have one name.
    """
    if seeds < 1:
        raise RecipeError(f"seeds = {seeds}: expected a whole number of at least 1")
    given, found = dict(overrides), dict[str, Recipe]()
    own: list[Any] = [None]
    for latent, beta, replica in itertools.product(latents or own, betas or own, range(seeds)):
        varied = {"model.latent": latent, "model.beta": beta}
        one = read(recipe, given | {key: value for key, value in varied.items() if value is not None}, preset)
        one = named_fractions(one)
        given["data.fraction"] = one.data.fraction
        seed = one.training.seed + replica
        one = one.model_copy(update={"training": one.training.model_copy(update={"seed": seed})})
        name = f"{folder_name(one.model.latent)}/beta{str(one.model.beta).replace(':', '-')}-seed{seed}"
        if name in found:
            raise RecipeError(f"two of the combinations would be called {name}; leave one out")
        found[name] = one
    return found


def folder_name(latent: str) -> str:
    """Return a latent string as the name of a folder.

    >>> folder_name("R1 | R2 x S1"), folder_name("L2(alpha=0.9)")
    ('R1+R2-x-S1', 'L2-alpha=0.9')
    """
    return re.sub(r"[^\w.=,+]+", "-", latent.replace(" | ", "+")).strip("-")


def gaussian_data(spectrum: Sequence[float]) -> dict[str, Any]:
    """Return as dotted keys what trains on Gaussian points of these standard deviations, axes turned at random.

    One latent for each direction, and beta from the smallest to twice the largest.

    >>> gaussian_data((8.0, 0.5))
    {'data.files': ['toy:gaussian(spectrum=8,0.5)'], 'model.latent': 'R2', 'model.beta': [0.5, 16.0]}
    """
    sizes = ",".join(f"{size:g}" for size in spectrum)
    return {
        "data.files": [f"toy:gaussian(spectrum={sizes})"],
        "model.latent": f"R{len(spectrum)}",
        "model.beta": [min(spectrum), 2 * max(spectrum)],
    }


def read_fractions(texts: Sequence[str], option: str = "fraction") -> dict[str, float]:
    """Read texts ``CLASS=F``; a bare number stands for the last class, which is named ``""`` here.

    >>> read_fractions(["qcd=0.5", "top=.05"]), read_fractions(["0.05"])
    ({'qcd': 0.5, 'top': 0.05}, {'': 0.05})

    Raises
    ------
    RecipeError
        Not a number.
    """
    result = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            result[name] = float(number)
        except ValueError:
            raise RecipeError(f"--{option} {text}: expected CLASS=F or F with F between 0 and 1") from None
    return result


def named_fractions(recipe: Recipe) -> Recipe:
    """Give the fraction of the class ``""`` to the last class of the data."""
    if "" not in recipe.data.fraction:
        return recipe
    last = load_for(recipe).classes[-1]
    fraction = {name or last: value for name, value in recipe.data.fraction.items()}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"fraction": fraction})})


def resume(folder: str | Path, changes: Mapping[str, Any], together: int = scan.TOGETHER) -> list[Run]:
    """Train on what is in ``folder``: a run, a scan, or a folder of runs; return its runs.

    Parameters
    ----------
    folder
        Of one run; of a scan; or any that holds run folders.
    changes
        Dotted keys of the recipes: ``training.epochs`` and ``training.device`` may change.
    together
        Most runs in one vectorised step.

    Raises
    ------
    RunError
        There is no run; something else would change; the data have changed; or trainings failed.
    Locked
        Another process trains one of them.
    """
    folder = Path(folder)
    members = [folder] if (folder / "config.toml").is_file() else scan.folders(folder)
    recipes = [continued(member, changes) for member in members]
    if members == [folder]:
        tune_cpu(recipes[0].training.threads)
        return train_many(recipes, members, resume=True)
    with locked(folder):
        for member, recipe in zip(members, recipes, strict=True):
            with alone([member]):  # refused while a worker has it in hand, who would write what it began with
                RunFolder(member).write_text("config.toml", recipe.to_toml())
        scan.finish([Run.open(member) for member in members], together)
    return [Run.open(member) for member in members]


def continued(folder: Path, changes: Mapping[str, Any]) -> Recipe:
    """Return the recipe with which the run in ``folder`` resumes.

    Raises
    ------
    RunError
        There is no run, or something changes that may not, or has changed in config.toml since it was trained.
    """
    path = RunFolder.open(folder).path / "config.toml"
    old, new = (flat(read(path, given).model_dump(mode="json")) for given in ({}, changes))
    if changed := [key for key in new if old.get(key) != new[key] and key not in RESUMABLE]:
        raise RunError(f"{folder}: resuming cannot change {', '.join(changed)}; start a new run with another --out")
    recipe = read(path, changes)
    RunFolder(folder).assert_continues(recipe)
    return recipe
