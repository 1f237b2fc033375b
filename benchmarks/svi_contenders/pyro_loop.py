"""Plain Pyro with a DataLoader, as in Pyro's own tutorial on variational autoencoders."""

from __future__ import annotations

import pyro
import pyro.distributions as dist
import torch
from pyro.infer import SVI, TraceMeanField_ELBO
from pyro.optim import Adam
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.svi_contenders.task import ADAM_BETAS, COUNTS, LR, START, Task
from benchmarks.svi_contenders.torch_loop import Networks, make


class PyroVAE:
    """Model and guide over the hand-written networks."""

    def __init__(self, task: Task, name: str) -> None:
        self.task, self.name, self.networks = task, name, make(task).to(task.device)

    def model(self, x: Tensor) -> None:
        """p(x | z) p(z)."""
        networks: Networks = self.networks
        pyro.module(f"{self.name}decoder", networks.decoder)
        with pyro.plate("jets", len(x)):
            zero = x.new_zeros(len(x), self.task.latents)
            z = pyro.sample("z", dist.Normal(zero, zero + self.task.prior_scale).to_event(1))
            output = networks.decoder(networks.features(z))
            if self.task.model == "small":
                pyro.sample("x", dist.Normal(output, 1 / COUNTS).to_event(1), obs=x)
            else:
                pyro.factor("x", COUNTS * (x * output.log_softmax(-1)).sum(-1))

    def guide(self, x: Tensor) -> None:
        """q(z | x)."""
        pyro.module(f"{self.name}encoder", self.networks.encoder)
        with pyro.plate("jets", len(x)):
            loc, log_variance = self.networks.encoder(x).chunk(2, -1)
            pyro.sample("z", dist.Normal(loc, (log_variance / 2).exp()).to_event(1))


class Plain:
    """SVI runs, one after the other."""

    def __init__(self, task: Task) -> None:
        pyro.set_rng_seed(0)
        pyro.distributions.enable_validation(False)
        self.task, x = task, torch.tensor(task.images)
        self.loader = DataLoader(TensorDataset(x), batch_size=task.batch, shuffle=True, drop_last=True)
        self.first, self.elbo = x[:START].to(task.device), TraceMeanField_ELBO()
        self.vaes = [PyroVAE(task, f"{i}" if task.replicas > 1 else "") for i in range(task.replicas)]
        optimiser = Adam({"lr": LR, "betas": ADAM_BETAS})
        self.runs = [SVI(vae.model, vae.guide, optimiser, loss=self.elbo) for vae in self.vaes]

    def start_loss(self) -> float:
        """Return the loss at the initial weights."""
        with torch.no_grad():
            return self.elbo.loss(self.vaes[0].model, self.vaes[0].guide, self.first) / len(self.first)

    def epoch(self) -> float:
        """Train one epoch of every run; return the last one's mean loss."""
        for run in self.runs:
            total = 0.0
            for (x,) in self.loader:
                total += run.step(x.to(self.task.device))
        return total / (self.task.steps * self.task.batch)
