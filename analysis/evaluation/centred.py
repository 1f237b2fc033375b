"""The bound of each jet with its latents at the posterior's centre, not drawn: the same numbers each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import torch
from pyro import distributions as dist
from pyro import poutine
from pyro.poutine.messenger import Messenger
from pyro.poutine.runtime import Message
from pyro.poutine.util import site_is_subsample
from torch import Tensor
from torch.distributions import Independent, OneHotCategorical

from inference.lower_bound import ELBO, paired_traces, terms
from jets.errors import UserError
from models import VAE
from priors.categorical import ExpRelaxedCategorical
from priors.hyperbolic import WrappedNormal, exponential_map
from priors.sphere import DirectionDistribution


def centred_terms(vae: VAE, x: Tensor) -> tuple[ELBO, Tensor]:
    r"""Return the terms of the bound of jets x ``(B, ...)`` at the centre of q(z | x), and its parameters.

    .. math::
        \mathrm{reconstruction} = -\ln p(x\,|\,\bar z), \qquad \mathrm{kl}_i = KL(q(z_i|x)\,\|\,p(z_i))

    with :math:`\bar z` of :func:`centre`. Categories that training sums over are summed over. A KL in closed form does
    not depend on the point; one without (:func:`kl_at_centre` names them) is
    :math:`\ln q(\bar z) - \ln p(\bar z)`, and not its expectation. Parameters: ``(B, latent.outputs)``.

    >>> import models
    >>> vae = models.image_vae("R2").eval()
    >>> bound, head = centred_terms(vae, torch.full((5, 1600), 1 / 1600))
    >>> bound.elbo.shape, bound.kl["z_R2"].shape, head.shape
    (torch.Size([5]), torch.Size([5, 2]), torch.Size([5, 4]))

    Raises
    ------
    UserError
        A posterior has no centre.
    """
    head = vae.encode(x)
    return terms(*paired_traces(vae.model, guide_at_centre(vae, head), x)), head


def centred_kl(vae: VAE, x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Return the KL of :func:`centred_terms` by site, each ``(B, coordinates)``, and the parameters; no likelihood.

    Raises
    ------
    UserError
        A posterior has no centre.
    """
    head = vae.encode(x)
    model = poutine.block(vae.model, hide_fn=lambda site: site.get("is_observed", False))
    return terms(*paired_traces(model, guide_at_centre(vae, head), x)).kl, head


def guide_at_centre(vae: VAE, head: Tensor) -> Callable[[Tensor], Any]:
    """Return the guide of jets whose parameters ``head`` ``(B, latent.outputs)`` are known, without draws."""
    return AtCentre()(lambda jets: type(vae).guide(Encoded(vae, head), jets))  # type: ignore[arg-type]


def kl_at_centre(vae: VAE) -> list[str]:
    """Return the sites whose KL has no closed form, so that :func:`centred_terms` gives its value at the centre.

    >>> import models
    >>> kl_at_centre(models.image_vae("R2 x G1:2"))
    ['z_G1']
    """
    return [row["site"] for row in vae.latent.describe() if row["kl"] != "exact"]


class Encoded:
    """A model whose encoder has been evaluated: encoding returns ``head`` ``(B, latent.outputs)``."""

    def __init__(self, vae: VAE, head: Tensor) -> None:
        self.vae, self.head = vae, head

    def __getattr__(self, name: str) -> Any:
        return getattr(self.vae, name)

    def encode(self, x: Tensor) -> Tensor:
        """Return the head that is known."""
        return self.head


class AtCentre(Messenger):
    """Give each latent the :func:`centre` of its distribution in place of a draw; enumerated ones keep their values."""

    def _pyro_sample(self, msg: Message) -> None:
        drawn = not (msg["done"] or msg["is_observed"] or site_is_subsample(msg))
        if drawn and (msg["infer"] or {}).get("enumerate") != "parallel":
            msg["value"], msg["done"] = centre(msg["fn"]), True


class MostProbable(AtCentre):
    """Give each latent the centre of its distribution, each category its most probable value."""

    def _pyro_sample(self, msg: Message) -> None:
        if not (msg["done"] or msg["is_observed"] or site_is_subsample(msg)):
            msg["value"], msg["done"] = centre(msg["fn"]), True


@singledispatch
def centre(distribution: Any) -> Tensor:
    r"""Return the centre of a distribution, one of its values, ``(*batch_shape, *event_shape)``.

    The mean; the location where the mean is infinite; the mean direction on circles and spheres; the centre that a
    wrapped normal is boosted to; the most probable category.

    >>> centre(dist.StudentT(1.0, torch.tensor([2.0]), 1.0))
    tensor([2.])

    Raises
    ------
    UserError
        The distribution has no mean.
    """
    try:
        mean = distribution.mean
    except NotImplementedError:
        raise UserError(
            f"a posterior of type {type(distribution).__name__} has no mean, hence no centre; draw from it instead"
        ) from None
    loc = getattr(distribution, "loc", None)
    return mean if loc is None or loc is mean else torch.where(mean.isfinite(), mean, loc)


@centre.register
def _(distribution: Independent) -> Tensor:
    return centre(distribution.base_dist)


@centre.register
def _(distribution: dist.Normal) -> Tensor:
    return distribution.loc


@centre.register
def _(distribution: DirectionDistribution) -> Tensor:
    return distribution.loc


@centre.register
def _(distribution: WrappedNormal) -> Tensor:
    return exponential_map(distribution.loc)


@centre.register
def _(distribution: ExpRelaxedCategorical) -> Tensor:
    return distribution.logits.log_softmax(-1)


@centre.register
def _(distribution: OneHotCategorical) -> Tensor:
    return torch.nn.functional.one_hot(distribution.logits.argmax(-1), distribution.event_shape[0]).to(
        distribution.logits.dtype
    )
