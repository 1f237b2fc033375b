"""What every contender is given: images, initial weights, batch size, threads, allocator."""

from __future__ import annotations

import ctypes
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

LR, ADAM_BETAS, COUNTS = 1e-3, (0.9, 0.99), 10.0
"""Learning rate and decay rates of Adam; pseudo-counts N = 1/beta of the pixel likelihood."""
START = 1024
"""Images on which losses at the initial weights are compared."""
LAYERS = {"dense": (1600, 64, 16, 8, 64, 1600), "dvae": (1600, 100, 4, 2, 1600), "small": (20, 64, 24, 12, 64, 20)}
"""Model -> encoder widths, then decoder widths; the head holds location and log variance."""


@dataclass(frozen=True)
class Task:
    """One row of the benchmark for one contender; travels as JSON."""

    model: str
    batch: int
    threads: int
    mallopt: tuple[tuple[int, int], ...]
    folder: str
    replicas: int = 1
    device: str = "cpu"

    @classmethod
    def read(cls, text: str) -> Task:
        """Undo :attr:`text`."""
        return cls(**json.loads(text))

    @property
    def text(self) -> str:
        """The task as JSON."""
        return json.dumps(asdict(self))

    @cached_property
    def images(self) -> np.ndarray:
        """Data ``(N, K)``, float32."""
        return np.load(Path(self.folder) / f"{self.model}-images.npy")

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """Initial weights, named as in a torch ``state_dict``."""
        with np.load(Path(self.folder) / f"{self.model}-weights.npz") as file:
            return dict(file)

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return len(self.images) // self.batch

    @property
    def latents(self) -> int:
        """Dimension of the latent space."""
        return {"dense": 8, "dvae": 2, "small": 12}[self.model]

    @property
    def prior_scale(self) -> float:
        """Standard deviation of the Normal prior of mean zero."""
        return float(np.sqrt(1 / 0.9 / 2)) if self.model == "dvae" else 1.0

    def offset(self, count: int | None = None) -> float:
        """What the peers' losses leave out, since no parameter changes it: minus N times the images' mean entropy."""
        x = self.images[:count].astype(float)
        return COUNTS * float((x * np.log(np.where(x > 0, x, 1.0))).sum(1).mean())

    @property
    def flops(self) -> float:
        """Multiplications and additions of the matrix products of a step: forward, and backward but for the data."""
        matrices = [w.size for name, w in self.weights.items() if w.ndim == 2]
        first = self.weights["encoder.0.weight"].size
        return self.batch * (6.0 * sum(matrices) - 2.0 * first)

    def tune(self) -> None:
        """Set threads, denormals and allocator as ``inference.machine.tune_cpu`` does; imports nothing of ours.

        Without options for the allocator, threads only.
        """
        import torch

        torch.set_num_threads(self.threads)
        torch.set_flush_denormal(bool(self.mallopt))
        libc = ctypes.CDLL(None)
        for parameter, value in self.mallopt:
            libc.mallopt(parameter, value)
