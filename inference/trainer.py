"""The training loop: one run, or several replicas in one vectorised step."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyro
import torch
from torch import Generator, Tensor

from inference.data import Data, Split, data_for, shuffled, split
from inference.folder import REPLICAS, RunError, RunFolder
from inference.history import History
from inference.lower_bound import elbo, kl_terms
from inference.machine import choose_device, tune_cpu
from inference.objective import Controls
from inference.postmortem import guilty_site
from inference.program import make_program
from inference.progress import Progress
from inference.recipe import Recipe, RecipeError
from inference.replicas import assert_alike, joined_state, own
from inference.schedules import plateau_factor, should_stop
from inference.step import make_step
from inference.tracking import Tracker
from inference.validation import mean_bound
from jets import Jets
from models import VAE

COMPILATION_PAYS = 5_000
"""Steps, of all replicas together, from which compiling for ten seconds saves more than it costs."""


class Trainer:
    """Adam on the objective for R replicas of one model, epoch by epoch, with checkpoints.

    Replicas differ in seed (split, initial weights, order, noise), beta, learning rate and schedules. Each gets the
    data and the noise that it would get alone, and leaves a run folder of its own.

    Parameters
    ----------
    folders, recipes, vaes
        R of each.
    jets
        The sample.
    """

    def __init__(
        self, folders: Sequence[RunFolder], recipes: Sequence[Recipe], vaes: Sequence[VAE], jets: Jets
    ) -> None:
        self.folders, self.recipes, self.vaes = folders, recipes, vaes
        recipe = recipes[0]
        self.config = recipe.training
        assert_alike(recipes)
        tune_cpu(self.config.threads)
        self.device = choose_device(self.config.device)
        if self.config.precision == "tf32":
            torch.set_float32_matmul_precision("high")
        self.splits = [split(jets, r.data, r.training.seed) for r in recipes]
        self.images = data_for(jets, recipe, self.device)
        for vae, part in zip(vaes, self.splits, strict=True):
            prepare(vae.to(self.device), self.images, part, low_precision=self.config.precision == "bf16")
        self.state = joined_state(vaes)
        self.generators = self.make_generators()
        self.histories = [History(self.kl_names) for _ in folders]
        self.size = min(self.config.batch_size, len(self.splits[0].train))
        self.steps_per_epoch = len(self.splits[0].train) // self.size
        self.saved = time.perf_counter()
        self.restore()
        self.program: Any = None

    @property
    def kl_names(self) -> list[str]:
        """Names of the KL terms, in the order of a step's report."""
        vae = self.vaes[0]
        x = self.images[torch.as_tensor(self.splits[0].train[:2], device=self.device)]
        with torch.random.fork_rng(devices=[]), torch.no_grad(), pyro.validation_enabled(False):
            was_training = vae.training
            bound = elbo(vae.eval().model, vae.guide, x)
            vae.train(was_training)
        terms = (kl_terms(vae.latent, site, value.shape[-1]) for site, value in bound.kl.items())
        return [term.name for terms_of_site in terms for term in terms_of_site]

    def make_generators(self) -> list[Generator]:
        """Return the source of noise of each replica; a single one uses torch's own, as plain Pyro would."""
        seeds = [recipe.training.seed for recipe in self.recipes]
        pyro.set_rng_seed(seeds[0])
        if len(seeds) > 1:
            return [Generator(self.device).manual_seed(seed) for seed in seeds]
        if self.device.type == "cuda":
            return [torch.cuda.default_generators[self.device.index or 0]]
        return [torch.default_generator]

    def train(self, until: int | None = None) -> None:
        """Train to the last epoch or the early stop; an interruption leaves the last checkpoint to resume from.

        ``until`` stops after that epoch, for a look at the model; the next call goes on.
        """
        done, total = len(self.histories[0].epochs), self.config.epochs if until is None else until
        progress = Progress(self.config.epochs, len(self.splits[0].train) * len(self.folders), done)
        with Tracker(self.folders, enabled=self.config.tensorboard) as tracker:
            for epoch in range(done, total):
                if self.finished_early():
                    break
                self.train_epoch(epoch)
                progress.update(epoch + 1, mean_row([history.epochs[-1] for history in self.histories]))
                tracker.write(epoch + 1, [history.epochs[-1] for history in self.histories])
                if time.perf_counter() - self.saved > self.config.checkpoint_seconds:
                    self.checkpoint()
        self.checkpoint()
        if total < self.config.epochs:
            return
        for run, vae in zip(self.folders, self.vaes, strict=True):
            run.save("weights.pt", own(vae.state_dict()))

    def finished_early(self) -> bool:
        """Whether every replica has stopped getting better."""
        return all(should_stop(h.validation_losses, self.config.early_stop) for h in self.histories)

    def train_epoch(self, epoch: int) -> None:
        """Take one pass over the training jets, then record, guard and validate."""
        start = time.perf_counter()
        for vae in self.vaes:
            vae.train()
            vae.latent.anneal(epoch / max(1, self.config.epochs - 1))
        controls = self.controls(epoch)
        batches = self.batches(epoch)
        reports = [
            self.step(block, rows, c) for (block, rows), c in zip(self.images.feed(batches), controls, strict=True)
        ]
        report = torch.stack(reports).reshape(len(reports), len(self.folders), -1).cpu()
        seconds = time.perf_counter() - start
        for r, history in enumerate(self.histories):
            row = history.add_steps(report[:, r], controls.reshape(len(reports), len(self.folders), -1)[:, r].cpu())
            speed = {"seconds": seconds, "jets_per_second": len(reports) * self.size / seconds}
            history.epochs.append({"epoch": epoch + 1.0} | row | self.validate(r) | speed)
            self.guard(r, report[:, r, 0], epoch, batches)

    def step(self, constituents: Tensor, rows: Tensor, controls: Tensor) -> Tensor:
        """Take one step of every replica; the first one builds the program."""
        if self.program is None:
            self.program = self.build_program(constituents, rows, controls)
        return self.program(*self.state.flat, constituents, rows, controls)

    def build_program(self, constituents: Tensor, rows: Tensor, controls: Tensor) -> Any:
        """Trace the step, and compile it where that pays."""
        vae, many = self.vaes[0], len(self.folders) > 1
        state = self.state.replica(0) if many else self.state
        one = [*state.flat, constituents, rows[0] if many else rows, controls[0] if many else controls]
        shared = len(state.flat)
        if many and not self.images.resident:
            raise RecipeError("replicas need data.resident = true")
        wanted = self.config.compile
        compiled = (
            len(self.folders) * self.steps_per_epoch * self.config.epochs >= COMPILATION_PAYS
            if wanted == "auto"
            else wanted
        )
        step = make_step(vae, self.images.make_training, self.config, interpreted=not (many or compiled))
        program = make_program(step, one, self.generators, compiled=compiled, shared=shared)
        if program.reason:
            print(f"note: {program.reason}", file=sys.stderr)
        return program

    def controls(self, epoch: int) -> Tensor:
        """Return the controls of every step of an epoch, ``(steps, 4)`` or ``(steps, R, 4)``."""
        total = self.steps_per_epoch * self.config.epochs
        progress = [(epoch * self.steps_per_epoch + i) / max(1, total - 1) for i in range(self.steps_per_epoch)]
        table = [
            [control_values(recipe, history, t) for recipe, history in zip(self.recipes, self.histories, strict=True)]
            for t in progress
        ]
        values = torch.tensor(table, device=self.device)
        return values if len(self.folders) > 1 else values[:, 0]

    def batches(self, epoch: int) -> Tensor:
        """Return the jets of every step, ``(steps, B)`` or ``(steps, R, B)``; an incomplete batch waits an epoch."""
        orders = [
            shuffled(part.train, recipe.training.seed, epoch)[: self.steps_per_epoch * self.size]
            for part, recipe in zip(self.splits, self.recipes, strict=True)
        ]
        rows = torch.stack(orders, 1).unflatten(0, (self.steps_per_epoch, self.size)).transpose(1, 2)
        return (rows if len(self.folders) > 1 else rows[:, 0]).contiguous()

    def validate(self, r: int) -> dict[str, float]:
        """Return ``validation_loss``, ``_reconstruction``, ``_kl`` of one replica, at noise of its own."""
        seed = self.recipes[r].training.seed
        return mean_bound(self.vaes[r], self.images, self.splits[r].validation, seed)

    def guard(self, r: int, taken: Tensor, epoch: int, batches: Tensor) -> None:
        """Name the steps that were skipped; stop when they are too many, keeping the batch.

        Raises
        ------
        RunError
            More than ``max_skipped`` steps were skipped since training began.
        """
        for i in torch.nonzero(taken == 0)[:, 0].tolist():
            number = epoch * self.steps_per_epoch + i + 1
            rows = batches[i].reshape(len(self.folders), -1)[r]
            first = ", ".join(map(str, rows[:3].tolist()))
            print(f"\nstep {number} skipped: loss or gradient not finite (jets {first}, ...)", file=sys.stderr)
        if self.histories[r].skipped > self.config.max_skipped:
            x = self.images[rows.to(self.device)]
            site = guilty_site(self.vaes[r], x)
            self.folders[r].save("postmortem.pt", {"step": number, "site": site, "rows": rows, "x": x})
            raise RunError(
                f"{self.folders[r].path}: {self.histories[r].skipped} steps had no finite loss or gradient, the last "
                f"at step {number}, first seen at site {site}; its batch is in postmortem.pt. Lower lr, or raise beta"
            )

    def checkpoint(self) -> None:
        """Save all that a resumed training needs to go on as if it had not stopped."""
        contents = {}
        for r, (run, vae, history) in enumerate(zip(self.folders, self.vaes, self.histories, strict=True)):
            state = self.state.replica(r) if len(self.folders) > 1 else self.state
            contents[run.path.name] = {
                "model": own(vae.state_dict()),
                "first": [tensor.clone() for tensor in state.first],
                "second": [tensor.clone() for tensor in state.second],
                "count": state.count.clone(),
                "rng": self.generators[r].get_state(),
                "epochs": history.epochs,
                "steps": history.steps,
            }
        first = self.folders[0]
        if len(self.folders) == 1:
            first.save("checkpoint.pt", contents[first.path.name])
        else:
            RunFolder(first.path.parent).save(REPLICAS, contents)
        for run, history in zip(self.folders, self.histories, strict=True):
            if history.epochs:
                run.write_history(history)
        self.saved = time.perf_counter()

    def restore(self) -> None:
        """Continue from the runs' checkpoints, if there are any."""
        found = [run.checkpoint(self.device) for run in self.folders]
        saved = [content for content in found if content is not None]
        if len(saved) < len(found):
            return
        for r, content in enumerate(saved):
            state = self.state.replica(r) if len(self.folders) > 1 else self.state
            self.vaes[r].load_state_dict(content["model"])
            for mine, theirs in ((state.first, content["first"]), (state.second, content["second"])):
                for tensor, value in zip(mine, theirs, strict=True):
                    tensor.copy_(value)
            state.count.copy_(content["count"])
            self.generators[r].set_state(content["rng"].cpu())
            self.histories[r].epochs = list(content["epochs"])
            self.histories[r].steps = content["steps"].cpu()


