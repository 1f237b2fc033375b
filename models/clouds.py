"""Networks between particle clouds and latent space: a Deep Sets encoder and a decoder to particles."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.networks import ACTIVATIONS, dense

SOFTEST = 1e-5
"""Share of pT below which a particle's logarithm is cut."""
ANGLE = 0.2
"""Size of an angle within a jet, for the scale of the networks [rad]."""


class CloudEncoder(nn.Module):
    r"""Particle-flow network: a function of each particle, two sums over particles, a dense network.

    .. math::
        h = F\Bigl(\sum_i w_i\,\Phi(x_i),\ \frac1{\sqrt M}\sum_{i:\,w_i>0} \Phi(x_i)\Bigr)

    of clouds ``(B, M, 3)`` = (w, eta, phi), w the share of pT, zero for padding; each particle enters as
    (w, eta, sin phi, 1 - cos phi, ln w, eta^2, eta sin phi, sin^2 phi), angles in units of 0.2. Their order does not
    matter.
    Komiske, Metodiev & Thaler 1810.05165, eq. 1.2.
    """

    PARTICLE = 8

    def __init__(self, hidden: Sequence[int], outputs: int, activation: str = "relu", codes: int = 0) -> None:
        super().__init__()
        particle, *rest = hidden
        self.particle = dense(self.PARTICLE, [particle], particle, activation=activation)
        self.activation = ACTIVATIONS[activation]()
        self.jet = dense(2 * particle, rest, outputs, activation=activation, codes=codes)

    def forward(self, x: Tensor, code: Tensor | None = None) -> Tensor:
        """Return ``(B, outputs)`` of clouds ``(B, M, 3)``, at the resolutions of ``code`` ``(B, codes)``."""
        w, eta, phi = x[..., 0], x[..., 1] / ANGLE, x[..., 2]
        sine, cosine = phi.sin() / ANGLE, (1 - phi.cos()) / ANGLE**2
        parts = [10 * w, eta, sine, cosine, w.clamp(min=SOFTEST).log() / 5 + 1, eta * eta, eta * sine, sine * sine]
        h = self.activation(self.particle(torch.stack(parts, -1)))
        there = (w > 0).to(h.dtype).unsqueeze(-1)
        pools = [(w.unsqueeze(-1) * h).sum(-2), (there * h).sum(-2) / x.shape[-2] ** 0.5]
        return self.jet(torch.cat(pools, -1), code)


class CloudDecoder(nn.Module):
    r"""Dense network to n particles: w = softmax, eta, and phi = atan2(s, c), so that a circle can be decoded.

    ``(..., features)`` to clouds ``(..., n, 3)`` with weights that sum to one (Collins 2109.10919, sec. 2).
    """

    def __init__(
        self, features: int, hidden: Sequence[int], particles: int, activation: str = "relu", codes: int = 0
    ) -> None:
        super().__init__()
        self.particles = particles
        self.network = dense(features, hidden, 4 * particles, activation=activation, codes=codes)

    def forward(self, features: Tensor, code: Tensor | None = None) -> Tensor:
        """Return clouds ``(..., n, 3)``, at the resolutions of ``code`` ``(..., codes)``."""
        logit, eta, cosine, sine = self.network(features, code).unflatten(-1, (4, self.particles)).unbind(-2)
        phi = torch.atan2(ANGLE * sine, ANGLE * cosine + 1)  # starts near phi = 0, away from the cut
        return torch.stack([logit.softmax(-1), ANGLE * eta, phi], -1)
