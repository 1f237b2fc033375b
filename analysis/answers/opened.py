"""A trained run as an object: encode, score, reconstruct and generate jets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from analysis.answers import decoded, encoding, frames, kept
from analysis.evaluation.chosen import assert_counts, assert_described
from analysis.evaluation.jet_scores import DRAWS, log_p
from analysis.evaluation.odd_of_run import odd_of
from analysis.measures.orientation import Orientation
from inference.data import Data, data_for
from inference.machine import tune_cpu
from inference.run import Run
from jets import Jets, load
from jets.errors import UserError
from models import AE

if TYPE_CHECKING:
    import pandas as pd

Given = Jets | str | Path | Sequence[str | Path]
"""Jets in memory, or sources as :func:`jets.load` takes them."""
PARTICLES = 64
"""Draws of the guide for ln p(x)."""
BATCH = 500


class OpenRun(Run):
    """A run, and what it says of any jets; what :func:`jetvae.open` returns.

    All jets that are given are answered, in their order: nothing is split off, none left out. What a jet cannot have
    is NaN. Results are the same for the same jets and seed.

    >>> import jetvae
    >>> run = jetvae.open("runs/mine")  # doctest: +SKIP
    >>> run.scores("mine.root")["elbo"].max()  # doctest: +SKIP
    """

    @classmethod
    def of(cls, run: Run) -> OpenRun:
        """Return a run that was opened otherwise as one that answers."""
        return cls(run.path, run._given, trust=run._trust)

    def encode(self, jets: Given, *, draws: int = DRAWS, seed: int = 0, beta: float | None = None) -> xr.Dataset:
        """Return latents, posterior parameters, KL, reconstruction, bound and scores of jets.

        Parameters
        ----------
        jets
            N jets.
        draws
            Of the guide for each jet; 0: everything at the posterior's centre, without noise.
        seed
            Of the draws.
        beta
            Resolution of a run of a range; its (geometric) middle by default.

        Returns
        -------
        xarray.Dataset
            See :func:`analysis.answers.encoding.encoded`.

        Raises
        ------
        UserError
            Jets that cannot be loaded or are not what the model describes, or a number of draws that is none.
        """
        assert_counts(0, draws=draws, seed=seed)
        tune_cpu()
        found = self._given_jets(jets)
        orientation, odd = self.orientation(beta), odd_of(self)
        with self.at(beta) as vae:
            torch.manual_seed(seed)
            return encoding.encoded(vae, self.recipe, found, orientation, draws, odd)

    def scores(self, jets: Given, *, draws: int = DRAWS, seed: int = 0, beta: float | None = None) -> pd.DataFrame:
        """Return every score of jets, a column each, larger is more anomalous (:mod:`analysis.measures.scores`).

        The index is the number of the jet; ``.to_xarray()`` makes a Dataset of it. Same errors as :meth:`encode`.
        """
        return self.encode(jets, draws=draws, seed=seed, beta=beta)["score"].to_pandas()

    def table(self, jets: Given, *, draws: int = DRAWS, seed: int = 0, beta: float | None = None) -> pd.DataFrame:
        """Return the jets' own columns and all of :meth:`encode`, a row each: what ``jetvae encode`` writes."""
        found = self._given_jets(jets)
        return frames.beside(frames.own_columns(found), self.encode(found, draws=draws, seed=seed, beta=beta))

    def transform(self, jets: Given, *, beta: float | None = None) -> NDArray[np.float32]:
        """Return the centres of the posteriors ``(N, coordinates)``, as scikit-learn names it.

        Columns are ``run.vae.latent.coordinate_names``; NaN for a jet that cannot be described.
        """
        found = self._given_jets(jets)
        known = encoding.describable(found, self.recipe)
        data = self._data(encoding.replaced(found, known))
        with self.at(beta) as vae, torch.no_grad():
            points = [vae.latent.points(vae.encode(x)) for x in data.batches(torch.arange(len(data)), BATCH)]
        return np.where(known[:, None], torch.cat(points).numpy(), np.float32(np.nan))

    def log_prob(
        self, jets: Given, *, draws: int = PARTICLES, seed: int = 0, beta: float | None = None
    ) -> NDArray[np.float32]:
        r"""Return the importance-weighted :math:`\ln\frac1K\sum_k p(x,z_k)/q(z_k|x)` of jets, ``(N,)`` [nat].

        At most ln p(x) on average, and closer the more draws (Burda et al. 1509.00519). Of images and vectors a
        density as their likelihood has it (:mod:`models.likelihoods`), of clouds up to a constant.

        Raises
        ------
        UserError
            A plain autoencoder, which has no density; else as :meth:`encode`.
        """
        if isinstance(self.vae, AE):
            raise UserError(f"{self.path}: a plain autoencoder has no prior, hence no ln p(x)")
        assert_counts(1, draws=draws)
        found = self._given_jets(jets)
        known = encoding.describable(found, self.recipe)
        data = self._data(encoding.replaced(found, known))
        with self.at(beta) as vae, torch.no_grad():
            torch.manual_seed(seed)
            values = [log_p(vae, x, draws) for x in data.batches(torch.arange(len(data)), BATCH)]
        return np.where(known, torch.cat(values).numpy(), np.float32(np.nan))

    def score_samples(self, jets: Given) -> NDArray[np.float32]:
        """Return :meth:`log_prob`, as scikit-learn names it: larger is more probable, ``(N,)`` [nat]."""
        return self.log_prob(jets)

    def inputs(self, jets: Given) -> xr.Dataset | Jets:
        """Return jets as the model sees them, preprocessed: to be held against :meth:`reconstruct`."""
        found = self._given_jets(jets)
        known = encoding.describable(found, self.recipe)
        data = self._data(encoding.replaced(found, known))
        x = torch.cat(list(data.batches(torch.arange(len(data)), BATCH)))
        return decoded.presented(self.recipe, x, decoded.pt_of(found), known)

    def reconstruct(self, jets: Given, *, beta: float | None = None) -> xr.Dataset | Jets:
        """Return what is decoded at the centre of each jet's posterior, of a category at the most probable one.

        Returns
        -------
        xarray.Dataset or Jets
            Of images ``image`` (jet, eta, phi), each of sum 1, NaN for a jet that cannot be described; of clouds jets
            with the pT of those given [GeV]; of vectors vectors. In the frame of the preprocessing (:meth:`inputs`).
        """
        found = self._given_jets(jets)
        known = encoding.describable(found, self.recipe)
        data = self._data(encoding.replaced(found, known))
        with self.at(beta) as vae:
            x = decoded.reconstructed(vae, data)
        return decoded.presented(self.recipe, x, decoded.pt_of(found), known)

    def generate(
        self,
        n: int = 1000,
        *,
        component: int | Mapping[str, int] | None = None,
        along: str | None = None,
        start: Given | None = None,
        pt: ArrayLike | None = None,
        noise: bool = False,
        seed: int = 0,
        beta: float | None = None,
    ) -> xr.Dataset | Jets:
        """Return n jets or images from the prior, from one of its components, or along one of its latents.

        Parameters
        ----------
        n
            Number of jets, or of steps along a latent.
        component
            Number of the category or manifold to stay on; a mapping label -> number where there are several.
        along
            Path that one latent goes, all others staying where they are: ``R4_0`` from -2.5 to 2.5, ``S1_0`` round the
            circle, ``D3_0 to _1`` along an edge of a simplex, ``C2`` from category to category.
        start
            The jet that such a path starts from; by default a draw of the prior.
        pt
            Of clouds, whose models have shares of pT only: pT of the jets [GeV], one or ``(n,)``; by default drawn from
            those that the run was trained on.
        noise
            Draw x from p(x|z) instead of taking its mean; not of clouds, whose likelihood is not normalised.
        seed
            Of all draws.
        beta
            Resolution of a run of a range.

        Returns
        -------
        xarray.Dataset or Jets
            Of images ``image`` (jet, eta, phi) and ``z`` (jet, coordinate); of clouds and vectors jets, their latents
            as columns ``truth``.

        Raises
        ------
        UserError
            A plain autoencoder, which has no prior; no such component or coordinate; noise of clouds.
        """
        assert_counts(1, n=n)
        assert_counts(0, seed=seed)
        jet = None if start is None else self._data(self._given_jets(start))[torch.tensor([0])]
        with self.at(beta) as vae:
            torch.manual_seed(seed)
            wish = decoded.Wish(n, component, along, jet, noise)
            z, x = decoded.generated(vae, wish, str(self.path))
        momenta = self._pt(len(x), pt, seed) if self.recipe.model.clouds else np.ones(len(x))
        return decoded.presented(self.recipe, x, momenta, z=(self.vae.latent, z))

    def orientation(self, beta: float | None = None) -> Orientation:
        """Return what the training jets decide of the scores at a resolution, kept in the run's folder.

        Raises
        ------
        RunError
            It is not kept, and the training jets cannot be read.
        """
        return kept.orientation(self, beta)

    def _given_jets(self, jets: Given) -> Jets:
        if not isinstance(jets, Jets):
            jets = load(*([jets] if isinstance(jets, str | Path) else jets))
        assert_described(self, jets)
        return jets

    def _data(self, jets: Jets) -> Data:
        return data_for(jets, self.recipe, torch.device("cpu"))

    def _pt(self, count: int, pt: ArrayLike | None, seed: int) -> NDArray[Any]:
        if pt is None:
            own = decoded.pt_of(self.jets[self.split.train])
            return np.random.default_rng(seed).choice(own, count)
        try:
            return np.broadcast_to(np.asarray(pt, float), (count,))
        except ValueError as error:
            raise UserError(f"pt: expected one number or {count}, got shape {np.shape(pt)}") from error
