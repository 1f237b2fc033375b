r"""Networks between particle clouds and latent space: a particle-flow encoder and a decoder to particles.

A cloud ``(B, M, 3)`` holds for each particle its share of the jet's pT, w (they sum to one; zero is padding), its
pseudorapidity and its azimuth :math:`\phi` [rad] relative to the jet axis. Jets are centred but not turned unless a
recipe says so: the direction of a decay about the axis is a circle that a latent ``S1`` can hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.networks import ACTIVATIONS, dense

SOFTEST = 1e-5
"""Share of pT below which a particle's logarithm is cut."""
ANGLE = 0.2
"""Size of an angle within a jet, for the scale of the networks [rad]."""
WAVES = (5, 10, 20, 40)
"""Waves per turn of the periodic features: wavelengths from 1.3 rad, a jet, to 0.16 rad, a subjet's core."""
HEADS = 4
"""Heads of an attention block."""


def particle_features(x: Tensor) -> Tensor:
    r"""Return what the encoder sees of each particle, ``(..., M, 24)``, from clouds ``(..., M, 3)``.

    w, :math:`\ln w`; :math:`\eta`, :math:`\sin\phi`, :math:`1 - \cos\phi` and the products of the first two, angles
    in units of 0.2; :math:`\sin` and :math:`\cos` of :math:`k\eta` and :math:`k\phi` for k = 5, 10, 20, 40: whole
    numbers, so that no azimuth is special. Sums of the products over particles are the jet's moments (mass, axis),
    those of the waves resolve its subjets (Tancik et al. 2006.10739).
    """
    w, eta, phi = x.unbind(-1)
    a, s = eta / ANGLE, phi.sin() / ANGLE
    slow = [10 * w, w.clamp(min=SOFTEST).log() / 5 + 1, a, s, (1 - phi.cos()) / ANGLE**2, a * a, a * s, s * s]
    waves = torch.tensor(WAVES, dtype=x.dtype, device=x.device)
    angles = (x[..., 1:, None] * waves).flatten(-2)
    return torch.cat([torch.stack(slow, -1), angles.sin(), angles.cos()], -1)


class CloudEncoder(nn.Module):
    r"""Particle-flow network: a function of each particle, sums over particles, a dense network.

    .. math::
        h = F\Bigl(\sum_i w_i\,\Phi(x_i),\ \frac1{\sqrt M}\sum_{i:\,w_i>0} \Phi(x_i)\Bigr)

    of clouds ``(B, M, 3)``, each particle entering as :func:`particle_features`. Particles' order and padding do not
    matter. Komiske, Metodiev & Thaler 1810.05165, eq. 1.2. With ``attention`` > 0 the particles first exchange what
    they hold, in that many blocks of self-attention (Mikuni & Canelli 2102.05073).

    Parameters
    ----------
    hidden
        Width of the particles' network, then those of the jet's.
    outputs
        Width of the head.
    activation
        A key of :data:`models.networks.ACTIVATIONS`.
    codes
        Size of the code of the resolution that modulates the jet's network; 0: none.
    attention
        Blocks of self-attention between the particles; their cost grows as the square of the particles' number.
    """

    PARTICLE = 8 + 4 * len(WAVES)

    def __init__(
        self, hidden: Sequence[int], outputs: int, activation: str = "relu", codes: int = 0, attention: int = 0
    ) -> None:
        super().__init__()
        width, *rest = hidden
        self.particle = dense(self.PARTICLE, [width], width, activation=activation)
        self.blocks = nn.ModuleList(SelfAttention(width, activation) for _ in range(attention))
        self.activation = ACTIVATIONS[activation]()
        self.jet = dense(2 * width, rest, outputs, activation=activation, codes=codes)

    def forward(self, x: Tensor, code: Tensor | None = None) -> Tensor:
        """Return ``(B, outputs)`` of clouds ``(B, M, 3)``, at the resolutions of ``code`` ``(B, codes)``."""
        w = x[..., 0]
        h = self.particle(particle_features(x))
        for block in self.blocks:
            h = block(h, w > 0)
        h = self.activation(h)
        there = (w > 0).to(h.dtype).unsqueeze(-1)
        pools = [(w.unsqueeze(-1) * h).sum(-2), (there * h).sum(-2) / x.shape[-2] ** 0.5]
        return self.jet(torch.cat(pools, -1), code)


class SelfAttention(nn.Module):
    r"""Pre-normalised transformer block: :math:`h \gets h + A(|h|)`, :math:`h \gets h + F(|h|)`.

    A is attention of 4 heads among the particles that are there, F a dense network of twice the width (Xiong et al.
    2002.04745). Width must divide by 4.
    """

    def __init__(self, width: int, activation: str) -> None:
        super().__init__()
        if width % HEADS:
            raise ValueError(f"attention needs a particle width that divides by {HEADS}, got {width}")
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.feed = dense(width, [2 * width], width, activation=activation)

    def forward(self, h: Tensor, there: Tensor) -> Tensor:
        """Return ``(..., M, width)`` from the same, attending to particles where ``there`` ``(..., M)``."""
        parts = self.project(self.norms[0](h)).unflatten(-1, (3, HEADS, -1)).movedim(-2, -4)
        query, key, value = parts.unbind(-2)
        score = query @ key.mT / math.sqrt(query.shape[-1])
        weight = score.masked_fill(~there[..., None, None, :], -1e9).softmax(-1)
        h = h + self.merge((weight @ value).movedim(-3, -2).flatten(-2))
        return h + self.feed(self.norms[1](h))


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
