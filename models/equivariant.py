r"""A VAE of clouds for which no azimuth is special: turn the jet, and the latent direction turns with it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from jets.preprocess import aligned, turned
from models.vae import VAE
from priors import Latent, Normal, Space, VonMises


class EquivariantVAE(VAE):
    r"""A VAE whose networks see each jet along its axis, and whose latent space holds that axis' direction.

    .. math::
        q(z|x) = R_\alpha\,q'(z|R_{-\alpha}x), \qquad \hat x(z) = R_\theta\,\hat x'(R_{-\theta}z)

    with :math:`\alpha` the measured direction of the jet (:func:`jets.preprocess.direction`) and primes on what
    the networks do. Of the latent space R turns two numbers alone: cosine and sine of its first circle, else its first
    two normal coordinates; :math:`\theta` is their angle. The encoder can correct the measured direction.

    A circle and a plane are treated alike, so that their bounds can be compared: the decoder also sees the distance
    from the origin, which says something in the plane. Before training posteriors lie along the measured direction, at
    distance one or concentrated there: a circle that starts uniform stays so, since its gradient vanishes.

    Raises
    ------
    ValueError
        The latent space has neither a circle ``S1`` nor two normal coordinates.
    """

    def __init__(self, latent: Space | Latent | str, *parts: Any) -> None:
        super().__init__(latent, *parts)
        self.head_at, self.features_at = first_pair(self.latent)
        *_, last = self.encoder.modules()
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.bias[self.head_at] += 1

    def encode(self, x: Tensor) -> Tensor:
        """Return the posterior's parameters ``(..., latent.outputs)`` of clouds x ``(..., M, 3)``."""
        upright, angle = aligned(x)
        before, along, across, after = parted(super().encode(upright), self.head_at)
        cos, sin = angle.cos().unsqueeze(-1), angle.sin().unsqueeze(-1)
        return torch.cat([before, cos * along - sin * across, sin * along + cos * across, after], -1)

    def generate(self, features: Tensor) -> Tensor:
        """Return decoded clouds ``(..., n, 3)`` from features ``(..., latent.features_size)``."""
        before, c, s, after = parted(features, self.features_at)
        upright = super().generate(torch.cat([before, torch.hypot(c, s), torch.zeros_like(s), after], -1))
        return turned(upright, torch.atan2(s, c).squeeze(-1))


def first_pair(space: Space) -> tuple[int, int]:
    """Return where in the head, and in the features, the two numbers begin that turn with a jet.

    >>> from priors import parse
    >>> first_pair(parse("R7 x S1")), first_pair(parse("R8"))
    ((14, 7), (0, 0))

    Raises
    ------
    ValueError
        There is no such pair.
    """
    head = features = 0
    found: dict[str, tuple[int, int]] = {}
    for factor in space.factors:
        if isinstance(factor, VonMises) and factor.dim == 1:
            found.setdefault("circle", (head, features))
        elif isinstance(factor, Normal) and factor.dim > 1:
            found.setdefault("plane", (head, features))
        head, features = head + factor.outputs, features + factor.features_size
    if not found:
        raise ValueError(
            f"{space}: an equivariant model needs a circle, S1, or two normal coordinates, R2, for the azimuth"
        )
    return found.get("circle") or found["plane"]


def parted(values: Tensor, start: int) -> tuple[Tensor, ...]:
    """Cut ``(..., n)`` into what comes before the pair, its two numbers ``(..., 1)``, and the rest."""
    return values.split([start, 1, 1, values.shape[-1] - start - 2], -1)
