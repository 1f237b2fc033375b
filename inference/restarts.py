"""Restarts: several trainings of one recipe that differ in initial weights, order and noise; the best is the run.

They train side by side in ``restarts/0``, ``restarts/1``, ... of the run's folder, in one vectorised step. When all are
done the files of the one of the lowest training loss become the run's, or, as ``restarts_by`` says, of that which has
the least share of the jets in the mixtures that the prior makes rare; the losses of all stay in its provenance.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inference.folder import CHECKPOINT, REPLICAS, WEIGHTS, RunFolder
from inference.rare_share import rare_share
from inference.recipe import Recipe
from inference.records import RESTARTS
from inference.run import Run
from jets import Jets
from jets.files import replacing

MAKING = ".restarts"
"""The same, while it is made."""
STRIDE = 1_000_003
"""Between the seeds of two starts: no run of seeds side by side meets it."""
SEEDS = 2**31


def start_of(folder: RunFolder) -> int:
    """Return the number of the start that a run comes from; 0, that of the seed itself, where there was one alone."""
    return folder.provenance().get("start", 0) if (folder.path / "provenance.json").exists() else 0


def seed_of(recipe: Recipe, folder: RunFolder) -> int:
    """Return the seed of initial weights, order and noise of a run; the split is that of the recipe's seed."""
    return start_seed(recipe.training.seed, start_of(folder))


def start_seed(seed: int, start: int) -> int:
    """Return the seed of a start.

    >>> start_seed(7, 0), start_seed(7, 2)
    (7, 2000013)
    """
    return (seed + STRIDE * start) % SEEDS


def is_chosen(folder: RunFolder) -> bool:
    """Whether a run is one training: the best of several, or one of those."""
    return "start" in folder.provenance()


def parts_of(folder: RunFolder, recipe: Recipe) -> list[Path]:
    """Return the folders of the trainings of a run."""
    return [folder.path / RESTARTS / str(start) for start in range(recipe.training.restarts)]


def prepared(folder: RunFolder, recipe: Recipe, jets: Jets) -> list[Path]:
    """Return the folders of the trainings of a run, made all at once where they are not there."""
    if not (folder.path / RESTARTS).is_dir():
        fresh = folder.path / MAKING
        shutil.rmtree(fresh, ignore_errors=True)
        for start in range(recipe.training.restarts):
            part = RunFolder.create(fresh / str(start), recipe, jets)
            part.write_provenance(part.provenance() | {"start": start})
        fresh.rename(folder.path / RESTARTS)
    return parts_of(folder, recipe)


def have_results(parts: Sequence[Path]) -> bool:
    """Whether any of the trainings has saved anything."""
    shared = RunFolder(parts[0].parent).stored(REPLICAS).exists()
    return shared or any(RunFolder(part).stored(CHECKPOINT).exists() for part in parts)


def any_trained(parts: Sequence[Path]) -> bool:
    """Whether any of the trainings came to its end."""
    return any(RunFolder(part).weights().exists() for part in parts)


def clear(folder: RunFolder) -> None:
    """Remove the folders of the trainings."""
    for name in (RESTARTS, MAKING):
        shutil.rmtree(folder.path / name, ignore_errors=True)


def keep_best(folder: RunFolder, parts: Sequence[Path], jets: Jets) -> None:
    """Make the best training the run's own, note the losses of all, and remove the others; no label enters.

    Of a training that failed the loss is None. The loss is that of the training jets, in the epoch of the weights:
    minus the bound, where nothing else is minimised. With ``restarts_by = "share"`` the best is the one of least
    :func:`inference.rare_share.rare_share`; those are noted too. A kill at any moment is made up for by the next call.
    """
    done = [RunFolder(part).weights().exists() for part in parts]
    losses = [loss_of(part) if there else math.inf for part, there in zip(parts, done, strict=True)]
    record: dict[str, Any] = {"loss": finite(losses)}
    decisive, recipe = losses, Run(folder.path).recipe
    if recipe.training.restarts_by == "share":
        found = [
            rare_share(Run(part).vae, jets, recipe) if math.isfinite(loss) else math.inf
            for part, loss in zip(parts, losses, strict=True)
        ]
        decisive, record["share"] = found, finite(found)
    best = min((number for number, there in enumerate(done) if there), key=decisive.__getitem__)
    part = RunFolder(parts[best])
    for name in ("history.csv", "history.nc", CHECKPOINT):
        copied(part.path / name, folder.path / name)
    if (part.path / "tensorboard").is_dir():
        shutil.copytree(part.path / "tensorboard", folder.path / "tensorboard", dirs_exist_ok=True)
    own = {key: value for key, value in part.provenance().items() if key in ("start", "weights_epoch", "devices")}
    copied(part.path / WEIGHTS, folder.path / WEIGHTS)
    folder.write_provenance(folder.provenance() | own | {"restarts": {"kept": best} | record})
    folder.completed()
    clear(folder)


def finite(values: Sequence[float]) -> list[float | None]:
    """Return numbers as JSON has them, None for one that is not finite."""
    return [value if math.isfinite(value) else None for value in values]


def loss_of(part: Path) -> float:
    """Return the training loss of the epoch whose weights a training kept; infinite where it is none."""
    loss = Run(part).ended["loss"]
    return loss if math.isfinite(loss) else math.inf


def copied(source: Path, target: Path) -> None:
    """Copy a file, atomically."""
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def said(record: dict[str, Any]) -> str:
    """Say how the trainings of a run ended.

    >>> said({"kept": 1, "loss": [3.25, 2.5, None]})
    'best of 3 trainings by the loss on the training jets: 2.5000 nat (others 3.2500, failed)'
    >>> said({"kept": 0, "loss": [3.25, 2.5], "share": [0.1, 0.6]})
    'best of 2 trainings by the share of rare mixtures: 0.1000 (others 0.6000)'
    """
    by, unit, best = "the loss on the training jets", " nat", record["kept"]
    if "share" in record:
        by, unit = "the share of rare mixtures", ""
    texts = ["failed" if value is None else f"{value:.4f}" for value in record.get("share", record["loss"])]
    others = ", ".join(text for number, text in enumerate(texts) if number != best)
    return f"best of {len(texts)} trainings by {by}: {texts[best]}{unit} (others {others})"
