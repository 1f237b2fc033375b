"""The best of many restarts of one latent space on one sample: a race, for topologies that a single training misses.

Which way round a circle or a torus the encoder winds is decided in the first steps, and mostly wrongly. So many small
models start, at a coarse resolution at which only the topology matters; those that describe the points best continue,
while beta falls to its value; the best wins. The same budget for every latent space. One vectorised program takes the
steps of a few models at a time, traced and compiled once for each latent space, or once for all (``Budget.shared``),
whatever the points: vectors are padded to a common length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from torch.nn.functional import pad

from inference.importance import drawn_log_weights
from inference.program import Program
from inference.recipe import TrainingConfig
from inference.replicas import joined_state
from inference.schedules import Schedule, one_cycle
from inference.slots import slots, whole
from inference.step import State, make_step
from models import VAE, ModelConfig, build
from priors import Superposition, parse

BLOCK = 8
"""Vectors are padded with zeros to a multiple of this length."""


@dataclass(frozen=True)
class Budget:
    """What a race may cost.

    Attributes
    ----------
    starts, union_starts
        Restarts; of a superposition, whose category has to be found too.
    together
        Models that take their steps together, of which as many continue after the heats.
    heat, final
        Steps before and after the choice.
    coarse
        Resolution of the heats, in units of the points' size.
    batch, lr, hidden
        Points per step, largest learning rate, widths of the hidden layers.
    compiled
        Whether to compile the step, where there is a compiler.
    shared
        Whether products of real numbers, angles and a direction share one roomy space (:mod:`inference.slots`): one
        program to compile, of a step that takes twice as long.
    """

    starts: int = 12
    union_starts: int = 24
    together: int = 4
    heat: int = 300
    final: int = 1000
    coarse: float = 0.35
    batch: int = 128
    lr: float = 4e-3
    hidden: tuple[int, ...] = (48, 48)
    compiled: bool = True
    shared: bool = False


class SkipEncoder(nn.Module):
    """A dense network plus a linear map: at the start, each restart sees the points from another side.

    Outputs of latents that are switched off, where ``on`` ``(outputs,)`` is zero, are zero.
    """

    on: Tensor

    def __init__(self, network: nn.Module, inputs: int, on: Tensor) -> None:
        super().__init__()
        self.network, self.skip = network, nn.Linear(inputs, len(on))
        self.register_buffer("on", on)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, outputs)`` of points ``(B, inputs)``."""
        return (self.network(x) + self.skip(x)) * self.on


