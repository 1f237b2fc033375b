"""Dirichlet posteriors from the smallest to the largest concentration, in float32 with denormals flushed."""

import pytest
import scipy.stats
import torch
from torch.distributions import Dirichlet, kl_divergence

from priors import parse

HEADS = [[-50.0, -50.0, -50.0], [-50.0, 0.0, 3.0], [-4.0, -5.0, -6.0], [1e4, -1e4, 50.0], [1e4, 1e4, 1e4]]
PRIORS = ["D3", "D3(alpha=1,.25,.1)", "D3(alpha=.02)", "D3(alpha=.001)"]
DRAWS = 100_000


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize("text", PRIORS)
def test_log_weights_and_their_gradient(text, head):
    """ln q - ln p of float32 is that of float64 to 1e-3 nat; its mean and gradient are the KL's to 4.5 errors."""
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    factor = parse(text).factors[0]
    heads = torch.tensor(head).expand(DRAWS, -1).clone().requires_grad_()
    q, p = factor.posterior(heads), factor.prior()
    z = q.rsample()
    nats = q.log_prob(z) - p.log_prob(z)
    exact, prior = Dirichlet(q.concentration[0].detach().double()), Dirichlet(p.concentration.double())
    assert float((nats - exact.log_prob(z) + prior.log_prob(z)).abs().max().detach()) < 1e-3
    kl = kl_divergence(exact, prior)
    spread = nats.double().detach().std() / DRAWS**0.5
    assert float(nats.double().mean().detach()) == pytest.approx(float(kl), abs=4.5 * float(spread) + 1e-3)
    assert float(kl_divergence(q, p)[0].detach()) == pytest.approx(float(kl), abs=2e-3)
    (drawn,) = torch.autograd.grad(nats.sum(), heads, retain_graph=True)
    (closed,) = torch.autograd.grad(kl_divergence(q, p).sum(), heads)
    assert drawn.isfinite().all()
    errors = 4.5 * drawn.double().std(0) / DRAWS**0.5 + 1e-3
    assert ((drawn.double().mean(0) - closed[0]).abs() < errors).all()


def test_weights_below_the_smallest_float32_number_are_drawn():
    """Share of weights below 1e-38 at concentration 0.02, scipy's Beta: 8.7 %, 5 errors of 60,000 draws."""
    torch.manual_seed(0)
    z = parse("D2").factors[0].posterior(torch.full((30_000, 2), -50.0)).sample()
    small = scipy.stats.beta(0.02, 0.02).cdf(1e-38)
    assert float((z < 1e-38).double().mean()) == pytest.approx(small, abs=5 * (small / 60_000) ** 0.5)
    assert float((z > 0).double().mean()) == 1


@pytest.mark.parametrize("alpha", [0.015, 0.001, 1e-4])
def test_sparse_priors(alpha):
    """Mean, second moment and scipy's distribution function of the first weight: 50,000 draws, 5 errors."""
    torch.manual_seed(0)
    prior = parse(f"D3(alpha={alpha},{2 * alpha},{3 * alpha})").factors[0].prior()
    z = prior.sample((50_000,))
    weights = torch.tensor([1.0, 2.0, 3.0]).double() / 6
    spread = (weights * (1 - weights) / 50_000) ** 0.5
    assert ((z.mean(0) - weights).abs() < 5 * spread).all()
    square = weights * (6 * alpha * weights + 1) / (6 * alpha + 1)
    assert (((z**2).mean(0) - square).abs() < 5 * spread).all()
    for edge in (1e-100, 1e-10, 0.3, 0.9):
        share = scipy.stats.beta(alpha, 5 * alpha).cdf(edge)
        assert float((z[:, 0] < edge).double().mean()) == pytest.approx(
            share, abs=5 * (share * (1 - share) / 5e4) ** 0.5
        )
    assert float(((z - 1 / 3).abs().amax(-1) < 0.01).double().mean()) < 1e-3
