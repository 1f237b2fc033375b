"""The loop that one would write by hand in PyTorch, eager and under ``torch.compile``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.svi_contenders.task import ADAM_BETAS, COUNTS, LAYERS, LR, START, Task


class Networks(nn.Module):
    """Encoder and decoder with the task's initial weights; shared with the other torch contenders."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.encoder, self.decoder = networks(task.model)
        self.load_state_dict({name: torch.tensor(value) for name, value in task.weights.items()})

    def features(self, z: Tensor) -> Tensor:
        """Return what the decoder sees of latents z."""
        return z


class MixtureNetworks(Networks):
    """Those of the DVAE, whose decoder sees mixture weights."""

    def features(self, z: Tensor) -> Tensor:
        """Return mixture weights."""
        return z.softmax(-1)


def networks(model: str) -> tuple[nn.Sequential, nn.Sequential]:
    if model == "dvae":
        inputs, hidden, head, latents, _ = LAYERS[model]
        encoder = nn.Sequential(nn.Linear(inputs, hidden), nn.SELU(), nn.BatchNorm1d(hidden), nn.Linear(hidden, head))
        return encoder, nn.Sequential(nn.Linear(latents, inputs, bias=False))
    inputs, hidden, head, latents, *_ = LAYERS[model]
    encoder = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, head))
    return encoder, nn.Sequential(nn.Linear(latents, hidden), nn.ReLU(), nn.Linear(hidden, inputs))


def make(task: Task) -> Networks:
    return (MixtureNetworks if task.model == "dvae" else Networks)(task)


def normal_kl(loc: Tensor, log_variance: Tensor, scale: float) -> Tensor:
    variance = scale**2
    return 0.5 * ((loc**2 + log_variance.exp()) / variance - 1 - log_variance + float(np.log(variance))).sum(-1)


def loss(networks: Networks, x: Tensor, scale: float) -> Tensor:
    loc, log_variance = networks.encoder(x).chunk(2, -1)
    z = loc + (log_variance / 2).exp() * torch.randn_like(loc)
    logits = networks.decoder(networks.features(z))
    return (normal_kl(loc, log_variance, scale) - COUNTS * (x * logits.log_softmax(-1)).sum(-1)).mean()


class Loop:
    """Adam with torch's fused step, batches taken by index from a tensor."""

    def __init__(self, task: Task, *, compiled: bool) -> None:
        torch.manual_seed(0)
        self.task, self.x, self.networks = task, torch.tensor(task.images), make(task)
        self.optimiser = torch.optim.Adam(self.networks.parameters(), lr=LR, betas=ADAM_BETAS, fused=True)
        self.loss: Callable[..., Tensor] = torch.compile(loss) if compiled else loss

    def start_loss(self) -> float:
        """Return the loss at the initial weights."""
        with torch.no_grad():
            return loss(self.networks, self.x[:START], self.task.prior_scale).item()

    def epoch(self) -> float:
        """Train one epoch; return its mean loss."""
        losses = []
        for rows in torch.randperm(len(self.x)).split(self.task.batch)[: self.task.steps]:
            value = self.loss(self.networks, self.x[rows], self.task.prior_scale)
            self.optimiser.zero_grad()
            value.backward()
            self.optimiser.step()
            losses.append(value.detach())
        return torch.stack(losses).mean().item()


def eager(task: Task) -> Loop:
    return Loop(task, compiled=False)


def compiled(task: Task) -> Loop:
    return Loop(task, compiled=True)
