r"""A VAE of clouds for which no azimuth is special: turn the jet, and the latent direction turns with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from jets.preprocess import direction, turned
from models.vae import VAE
from priors import Normal, Space, VonMises


class EquivariantVAE(VAE):
    r"""A VAE whose networks see each jet along its axis, and whose latent space holds that axis' direction.

    .. math::
        q(z|x) = R_\alpha\,q'(z|R_{-\alpha}x), \qquad \hat x(z) = R_\theta\,\hat x'(R_{-\theta}z)

    with :math:`\alpha` the measured direction of the jet (:func:`jets.preprocess.direction`) and primes on what
    the networks do. Of the latent space R turns pairs of numbers, the n-th by :math:`n\alpha`: cosine and sine of a
    circle, or two normal coordinates; :math:`\theta` is the angle of the first. The encoder can correct the measured
    direction. The second pair turns as a jet's ellipse does: of two prongs it tells the axis before it is known which
    is the harder, the third of three.

    A circle and a plane are treated alike, so that their bounds can be compared: the decoder also sees the distance
    from the origin, which says something in the plane. Before training posteriors lie along the measured direction, at
    distance one or concentrated there: a circle that starts uniform stays so, since its gradient vanishes.

    Parameters
    ----------
    latent, parts
        Those of :class:`models.vae.VAE`.
    pairs
        How many pairs turn.

    Raises
    ------
    ValueError
        The latent space has too few circles ``S1`` and pairs of normal coordinates.
    """

    def __init__(self, latent: Space | str, *parts: Any, pairs: int = 1) -> None:
        super().__init__(latent, *parts)
        self.head_at, self.features_at = zip(*turning_pairs(self.latent, pairs), strict=True)
        *_, last = self.encoder.modules()
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.bias[list(self.head_at)] += 1

    def encode(self, x: Tensor) -> Tensor:
        """Return the posterior's parameters ``(..., latent.outputs)`` of clouds x ``(..., M, 3)``."""
        angle = direction(x)
        return turned_pairs(super().encode(turned(x, -angle)), self.head_at, angle)

    def generate(self, features: Tensor) -> Tensor:
        """Return decoded clouds ``(..., n, 3)`` from features ``(..., latent.features_size)``."""
        first = self.features_at[0]
        angle = torch.atan2(features[..., first + 1], features[..., first])
        return turned(super().generate(turned_pairs(features, self.features_at, -angle)), angle)


def turning_pairs(space: Space, count: int) -> list[tuple[int, int]]:
    """Return where in the head, and in the features, each pair of numbers begins that turns with a jet.

    Circles come before normal coordinates.

    >>> from priors import parse
    >>> turning_pairs(parse("R7 x S1"), 2), turning_pairs(parse("R8"), 2)
    ([(14, 7), (0, 0)], [(0, 0), (2, 2)])
    """
    head = features = 0
    circles, planes = [], []
    for factor in space.factors:
        if isinstance(factor, VonMises) and factor.dim == 1:
            circles.append((head, features))
        elif isinstance(factor, Normal):
            planes += [(head + 2 * i, features + 2 * i) for i in range(factor.dim // 2)]
        head, features = head + factor.outputs, features + factor.features_size
    found = circles + planes
    if len(found) < count:
        raise ValueError(
            f"{space}: an equivariant model needs a circle, S1, or two normal coordinates, R2, for the azimuth, and as "
            f"many again for each further pair; equivariant = {count} needs {count}, here are {len(found)}"
        )
    return found[:count]


def turned_pairs(values: Tensor, starts: Sequence[int], angle: Tensor) -> Tensor:
    """Return ``(..., k)`` with the n-th pair turned by n times the angle ``(...)`` [rad]."""
    for n, start in enumerate(starts, 1):
        before, along, across, after = values.split([start, 1, 1, values.shape[-1] - start - 2], -1)
        cos, sin = (n * angle).cos().unsqueeze(-1), (n * angle).sin().unsqueeze(-1)
        values = torch.cat([before, cos * along - sin * across, sin * along + cos * across, after], -1)
    return values
