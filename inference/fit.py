"""Stochastic variational inference: train a VAE on jets and leave a run folder."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyro
import torch
from torch import Tensor

from inference.data import Images, Split, shuffled, split
from inference.elbo import ELBO, elbo, kl_names
from inference.machine import choose_device, tune_cpu
from inference.progress import Progress
from inference.recipe import DataConfig, ImageConfig, Recipe, RecipeError, TrainingConfig
from inference.run import IN_MEMORY, Run, RunError
from jets import Jets
from models import VAE, build
from priors import Space


def fit(
    vae: VAE,
    jets: Jets,
    *,
    out: str | Path | None = None,
    data: DataConfig | None = None,
    image: ImageConfig | None = None,
    **training: Any,
) -> Run:
    """Train ``vae`` on ``jets`` and return the run folder.

    Parameters
    ----------
    vae
        A model made by :func:`models.build` or :func:`models.image_vae`; it is trained in place.
    jets
        Jets from :func:`jets.load`.
    out
        The run folder; by default ``runs/<latent>-<time>``.
    data, image
        Split and preprocessing; defaults as in a recipe.
    training
        Any key of :class:`inference.recipe.TrainingConfig`: ``epochs``, ``batch_size``, ``lr``, ``seed``, ...

    Raises
    ------
    RunError
        ``out`` exists.
    RecipeError
        The model has no config, or an option is out of range.
    """
    if vae.config is None:
        raise RecipeError(
            "fit needs a model made by models.build or models.image_vae, so that the run can be read back"
        )
    files = {"files": jets.sources or (IN_MEMORY,)}
    recipe = Recipe(
        data=(data or DataConfig()).model_copy(update=files),
        image=image or ImageConfig(),
        model=vae.config,
        training=TrainingConfig(**training),
    )
    run = Run.create(out or default_folder(str(vae.latent)), recipe, jets)
    Trainer(run, recipe, vae, jets).train()
    return run


def train(recipe: Recipe, out: str | Path | None = None, *, name: str = "run", resume: bool = False) -> Run:
    """Train what ``recipe`` describes, from its files, and return the run folder; ``resume`` continues ``out``."""
    jets = load_for(recipe)
    split(jets, recipe.data, recipe.training.seed)  # before the folder is made, so that an error leaves nothing
    choose_device(recipe.training.device)
    pyro.set_rng_seed(recipe.training.seed)
    vae = build(recipe.model, recipe.image.pixels**2)
    if resume:
        run = Run.open(out or "")
        if jets.fingerprint != run.provenance["data_fingerprint"]:
            raise RunError(f"{run.path}: the data changed since this run began; restore {', '.join(jets.sources)}")
        run.write_text("config.toml", recipe.to_toml())
    else:
        run = Run.create(out or default_folder(name), recipe, jets)
    Trainer(run, recipe, vae, jets).train()
    return run


def load_for(recipe: Recipe) -> Jets:
    """Load the jets that a recipe names."""
    from jets import load

    return load(*recipe.data.files)


def default_folder(name: str) -> Path:
    """Return ``runs/<name>-<time>``."""
    safe = "".join(character if character.isalnum() or character in "-_.=," else "-" for character in name)
    return Path("runs") / f"{safe}-{datetime.now():%Y%m%d-%H%M%S}"


@dataclass
class Totals:
    """Sums over an epoch, kept on the device until they are read."""

    space: Space
    jets: int = 0
    reconstruction: Tensor | float = 0.0
    kl: dict[str, Tensor] = field(default_factory=dict)

    def add(self, terms: ELBO) -> None:
        """Add one batch."""
        self.jets += len(terms.reconstruction)
        self.reconstruction = self.reconstruction + terms.reconstruction.detach().sum()
        for site, kl in terms.kl.items():
            self.kl[site] = self.kl.get(site, 0.0) + kl.detach().sum(0)

    def row(self) -> dict[str, float]:
        """Return means per jet in nats: loss, reconstruction, kl and ``kl_<coordinate>``."""
        coordinates = {
            f"kl_{name}": float(value) / self.jets
            for site, kl in self.kl.items()
            for name, value in zip(kl_names(self.space, site, len(kl)), kl, strict=True)
        }
        kl, reconstruction = sum(coordinates.values()), float(self.reconstruction) / self.jets
        return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl, **coordinates}


class Trainer:
    """Adam on minus the mean ELBO, epoch by epoch, with checkpoints."""

    def __init__(self, run: Run, recipe: Recipe, vae: VAE, jets: Jets) -> None:
        tune_cpu(recipe.training.threads)
        self.run, self.recipe, self.config = run, recipe, recipe.training
        self.device = choose_device(self.config.device)
        self.vae = vae.to(self.device)
        self.images = Images(jets, recipe.image, self.device, recipe.data.constituents)
        self.split: Split = split(jets, recipe.data, self.config.seed)
        self.optimiser = torch.optim.Adam(vae.parameters(), lr=self.config.lr, betas=self.config.adam_betas)
        self.history: list[dict[str, float]] = []
        self.saved = 0.0
        pyro.set_rng_seed(self.config.seed)
        self.restore()

    def train(self) -> None:
        """Train to the last epoch; an interruption leaves the last checkpoint to resume from."""
        progress = Progress(self.config.epochs, len(self.split.train), len(self.history))
        for epoch in range(len(self.history), self.config.epochs):
            start = time.perf_counter()
            row = {"epoch": epoch + 1.0, **self.train_epoch(epoch)}
            seconds = time.perf_counter() - start
            row |= self.validate() | {"seconds": seconds, "jets_per_second": len(self.split.train) / seconds}
            self.history.append(row)
            progress.update(epoch + 1, row)
            if time.perf_counter() - self.saved > self.config.checkpoint_seconds or epoch + 1 == self.config.epochs:
                self.checkpoint()
        self.run.save("weights.pt", self.vae.state_dict())

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """Take one pass over the training jets; an incomplete last batch waits for another epoch."""
        self.vae.train()
        totals = Totals(self.vae.latent)
        size = min(self.config.batch_size, len(self.split.train))
        order = shuffled(self.split.train, self.config.seed, epoch)
        for x in self.images.batches(order[: len(order) // size * size], size):
            totals.add(self.step(x))
        return totals.row()

    def step(self, x: Tensor) -> ELBO:
        """Take one step of Adam on the jets x ``(B, K)``."""
        terms = elbo(self.vae.model, self.vae.guide, x)
        self.optimiser.zero_grad(set_to_none=True)
        terms.objective.backward()
        self.optimiser.step()
        return terms

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Return ``validation_loss``, ... on the validation jets; nothing when there are none."""
        self.vae.eval()
        totals = Totals(self.vae.latent)
        for x in self.images.batches(self.split.validation, 1000):
            totals.add(elbo(self.vae.model, self.vae.guide, x))
        row = totals.row() if totals.jets else {}
        return {f"validation_{key}": value for key, value in row.items() if not key.startswith("kl_")}

    def checkpoint(self) -> None:
        """Save all that a resumed training needs to go on as if it had not stopped."""
        cuda = [torch.cuda.get_rng_state(self.device)] if self.device.type == "cuda" else []
        state = {
            "model": self.vae.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "rng": [torch.get_rng_state(), *cuda],
            "history": self.history,
        }
        self.run.save("checkpoint.pt", state)
        self.run.write_history(self.history)
        self.saved = time.perf_counter()

    def restore(self) -> None:
        """Continue from the run's checkpoint, if there is one."""
        state = self.run.checkpoint(self.device)
        if state is None:
            return
        self.vae.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["rng"][0].cpu())
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["rng"][1].cpu(), self.device)
        self.history = list(state["history"])
