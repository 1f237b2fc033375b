"""One latent space with room for many, of which a model uses a part: one program serves all that fit.

A latent that is switched off has an encoder head of zero, at which its posterior is its prior, and features of zero:
it costs no nat and the decoder does not see it. What is left on is exactly the smaller space. The switches are buffers,
and so a number of each model that trains, not a part of the program.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from priors import Latent, Normal, PowerSpherical, Space, VonMises, parse

REALS, CIRCLES = 8, 2
ROOM = f"R{REALS} x T{CIRCLES} x S2"
"""What a manifold can hold: up to eight real numbers, two angles and a direction in space."""


class Slots(NamedTuple):
    """A latent space within one that has room for it.

    Attributes
    ----------
    host
        The roomy space, as a latent string.
    head, features
        Which outputs of the encoder, and which inputs of the decoder, are in use: ``(host.outputs,)`` and
        ``(host.features_size,)``, one or zero.
    """

    host: str
    head: Tensor
    features: Tensor


def slots(latent: str) -> Slots:
    """Return where a latent space has room; one that does not fit is its own host.

    >>> slots("S1 x R1").host, int(slots("S1 x R1").features.sum())
    ('R8 x T2 x S2', 3)
    >>> slots("D3").host
    'D3'
    """
    if (count := counted(parse(latent))) is None:
        return whole(latent)
    reals, angles = ((torch.arange(most) < n).float() for most, n in ((REALS, count[0]), (CIRCLES, count[1])))
    direction = torch.full((3,), float(count[2]))  # heads hold all of one parameter, then all of the next
    head = torch.cat([reals, reals, angles, angles, direction])
    return Slots(ROOM, head, torch.cat([reals, angles, angles, direction]))


def whole(latent: str) -> Slots:
    """Return a latent space as its own host."""
    space = parse(latent)
    return Slots(str(space), torch.ones(space.outputs), torch.ones(space.features_size))


def counted(space: Space) -> tuple[int, int, int] | None:
    """Return how many real numbers, angles and directions a product holds; None where it has no room.

    >>> counted(parse("R2 x S1 x R1")), counted(parse("S2 x S2")), counted(parse("D3"))
    ((3, 1, 0), None, None)
    """
    found = [0, 0, 0]
    for factor in space.factors:
        if (kind := kind_of(factor)) is None:
            return None
        found[kind] += factor.dim if kind < 2 else 1
    fits = found[0] <= REALS and found[1] <= CIRCLES and found[2] <= 1
    return (found[0], found[1], found[2]) if fits else None


def kind_of(factor: Latent) -> int | None:
    """Return 0 of real numbers, 1 of angles, 2 of a direction in space, None of all else."""
    if type(factor) is Normal:
        return 0
    if type(factor) is VonMises and not factor.options:
        return 1
    return 2 if type(factor) is PowerSpherical and factor.dim == 2 and not factor.options else None
