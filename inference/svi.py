"""Train a VAE on jets: ``python -m inference.svi [RECIPE] [options]``."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inference.errors import exit_code
from inference.fit import default_folder, load_for, train_many
from inference.machine import tune_cpu
from inference.recipe import DataConfig, Recipe, RecipeError, TrainingConfig, names, read
from inference.run import Run, RunError
from models import ModelConfig

OPTIONS = {
    "latent": "model.latent",
    "beta": "model.beta",
    "data": "data.files",
    "fraction": "data.fraction",
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "lr": "training.lr",
    "seed": "training.seed",
    "device": "training.device",
}
"""Option -> key of a recipe."""
DEFAULT = "image-dvae"
"""The recipe that is trained when none is named."""
RESUMABLE = ("training.epochs", "training.device")
"""What may change when a run is continued."""


def parser() -> argparse.ArgumentParser:
    """Return the command line; its help is the reference."""
    result = recipe_parser(
        "inference.svi",
        "Train a VAE on jets by stochastic variational inference.",
        "Leaves a run folder for analysis.measures.summary and analysis.report.run_page.",
    )
    add = result.add_argument
    add("--replicas", type=int, metavar="K", default=1, help="train K seeds from --seed on together, in one step [1]")
    add("--out", metavar="DIR", help="run folder, must not exist [runs/RECIPE-TIME]")
    add("--resume", action="store_true", help="continue the run in --out; only --epochs and --device may change")
    return result


def recipe_parser(command: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """Return a parser with the recipe, its preset, and every option that overrides a key of it."""
    result = argparse.ArgumentParser(
        prog=f"python -m {command}",
        description=f"{description} Every option overrides the recipe; in brackets: what {DEFAULT} says.",
        epilog=epilog,
        conflict_handler="resolve",
    )
    add = result.add_argument
    default = read(DEFAULT)
    shown = {name: value_at(default, key) for name, key in OPTIONS.items()}
    about = {f.removeprefix("training."): i.description for f, i in TrainingConfig.model_fields.items()}
    add("recipe", nargs="?", metavar="RECIPE", help=f"a name ({', '.join(names())}) or a TOML file [image-dvae]")
    add("--preset", metavar="P", help="small or, where the recipe has it, paper [the recipe as written]")
    add("--latent", metavar="S", help=f"{ModelConfig.model_fields['latent'].description} [{shown['latent']}]")
    add(
        "--data",
        metavar="F[:class]",
        nargs="+",
        action="extend",
        help="HDF5 files of jets or sample:qcd, sample:top, "
        "sample:w; repeatable; classes come from the file's labels unless named [sample:qcd sample:top]",
    )
    add(
        "--fraction",
        metavar="CLASS=F",
        nargs="+",
        action="extend",
        help=f"{DataConfig.model_fields['fraction'].description}"
        "; a bare F is that of the last class (t/Q for qcd, top) [1]",
    )
    add(
        "--beta",
        type=resolution,
        metavar="B",
        nargs="+",
        help="resolution in units of the data (emd: radians), or 1/N for N pseudo-counts; several train together; "
        f"LOW:HIGH is one model for the whole range [{shown['beta']}]",
    )
    add(
        "--spectrum",
        type=numbers,
        metavar="S,S,...",
        help="train on Gaussian points of these standard deviations, their axes turned at random, one latent for each "
        "direction, for beta from the smallest to twice the largest; with the recipe vae-gaussian",
    )
    add("--epochs", type=int, metavar="N", help=f"{about['epochs']} [{shown['epochs']}]")
    add("--batch-size", type=int, metavar="B", help=f"{about['batch_size']} [{shown['batch_size']}]")
    add("--lr", type=float, metavar="L", help=f"{about['lr']} [{shown['lr']}]")
    add("--seed", type=int, metavar="S", help=f"{about['seed']} [{shown['seed']}]")
    add("--device", metavar="D", help=f"auto, cpu or cuda; {about['device']} [auto]")
    return result


def resolution(text: str) -> float | tuple[float, ...]:
    """Read a resolution or a range ``LOW:HIGH``.

    >>> resolution("0.1"), resolution("1e-3:1")
    (0.1, (0.001, 1.0))
    """
    low, *high = text.split(":")
    return (float(low), *map(float, high)) if high else float(low)


def numbers(text: str) -> tuple[float, ...]:
    """Read numbers separated by commas.

    >>> numbers("8,3,0.2")
    (8.0, 3.0, 0.2)
    """
    return tuple(float(part) for part in text.split(","))


def gaussian(spectrum: Sequence[float]) -> dict[str, Any]:
    """Return the data, latent space and range of beta that ``--spectrum`` stands for, as dotted keys.

    >>> gaussian((8.0, 0.5))["data.files"], gaussian((8.0, 0.5))["model.beta"]
    (['toy:gaussian(spectrum=8,0.5)'], [(0.5, 16.0)])
    """
    sizes = ",".join(f"{size:g}" for size in spectrum)
    return {
        "data.files": [f"toy:gaussian(spectrum={sizes})"],
        "model.latent": f"R{len(spectrum)}",
        "model.beta": [(min(spectrum), 2 * max(spectrum))],
    }


def recipe_first(arguments: Sequence[str]) -> list[str]:
    """Move the recipe to the front, wherever it stands: behind ``--data`` it would be taken for a file.

    >>> recipe_first(["--data", "a.h5", "image-dvae", "--out", "image-dvae"])
    ['image-dvae', '--data', 'a.h5', '--out', 'image-dvae']
    """
    rest = list(arguments)
    for i, word in enumerate(rest):
        if (word in names() or word.endswith(".toml")) and (i == 0 or rest[i - 1] != "--out"):
            return [rest.pop(i), *rest]
    return rest


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Return the given options as dotted keys of a recipe."""
    given = {key: getattr(options, name) for name, key in OPTIONS.items() if getattr(options, name) is not None}
    if options.spectrum is not None:
        given = gaussian(options.spectrum) | given
    if "data.fraction" in given:
        given["data.fraction"] = fractions(given["data.fraction"])
    return given