def prepare(vae: VAE, images: Data, part: Split, *, low_precision: bool) -> None:
    """Set the networks' precision, and start priors made of posteriors at the first training jets."""
    vae.low_precision = low_precision
    first = torch.as_tensor(part.train[:1000], device=images.device)
    if any(hasattr(factor, "pseudo_inputs") for factor in vae.latent.factors):
        vae.latent.connect(vae.encode, images[first])


def control_values(recipe: Recipe, history: History, progress: float) -> Controls:
    """Return the controls of one replica at ``progress`` in 0..1, as floats."""
    training, schedule = recipe.training, recipe.schedule
    factor = plateau_factor(history.validation_losses, training.plateau, 0.5)
    values: Iterator[float] = (
        moves.to(value)(progress)
        for moves, value in (
            (schedule.lr, training.lr),
            (schedule.beta, recipe.model.beta.typical),
            (schedule.kl_weight, training.kl_weight),
            (schedule.capacity, training.capacity or 0.0),
        )
    )
    lr, beta, kl_weight, capacity = values
    return Controls(lr * factor, beta, kl_weight, capacity)  # type: ignore[arg-type]


def mean_row(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean over replicas of what progress shows."""
    return {name: float(np.mean([row[name] for row in rows])) for name in ("loss", "reconstruction", "kl")}
