"""The objective: one ELBO over Pyro traces, for every latent space."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pyro
import torch
from pyro import poutine
from pyro.poutine import Trace
from pyro.poutine.util import site_is_subsample
from torch import Tensor

from inference.recipe import RecipeError
from models import VAE
from models.registration import unregistered
from priors import Latent, Space, Superposition, kl_per_coordinate

Site = Any
"""A node of a Pyro trace."""


class ELBO(NamedTuple):
    r"""The evidence lower bound of B jets, in nats.

    Attributes
    ----------
    reconstruction
        ``(B,)``, minus the expected log likelihood, :math:`-E_q[\ln p(x|z)]`.
    kl
        Site name -> ``(B, coordinates)``, or ``(B, 1)`` where the KL of a factor does not split.
    """

    reconstruction: Tensor
    kl: dict[str, Tensor]

    @property
    def total_kl(self) -> Tensor:
        """KL summed over sites and coordinates, ``(B,)``."""
        zero = torch.zeros_like(self.reconstruction)
        return sum((kl.sum(-1) for kl in self.kl.values()), start=zero)

    @property
    def elbo(self) -> Tensor:
        r""":math:`E_q[\ln p(x|z)] - KL(q(z|x)\,\|\,p(z))`, ``(B,)``."""
        return -self.reconstruction - self.total_kl

    @property
    def objective(self) -> Tensor:
        """Minus the mean ELBO of a jet: the scalar to minimise."""
        return -self.elbo.mean()

    def _repr_html_(self) -> str:
        from pandas import DataFrame

        means = {"reconstruction": self.reconstruction, **{f"KL of {site}": kl.sum(-1) for site, kl in self.kl.items()}}
        rows = {name: float(nats.detach().mean()) for name, nats in (means | {"ELBO": self.elbo}).items()}
        title = f"mean of {len(self.reconstruction):,} jets [nat]"
        return DataFrame({title: rows}).to_html(float_format="{:.4g}".format)


def elbo(model: Callable[..., Any], guide: Callable[..., Any], x: Tensor) -> ELBO:
    r"""Return the ELBO of jets x ``(B, K)`` from one draw of the guide.

    .. math::
        \mathcal{L}(x) = E_{q(z|x)}[\ln p(x|z)] - \sum_i KL(q(z_i|x)\,\|\,p(z_i))

    KL in closed form where one is registered, else at the draw. Sites that the guide marks
    ``infer={"enumerate": "parallel"}`` are summed over exactly. Unlike ``pyro.infer.TraceMeanField_ELBO``, with which
    it agrees on mean-field models, it keeps jets and coordinates apart and reads nothing back from the device.
    Kingma & Welling 1312.6114, eq. 3; Pyro's mean-field condition applies.
    """
    return terms(*paired_traces(model, guide, x))


def terms(guide_trace: Trace, model_trace: Trace) -> ELBO:
    """Return the ELBO of a pair of traces made by :func:`paired_traces`."""
    weight = enumeration_weight(guide_trace)
    observed, latent = samples(model_trace, observed=True), samples(guide_trace, observed=False)
    assert_differentiable(
        name for name, site in latent.items() if not is_enumerated(site) and not site["fn"].has_rsample
    )
    log_likelihood = sum(site["fn"].log_prob(site["value"]) for site in observed.values())
    kl = {
        name: expectation(site_kl(site, model_trace.nodes[name]), weight, coordinates=1)
        for name, site in latent.items()
    }
    return ELBO(-expectation(log_likelihood, weight), kl)


def paired_traces(model: Callable[..., Any], guide: Callable[..., Any], x: Tensor) -> tuple[Trace, Trace]:
    """Run the guide, then the model on the guide's draws; a site to be enumerated takes all values along dim -2."""
    with unregistered():
        guide_trace = poutine.trace(poutine.enum(guide, first_available_dim=-2)).get_trace(x)
        model_trace = poutine.trace(poutine.replay(model, trace=guide_trace)).get_trace(x)
    return guide_trace, model_trace


def enumeration_weight(guide_trace: Trace) -> Tensor | None:
    """Return q of every combination of the enumerated values, ``(K, ..., B)``; None when there are none."""
    sites = samples(guide_trace, observed=False).values()
    enumerated = [site["fn"].log_prob(site["value"]) for site in sites if is_enumerated(site)]
    return sum(enumerated).exp() if enumerated else None


