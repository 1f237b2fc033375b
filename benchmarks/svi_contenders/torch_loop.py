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
        self.task, self.x = task, torch.tensor(task.images, device=task.device)
        self.networks = make(task).to(task.device)
        self.optimiser = torch.optim.Adam(self.networks.parameters(), lr=LR, betas=ADAM_BETAS, fused=True)
        self.loss: Callable[..., Tensor] = torch.compile(loss) if compiled else loss

    def start_loss(self) -> float:
        """Return the loss at the initial weights."""
        with torch.no_grad():
            return loss(self.networks, self.x[:START], self.task.prior_scale).item()

    def epoch(self) -> float:
        """Train one epoch; return its mean loss."""
        losses = []
        for rows in torch.randperm(len(self.x), device=self.x.device).split(self.task.batch)[: self.task.steps]:
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


class Captured(Loop):
    """The step captured by hand as one CUDA graph: gather, noise, gradient, Adam; the host copies rows and launches."""

    WARM_UP = 3

    def __init__(self, task: Task) -> None:
        super().__init__(task, compiled=False)
        self.optimiser = torch.optim.Adam(
            self.networks.parameters(), lr=LR, betas=ADAM_BETAS, fused=True, capturable=True
        )
        self.rows = torch.arange(task.batch, device=self.x.device)
        before = {name: value.clone() for name, value in self.networks.state_dict().items()}
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(self.WARM_UP):
                self.step()
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.value = self.step()
        self.networks.load_state_dict(before)
        for state in self.optimiser.state.values():
            for tensor in state.values():
                tensor.zero_()

    def step(self) -> Tensor:
        """Take a step; return its loss."""
        self.optimiser.zero_grad()
        value = loss(self.networks, self.x[self.rows], self.task.prior_scale)
        value.backward()
        self.optimiser.step()
        return value.detach()

    def epoch(self) -> float:
        """Train one epoch; return its mean loss."""
        losses = []
        for rows in torch.randperm(len(self.x), device=self.x.device).split(self.task.batch)[: self.task.steps]:
            self.rows.copy_(rows)
            self.graph.replay()
            losses.append(self.value.clone())
        return torch.stack(losses).mean().item()
