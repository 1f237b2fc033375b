"""Where points are on a manifold that a search found, and how far each latent moves them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from analysis.measures.manifolds import Manifold
from inference.race import Winner, padded_points

Points = NDArray[np.floating]
KINDS = ("real", "angle", "direction")
"""Of the factors of the roomy space, in their order."""


class Column(NamedTuple):
    """A coordinate of the posterior's centre: its name, its kind, the latent it belongs to, its values ``(N,)``."""

    name: str
    kind: str
    latent: int
    values: Points


class Places:
    """The posterior's centres of points ``(N, K)`` on a manifold.

    Attributes
    ----------
    columns
        A coordinate each: real numbers, angles [rad], components of a direction.
    """

    @torch.no_grad()
    def __init__(self, model: Winner, manifold: Manifold, points: Points) -> None:
        self.model, self.vae, self.manifold = model, model.vae, manifold
        heads = self.vae.latent.split(self.vae.encode(padded_points((points - model.mean) / model.scale)))
        self.centres = {label: own.posterior(heads[label]).mean for label, own in self.vae.latent.items}
        self.columns = list(self._columns())

    def _columns(self) -> Iterator[Column]:
        first = 0
        for kind, z, count in zip(KINDS, self.centres.values(), self.manifold, strict=True):
            values = z.double().numpy()
            if kind == "direction":
                names = [(f"S2_{axis}", first) for axis in "xyz"[: 3 * count]]
            else:
                names = [(f"{'R' if kind == 'real' else 'S1'}_{k}", first + k) for k in range(count)]
            for k, (name, latent) in enumerate(names):
                yield Column(name, kind, latent, values[:, k])
            first += count

    @torch.no_grad()
    def reach(self, latent: int, seed: int = 0) -> float:
        """Return how far points move if one latent is dealt anew among them, root mean square in their unit."""
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(next(iter(self.centres.values())))))
        moved, place = dict(self.centres), 0
        for label, count in zip(self.centres, self.manifold, strict=True):
            if place <= latent < place + count:
                moved[label] = dealt(self.centres[label], latent - place, order)
            place += count
        away = self._decoded(moved) - self._decoded(self.centres)
        return float(away.square().sum(-1).mean().sqrt()) * self.model.scale

    def _decoded(self, centres: dict[str, Tensor]) -> Tensor:
        return self.vae.decode(self.vae.latent.features(centres)).mean


def dealt(z: Tensor, column: int, order: Tensor) -> Tensor:
    """Return latents ``(N, n)`` with those of one column in another order; a direction ``(N, 3)`` as a whole."""
    result = z.clone()
    if z.shape[1] == 3:  # the only kind of three components
        return z[order]
    result[:, column] = z[order, column]
    return result