def site_kl(guide_site: Site, model_site: Site) -> Tensor:
    """Return the KL of one site, ``(..., B, coordinates)``; an enumerated one at each of its values."""
    posterior, prior, value, mask = guide_site["fn"], model_site["fn"], guide_site["value"], guide_site["mask"]
    if is_enumerated(guide_site):
        kl = (posterior.log_prob(value) - prior.log_prob(value)).unsqueeze(-1)
    else:
        kl = kl_per_coordinate(posterior, prior, value)
    return kl if mask is None else torch.where(torch.as_tensor(mask).unsqueeze(-1), kl, 0.0)


def expectation(value: Any, weight: Tensor | None, coordinates: int = 0) -> Tensor:
    """Sum ``value`` over the enumerated combinations with their probabilities; ``coordinates`` trailing dims stay."""
    if weight is None:
        return value
    weight = weight[(...,) + (None,) * coordinates]
    total = weight * value
    return total.sum(tuple(range(total.dim() - 1 - coordinates)))


class KLTerm(NamedTuple):
    """One term of the KL of a latent space.

    Attributes
    ----------
    name
        Its name in histories and results: ``R2_0``, or ``D3`` where the KL of a factor does not split.
    factor
        Label of its factor; of one inside a superposition ``M2_R1``, of the category itself ``M2``.
    coordinate
        The coordinate whose KL it is, as in ``Space.coordinate_names``; "" where the KL of the factor does not split.
    """

    name: str
    factor: str
    coordinate: str


def kl_terms(space: Space, site: str, count: int) -> list[KLTerm]:
    """Return the ``count`` KL terms of a site: by its coordinates where the KL splits by them, else by the factor.

    >>> from priors import parse
    >>> kl_terms(parse("R1 x D3"), "z_R1", 1) + kl_terms(parse("R1 x D3"), "z_D3", 1)
    [KLTerm(name='R1_0', factor='R1', coordinate='R1_0'), KLTerm(name='D3', factor='D3', coordinate='')]
    """
    label = site.removeprefix("z_")
    factor = nested_factors(space).get(label)
    if factor is None or factor.coordinate_count != count:
        names = [label] if count == 1 else [f"{label}_{i}" for i in range(count)]
        return [KLTerm(name, label, "") for name in names]
    names = [f"{label}_{name}" for name in factor.coordinate_labels]
    return [KLTerm(name, label, name) for name in names]


def nested_factors(space: Space) -> dict[str, Latent]:
    """Return label -> factor, those inside superpositions too."""
    found = dict(space.items)
    for label, factor in space.items:
        if isinstance(factor, Superposition):
            found |= {f"{label}_{name}": inner for _, name, inner in factor.items}
    return found


def is_enumerated(site: Site) -> bool:
    """Whether a site takes all its values at once."""
    return site["infer"].get("_enumerate_dim") is not None


def assert_differentiable(sites: Iterable[str]) -> None:
    """Assert that there is no site whose draws carry no gradient to the encoder.

    Raises
    ------
    RecipeError
        There is one: with a closed-form KL its likelihood gradient would silently be zero.
    """
    found = list(sites)
    if found:
        raise RecipeError(
            f"site {found[0]}: its posterior's draws carry no gradient (no rsample); take a reparametrised posterior, "
            "or for a category the elbo objective, which sums over it, or posterior=straight-through"
        )


def samples(trace: Trace, *, observed: bool) -> dict[str, Site]:
    """Return the random variables of a trace (not its plates), observed or latent, by name."""
    return {
        name: site
        for name, site in trace.nodes.items()
        if site["type"] == "sample" and not site_is_subsample(site) and site["is_observed"] is observed
    }


def kl_names(vae: VAE, x: Tensor) -> list[str]:
    """Return the names of the KL terms in the order of a step's report, seen on jets x ``(B, ...)``."""
    devices = [x.device] if x.is_cuda else []
    with torch.random.fork_rng(devices=devices), torch.no_grad(), pyro.validation_enabled(False):
        was_training = vae.training
        bound = elbo(vae.eval().model, vae.guide, x)
        vae.train(was_training)
    return [term.name for site, kl in bound.kl.items() for term in kl_terms(vae.latent, site, kl.shape[-1])]
