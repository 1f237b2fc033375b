"""Checkpoints on disk: written while a training runs, read when it resumes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import torch

from inference.folder import CHECKPOINT, REPLICAS, RunError, RunFolder, assert_finite, load_tensors
from inference.replicas import Replica, assert_as_far

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
    """
    if not any(replica.history.taken for replica in replicas):
        return
    for replica in replicas:
        assert_trained(replica)
    contents = {replica.folder.path.name: replica.content() for replica in replicas}
    first = replicas[0].folder
    if len(replicas) == 1:
        first.save(CHECKPOINT, contents[first.path.name])
    else:
        RunFolder(first.path.parent).save(REPLICAS, contents)
    for replica in replicas:
        if replica.history.epochs:
            replica.folder.write_history(replica.history)


def restore(replicas: Sequence[Replica], device: torch.device) -> None:
    """Continue from the last checkpoints; where one is missing, all start anew.

    Raises
    ------
    RunError
        The replicas have not trained equally long, or a checkpoint holds numbers that are not finite.
    """
    if len(replicas) > 1:
        hand_out(replicas[0].folder.path.parent, {replica.folder.path.name for replica in replicas})
    found = [replica.folder.checkpoint(device) for replica in replicas]
    contents = [content for content in found if content is not None]
    if len(contents) < len(replicas):
        return
    for replica, content in zip(replicas, contents, strict=True):
        replica.restore(content)
        assert_finite(replica.tensors, f"{replica.folder.path}: the checkpoint", "train anew with another --out")
    assert_as_far(replicas)


def assert_trained(replica: Replica) -> None:
    """Assert that what a training moved is finite.

    Raises
    ------
    RunError
        It is not.
    """
    assert_finite(replica.tensors, replica.folder.path, LOWER)


def hand_out(parent: Path, kept: Collection[str]) -> None:
    """Give every run of the common file that is not ``kept`` in it a checkpoint of its own: it will be overwritten."""
    if not (parent / REPLICAS).exists():
        return
    for name in load_tensors(parent / REPLICAS):
        if name not in kept and (parent / name).is_dir():
            RunFolder(parent / name).save(CHECKPOINT, RunFolder(parent / name).checkpoint())


def finish(replicas: Sequence[Replica]) -> None:
    """Save the trained weights; each run folder then holds all that belongs to it, and the common file goes.

    Raises
    ------
    RunError
        Of one no step was taken, or its weights are not finite.
    """
    for replica in replicas:
        if not replica.history.taken:
            raise RunError(f"{replica.folder.path}: no step was taken, none had a finite loss and gradient; {LOWER}")
        assert_trained(replica)
    for replica in replicas:
        content = replica.content()
        if len(replicas) > 1:
            replica.folder.save(CHECKPOINT, content)
        replica.folder.save("weights.pt", content["model"])
    if len(replicas) > 1:
        (replicas[0].folder.path.parent / REPLICAS).unlink(missing_ok=True)