class PaddedDecoder(nn.Module):
    """A network whose outputs beyond the length of the vectors are zero, as the padding is.

    It does not see features that are switched off, where ``on`` ``(features,)`` is zero, and starts as if there were
    none.
    """

    on: Tensor
    inside: Tensor

    def __init__(self, network: nn.Module, inputs: int, width: int, on: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("on", on)
        self.register_buffer("inside", (torch.arange(width) < inputs).float())
        first = next(module for module in network.modules() if isinstance(module, nn.Linear))
        with torch.no_grad():  # as nn.Linear would draw them for so many inputs
            for values in first.parameters():
                values.mul_(math.sqrt(len(on) / float(on.sum())))

    def forward(self, features: Tensor) -> Tensor:
        """Return ``(..., width)``."""
        return self.network(features * self.on) * self.inside


class Winner:
    """The best model of a race, in units of the sample.

    Parameters
    ----------
    vae
        Of padded points of mean 0 and size 1.
    mean, scale
        Of the sample: ``(K,)`` and a number.
    """

    def __init__(self, vae: VAE, mean: NDArray[np.floating], scale: float) -> None:
        self.vae, self.mean, self.scale = vae, mean, scale

    @torch.no_grad()
    def log_weights(self, points: NDArray[np.floating], draws: int) -> NDArray[np.float64]:
        """Return ln p(x, z)/q(z|x) ``(draws, N)`` [nat] of points ``(N, K)``; ``draws`` is a multiple of 10."""
        x = padded_points((points - self.mean) / self.scale).repeat(10, 1)  # fewer, larger operations
        weights = drawn_log_weights(self.vae.model, self.vae.guide, x, draws // 10)
        return weights.reshape(draws, -1).double().numpy() - self.unit

    @property
    def unit(self) -> float:
        """What ln p of a padded point exceeds that of the point in its own unit by [nat]."""
        padding = padded_length(len(self.mean)) - len(self.mean)
        at_zero = -padding * math.log(float(self.vae.likelihood.beta) * math.sqrt(2 * math.pi))
        return len(self.mean) * math.log(self.scale) + at_zero


def padded_length(inputs: int) -> int:
    """Return the length of padded vectors.

    >>> padded_length(3), padded_length(8), padded_length(9)
    (8, 8, 16)
    """
    return -(-inputs // BLOCK) * BLOCK


def padded_points(points: NDArray[np.floating]) -> Tensor:
    """Return points ``(N, K)`` with zeros up to the padded length."""
    x = torch.as_tensor(points, dtype=torch.float32)
    return pad(x, (0, padded_length(x.shape[1]) - x.shape[1]))


def race(
    points: NDArray[np.floating], latent: str, beta: float, *, seed: int = 0, budget: Budget | None = None
) -> Winner:
    """Return the winner for points ``(N, K)`` at resolution ``beta`` in their unit."""
    budget = budget or Budget()
    mean, scale = points.mean(0), float(points.std(0).max())
    x = padded_points((points - mean) / scale)
    starts = budget.union_starts if isinstance(parse(latent).factors[0], Superposition) else budget.starts
    pyro.set_rng_seed(seed)
    vaes = [small_vae(latent, len(mean), budget) for _ in range(starts)]
    fine, coarse = beta / scale, max(budget.coarse, beta / scale)
    heats = [vaes[i : i + budget.together] for i in range(0, starts, budget.together)]
    bounds = [train_together(heat, x, constant(coarse), budget.heat, (seed, i), budget) for i, heat in enumerate(heats)]
    kept = [vaes[i] for i in np.argsort(-np.concatenate(bounds))[: budget.together]]
    fall = Schedule(shape="geometric", start=coarse, stop=fine, over=0.6)
    final = train_together(kept, x, fall, budget.final, (seed, len(heats)), budget)
    vae = kept[int(np.argmax(final))].eval()
    vae.likelihood.beta = torch.tensor(fine)
    return Winner(vae, mean, scale)


def constant(value: float) -> Schedule:
    """Return a number that does not move."""
    return Schedule(stop=value)


def small_vae(latent: str, inputs: int, budget: Budget) -> VAE:
    """Return a fresh model of points ``(B, padded length)``, within the space that has room for the latent space."""
    width, room = padded_length(inputs), slots(latent) if budget.shared else whole(latent)
    config = ModelConfig(
        latent=room.host,
        likelihood="normal",
        inputs=width,
        encoder=budget.hidden,
        decoder=budget.hidden,
        activation="gelu",
    )
    vae = build(config)
    vae.encoder = SkipEncoder(vae.encoder, width, room.head)
    vae.decoder = PaddedDecoder(vae.decoder, inputs, width, room.features)
    return vae


@lru_cache(maxsize=64)
def program_for(latent: str, width: int, count: int, budget: Budget) -> Program:
    """Return the step of ``count`` models on a batch of padded points for each; traced once, whatever the points."""
    vae = small_vae(latent, width, budget)
    state = State.of(vae)
    step = make_step(vae, lambda x: x, TrainingConfig(adam_betas=(0.9, 0.99), clip=1.0))
    rows, controls = torch.arange(budget.batch), torch.tensor([1e-3, 1.0, 1.0, 0.0])
    example = [*state.flat, torch.zeros(count * budget.batch, width), rows, controls]
    generators = [Generator().manual_seed(i) for i in range(count)]
    return Program(step, example, generators, compiled=budget.compiled, shared=len(state.flat))


def train_together(
    vaes: Sequence[VAE], x: Tensor, beta: Schedule, count: int, seed: tuple[int, int], budget: Budget
) -> NDArray[np.floating]:
    """Train models together in place; return the ELBO of each, ``(R,)``, over the last fifth of the steps."""
    state = joined_state(vaes)
    program = program_for(str(vaes[0].latent), x.shape[1], len(vaes), budget)
    order = np.random.default_rng(seed)
    rows = torch.arange(len(vaes) * budget.batch).reshape(len(vaes), -1)
    program.generators = [Generator().manual_seed(int(order.integers(1 << 62))) for _ in vaes]
    controls = torch.tensor([(one_cycle(budget.lr, t), beta(t), 1.0, 0.0) for t in np.linspace(0, 1, count).tolist()])
    bounds = []
    for control in controls[:, None].repeat(1, len(vaes), 1):
        batch = x[torch.as_tensor(order.integers(0, len(x), rows.numel()))]
        bounds.append(-program(*state.flat, batch, rows, control)[:, 1])
    return torch.stack(bounds[-count // 5 :]).mean(0).nan_to_num(-np.inf).numpy()
