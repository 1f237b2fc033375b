"""The importance-weighted bound with K draws a jet, and its doubly reparametrised gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pyro
import torch
from pyro import poutine
from pyro.distributions.util import sum_rightmost
from pyro.poutine import Trace
from torch import Tensor

from inference.lower_bound import assert_differentiable, samples
from inference.recipe import RecipeError
from models.registration import unregistered


def log_weights(model: Callable[..., Any], guide: Callable[..., Any], x: Tensor, particles: int) -> Tensor:
    r"""Return :math:`\ln w_k = \ln p(x, z_k) - \ln q(z_k|x)` of K draws of the guide, ``(K, B)``, in nats.

    The gradient is plain: through draws and densities alike. Discrete sites must be reparametrised or absent.
    """
    return _weights(*importance_traces(model, guide, x, particles), fixed=False)


def iwae(
    model: Callable[..., Any], guide: Callable[..., Any], x: Tensor, particles: int, *, dreg: bool = True
) -> Tensor:
    r"""Return the bound :math:`\ln\frac1K\sum_k w_k \le \ln p(x)` of each jet, ``(B,)``, in nats.

    Burda et al. 1509.00519. With ``dreg`` the guide's gradient is the doubly reparametrised one,
    :math:`\sum_k \tilde w_k^2\,\partial_{z_k}\ln w_k\,\partial_\phi z_k` with the density's parameters held fixed
    (Tucker et al. 1810.04152, eq. 8), whose signal does not vanish as K grows; the value is the same.
    """
    guide_trace, model_trace = importance_traces(model, guide, x, particles)
    log_w = _weights(guide_trace, model_trace, fixed=dreg)
    bound = log_w.logsumexp(0) - math.log(particles)
    if not dreg:
        return bound
    weight = log_w.detach().softmax(0)
    for site in samples(guide_trace, observed=False).values():
        if site["value"].requires_grad:
            site["value"].register_hook(lambda g: g * weight.reshape(weight.shape + (1,) * (g.dim() - weight.dim())))
    surrogate = (weight * log_w).sum(0)
    return bound.detach() + surrogate - surrogate.detach()


def importance_traces(
    model: Callable[..., Any], guide: Callable[..., Any], x: Tensor, particles: int
) -> tuple[Trace, Trace]:
    """Run guide and model with K draws of every site, along a plate of dimension -2."""
    plate = pyro.plate("particles", particles, dim=-2)
    with unregistered():
        guide_trace = poutine.trace(plate(guide)).get_trace(x)
        model_trace = poutine.trace(poutine.replay(plate(model), trace=guide_trace)).get_trace(x)
    return guide_trace, model_trace


def drawn_traces(model: Callable[..., Any], guide: Callable[..., Any], x: Tensor) -> tuple[Trace, Trace]:
    """Run the guide, then the model on the guide's draws; every site is drawn, categories too."""
    with unregistered():
        guide_trace = poutine.trace(guide).get_trace(x)
        return guide_trace, poutine.trace(poutine.replay(model, trace=guide_trace)).get_trace(x)


def drawn_log_weights(model: Callable[..., Any], guide: Callable[..., Any], x: Tensor, draws: int) -> Tensor:
    """Return ln p(x, z) - ln q(z|x) of draws of the guide, categories drawn too, ``(draws, B)`` in nats."""
    with pyro.validation_enabled(False):
        found = [log_densities(*drawn_traces(model, guide, x)).log_weight for _ in range(draws)]
    return torch.stack(found)


def _weights(guide_trace: Trace, model_trace: Trace, *, fixed: bool) -> Tensor:
    latent = samples(guide_trace, observed=False)
    assert_differentiable(name for name, site in latent.items() if not site["fn"].has_rsample)
    found = log_densities(guide_trace, model_trace)
    if fixed and torch.is_grad_enabled():
        log_q: Any = sum(log_prob_at_fixed_parameters(name, site) for name, site in latent.items())
        found = found._replace(log_q=log_q)
    return found.log_weight


class LogDensities(NamedTuple):
    """Log densities at the draws of a guide, summed over sites, in nats; the shape of the draws."""

    log_likelihood: Tensor
    log_prior: Tensor
    log_q: Tensor

    def broadcast(self, jets: int) -> LogDensities:
        """Return each as ``(jets,)``, also where a model without prior gives one number."""
        return LogDensities(*(torch.as_tensor(value, dtype=torch.get_default_dtype()).expand(jets) for value in self))

    @property
    def log_weight(self) -> Tensor:
        """The log importance weight, ln p(x, z) - ln q(z | x)."""
        return self.log_likelihood + self.log_prior - self.log_q


def log_densities(guide_trace: Trace, model_trace: Trace) -> LogDensities:
    """Return ln p(x|z), ln p(z) and ln q(z|x) of traces whose sites were all drawn, none enumerated."""

    def total(sites: Mapping[str, Any]) -> Any:
        return sum(masked(site, site["fn"].log_prob(site["value"])) for site in sites.values())

    return LogDensities(
        total(samples(model_trace, observed=True)),
        total(samples(model_trace, observed=False)),
        total(samples(guide_trace, observed=False)),
    )


def log_prob_at_fixed_parameters(name: str, site: Any) -> Tensor:
    r"""Return ln q(z) of a site whose only gradient is :math:`\partial_z \ln q\,\partial_\phi z`.

    The derivative in z is taken at a copy of the draw that depends on nothing, so that it does not matter where the
    distribution keeps its parameters: in tensors, in tables made of them, in the transforms of a flow.

    Raises
    ------
    RecipeError
        The density needs the draw itself: that of a flow without an inverse.
    """
    z = site["value"]
    still = z.detach().requires_grad_()
    try:
        log_q = masked(site, site["fn"].log_prob(still))
    except (KeyError, NotImplementedError) as error:
        raise RecipeError(
            f"site {name}: {type(site['fn']).__name__} has no density at a given point (a flow without inverse?), "
            "which the doubly reparametrised gradient asks for; take the elbo objective"
        ) from error
    if not log_q.requires_grad or not z.requires_grad:
        return log_q.detach()
    (slope,) = torch.autograd.grad(log_q.sum(), still, allow_unused=True)
    if slope is None:  # of a category, whose density is no function of a real number
        return log_q.detach()
    return log_q.detach() + sum_rightmost(slope * (z - z.detach()), site["fn"].event_dim)


def masked(site: Any, log_prob: Tensor) -> Tensor:
    """Return a site's log probability, zero where it is masked."""
    return log_prob if site["mask"] is None else torch.where(site["mask"], log_prob, 0.0)
