"""Our own: the step on the same images as the peers; the trainer from constituents; many replicas."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyro
import torch
from torch import Tensor

import inference.machine
from benchmarks.svi_contenders.task import ADAM_BETAS, COUNTS, LR, START, Task
from inference.folder import RunFolder
from inference.objective import Controls, loss
from inference.order import shuffled
from inference.program import make_program
from inference.recipe import DataConfig, Recipe, TrainingConfig
from inference.replicas import make_generators
from inference.splits import split
from inference.step import State, make_step
from inference.trainer import Trainer
from jets import load
from models import VAE, ModelConfig, build

MODELS = {
    "dense": ModelConfig(latent="R8", encoder=(64,), decoder=(64,), activation="relu", beta=1 / COUNTS),
    "dvae": ModelConfig(
        latent="L2(alpha=0.9)", encoder=(100,), decoder=(), batch_norm=True, decoder_bias=False, beta=1 / COUNTS
    ),
    "small": ModelConfig(
        latent="R12", encoder=(64,), decoder=(64,), activation="relu", likelihood="normal", beta=1 / COUNTS
    ),
}


def make(task: Task) -> VAE:
    """Return the model with the task's initial weights."""
    vae = build(MODELS[task.model], task.images.shape[1])
    vae.load_state_dict({name: torch.tensor(value) for name, value in task.weights.items()})
    return vae.to(task.device).train()


def identity(x: Tensor) -> Tensor:
    """Pixelise nothing: the rows are images."""
    return x


class Ours:
    """The trainer's epoch, fed with images: order, controls, steps, report."""

    def __init__(self, task: Task, *, compiled: bool, together: bool = False) -> None:
        pyro.set_rng_seed(0)
        self.task, self.compiled, self.together, self.count = task, compiled, together, 0
        self.config = TrainingConfig(batch_size=task.batch, lr=LR, adam_betas=ADAM_BETAS, threads=task.threads)
        self.vae, self.x = make(task), torch.tensor(task.images, device=task.device)
        states = [State.of(make(task)) for _ in range(task.replicas)]
        self.states = [State.stacked(states)] if together else states
        self.program = self.build(states[0])

    def build(self, state: State) -> object:
        """Trace, and compile, the step."""
        seeds = range(self.task.replicas if self.together else 1)
        generators = make_generators(seeds, torch.device(self.task.device))
        rows = torch.arange(self.task.batch, device=self.task.device)
        step = make_step(self.vae, identity, self.config, interpreted=not (self.compiled or self.together))
        inputs = [*state.flat, self.x, rows, self.controls(1)[0]]
        program = make_program(step, inputs, generators, compiled=self.compiled, shared=len(state.flat))
        assert not program.reason, program.reason  # else it would be eager Pyro that is timed
        return program

    def controls(self, steps: int) -> Tensor:
        """Return what schedules would give, ``(steps, 4)``."""
        rows = [Controls(LR, 1 / COUNTS, 1.0, 0.0) for _ in range(steps)]  # type: ignore[arg-type]
        return torch.tensor(rows, device=self.task.device)

    def batches(self, seed: int) -> Tensor:
        """Return the rows of every step of one run, ``(steps, B)``."""
        order = shuffled(torch.arange(len(self.x)).numpy(), seed, self.count).to(self.task.device)
        return order[: self.task.steps * self.task.batch].unflatten(0, (self.task.steps, self.task.batch))

    def start_loss(self) -> float:
        """Return the loss at the initial weights."""
        with torch.no_grad():
            return loss(self.vae, self.x[:START], Controls(*self.controls(1)[0]), self.config)[0].item()

    def epoch(self) -> float:
        """Train one epoch of every run; return its mean loss."""
        self.count += 1
        controls, replicas = self.controls(self.task.steps), self.task.replicas
        orders = [self.batches(seed) for seed in range(replicas)]
        if self.together:
            orders = [torch.stack(orders, 1)]
            controls = controls[:, None].expand(-1, replicas, -1).contiguous()
        for state, order in zip(self.states, orders, strict=True):
            flat = state.flat
            reports = [self.program(*flat, self.x, rows, c) for rows, c in zip(order, controls, strict=True)]
        return torch.stack(reports)[..., 1].mean().item()


class FromConstituents:
    """The trainer itself, which makes the images of each batch anew."""

    def __init__(self, task: Task) -> None:
        inference.machine.MALLOC_OPTIONS = tuple(map(tuple, task.mallopt))  # the trainer sets them itself
        jets = load("sample:qcd", "sample:top")
        recipe = Recipe(
            data=DataConfig(test=1 - (len(task.images) + 0.25) / len(jets), validation=0.0),
            model=MODELS[task.model],
            training=TrainingConfig(
                batch_size=task.batch,
                lr=LR,
                adam_betas=ADAM_BETAS,
                threads=task.threads,
                compile=True,
                epochs=1000,
                device=task.device,
            ),
        )
        assert len(split(jets, recipe.data, 0).train) == len(task.images)
        folder = RunFolder.create(Path(tempfile.mkdtemp(dir=task.folder)) / "run", recipe, jets)
        self.trainer = Trainer([folder], [recipe], [make(task)], jets)
        self.count = 0

    def start_loss(self) -> float:
        """Return the loss at the initial weights."""
        x = self.trainer.data[torch.as_tensor(self.trainer.replicas[0].split.train[:START])]
        controls = torch.tensor([LR, 1 / COUNTS, 1.0, 0.0], device=x.device)
        with torch.no_grad():
            return loss(self.trainer.vaes[0], x, Controls(*controls), self.trainer.config)[0].item()

    def epoch(self) -> float:
        """Train one epoch; return its mean loss."""
        self.trainer.train_epoch(self.count)
        self.count += 1
        return self.trainer.replicas[0].history.epochs[-1]["loss"]


def compiled(task: Task) -> Ours:
    return Ours(task, compiled=True)


def graph(task: Task) -> Ours:
    return Ours(task, compiled=False)


def together(task: Task) -> Ours:
    return Ours(task, compiled=True, together=True)
