"""The best of many restarts of one latent space on one sample: a race, for topologies that a single training misses.

Which way round a circle or a torus the encoder winds is decided in the first steps, and mostly wrongly. So many small
models start, at a coarse resolution at which only the topology matters; the two that describe the points best go on,
while beta falls to its value; the better one wins. The same budget for every latent space. All restarts take their
steps in one vectorised program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from inference.importance import drawn_log_weights
from inference.program import Program
from inference.recipe import TrainingConfig
from inference.replicas import joined_state
from inference.schedules import Schedule, one_cycle
from inference.step import State, make_step
from models import VAE, ModelConfig, build
from priors import Superposition, parse


@dataclass(frozen=True)
class Budget:
    """What a race may cost.

    Attributes
    ----------
    starts, union_starts
        Restarts; of a superposition, whose category has to be found too.
    heat, final
        Steps before and after the choice of the ``kept`` best.
    coarse
        Resolution of the heat, in units of the points' size.
    batch, lr, hidden
        Points per step, largest learning rate, widths of the hidden layers.
    """

    starts: int = 12
    union_starts: int = 24
    heat: int = 350
    final: int = 1500
    kept: int = 2
    coarse: float = 0.35
    batch: int = 200
    lr: float = 4e-3
    hidden: tuple[int, ...] = (64, 64)


class SkipEncoder(nn.Module):
    """A dense network plus a linear map: at the start, each restart looks at the points from another side."""

    def __init__(self, network: nn.Module, inputs: int, outputs: int) -> None:
        super().__init__()
        self.network, self.skip = network, nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, outputs)`` of points ``(B, inputs)``."""
        return self.network(x) + self.skip(x)


class Winner:
    """The best model of a race, in units of the sample.

    Parameters
    ----------
    vae
        Of points of mean 0 and size 1.
    mean, scale
        Of the sample: ``(K,)`` and a number.
    bound
        ELBO at the end of training [nat per point].
    """

    def __init__(self, vae: VAE, mean: Tensor, scale: float, bound: float) -> None:
        self.vae, self.mean, self.scale, self.bound = vae, mean, scale, bound

    @torch.no_grad()
    def log_weights(self, points: NDArray[np.floating], draws: int) -> NDArray[np.float64]:
        """Return ln p(x, z)/q(z|x) of ``draws`` draws, ``(draws, N)``, for points ``(N, K)`` [nat]."""
        x = (torch.as_tensor(points, dtype=torch.float32) - self.mean) / self.scale
        weights = drawn_log_weights(self.vae.model, self.vae.guide, x, draws)
        return weights.double().numpy() - points.shape[1] * np.log(self.scale)


def race(
    points: NDArray[np.floating], latent: str, beta: float, *, seed: int = 0, budget: Budget | None = None
) -> Winner:
    """Return the winner for points ``(N, K)`` at resolution ``beta`` in their unit."""
    budget = budget or Budget()
    mean, scale = points.mean(0), float(points.std(0).max())
    x = torch.as_tensor((points - mean) / scale, dtype=torch.float32)
    starts = budget.union_starts if isinstance(parse(latent).factors[0], Superposition) else budget.starts
    pyro.set_rng_seed(seed)
    vaes = [small_vae(latent, x.shape[1], budget) for _ in range(starts)]
    fine = beta / scale
    bounds = steps(vaes, x, constant(max(budget.coarse, fine)), budget.heat, seed, budget)
    kept = [vaes[i] for i in np.argsort(-bounds)[: budget.kept]]
    fall = Schedule(shape="geometric", start=max(budget.coarse, fine), stop=fine, over=0.6)
    bounds = steps(kept, x, fall, budget.final, seed, budget)
    best = int(np.argmax(bounds))
    bound = float(bounds[best]) - x.shape[1] * float(np.log(scale))
    vae = kept[best].eval()
    vae.likelihood.beta = torch.tensor(fine)
    return Winner(vae, torch.as_tensor(mean, dtype=torch.float32), scale, bound)


def constant(value: float) -> Schedule:
    """Return a number that does not move."""
    return Schedule(stop=value)


def small_vae(latent: str, inputs: int, budget: Budget) -> VAE:
    """Return a fresh model of points ``(B, inputs)``."""
    config = ModelConfig(
        latent=latent,
        likelihood="normal",
        inputs=inputs,
        encoder=budget.hidden,
        decoder=budget.hidden,
        activation="gelu",
    )
    vae = build(config)
    vae.encoder = SkipEncoder(vae.encoder, inputs, vae.latent.outputs)
    return vae


@lru_cache(maxsize=64)
def program_for(latent: str, inputs: int, replicas: int, budget: Budget) -> Program:
    """Return the vectorised step of a latent space; traced once, whatever the points."""
    vae = small_vae(latent, inputs, budget)
    state = State.of(vae)
    training = TrainingConfig(adam_betas=(0.9, 0.99), clip=1.0)
    step = make_step(vae, lambda x: x, training)
    rows, controls = torch.arange(budget.batch), torch.tensor([1e-3, 1.0, 1.0, 0.0])
    example = [*state.flat, torch.zeros(budget.batch, inputs), rows, controls]
    generators = [Generator().manual_seed(i) for i in range(replicas)]
    return Program(step, example, generators, compiled=False, shared=len(state.flat))


def steps(
    vaes: Sequence[VAE], x: Tensor, beta: Schedule, count: int, seed: int, budget: Budget
) -> NDArray[np.floating]:
    """Train models together in place; return the ELBO of each, ``(R,)``, over the last fifth of the steps."""
    state = joined_state(vaes)
    program: Any = program_for(str(vaes[0].latent), x.shape[1], len(vaes), budget)
    program.generators = [Generator().manual_seed(1000 * seed + r) for r in range(len(vaes))]
    order = np.random.default_rng(seed)
    bounds = []
    for i in range(count):
        progress = i / max(1, count - 1)
        rows = torch.as_tensor(order.integers(0, len(x), (len(vaes), budget.batch)))
        controls = torch.tensor([one_cycle(budget.lr, progress), beta(progress), 1.0, 0.0]).expand(len(vaes), -1)
        report = program(*state.flat, x, rows, controls)
        bounds.append(-report[:, 1])
    return torch.stack(bounds[-count // 5 :]).mean(0).nan_to_num(-np.inf).numpy()
