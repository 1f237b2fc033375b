"""Points of latent space worth decoding: each vertex of a simplex, each real coordinate swept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from priors import Space

SWEEP = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Values of a real coordinate at which to decode, in standard deviations of a standard prior."""


def probes(space: Space, centre: Tensor) -> tuple[list[str], Tensor]:
    """Return names and decoder features ``(n, features_size)`` of the probes.

    ``centre`` ``(features_size,)`` holds the features of all other factors, usually their mean over jets. Factors
    whose features are not their coordinates (circles, spheres) have no probes here; a superposition has one for each
    manifold, at the origin of its features.
    """
    names, rows, start = [], [], 0
    for label, factor in space.items:
        stop = start + factor.features_size
        if factor.kind in ("simplex", "category"):
            for k in range(factor.dim):
                row = centre.clone()
                row[start:stop] = 0.0
                row[start + k] = 1.0
                names.append(f"{label}_{k}")
                rows.append(row)
        elif factor.kind == "real" and factor.features_size == factor.coordinate_count:
            for k in range(factor.features_size):
                for value in SWEEP:
                    row = centre.clone()
                    row[start + k] = value
                    names.append(f"{label}_{k} = {value:g}")
                    rows.append(row)
        start = stop
    return names, centre.new_empty(0, len(centre)) if not rows else _stack(rows)


def _stack(rows: list[Tensor]) -> Tensor:
    import torch

    return torch.stack(rows)
