"""One training on many processes, started by torchrun: each takes its share of every batch, and all take one step.

Every process has all jets, draws the order and the noise of the whole batch, and keeps those of its own jets. Gradients
and the terms of the report are averaged in one exchange, so that all have the same weights after each step, those of
one process with the whole batch but for rounding. The first writes the files; what the others write is thrown away.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path

import torch
import torch.distributed as dist

from inference.recipe import Recipe, RecipeError
from inference.run import Run
from inference.share import CURRENT, Share
from inference.training import train_many


def launched() -> bool:
    """Whether torchrun has started this process."""
    return dist.is_available() and dist.is_torchelastic_launched()


@contextmanager
def joined(device: str) -> Iterator[Share]:
    """Join the processes that torchrun has started, each with a GPU of its own unless ``device`` is cpu.

    Only the first prints, but for errors.
    """
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    store, rank, processes = next(dist.rendezvous("env://"))
    # what processes of before a restart have left in the store are addresses where nobody answers
    own = dist.PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    dist.init_process_group("nccl" if on_gpu else "gloo", store=own, rank=rank, world_size=processes)
    share = Share(dist.get_rank(), dist.get_world_size())
    CURRENT.append(share)
    try:
        with silent() if share.rank else nullcontext():
            yield share
    finally:
        CURRENT.pop()
        dist.destroy_process_group()


@contextmanager
def silent() -> Iterator[None]:
    """Print nothing meanwhile; errors are printed by who catches them."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


def train(recipe: Recipe, out: str | Path | None, *, resume: bool = False) -> Run | None:
    """Train with the processes that torchrun has started; return the run in the first of them, None in the others.

    With ``resume``, or after torchrun has started the processes again, since one was lost, that in ``out`` is resumed.

    Raises
    ------
    RecipeError
        The recipe cannot be shared, or ``out`` is None; else as :func:`inference.training.train_many`.
    """
    if out is None:
        raise RecipeError("under torchrun a training needs --out: its processes must know of one folder")
    folder = Path(out)
    with joined(recipe.training.device) as share:
        again = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0
        resume = resume or share.first(lambda: again and (folder / "config.toml").is_file())
        with tempfile.TemporaryDirectory() as home:
            own = folder if share.rank == 0 else Path(home) / folder.name
            if resume and share.rank:
                shutil.copytree(folder, own, ignore=shutil.ignore_patterns(".*"))
            share.any(False)  # all have copied
            [run] = train_many([recipe], [own], resume=resume)
        return run if share.rank == 0 else None
