"""Users' families and inverse transforms: extreme encoder outputs in float32, and values by quadrature."""

import copy
import functools
import itertools
import math

import pyro
import pyro.distributions as dist
import pyro.distributions.transforms as T
import pytest
import torch
from scipy.integrate import quad

from priors import Latent, kl_per_coordinate, parse
from priors.kumaraswamy import Kumaraswamy

RELATED = {
    "laplace": (dist.Laplace(0.0, 1.0), dist.Laplace),
    "logistic": (dist.Logistic(0.0, 1.0), dist.Logistic),
    "cauchy": (dist.Cauchy(0.0, 1.0), dist.Cauchy),
    "half normal": (dist.HalfNormal(1.0), dist.HalfNormal),
    "half Cauchy": (dist.HalfCauchy(1.0), dist.HalfCauchy),
    "exponential": (dist.Exponential(1.0), dist.Exponential),
    "gamma": (dist.Gamma(2.0, 1.0), dist.Gamma),
    "chi2": (dist.Chi2(3.0), dist.Chi2),
    "beta": (dist.Beta(2.0, 3.0), dist.Beta),
    "kumaraswamy": (dist.Kumaraswamy(2.0, 2.0), dist.Kumaraswamy),
    "continuous Bernoulli": (dist.Uniform(0.0, 1.0), dist.ContinuousBernoulli),
    "fisher": (dist.FisherSnedecor(4.0, 6.0), dist.FisherSnedecor),
    "pareto": (dist.Pareto(1.0, 2.0), functools.partial(dist.Pareto, scale=1.0)),
    "dirichlet": (dist.Dirichlet(torch.ones(2)), dist.Dirichlet),
    "one of torch's": (torch.distributions.Gamma(2.0, 1.0), torch.distributions.Gamma),
}
OURS = ["R2", "L3", "G2:3", "G2:3(apart=1000)", "V2:4", "C3", "C3(posterior=relaxed,temperature=.05)", "D3(alpha=.02)"]
DRAWS = 2000


@pytest.mark.parametrize("size", [3.0, 50.0, 1e4])
@pytest.mark.parametrize("name", [*RELATED, *OURS])
def test_extreme_encoder_outputs(name, size):
    """Of 16 heads of +-size: KL and gradient finite, KL that of float64 to 1 %, 0.05 nat or 6 errors of 2,000 draws."""
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    if name in RELATED:
        prior, posterior = RELATED[name]
        factor = Latent.from_distributions("tried", prior=prior, posterior=posterior)(2)
    else:
        factor = parse(name).factors[0]
    signs = torch.randint(0, 2, (16, factor.outputs)) * 2.0 - 1
    means, errors = [], []
    for dtype in (torch.float32, torch.float64):
        made = copy.deepcopy(factor).to(dtype)
        head = (size * signs).to(dtype).repeat_interleave(DRAWS, 0).requires_grad_()
        with pyro.validation_enabled(False):
            q, p = made.posterior(head), made.prior()
            z = q.rsample() if q.has_rsample else q.sample()
            kl = kl_per_coordinate(q, p, z).sum(-1)
            (gradient,) = torch.autograd.grad(kl.sum(), head)
            finite = (q.log_prob(z) - p.log_prob(z)).isfinite().double().mean()
        assert gradient.isfinite().all()
        assert float(finite) == 1
        means.append(kl.detach().double().reshape(16, DRAWS).mean(1))
        errors.append(kl.detach().double().reshape(16, DRAWS).std(1) / DRAWS**0.5)
    tolerance = 0.05 + 0.01 * means[1].abs() + 6 * (errors[0] + errors[1])
    assert ((means[0] - means[1]).abs() <= tolerance).all()


@pytest.mark.parametrize(("a", "b"), [(2.0, 3.0), (0.3, 40.0), (40.0, 0.3), (1000.0, 1000.0)])
def test_kumaraswamy_stays_inside_and_is_normalised(a, b):
    """Draws of float32 strictly inside with a finite density that is the closed form of float64 to 1e-3."""
    torch.manual_seed(0)
    q = Kumaraswamy(torch.tensor(a), torch.tensor(b))
    z = q.sample((100_000,))
    assert ((z > 0) & (z < 1)).all()
    x = z.double()
    exact = math.log(a * b) + (a - 1) * x.log() + (b - 1) * (-torch.expm1(a * x.log())).log()
    torch.testing.assert_close(q.log_prob(z).double(), exact, rtol=1e-4, atol=1e-3)
    if b < 1 or a > 100:
        return  # the logits below do not resolve the edge
    wide = Kumaraswamy(torch.tensor(a).double(), torch.tensor(b).double())

    def density(t):
        """In the logit t of the number."""
        x = torch.tensor(t).double()
        return float((wide.log_prob(x.sigmoid()) + x.sigmoid().log() + (-x).sigmoid().log()).exp())

    parts = itertools.pairwise([-600, -30, -5, 0, 4.5, 6, 36])
    assert sum(quad(density, *part, limit=400)[0] for part in parts) == pytest.approx(1, abs=1e-3)


def normal_density(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


INVERSES = {
    "log of a gamma": (dist.Gamma(2.0, 1.0), T.ExpTransform().inv, lambda z: math.exp(2 * z - math.exp(z))),
    "logit of a beta": (
        dist.Beta(2.0, 3.0),
        T.SigmoidTransform().inv,
        lambda z: 12 * sigmoid(z) ** 2 * sigmoid(-z) ** 3,
    ),
    "scaled back": (dist.Normal(1.0, 1.0), T.AffineTransform(1.0, 2.0).inv, lambda z: 2 * normal_density(2 * z)),
    "twice inverse": (dist.Normal(0.0, 1.0), T.AffineTransform(0.0, 2.0).inv.inv, lambda z: normal_density(z / 2) / 2),
}


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize("name", INVERSES)
def test_priors_through_inverse_transforms(name):
    """Density, its integral, and the KL of a normal posterior by quadrature; 100,000 draws, 5 errors; dtype follows."""
    base, transform, density = INVERSES[name]
    prior = dist.TransformedDistribution(base, [transform])
    factor = Latent.from_distributions("inverse", prior=prior, posterior=dist.Normal)(1).double()
    p = factor.prior()
    for z in (-1.5, -0.2, 0.0, 0.7, 2.0):
        assert float(p.log_prob(torch.tensor([z]).double())) == pytest.approx(math.log(density(z)), abs=1e-6)
    assert quad(density, -40, 0)[0] + quad(density, 0, 40)[0] == pytest.approx(1, abs=1e-6)
    torch.manual_seed(0)
    q = factor.posterior(torch.tensor([0.2, -0.7]).double().expand(100_000, -1))
    kl = kl_per_coordinate(q, p, q.rsample()).squeeze(-1)
    width = math.exp(-0.7)

    def integrand(x):
        z = 0.2 + width * x
        return normal_density(x) * (math.log(normal_density(x) / width) - math.log(density(z)))

    exact, _ = quad(integrand, -8, 8)
    assert float(kl.mean()) == pytest.approx(exact, abs=5 * float(kl.std()) / 100_000**0.5 + 1e-9)
    assert p.sample().dtype == torch.float64
