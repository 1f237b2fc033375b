"""Checkpoints on disk: written while a training runs, read when it resumes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from inference.folder import CHECKPOINT, REPLICAS, WEIGHTS, RunError, RunFolder, names_in
from inference.loaded import assert_finite, load_tensors
from inference.records import RESTARTS
from inference.replicas import Replica, assert_as_far
from jets.lock import assert_held
from jets.sums import DamagedError

LOWER = "lower lr, or raise beta"
"""What helps against numbers that grow without bound."""


def save(replicas: Sequence[Replica]) -> None:
    """Save all that is needed to resume, and the histories.

    Of replicas one file for all, beside their folders, so that none is ahead of the others. Nothing is saved while
    no step was taken.

    Raises
    ------
    RunError
        A weight or moment is not finite.
    Locked
        Another process has taken a training over.
    """
    for replica in replicas:
        assert_held(replica.folder.path)
    going = [replica for replica in replicas if not replica.failure]
    if not any(replica.history.taken for replica in going):
        return
    for replica in going:
        assert_trained(replica)
    contents = {replica.folder.path.name: replica.content() for replica in going}
    first = replicas[0].folder
    if len(replicas) == 1:
        first.save(CHECKPOINT, contents[first.path.name])
    else:
        RunFolder(first.path.parent).save(REPLICAS, contents)
    for replica in going:
        replica.folder.without_weights()
        if replica.history.epochs:
            replica.folder.write_history(replica.history)


def restore(replicas: Sequence[Replica], device: torch.device) -> None:
    """Continue from the last checkpoints; where one is missing, all start anew.

    A replica whose checkpoint is torn, or holds numbers that are not finite, has failed.

    Raises
    ------
    RunError
        The replicas have not trained equally long, or the file of all of them is torn.
    """
    if len(replicas) > 1:
        hand_out(replicas[0].folder.path.parent, {replica.folder.path.name for replica in replicas})
    contents = []
    for replica in replicas:
        with failing_alone(replica):
            contents.append((replica, replica.folder.checkpoint(device)))
    if any(content is None for _, content in contents):
        return
    for replica, content in contents:
        with failing_alone(replica):
            restored(replica, content)  # type: ignore[arg-type]
            assert_finite(replica.tensors, f"{replica.folder.path}: the checkpoint", "train anew with another --out")
    assert_as_far(replicas)


def restored(replica: Replica, content: dict[str, Any]) -> None:
    """Continue a replica from the content of its checkpoint.

    Raises
    ------
    RunError
        It is of another model or optimiser than the recipe says.
    """
    try:
        replica.restore(content)
    except (RuntimeError, LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise RunError(
            f"{replica.folder.path}: the checkpoint is not of this recipe, or damaged; train anew with another --out"
        ) from error


@contextmanager
def failing_alone(replica: Replica) -> Iterator[None]:
    """Note an error of one replica; the others continue, and what was last saved of it becomes its own checkpoint."""
    try:
        yield
    except (RunError, DamagedError) as error:
        replica.failure = str(error)
        hand_out(replica.folder.path.parent, (), only=replica.folder.path.name)


def assert_none_failed(replicas: Sequence[Replica]) -> None:
    """Assert that no replica has failed.

    Raises
    ------
    RunError
        One has; of several the message names the seed of each, and says what the others did.
    """
    failed = [replica for replica in replicas if replica.failure]
    if len(replicas) == len(failed) == 1:
        raise RunError(failed[0].failure)
    if failed:
        others = len(replicas) - len(failed)
        said = "; ".join(f"{name_of(replica)}: {replica.failure}" for replica in failed)
        raise RunError(f"{len(failed)} of {len(replicas)} runs failed, {others or 'none'} trained: {said}")


def name_of(replica: Replica) -> str:
    """Return what names a replica in a message: its seed, and of several trainings of it the start."""
    start = f", start {replica.folder.path.name}" if replica.folder.path.parent.name == RESTARTS else ""
    return f"seed {replica.recipe.training.seed}{start}"


def assert_trained(replica: Replica) -> None:
    """Assert that what a training moved is finite.

    Raises
    ------
    RunError
        It is not.
    """
    assert_finite(replica.tensors, replica.folder.path, LOWER)


def hand_out(parent: Path, kept: Collection[str], only: str = "") -> None:
    """Give every run of the common file that is not ``kept`` in it a checkpoint of its own: it will be overwritten.

    ``only`` names a single one.
    """
    shared = RunFolder(parent).stored(REPLICAS)
    if not shared.exists():
        return
    for name in load_tensors(shared):
        if name not in kept and only in ("", name) and name in names_in(parent) and (parent / name).is_dir():
            content = RunFolder(parent / name).checkpoint()
            assert content is not None, name
            RunFolder(parent / name).save(CHECKPOINT, content)


def finish(replicas: Sequence[Replica]) -> None:
    """Save the trained weights; each run folder then holds all that belongs to it, and the common file goes.

    The models hold what was saved.

    Raises
    ------
    RunError
        In the end, of those that failed, before or since no step was taken or the weights are not finite.
    """
    for replica in [replica for replica in replicas if not replica.failure]:
        with failing_alone(replica):
            if not replica.history.taken:
                raise RunError(
                    f"{replica.folder.path}: no step was taken, none had a finite loss and gradient; {LOWER}"
                )
            assert_trained(replica)
    for replica in replicas:
        if not replica.failure:
            save_weights(replica, alone=len(replicas) == 1)
    if len(replicas) > 1:
        parent = replicas[0].folder.path.parent
        for name in (REPLICAS, "replicas.pt"):
            (parent / name).unlink(missing_ok=True)
    assert_none_failed(replicas)


def save_weights(replica: Replica, *, alone: bool) -> None:
    """Save a run's trained weights, and its checkpoint unless it trained ``alone`` and so has one.

    Of a training that may stop early, they are those of its best epoch; the provenance says which that is.
    """
    weights, epoch = replica.kept
    if not alone:
        replica.folder.save(CHECKPOINT, replica.content())
    if replica.recipe.training.early_stop:
        replica.folder.write_provenance(replica.folder.provenance() | {"weights_epoch": epoch})
    replica.folder.save(WEIGHTS, weights)
    replica.folder.completed()
    replica.vae.load_state_dict(weights)
