"""TensorBoard events of a training, by option."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from inference.folder import RunFolder
from inference.recipe import RecipeError


class Tracker:
    """Write each epoch's row as TensorBoard scalars into the run folders, when enabled.

    Raises
    ------
    RecipeError
        The tensorboard package is missing.
    """

    def __init__(self, folders: Sequence[RunFolder], *, enabled: bool) -> None:
        self.writers: list[Any] = []
        if not enabled:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise RecipeError("training.tensorboard: pip install tensorboard, or leave it false") from error
        self.writers = [SummaryWriter(str(folder.path / "tensorboard")) for folder in folders]

    def write(self, epoch: int, rows: Sequence[dict[str, float]]) -> None:
        """Write one row per run, of those that trained in this epoch."""
        for writer, row in zip(self.writers, rows, strict=False):
            if row.get("epoch") != epoch:
                continue
            for name, value in row.items():
                writer.add_scalar(name, value, epoch)

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for writer in self.writers:
            writer.close()
