"""A run, opened once: everything that a training left, each read or computed when first asked for and then kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from inference.data import Data, data_for
from inference.disk_split import evaluated
from inference.entry import announce
from inference.folder import CHECKPOINT, LARGEST, REPLICAS, RunError, RunFolder
from inference.history import History
from inference.loaded import assert_finite, load_tensors
from inference.recipe import Recipe, read
from inference.records import read_history
from inference.sample import load_for
from inference.schedules import should_stop
from inference.splits import Split, split
from inference.tensors import assert_same_types
from jets import Jets
from jets.command import command
from jets.notes import say
from jets.out_of_core.sample import DiskJets
from jets.sums import assert_intact
from models import VAE, build
from priors.lookup import TRUST, from_a_file

IN_MEMORY = "memory"
"""Stands for the source of jets that were not read from a file."""


class Run:
    """A run and what it holds; open it anew after more training.

    >>> import inference
    >>> run = inference.Run.open("runs/mine")  # doctest: +SKIP
    >>> run.recipe.model.latent, run.jets[run.split.test].counts  # doctest: +SKIP

    Parameters
    ----------
    path
        The run folder (:class:`inference.folder.RunFolder` says what lies in it).
    jets
        The jets that it was trained on, where they came from memory; else they are read from their files.
    trust
        Whether to import the user's module that its latent space names, if it names one: importing runs its code.
    """

    def __init__(self, path: str | Path, jets: Jets | None = None, *, trust: bool = False) -> None:
        self.path = Path(path)
        self._given, self._trust = jets, trust

    @property
    def trusted(self) -> bool:
        """Whether the user's module that its latent space names may be imported."""
        return self._trust or TRUST.get()

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        from pandas import DataFrame

        model, files, done = self.recipe.model, ", ".join(self.recipe.data.files), self.history
        rows: dict[str, Any] = {
            "latent space": model.latent,
            "beta": str(model.beta),
            "likelihood": model.likelihood,
            "data": files,
        }
        if done:
            rows |= {"epochs": len(done), "loss [nat per jet]": f"{done[-1]['loss']:.4f}", "complete": self.complete}
        return DataFrame({str(self.path): rows}).to_html()

    @classmethod
    def open(cls, path: str | Path, jets: Jets | None = None, *, trust: bool = False) -> Self:
        """Open an existing run folder.

        Raises
        ------
        RunError
            The folder is missing or holds no run.
        """
        return cls(RunFolder.open(path).path, jets, trust=trust)

    @cached_property
    def recipe(self) -> Recipe:
        """The resolved recipe.

        Raises
        ------
        RunError
            ``config.toml`` is not what the run was trained with.
        DamagedError
            A text of the run is not what its checksum says, or a link to somewhere else.
        """
        with from_a_file(trusted=self._trust):
            recipe = read(assert_intact(self.path / "config.toml", most=LARGEST))
        if (self.path / "provenance.json").exists():
            RunFolder(self.path).assert_unchanged(recipe)
        return recipe

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Where the run came from: command, versions, fingerprint of the data, ..."""
        return RunFolder(self.path).provenance()

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """One row per epoch, losses and KL in nats per jet; a torn last row is left out.

        Raises
        ------
        RunError
            ``history.csv`` is no such table.
        """
        return read_history(assert_intact(self.path / "history.csv"))

    @cached_property
    def complete(self) -> bool:
        """Whether training came to its end: all epochs, or the early stop."""
        if not RunFolder(self.path).weights().exists():
            return False
        training = self.recipe.training
        if len(self.history) >= training.epochs or not training.early_stop:
            return len(self.history) >= training.epochs
        return should_stop(History([], self.history).validation_losses, training.early_stop)

    @cached_property
    def ended(self) -> dict[str, float]:
        """The row of :attr:`history` that the weights are of: the last, or the best where training may stop early.

        Raises
        ------
        RunError
            No epoch is recorded.
        """
        if not self.history:
            raise RunError(
                f"{self.path}: no epoch is recorded in history.csv; train on: {command('resume', self.path)}"
            )
        early = self.complete and self.recipe.training.early_stop
        kept = self.provenance.get("weights_epoch", len(self.history)) if early else len(self.history)
        if kept > len(self.history):
            raise RunError(f"{self.path}: history.csv has {len(self.history)} epochs, the weights are of epoch {kept}")
        return self.history[kept - 1]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the recipe and the weights, as they are on the disk: of results, what they are results of."""
        found = hashlib.sha256()
        unfinished = [RunFolder(self.path).stored(CHECKPOINT), RunFolder(self.path.parent).stored(REPLICAS)]
        weights = [RunFolder(self.path).weights()] if self.complete else unfinished
        for path in (self.path / "config.toml", *weights):
            found.update(assert_intact(path).read_bytes() if path.exists() else b"")
        return found.hexdigest()

    @cached_property
    def jets(self) -> Jets:
        """The jets that the run was trained on, all parts; of jets that stay on disk, as many as its memory holds.

        Raises
        ------
        RunError
            They have changed since training, or were in memory and were not given.
        """
        remedy = f"pass those that it was trained on: Run.open({str(self.path)!r}, jets)"
        if self._given is None and IN_MEMORY in self.recipe.data.files:
            raise RunError(f"{self.path}: trained on jets in memory; {remedy}")
        found = load_for(self.recipe) if self._given is None else self._given
        if found.fingerprint != self.provenance["data_fingerprint"]:
            sources = ", ".join(found.sources) or "jets in memory"
            raise RunError(f"{self.path}: {sources} changed since this run was trained; restore them, or {remedy}")
        jets = evaluated(found, self.recipe.data) if isinstance(found, DiskJets) else found
        if len(jets) < len(found):
            say(f"{len(jets):,} of the {len(found):,} jets on disk, chosen at random:")
        announce(jets, self.recipe)
        return jets

    @cached_property
    def split(self) -> Split:
        """Indices of the training, validation and test jets among :attr:`jets`."""
        return split(self.jets, self.recipe.data, self.recipe.training.seed)

    @cached_property
    def data(self) -> Data:
        """All of :attr:`jets` as the images, clouds or vectors that the model describes, on the CPU."""
        return data_for(self.jets, self.recipe, torch.device("cpu"))

    @cached_property
    def vae(self) -> VAE:
        """The trained model on the CPU, in evaluation mode; of an unfinished run, that of its last checkpoint.

        Raises
        ------
        RunError
            No weights were saved yet, or they are not finite, or of another model.
        """
        with from_a_file(trusted=self._trust):
            vae = build(self.recipe.model, self.recipe.image.pixels**2)
        weights = self._weights()
        start_pseudo_inputs(vae, weights)
        try:
            assert_same_types(vae.state_dict(), weights)
            vae.load_state_dict(weights)
        except (RuntimeError, ValueError) as error:
            name = RunFolder(self.path).weights().name
            raise RunError(f"{self.path}: {name} holds another model than config.toml says ({error})") from error
        return vae.eval()

    def _weights(self) -> dict[str, Any]:
        if self.complete:
            path = RunFolder(self.path).weights()
            weights = load_tensors(path)
            assert_finite(weights, path, "train anew with a lower lr")
            return weights
        checkpoint = RunFolder(self.path).checkpoint()
        if checkpoint is None:
            raise RunError(f"{self.path}: no weights yet; train on: {command('resume', self.path)}")
        assert_finite(checkpoint["model"], f"{self.path}: the checkpoint", "train anew with a lower lr")
        return checkpoint["model"]

    @contextmanager
    def at(self, beta: float | None = None) -> Iterator[VAE]:
        """Give the model at resolution ``beta``, by default at the run's own or in the (geometric) middle of its range.

        Raises
        ------
        RunError
            ``beta`` is given and the run has one resolution alone, or it is outside the run's range.
        """
        own = self.recipe.model.beta
        if beta is not None and not own.is_range:
            raise RunError(f"{self.path}: trained at beta = {own} alone; leave beta out")
        if beta is not None and not own.low * (1 - 1e-6) <= beta <= own.high * (1 + 1e-6):
            raise RunError(f"{self.path}: beta = {beta:g} is outside the range {own} that the run was trained for")
        with self.vae.at(own.typical if beta is None else beta):
            yield self.vae

    def numpyro_model(self, beta: float | None = None) -> Callable[..., Any]:
        """Return the model at resolution ``beta`` in NumPyro, ``model(x=None, n=1)`` of jets x as in :attr:`data`.

        Any kernel, autoguide or SVI of NumPyro takes it; :func:`inference.numpyro_model.numpyro_model` names its sites.

        >>> model = run.numpyro_model()  # doctest: +SKIP
        >>> x = run.data[torch.from_numpy(run.split.test[:8])].numpy()  # doctest: +SKIP
        >>> sampler = numpyro.infer.MCMC(numpyro.infer.NUTS(model), num_warmup=300, num_samples=1000)  # doctest: +SKIP
        >>> sampler.run(jax.random.PRNGKey(0), x)  # doctest: +SKIP

        Raises
        ------
        RunError
            As :meth:`at`; or there is no posterior to sample, or a prior has no translation.
        """
        from inference.numpyro_model import numpyro_model  # jax takes a second to import

        with self.at(beta) as vae:
            return numpyro_model(vae, self.data[torch.arange(1)][0])


def start_pseudo_inputs(vae: VAE, weights: Mapping[str, Tensor]) -> None:
    """Give priors made of posteriors as many numbers as ``weights`` have: those of clouds are as long as the jets."""
    for name, tensor in weights.items():
        owner, _, parameter = name.rpartition(".")
        if parameter == "pseudo_inputs" and name in vae.state_dict():
            vae.get_submodule(owner).pseudo_inputs = nn.Parameter(torch.empty(tensor.shape))
