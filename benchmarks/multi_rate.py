r"""Multi-Rate VAE (Bae et al. 2212.03905), the other model for a whole range of beta, on vectors.

Its networks know beta by gates on the pre-activations: of the encoder
:math:`\sigma(a \ln\beta + b)`, of the decoder :math:`\sqrt{\max(0, 1 - e^{a \ln\beta + b})}`, a and b for each
feature; ln beta is uniform, each point of a batch has its own, and the loss is <d^2>/2 + beta^2 KL, in which every
resolution counts by the size of its loss. Instead it may be balanced as ours is, each loss in nats divided by its
running mean at that beta, which is not in the paper. Written in plain torch, from the paper; the authors' own code is
for images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference.recipe import Recipe
from models.networks import ACTIVATIONS
from models.resolution import Resolution

RATES = (1e-3, 3e-3, 1e-2)
"""Learning rates of which the best is taken, with both losses, by the objective on training points."""


class Gated(nn.Module):
    """A linear layer whose pre-activations are gated by ln beta."""

    def __init__(self, inputs: int, outputs: int, *, decodes: bool) -> None:
        super().__init__()
        self.linear, self.response, self.decodes = nn.Linear(inputs, outputs), nn.Linear(1, outputs), decodes
        if decodes:  # a gate that is closed everywhere has no gradient: let all begin open where beta is small
            nn.init.uniform_(self.response.weight, 0.2, 1)
            nn.init.constant_(self.response.bias, -1.0)

    def forward(self, x: Tensor, place: Tensor) -> Tensor:
        """Return the gated pre-activations of x ``(B, inputs)`` at ``place`` ``(B, 1)``."""
        response = self.response(place)
        gate = (1 - response.exp()).clamp(min=1e-12).sqrt() if self.decodes else response.sigmoid()
        return gate * self.linear(x)


class Stack(nn.Module):
    """Gated hidden layers, or one linear gated layer where there are none, and a linear layer."""

    def __init__(self, widths: Sequence[int], activation: str, *, decodes: bool) -> None:
        super().__init__()
        *hidden, last = widths
        hidden = hidden if len(hidden) > 1 else [*hidden, min(widths)]
        self.layers = nn.ModuleList(Gated(a, b, decodes=decodes) for a, b in pairwise(hidden))
        self.last = nn.Linear(hidden[-1], last)
        self.activation = ACTIVATIONS[activation]() if len(widths) > 2 else nn.Identity()

    def forward(self, x: Tensor, place: Tensor) -> Tensor:
        """Return ``(B, outputs)``."""
        for layer in self.layers:
            x = self.activation(layer(x, place))
        return self.last(x)


class Bounds(NamedTuple):
    """KL [nat] and squared distance of points, each ``(B,)``."""

    kl: Tensor
    distortion: Tensor


class MultiRateVAE(nn.Module):
    """The model: Normal latents, networks as wide as the recipe's."""

    def __init__(self, recipe: Recipe, inputs: int, latents: int, scale: float) -> None:
        super().__init__()
        model = recipe.model
        assert model.beta.is_range
        self.middle = math.log(model.beta.low * model.beta.high) / 2
        self.reach = math.log(model.beta.high / model.beta.low) / 2 / math.sqrt(3)  # ln beta has unit variance
        self.low, self.high, self.scale = model.beta.low, model.beta.high, scale
        features = [inputs, *model.encoder]
        self.encoder = Stack([*features, features[-1]], model.activation, decodes=False) if model.encoder else None
        self.mean, self.log_variance = (
            Stack([features[-1], latents], model.activation, decodes=False) for _ in range(2)
        )
        self.decoder = Stack([latents, *model.decoder, inputs], model.activation, decodes=True)

    def bounds(self, x: Tensor, beta: Tensor) -> Bounds:
        """Return KL and squared distance of points x ``(B, D)`` at ``beta`` ``(B,)``, of one draw of the noise."""
        place = ((beta.log() - self.middle) / self.reach)[:, None]
        h = x / self.scale
        h = h if self.encoder is None else self.encoder(h, place)
        mean, log_variance = self.mean(h, place), self.log_variance(h, place)
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        kl = (mean**2 + log_variance.exp() - 1 - log_variance).sum(-1) / 2
        return Bounds(kl, (self.scale * self.decoder(z, place) - x).square().sum(-1))

    def sampled(self, count: int) -> Tensor:
        """Draw resolutions ``(count,)``, ln beta uniform."""
        return self.low * (self.high / self.low) ** torch.rand(count)


def trained(recipe: Recipe, x: Tensor, latents: int, rate: float, *, balance: bool = False) -> MultiRateVAE:
    """Train on points ``(N, D)`` for the recipe's epochs, in its batches: Adam, the rate a cosine to zero."""
    balanced = Resolution(recipe.model.beta.low, recipe.model.beta.high).balanced
    torch.manual_seed(recipe.training.seed)
    vae = MultiRateVAE(recipe, x.shape[1], latents, float(x.std()))
    epochs, size = recipe.training.epochs, recipe.training.batch_size
    steps = epochs * (len(x) // size)
    optimizer = torch.optim.Adam(vae.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x))[: len(x) // size * size].view(-1, size):
            beta = vae.sampled(size)
            kl, distortion = vae.bounds(x[rows], beta)
            optimizer.zero_grad()
            loss = distortion / 2 + beta**2 * kl
            (balanced(loss / beta**2, beta) if balance else loss.mean()).backward()
            optimizer.step()
            schedule.step()
    return vae


@torch.no_grad()
def objective(vae: MultiRateVAE, x: Tensor, betas: Sequence[float], draws: int = 2) -> NDArray[np.float64]:
    """Return KL + d^2 / 2 beta^2 [nat] of points ``(N, D)`` at each beta, ``(beta, N)``, the mean over draws."""
    rows = []
    for value in betas:
        torch.manual_seed(0)
        found = [vae.bounds(x, torch.full((len(x),), value)) for _ in range(draws)]
        rows.append(torch.stack([each.kl + each.distortion / (2 * value**2) for each in found]).mean(0).numpy())
    return np.stack(rows).astype(float)
