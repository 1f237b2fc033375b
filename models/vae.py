"""The variational autoencoder: encoder, latent space, decoder and likelihood as a Pyro model and guide."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyro
import pyro.distributions as dist
import torch
from torch import Tensor, nn
from torch.distributions import constraints

from jets.errors import UserError
from models.likelihoods import Likelihood
from models.registration import register
from models.resolution import Film, Resolution
from priors import Latent, Space, parse


class VAE(nn.Module):
    r"""Pyro model :math:`p(x|z)\,p(z)` and guide :math:`q(z|x)` over a swappable latent space.

    Any Pyro inference takes ``vae.model`` and ``vae.guide``; the parameters are those of the module, which Pyro finds
    in its parameter store too:

    >>> import torch, models
    >>> from pyro.infer import SVI, Predictive, TraceMeanField_ELBO
    >>> vae = models.image_vae("L2(alpha=.9)", beta=0.1)
    >>> x = torch.full((7, 1600), 1 / 1600)
    >>> svi = SVI(vae.model, vae.guide, pyro.optim.Adam({"lr": 1e-3}), TraceMeanField_ELBO())
    >>> svi.step(x) > 0
    True
    >>> loss = TraceMeanField_ELBO()(vae.model, vae.guide)(x)  # a scalar to call .backward() on
    >>> loss.shape
    torch.Size([])

    Without jets the model draws them, from prior and likelihood:

    >>> Predictive(vae.model, num_samples=5)(n=3)["x"].shape
    torch.Size([5, 3, 1600])

    Parameters
    ----------
    latent
        Latent space, or the string that names it.
    encoder
        Network from data ``(B, K)`` to ``(B, latent.outputs)``.
    decoder
        Network from ``(..., latent.features_size)`` to what the likelihood needs.
    likelihood
        Module from decoder outputs to the Pyro distribution of x. Its buffer ``beta`` is the resolution: one for all
        jets, or ``(B,)``, one for each.
    resolution
        The range of resolutions that the model covers, if it is not one alone. Encoder and decoder then take the code
        of beta as second argument, and the encoder's outputs and the decoder's inputs are modulated by it.

    Raises
    ------
    UserError
        The latent space has no latents.
    """

    def __init__(
        self,
        latent: Space | Latent | str,
        encoder: nn.Module,
        decoder: nn.Module,
        likelihood: Likelihood,
        resolution: Resolution | None = None,
    ) -> None:
        super().__init__()
        self.latent = space_of(latent)
        if not self.latent.factors:
            raise UserError(f"{self.latent}: a model needs a latent; R0 is one manifold of several, as in R0 | R3")
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.resolution = resolution
        if resolution is not None:
            self.head_film = Film(resolution.codes, self.latent.outputs)
            self.features_film = Film(resolution.codes, self.latent.features_size)
        self.low_precision = False  # networks in bfloat16; latents, KL and likelihood never
        self.config: Any = None  # the ModelConfig that built it, if one did

    def model(self, x: Tensor | None = None, n: int = 1) -> Tensor:
        """Draw each jet's latents from the prior, decode them, and observe the jets x ``(B, K)``, or draw n of them.

        Raises
        ------
        UserError
            Jets are to be drawn of a likelihood that is not normalised: that of clouds.
        """
        register(self)
        with pyro.plate("jets", n if x is None else x.shape[0]):
            z = self.latent.sample_prior()
            return pyro.sample("x", self.decode(self.latent.features(z)), obs=x)

    def guide(self, x: Tensor) -> dict[str, Any]:
        """Draw each jet's latents from the encoder's posterior; returns label -> value."""
        register(self)
        with pyro.plate("jets", x.shape[0]):
            return self.latent.sample_posterior(self.encode(x))

    def encode(self, x: Tensor) -> Tensor:
        """Return the posterior's parameters ``(..., latent.outputs)`` of jets x ``(..., K)``."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.low_precision):
            if self.resolution is None:
                return self.encoder(x).to(x.dtype)
            code = self.resolution(self.likelihood.beta)
            head = self.head_film(self.encoder(x, code), code).to(x.dtype)
        return self.latent.narrowed(head, self.resolution.narrowness(self.likelihood.beta).unsqueeze(-1))

    def decode(self, features: Tensor) -> dist.TorchDistribution:
        """Return p(x | z) from decoder features ``(..., features_size)``."""
        return self.likelihood(self.generate(features))

    def generate(self, features: Tensor) -> Tensor:
        """Return what the likelihood needs, from decoder features ``(..., features_size)``."""
        with torch.autocast(features.device.type, torch.bfloat16, enabled=self.low_precision):
            if self.resolution is None:
                output = self.decoder(features)
            else:
                code = self.resolution(self.likelihood.beta)
                output = self.decoder(self.features_film(features, code), code)
        return output.to(features.dtype)

    @contextmanager
    def at(self, beta: float | Tensor) -> Iterator[VAE]:
        """Set the resolution within the block: one for all jets, or ``(B,)``, one for each.

        >>> import models
        >>> vae = models.image_vae("R2", beta=0.1)
        >>> with vae.at(0.2):
        ...     print(vae.likelihood.beta)
        tensor(0.2000)
        """
        before = self.likelihood.beta
        self.likelihood.beta = torch.as_tensor(beta, dtype=before.dtype, device=before.device)
        try:
            yield self
        finally:
            self.likelihood.beta = before

    @contextmanager
    def encoded_once(self, jets: Tensor) -> Iterator[None]:
        """Encode jets ``(B, K)``; within the block, at one resolution, their posterior is the same tensor each time."""
        head, plain, before = self.encode(jets), self.encode, vars(self).get("encode")

        def encode(x: Tensor) -> Tensor:
            return head if x is jets else plain(x)

        self.encode = encode  # type: ignore[method-assign]
        try:
            yield
        finally:
            del self.encode
            if before is not None:  # of a block around this one
                self.encode = before  # type: ignore[method-assign]


class AE(VAE):
    """A plain autoencoder: the encoder returns a point, and nothing is charged for it.

    The same networks as the VAE's with a Delta guide at the posterior's centre and an improper flat prior, hence
    zero KL. A baseline: nothing orders or bounds its latent space.
    """

    def model(self, x: Tensor | None = None, n: int = 1) -> Tensor:
        """Observe the jets x ``(B, K)`` at latents of which nothing is known beforehand.

        Raises
        ------
        UserError
            Jets are to be drawn: there is no prior to draw latents from.
        """
        if x is None:
            raise UserError("a plain autoencoder has no prior to draw jets from: give it jets x")
        register(self)
        with pyro.plate("jets", x.shape[0]):
            z = {
                label: pyro.sample(f"z_{label}", dist.ImproperUniform(constraints.real_vector, (), (factor.dim,)))
                for label, factor in self.latent.items
            }
            return pyro.sample("x", self.decode(self.latent.features(z)), obs=x)

    def guide(self, x: Tensor) -> dict[str, Any]:
        """Place each jet at the centre of the encoder's posterior."""
        register(self)
        with pyro.plate("jets", x.shape[0]):
            heads = self.latent.split(self.encode(x))
            return {
                label: pyro.sample(f"z_{label}", dist.Delta(factor.posterior(heads[label]).mean, event_dim=1))
                for label, factor in self.latent.items
            }


def space_of(latent: Space | Latent | str) -> Space:
    """Return a latent space as it is, that of one factor, or the one that a string names.

    >>> from priors import Normal
    >>> space_of(Normal(2)), space_of("S1 x R2")
    (R2, S1 x R2)
    """
    if isinstance(latent, str):
        return parse(latent)
    return latent if isinstance(latent, Space) else Space(latent)
