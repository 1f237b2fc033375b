"""Each latent family against its counterpart in torch, Pyro or numpyro: ``python -m benchmarks.priors``.

One repeat is a draw, its log probability, the KL and the gradient of all three in the encoder's outputs (for the
circle: in the distribution's parameters), for 4096 jets and 8 coordinates, on one thread. Peers get the same numbers
through the same link functions, and a Monte Carlo KL where they have no closed form. Medians of alternating repeats;
ratio = peer / ours, above 1 is faster. No library has a power spherical, a reparametrised von Mises-Fisher or a wrapped
normal on the hyperboloid: the spheres stand beside the projected normal, another distribution, for orientation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyro.distributions as dist
import torch
from torch import Tensor
from torch.distributions import kl_divergence
from torch.nn.functional import softplus

from inference.machine import tune_cpu
from priors import parse

JETS, REPEATS = 4096, 21


def timed(posterior: Callable[[Tensor], Any], prior: Any, features: Callable[[Tensor], Tensor], head: Tensor) -> Any:
    def run() -> Any:
        h = head.detach().requires_grad_()
        q = posterior(h)
        z = q.rsample() if q.has_rsample else q.enumerate_support(expand=False)
        log_q = q.log_prob(z)
        try:
            kl = kl_divergence(q, prior)
        except NotImplementedError:
            kl = log_q - prior.log_prob(z)
        return torch.autograd.grad(features(z).sum() + log_q.sum() + kl.sum(), h)

    return run


def ours(latent: str, head: Tensor) -> Callable[[], Any]:
    factor = parse(latent).factors[0]
    return timed(factor.posterior, factor.prior(), factor.features, head)


def identity(z: Tensor) -> Tensor:
    return z


def normal(head: Tensor) -> Any:
    loc, log_variance = head.chunk(2, -1)
    return dist.Normal(loc, (log_variance / 2).exp()).to_event(1)


def von_mises(family: Callable[..., Any], prior: Any, concentration: Tensor) -> Callable[[], Any]:
    """Without an encoder's head: gradients in mean direction and concentration."""

    def run() -> Any:
        loc, kappa = torch.zeros_like(concentration).requires_grad_(), concentration.detach().requires_grad_()
        q = family(loc, kappa)
        z = q.rsample() if q.has_rsample else q.sample()
        log_q = q.log_prob(z)
        kl = kl_divergence(q, prior) if q.has_rsample else log_q - prior.log_prob(z)
        return torch.autograd.grad((z + log_q + kl).sum(), (loc, kappa))

    return run


def numpyro_von_mises(concentration: Tensor) -> Callable[[], Any]:
    """Compiled by XLA; without reparametrised draws, so its gradient is that of the log probabilities alone."""
    import jax
    import jax.numpy as jnp
    import numpyro.distributions as ndist

    def loss(loc: Any, kappa: Any, key: Any) -> Any:
        q, p = ndist.VonMises(loc, kappa), ndist.VonMises(0.0, 1e-6)
        z = jax.lax.stop_gradient(q.sample(key))
        return (2 * q.log_prob(z) - p.log_prob(z)).sum()

    step, key = jax.jit(jax.grad(loss, argnums=(0, 1))), jax.random.PRNGKey(0)
    kappa = jnp.asarray(concentration.numpy())
    return lambda: jax.block_until_ready(step(jnp.zeros_like(kappa), kappa, key))


def rows() -> list[tuple[str, Callable[[], Any], Callable[[], Any], str]]:
    torch.manual_seed(0)
    two, eight = torch.randn(JETS, 16) / 2, torch.randn(JETS, 8)
    one, zero = torch.ones(8), torch.zeros(8)
    flat, uniform = dist.Normal(zero, one).to_event(1), dist.VonMises(zero, zero + 1e-6)
    concentration = (torch.rand(JETS, 8) * 11.5 - 4.6).exp()
    circle = parse("T8").factors[0]
    circles = von_mises(circle.family, circle.prior().base_dist, concentration)
    simplex = dist.Dirichlet(one)
    category, relaxed = (
        dist.OneHotCategorical(logits=zero),
        dist.RelaxedOneHotCategorical(torch.tensor(0.5), logits=zero),
    )
    mixture = dist.MixtureSameFamily(
        dist.Categorical(logits=torch.zeros(3).requires_grad_()),
        dist.Normal(torch.randn(3, 8).requires_grad_(), torch.ones(3, 8).requires_grad_()).to_event(1),
    )
    vectors = torch.randn(JETS * 8, 3)
    projected = dist.ProjectedNormal(torch.zeros(3))
    table = [
        ("R8", two, normal, flat, identity, "torch Normal"),
        ("L8", two, normal, dist.Normal(zero, 0.94).to_event(1), lambda z: z.softmax(-1), "torch Normal"),
        ("D8", eight, lambda h: dist.Dirichlet(0.02 + softplus(h)), simplex, identity, "torch Dirichlet"),
        ("C8", eight, lambda h: dist.OneHotCategorical(logits=h), category, identity, "torch OneHotCategorical"),
        (
            "C8(posterior=straight-through)",
            eight,
            lambda h: dist.OneHotCategoricalStraightThrough(logits=h),
            category,
            identity,
            "torch straight-through",
        ),
        (
            "C8(posterior=relaxed)",
            eight,
            lambda h: dist.RelaxedOneHotCategorical(torch.tensor(0.5), logits=h),
            relaxed,
            identity,
            "torch relaxed",
        ),
        ("G8:3", two, normal, mixture, identity, "torch MixtureSameFamily"),
        ("S2", vectors, lambda h: dist.ProjectedNormal(h * 5), projected, identity, "Pyro ProjectedNormal"),
        (
            "S2(posterior=vmf)",
            vectors,
            lambda h: dist.ProjectedNormal(h * 5),
            projected,
            identity,
            "Pyro ProjectedNormal",
        ),
    ]
    result = [(name, ours(name, head), timed(q, p, f, head), label) for name, head, q, p, f, label in table]
    return [
        *result,
        ("T8", circles, numpyro_von_mises(concentration), "numpyro VonMises, jitted; draws without gradient"),
        ("T8", circles, von_mises(dist.VonMises, uniform, concentration), "Pyro VonMises; draws without gradient"),
    ]


def alternate(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[float, float]:
    """Return the median times in ms of two functions run in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for repeat in range(REPEATS + 2):
        for function, record in zip((first, second), times, strict=True):
            start = time.perf_counter()
            function()
            if repeat > 1:
                record.append(1e3 * (time.perf_counter() - start))
    return float(np.median(times[0])), float(np.median(times[1]))


def main() -> None:
    tune_cpu(threads=1)
    torch.distributions.Distribution.set_default_validate_args(False)
    print(f"{JETS} jets, 8 coordinates, one thread, median of {REPEATS}; {__doc__.splitlines()[0]}")
    print(f"{'family':30}{'ours [ms]':>12}{'peer [ms]':>12}   {'peer':48}{'ratio':>8}")
    for name, first, second, label in rows():
        mine, theirs = alternate(first, second)
        print(f"{name:30}{mine:12.2f}{theirs:12.2f}   {label:48}{theirs / mine:8.2f}")


if __name__ == "__main__":
    main()
