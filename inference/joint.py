"""The joint density of a model over unconstrained reals, categories summed over: what a sampler needs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pyro
import torch
from pyro.distributions import constraints
from torch import Tensor
from torch.distributions import biject_to

from inference.folder import RunError
from models import AE, VAE
from priors import Categorical, Latent, RelaxedCategorical, Space, Superposition
from priors.constraints import circular, coordinate_support
from priors.von_mises import wrapped

SHELL = 0.1
"""Width of the shell about the unit sphere on which directions are drawn."""


class Map(NamedTuple):
    """How unconstrained reals become a latent value."""

    size: int
    """Reals in."""
    to_value: Callable[[Tensor], tuple[Tensor, Tensor]]
    """Reals ``(..., size)`` to the value and the log density that the change of variables adds, ``(...)``."""
    to_reals: Callable[[Tensor], Tensor]
    """A value to reals that give it."""
    circular: bool = False
    """Whether reals a full turn apart give the same value."""


def map_of(factor: Latent) -> Map:
    """Return the map for a factor, by the support of its prior.

    An angle is its own real number, unwrapped, under a periodic density (NumPyro's ``CircularReparam``); a direction
    is drawn in a thin shell about the sphere; anything else by torch's bijection.
    """
    prior = factor.prior()
    support = coordinate_support(prior)
    if support is constraints.sphere:
        return Map(prior.event_shape[0], direction, lambda z: z)
    if support in (constraints.real, circular):
        return Map(prior.event_shape[0], lambda u: (u, u.sum(-1) * 0), lambda z: z, circular=support is circular)
    transform = biject_to(prior.support)

    def to_value(u: Tensor) -> tuple[Tensor, Tensor]:
        z = transform(u)
        return z, transform.log_abs_det_jacobian(u, z)

    return Map(transform.inverse_shape(prior.event_shape)[0], to_value, transform.inv)


def direction(u: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``u/|u|`` and the log density that makes it uniform, with ``|u|`` normal about 1."""
    radius = (u * u).sum(-1).clamp(min=1e-12).sqrt()
    shell = -(((radius - 1) / SHELL) ** 2) / 2
    return u / radius.unsqueeze(-1), shell - (u.shape[-1] - 1) * radius.log()


class Joint:
    r"""ln p(x, z) of one jet at unconstrained reals u ``(n,)``, for each combination of the categories ``(K,)``.

    :math:`p(x, u) = \sum_k` of their exponentials. Latents of the manifolds of a superposition that are not chosen
    follow their prior, so that u always has the same length.

    Raises
    ------
    RunError
        A plain autoencoder; a relaxed category, which has a density of its own, while what is asked for is that of
        the category; or nothing but categories, whose posterior needs no sampler.
    """

    def __init__(self, vae: VAE) -> None:
        if isinstance(vae, AE):
            raise RunError("a plain autoencoder has no prior, hence no posterior to sample")
        self.vae, self.space = vae, vae.latent
        self.leaves = list(leaves(self.space))
        self.maps = [map_of(factor) for *_, factor in self.leaves]
        self.size = sum(each.size for each in self.maps)
        if not self.size:
            raise RunError(f"{self.space}: categories alone have an exact posterior; there is nothing to sample")
        categories = {label: found for label, factor in self.space.items if (found := category_of(factor))}
        if any(isinstance(category, RelaxedCategorical) for category in categories.values()):
            raise RunError("NUTS sums over categories, a relaxed one is none: train C2 or posterior=straight-through")
        rows = torch.tensor(list(itertools.product(*(range(each.dim) for each in categories.values()))))
        self.one_hot = {label: torch.eye(each.dim)[rows[:, i]] for i, (label, each) in enumerate(categories.items())}
        self.log_weight = torch.zeros(len(rows))
        for label, each in categories.items():
            self.log_weight = self.log_weight + self.one_hot[label] @ each.prior().logits.detach()

        with torch.no_grad(), pyro.validation_enabled(False):
            self.priors = [factor.prior() for *_, factor in self.leaves]
            for prior in self.priors:  # what a distribution computes once and keeps is computed before any trace
                prior.log_prob(prior.sample())

    def __call__(self, u: Tensor, x: Tensor) -> Tensor:
        """Return ``(K,)`` for reals ``(n,)`` and a jet x."""
        values, log_density = self.values(u)
        for prior, value in zip(self.priors, values, strict=True):
            log_density = log_density + prior.log_prob(value)
        return self.given(values, x) + log_density

    def given(self, values: list[Tensor], x: Tensor) -> Tensor:
        """Return ln p(x, k | z) ``(K,)`` at a value of every continuous factor."""
        features = self.space.features(self.nested(values, self.one_hot))
        features = features.expand(len(self.log_weight), -1)
        return self.vae.decode(features).log_prob(x.unsqueeze(0)) + self.log_weight

    def values(self, u: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the value of every continuous factor and the log density of the change of variables."""
        pieces = u.split([each.size for each in self.maps], dim=-1)
        found = [each.to_value(piece) for each, piece in zip(self.maps, pieces, strict=True)]
        return [value for value, _ in found], sum((extra for _, extra in found), start=torch.zeros(()))

    def nested(self, values: list[Tensor], one_hot: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return label -> value as the latent space has it."""
        z: dict[str, Any] = {
            label: {"category": one_hot[label]} if isinstance(factor, Superposition) else one_hot.get(label)
            for label, factor in self.space.items
        }
        for (label, inner, _), value in zip(self.leaves, values, strict=True):
            if inner:
                z[label][inner] = value
            else:
                z[label] = value
        return z

    def coordinates(self, u: Tensor, combination: Tensor) -> Tensor:
        """Return the reported coordinates ``(..., n)`` of reals ``(..., size)`` and combinations ``(...)``."""
        one_hot = {label: table[combination] for label, table in self.one_hot.items()}
        return self.space.coordinates(self.nested(self.values(u)[0], one_hot))

    def centre_and_width(self, x: Tensor, draws: int = 200) -> tuple[Tensor, Tensor]:
        """Return mean and deviation of the guide's reals, each ``(B, size)``, for a sampler to start from.

        A manifold of a superposition that a jet may not live on follows its prior: there 0 and 1.
        """
        drawn = [self.vae.guide(x) for _ in range(draws)]
        means, deviations = [], []
        for (label, inner, _), each in zip(self.leaves, self.maps, strict=True):
            if inner:
                means.append(torch.zeros(len(x), each.size))
                deviations.append(torch.ones(len(x), each.size))
                continue
            reals = torch.stack([each.to_reals(z[label]) for z in drawn]).to(torch.get_default_dtype())
            if each.circular:
                centre = torch.atan2(reals.sin().mean(0), reals.cos().mean(0))
                reals = centre + wrapped(reals - centre)
            means.append(reals.mean(0))
            deviations.append(reals.std(0).clamp(min=1e-4, max=math.pi))
        return torch.cat(means, -1), torch.cat(deviations, -1)


def leaves(space: Space) -> Iterator[tuple[str, str, Latent]]:
    """Yield label, label within a superposition or "", and factor, of everything that is not a category."""
    for label, factor in space.items:
        if isinstance(factor, Superposition):
            yield from ((label, inner, leaf) for _, inner, leaf in factor.items)
        elif not isinstance(factor, Categorical):
            yield label, "", factor


def category_of(factor: Latent) -> Categorical | None:
    """Return the category that a factor is or holds."""
    if isinstance(factor, Superposition):
        return factor.category
    return factor if isinstance(factor, Categorical) else None