def fractions(texts: Sequence[str]) -> dict[str, float]:
    """Read ``CLASS=F`` options; a bare number stands for the last class, named ``""`` here.

    >>> fractions(["qcd=0.5", "top=.05"]), fractions(["0.05"])
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
            raise RecipeError(f"--fraction {text}: expected CLASS=F or F with F between 0 and 1") from None
    return result


def resolve(options: argparse.Namespace) -> dict[Path, Recipe]:
    """Return folder -> recipe with the command line's overrides; with ``--resume``, the runs' own."""
    given = overrides(options)
    if options.resume:
        if options.out is None:
            raise RunError("--resume needs --out, the folder of the run to continue")
        members = sorted(path.parent for path in Path(options.out).glob("*/config.toml"))
        folders = members or [Path(options.out)]
        return {folder: continued(folder, given) for folder in folders}
    if options.replicas < 1:
        raise RecipeError(f"--replicas {options.replicas}: expected a whole number of at least 1")
    recipes = grid(options, given, options.replicas)
    folder = Path(options.out) if options.out else default_folder(options.recipe or DEFAULT)
    if len(recipes) == 1:
        return {folder: next(iter(recipes.values()))}
    return {folder / name: recipe for name, recipe in recipes.items()}


def grid(options: argparse.Namespace, given: dict[str, Any], seeds: int) -> dict[str, Recipe]:
    """Return ``beta<B>-seed<S>`` -> recipe for every beta and ``seeds`` seeds."""
    betas = given.get("model.beta", [None])
    recipes = {}
    for beta, replica in itertools.product(betas, range(seeds)):
        extra = {} if beta is None else {"model.beta": beta}
        recipe = read(options.recipe or DEFAULT, given | extra, options.preset)
        seed = recipe.training.seed + replica
        recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})
        recipes[f"beta{str(recipe.model.beta).replace(':', '-')}-seed{seed}"] = named_fractions(recipe)
    return recipes


def continued(folder: Path, given: dict[str, Any]) -> Recipe:
    """Return the recipe of a run that goes on; only what is RESUMABLE may have changed."""
    given = {key: value[0] if key == "model.beta" else value for key, value in given.items()}
    run = Run.open(folder)
    old, new = run.recipe, named_fractions(read(run.path / "config.toml", given))
    changed = [key for key in given if key not in RESUMABLE and value_at(old, key) != value_at(new, key)]
    if changed:
        raise RunError(f"{folder}: --resume cannot change {', '.join(changed)}; start a new run with another --out")
    return new


def named_fractions(recipe: Recipe) -> Recipe:
    """Give the bare fraction of ``--fraction F`` to the last class of the data."""
    if "" not in recipe.data.fraction:
        return recipe
    last = load_for(recipe).classes[-1]
    fraction = {name or last: value for name, value in recipe.data.fraction.items()}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"fraction": fraction})})


def value_at(recipe: Recipe, key: str) -> Any:
    """Return the value of a dotted key."""
    table, name = key.split(".")
    return getattr(getattr(recipe, table), name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, then name the files."""
    options = parser().parse_args(recipe_first(sys.argv[1:] if arguments is None else arguments))
    recipes = resolve(options)
    tune_cpu(next(iter(recipes.values())).training.threads)
    for run in train_many(list(recipes.values()), list(recipes), resume=options.resume):
        last = run.history[-1]
        parts = f"reconstruction {last['reconstruction']:.4f} + KL {last['kl']:.4f} nats per jet"
        print(f"loss {last['loss']:.4f} = {parts}")
        print(f"wrote {', '.join(sorted(path.name for path in run.path.iterdir()))} in {run.path}")
        print(f"next: python -m analysis.summary {run.path}; python -m analysis.report {run.path}")


if __name__ == "__main__":
    sys.exit(exit_code(main))
