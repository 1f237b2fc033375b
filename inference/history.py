"""What a training records: a row per epoch and a row per step."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inference.objective import Controls
from jets.files import save_netcdf

EPOCH_TERMS = ("epoch", "loss", "reconstruction", "kl", "objective", "skipped", "seconds", "jets_per_second")
"""What a row of an epoch has beside the KL terms and the controls."""
VALIDATED = {"validation_loss", "validation_reconstruction", "validation_kl"}
"""And these losses, where jets are held out for validation."""
STEP_TERMS = ("taken", "loss", "reconstruction")
"""What a step's report starts with, before the KL terms."""


@dataclass
class History:
    """The record of one training.

    Attributes
    ----------
    kl_names
        Names of the KL terms.
    epochs
        One row per epoch, as in ``history.csv``.
    steps
        ``(steps, columns)``: the report of each step of these epochs, then its controls.
    begun
        ``(steps, columns + 2)``: the same of an epoch that is not over, then the mean weight of the step's jets (1
        where there are none) and the seconds that it took.
    """

    kl_names: list[str]
    epochs: list[dict[str, float]] = field(default_factory=list)
    steps: Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    begun: Tensor = field(default_factory=lambda: torch.zeros(0, 0))

    @property
    def columns(self) -> list[str]:
        """Names of the columns of ``steps``."""
        return [*STEP_TERMS, *(f"kl_{name}" for name in self.kl_names), *Controls._fields]

    @property
    def skipped(self) -> int:
        """Number of steps skipped so far."""
        return sum(int((rows[:, 0] == 0).sum()) for rows in (self.steps, self.begun) if len(rows))

    @property
    def taken(self) -> int:
        """Number of steps taken so far."""
        return len(self.steps) + len(self.begun) - self.skipped

    @property
    def validation_losses(self) -> list[float]:
        """Validation loss of each epoch; that of training where nothing is held out for validation."""
        return [row.get("validation_loss", row["loss"]) for row in self.epochs]

    def begin(self, report: Tensor, controls: Tensor, weight: Tensor | None, seconds: float) -> None:
        """Record some steps of an epoch that is not over, ``(n, terms)`` and ``(n, 4)``, which took so many seconds."""
        count = len(report)
        extra = [torch.ones(count) if weight is None else weight.cpu(), torch.full((count,), seconds / count)]
        new = torch.cat([report.cpu(), controls.cpu(), torch.stack(extra, 1)], 1)
        self.begun = torch.cat([self.begun, new]) if len(self.begun) else new

    def end_epoch(self) -> tuple[dict[str, float], float]:
        """Make the steps of the epoch that was begun part of the record; return their means, and its seconds."""
        rows, self.begun = self.begun, torch.zeros(0, 0)
        of_controls = len(Controls._fields)
        row = self.add_steps(rows[:, : -of_controls - 2], rows[:, -of_controls - 2 : -2], rows[:, -2])
        return row, float(rows[:, -1].double().sum())

    def add_steps(self, report: Tensor, controls: Tensor, weight: Tensor | None = None) -> dict[str, float]:
        """Record the steps of an epoch, ``(n, terms)`` and ``(n, 4)``; return their means over the steps taken.

        Of jets with weights these are sums over jets, divided by the mean ``weight`` ``(n,)`` of the steps' jets.
        """
        new = torch.cat([report, controls], 1).cpu()
        self.steps = torch.cat([self.steps, new]) if len(self.steps) else new
        taken = new[new[:, 0] > 0]
        means = taken.double().mean(0) if len(taken) else torch.full((new.shape[1],), float("nan"))
        if weight is not None and (counted := float(weight[new[:, 0] > 0].double().mean())) > 0:
            means[1 : report.shape[1]] /= counted
        row = dict(zip(self.columns, means.tolist(), strict=True))
        kl = {name: value for name, value in row.items() if name.startswith("kl_") and name != "kl_weight"}
        total = sum(kl.values())
        skipped = float(len(new) - len(taken))
        result = {"loss": row["reconstruction"] + total, "reconstruction": row["reconstruction"], "kl": total, **kl}
        last = dict(zip(Controls._fields, new[-1, -len(Controls._fields) :].tolist(), strict=True))
        return result | {"objective": row["loss"], "skipped": skipped} | last

    def checked(
        self, epochs: list[dict[str, float]], steps: Tensor, also: set[str], perhaps: set[str]
    ) -> tuple[list[dict[str, float]], Tensor]:
        """Return rows that were read, after asserting that they are those of such a history.

        Rows of epochs have ``also`` these columns, and ``perhaps`` those.

        Raises
        ------
        ValueError, TypeError, AttributeError, OverflowError
            They are not.
        """
        names = {*EPOCH_TERMS, *also, *(f"kl_{name}" for name in self.kl_names), *Controls._fields}
        rows = [{name: float(value) for name, value in row.items()} for row in epochs]
        for i, row in enumerate(rows):
            if row.keys() - perhaps != names or row["epoch"] != i + 1:
                raise ValueError("its history has other columns, or lacks an epoch")
        if len(steps) and (steps.dim() != 2 or steps.shape[1] != len(self.columns) or not steps.is_floating_point()):
            raise ValueError(f"its history has steps of shape {tuple(steps.shape)}")
        return rows, steps

    def checked_begun(self, begun: Tensor) -> Tensor:
        """Return steps that were read of an epoch that is not over, after asserting that they are such.

        Raises
        ------
        ValueError
            They are not.
        """
        if len(begun) and (
            begun.dim() != 2 or begun.shape[1] != len(self.columns) + 2 or not begun.is_floating_point()
        ):
            raise ValueError(f"its history has steps of shape {tuple(begun.shape)} in an epoch that is not over")
        return begun.cpu()

    def save(self, path: Path) -> Path:
        """Write groups ``epoch`` and ``step`` as NetCDF4, atomically."""
        import xarray as xr  # .4 s and 40 MB that training needs only here

        epochs = {
            name: ("epoch", np.array([row[name] for row in self.epochs])) for name in self.epochs[0] if name != "epoch"
        }
        steps = {name: ("step", column) for name, column in zip(self.columns, self.steps.T.numpy(), strict=True)}
        tree = xr.DataTree.from_dict(
            {
                "epoch": xr.Dataset(epochs, {"epoch": [int(row["epoch"]) for row in self.epochs]}),
                "step": xr.Dataset(steps, {"step": np.arange(1, len(self.steps) + 1)}),
            }
        )
        return save_netcdf(tree, path)
