"""The training loop, of one model or of several in one vectorised step."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pyro
import torch
from torch import Tensor

from inference import checkpoints
from inference.alone import alone
from inference.controls import control_values
from inference.feeds import Stretch, feed_of, split_of
from inference.folder import RunFolder
from inference.history import History
from inference.interruption import Interrupted, kept, on_request
from inference.lower_bound import kl_names
from inference.machine import choose_device, device_name, tune_cpu
from inference.postmortem import guard
from inference.recipe import Recipe
from inference.replicas import Replica, assert_alike, common_plan, joined_state, make_generators, program_of
from inference.restarts import seed_of
from inference.share import current
from inference.sharing import share_batches
from inference.shown import mean_of, mean_row, terms
from inference.starting import prepare
from inference.tracking import Tracker
from inference.validation import mean_bound
from inference.weighting import say_what_is_not_weighted
from jets import Jets
from jets.disk import DiskError
from jets.notes import LOG
from jets.out_of_core.sample import DiskJets
from jets.progress import Progress
from models import VAE

COMPILATION_PAYS = 5_000
"""Steps, of all replicas together, from which compiling for ten seconds saves more than it costs."""


class Trainer:
    """Adam on the objective for R replicas of one model, epoch by epoch, with checkpoints.

    Replicas differ in seed (split, initial weights, order, noise), beta, learning rate and schedules. Each gets the
    data and the noise that it would get alone, and leaves a run folder of its own. One that fails does not stop the
    others.

    Parameters
    ----------
    folders, recipes, vaes
        R of each.
    jets
        The sample.

    Raises
    ------
    RecipeError
        The recipes differ in something else, or the device is missing, or the weights of the training jets cancel.
    RunError
        The runs to resume have not trained equally long.
    """

    def __init__(
        self, folders: Sequence[RunFolder], recipes: Sequence[Recipe], vaes: Sequence[VAE], jets: Jets | DiskJets
    ) -> None:
        assert_alike(recipes)
        self.config = recipes[0].training
        tune_cpu(self.config.threads)
        self.device = choose_device(self.config.device)
        if self.config.precision == "tf32":
            torch.set_float32_matmul_precision("high")
        splits = [split_of(jets, recipe.data, recipe.training.seed) for recipe in recipes]
        seeds = [seed_of(recipe, folder) for recipe, folder in zip(recipes, folders, strict=True)]
        plan = common_plan([len(part.train) for part in splits], self.config)
        self.share = current()
        self.feed = feed_of(jets, recipes, splits, seeds, plan, self.device, self.share)
        self.data = self.feed.data
        for vae, part in zip(vaes, splits, strict=True):
            prepare(vae.to(self.device), self.data, part, low_precision=self.config.precision == "bf16")
        self.state = joined_state(vaes)
        pyro.set_rng_seed(seeds[0])
        generators = make_generators(seeds, self.device)
        names = kl_names(vaes[0], self.data[torch.as_tensor(splits[0].train[:2], device=self.device)])
        owned = zip(folders, recipes, vaes, splits, generators, strict=True)
        self.replicas = [
            Replica(*each, History(names), self.state.replica(r), seed=seeds[r]) for r, each in enumerate(owned)
        ]
        share_batches(self.share, recipes, vaes, self.feed.size)
        if self.feed.weighted:
            say_what_is_not_weighted(vaes[0])
        checkpoints.restore(self.replicas, self.device)
        self.saved = time.perf_counter()
        self.finished = False
        self.program: Callable[..., Tensor] | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch."""
        return self.feed.steps

    @property
    def folders(self) -> list[RunFolder]:
        """The run folders."""
        return [replica.folder for replica in self.replicas]

    @property
    def vaes(self) -> list[VAE]:
        """The models, as trained so far."""
        return [replica.vae for replica in self.replicas]

    @property
    def done(self) -> int:
        """Epochs trained so far by those that are not over."""
        going = [replica for replica in self.replicas if not replica.over]
        return max(len(replica.history.epochs) for replica in going or self.replicas)

    def train(self, until: int | None = None) -> None:
        """Train to the last epoch or the early stop.

        Ctrl-C or SIGTERM once stops after the epoch, with a checkpoint; twice at once, with the last checkpoint.
        ``until`` stops after that epoch, for a look at the models; the next call resumes there.

        Raises
        ------
        RunError
            After the last epoch, of those that failed: too many steps had no finite loss or gradient, or none was
            taken, or the weights are not finite.
        Interrupted
            The training was stopped; the message says what is kept.
        """
        if self.finished:
            return
        with alone([folder.path for folder in self.folders]), self.interruptible() as stop:
            self.train_epochs(until, stop)

    def train_epochs(self, until: int | None, stop: Callable[[], bool]) -> None:
        """Train to the last epoch, that after ``until``, or until ``stop`` says so; same errors as :meth:`train`."""
        total = self.config.epochs if until is None else until
        jets = len(self.replicas) * self.steps_per_epoch * self.feed.size
        done = self.done + self.begun / self.steps_per_epoch
        for folder in self.folders if self.done < total else []:
            folder.trains_on(device_name(self.device))
        tracker = Tracker(self.folders, enabled=self.config.tensorboard)
        with tracker, Progress(self.config.epochs, "epoch", each=jets, done=done, always=True) as progress:
            for epoch in range(self.done, total):
                if all(replica.over for replica in self.replicas):
                    break
                rows = self.train_epoch(epoch, partial(self.paused, progress, stop))
                if not all(replica.failure for replica in self.replicas):
                    progress.update(epoch + 1, terms(mean_row(self.replicas, rows)))
                    tracker.write(epoch + 1, rows)
                self.pause(stop, last=epoch + 1 == total)
        self.checkpoint()
        if total >= self.config.epochs:
            self.finished = True
            checkpoints.finish(self.replicas)
        checkpoints.assert_none_failed(self.replicas)

    @contextmanager
    def interruptible(self) -> Iterator[Callable[[], bool]]:
        """Give a function that says whether to stop; an interruption says what is kept, so does a full disk.

        Raises
        ------
        Interrupted
            The training was stopped.
        DiskError
            A file cannot be written.
        """
        try:
            with on_request() as stop:
                yield stop
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted; {kept(self.folders)}") from None
        except DiskError as error:
            raise error.going_on(kept(self.folders)) from error

    def paused(self, progress: Progress, stop: Callable[[], bool], epoch: float, row: dict[str, float]) -> None:
        """Between two stretches of an epoch say how far the training is, and pause."""
        progress.update(epoch, terms(row))
        self.pause(stop)

    def pause(self, stop: Callable[[], bool], *, last: bool = False) -> None:
        """Save a checkpoint where one is due; stop where that is asked for, unless it is the ``last`` thing to do."""
        stopping = self.share.any(stop())
        if time.perf_counter() - self.saved > self.config.checkpoint_seconds or stopping:
            self.checkpoint()
        if stopping and not last:
            raise KeyboardInterrupt

    def checkpoint(self) -> None:
        """Save all that is needed to resume here."""
        checkpoints.save(self.replicas)
        LOG.debug("checkpoint: %d epochs and %d steps", self.done, self.begun)
        self.saved = time.perf_counter()

    @property
    def begun(self) -> int:
        """Steps taken so far of the epoch that is not over."""
        return max(len(replica.history.begun) for replica in self.replicas)

    def train_epoch(
        self, epoch: int, between: Callable[[float, dict[str, float]], None] = lambda *_: None
    ) -> list[dict[str, float]]:
        """Take one pass over the training jets, or what is left of it; return the last row of each replica.

        ``between`` is called between two stretches, with the epochs done and the means of the last stretch. A replica
        that has stopped early takes the steps too, which are then undone: it keeps what it would have alone. One that
        has failed takes them in vain.
        """
        stopped = {r: each.content() for r, each in enumerate(self.replicas) if each.stopped and not each.failure}
        for vae in self.vaes:
            vae.train()
            vae.latent.anneal(epoch / max(1, self.config.epochs - 1))
        done, start = self.begun, time.perf_counter()
        for stretch in self.feed.stretches(epoch, done):
            report = self.take(epoch, done, stretch, stopped, start)
            done += len(stretch.rows)
            if all(replica.failure for replica in self.replicas):
                break
            if done < self.steps_per_epoch:
                between(epoch + done / self.steps_per_epoch, mean_of(report))
            start = time.perf_counter()
        for r, content in stopped.items():
            self.replicas[r].restore(content)
        return self.end_epoch(epoch)

    def take(self, epoch: int, before: int, stretch: Stretch, stopped: Collection[int], start: float) -> Tensor:
        """Take the steps of a stretch, ``before`` which some of the epoch were taken; record and guard them.

        Returns the reports of the steps, ``(steps, R, terms)``. Replicas that have stopped early record nothing. Their
        time counts from ``start`` on, when the stretch was asked for.
        """
        weights = stretch.weights
        controls = self.controls(epoch, before, len(stretch.rows))
        numbers = zip(controls, *([] if weights is None else [self.share.part(weights)]), strict=True)
        fed = zip(stretch.fed, numbers, strict=True)
        report = torch.stack([self.step(block, rows, *inputs) for (block, rows), inputs in fed]).cpu()
        seconds, controls = time.perf_counter() - start, controls.cpu()
        for r, replica in enumerate(self.replicas):
            if r not in stopped and not replica.failure:
                with checkpoints.failing_alone(replica):
                    mean = None if weights is None else weights[:, r].mean(-1).cpu()
                    replica.history.begin(report[:, r], controls[:, r], mean, seconds)
                    steps = epoch * self.steps_per_epoch + before
                    guard(replica, self.data, report[:, r, 0], stretch.rows[:, r], steps)
        return report

    def end_epoch(self, epoch: int) -> list[dict[str, float]]:
        """Validate and record an epoch whose steps are taken; return the last row of each replica."""
        for r, replica in enumerate(self.replicas):
            if len(replica.history.begun) and not replica.failure:
                with checkpoints.failing_alone(replica):
                    row, seconds = replica.history.end_epoch()
                    speed = {"seconds": seconds, "jets_per_second": self.steps_per_epoch * self.feed.size / seconds}
                    part = replica.split.validation
                    weights = self.feed.weights_of(r, part)
                    bound = self.share.first(partial(mean_bound, replica.vae, self.data, part, replica.seed, weights))
                    replica.record({"epoch": epoch + 1.0} | row | bound | speed)
                    checkpoints.assert_trained(replica)
        return [replica.history.epochs[-1] if replica.history.epochs else {} for replica in self.replicas]

    def step(self, constituents: Tensor, rows: Tensor, controls: Tensor, *weights: Tensor) -> Tensor:
        """Take one step of every replica, rows ``(R, B)``, controls ``(R, 4)``; return the reports ``(R, terms)``.

        Of jets with weights, those of the batch ``(R, B)`` too. The first step builds the program.
        """
        if self.program is None:
            self.program = self.build_program(constituents, rows, controls, *weights)
        return self.program(*self.state.flat, constituents, rows, controls, *weights)

    def build_program(self, *inputs: Tensor) -> Callable[..., Tensor]:
        """Trace the step for such inputs, and compile it where that pays."""
        pays = len(self.replicas) * self.steps_per_epoch * self.config.epochs >= COMPILATION_PAYS
        compiled = pays if self.config.compile == "auto" else self.config.compile
        LOG.debug("a step of %d runs is %s", len(self.replicas), "compiled" if compiled else "traced, not compiled")
        program, reason = program_of(
            self.replicas,
            self.state,
            inputs,
            self.data.make_training,
            self.config,
            compiled=compiled,
            share=self.share,
        )
        if reason:
            LOG.warning("%s", reason)
        return program

    def controls(self, epoch: int, before: int = 0, count: int | None = None) -> Tensor:
        """Return the controls of ``count`` steps of an epoch after ``before`` others, all by default, (steps, R, 4)."""
        total = self.steps_per_epoch * self.config.epochs
        steps = range(before, self.steps_per_epoch if count is None else before + count)
        progress = [(epoch * self.steps_per_epoch + i) / max(1, total - 1) for i in steps]
        table = [[control_values(replica, t) for replica in self.replicas] for t in progress]
        return torch.tensor(table, device=self.device)
