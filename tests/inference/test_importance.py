"""The doubly reparametrised gradient of every family: against quadrature at K = 1, against the plain one beyond."""

import functools

import pyro
import pyro.distributions as dist
import pyro.distributions.transforms as T
import pytest
import torch
from torch import nn

from inference.importance import iwae
from inference.recipe import RecipeError
from priors import Latent, parse

from ..priors.families import CASES

DRAWS = 100_000
REPARAMETRISED = [case for case in CASES if not case.latent.startswith("C3")]


def reward(factor, z):
    """A log likelihood of a draw, ``(...)``: a polynomial, for which the rule on spheres is exact."""
    features = factor.features(z)
    line = (features * torch.linspace(1.0, 2.0, features.shape[-1]).to(features)).sum(-1)
    return line - line**2 / 4


def mean_gradient(factor, head, particles, dreg, draws=DRAWS, seed=0):
    """Mean gradient of the bound in the encoder's outputs ``(outputs,)``, and its standard error."""
    torch.manual_seed(seed)
    heads = head.detach().expand(draws, -1).clone().requires_grad_()

    def model(x):
        with pyro.plate("jets", len(x)):
            pyro.factor("x", reward(factor, factor.sample_prior("z")))

    def guide(x):
        with pyro.plate("jets", len(x)):
            factor.sample_posterior("z", heads)

    with pyro.validation_enabled(False):
        bound = iwae(model, guide, heads, particles, dreg=dreg)
    (gradient,) = torch.autograd.grad(bound.sum(), heads)
    return gradient.mean(0), gradient.std(0) / draws**0.5


def exact_gradient(case, which):
    r"""Gradient of :math:`E_q[\ln p(x, z) - \ln q(z)]` in the encoder's outputs, by quadrature over the manifold."""
    torch.manual_seed(1)
    factor = parse(case.latent).factors[0].double()
    head = torch.tensor(case.heads[which], dtype=torch.float64, requires_grad=True)
    q = factor.posterior(head)
    z, log_volume = case.nodes(q)
    with pyro.validation_enabled(False):
        log_q = q.log_prob(z)
        log_w = torch.where(log_q > -60, reward(factor, z) + factor.prior().log_prob(z) - log_q, 0.0)
        bound = ((log_q + log_volume).exp() * log_w).sum()
    return factor, head, torch.autograd.grad(bound, head)[0]


@pytest.mark.parametrize("which", [0, 1], ids=["broad", "middling"])
@pytest.mark.parametrize("case", REPARAMETRISED, ids=lambda case: case.latent)
def test_gradient_with_one_draw_is_that_of_the_elbo(case, which):
    """Against quadrature: within 5 standard errors of 100,000 draws (and 2 per mille for the quadrature's box)."""
    factor, head, exact = exact_gradient(case, which)
    mean, error = mean_gradient(factor, head, 1, dreg=True)
    assert ((mean - exact).abs() < 5 * error + 2e-3 * exact.norm() + 1e-6).all(), (mean, exact, error)


def test_gradient_on_the_circle():
    """A von Mises posterior at head (-0.2, 0.1), uniform prior, by 4000 equal steps in the angle."""
    factor, head = parse("S1").factors[0].double(), torch.tensor([-0.2, 0.1], dtype=torch.float64, requires_grad=True)
    z = torch.linspace(-torch.pi, torch.pi, 4001, dtype=torch.float64)[:-1, None]
    q = factor.posterior(head)
    density = q.log_prob(z)
    bound = (density.exp() * (reward(factor, z) - density)).mean() * 2 * torch.pi
    (exact,) = torch.autograd.grad(bound, head)
    mean, error = mean_gradient(factor, head, 1, dreg=True)
    assert ((mean - exact).abs() < 5 * error).all()
    assert error.max() < 0.01 * exact.norm()


class Flow(dist.TransformedDistribution):
    """A posterior whose parameters sit in its transforms."""

    arg_constraints = {"loc": dist.constraints.real, "scale": dist.constraints.positive}

    def __init__(self, loc, scale, **options):
        self.loc, self.scale = loc, scale
        base = dist.Normal(torch.zeros_like(loc), torch.ones_like(scale))
        super().__init__(base, [T.TanhTransform(cache_size=1), T.AffineTransform(loc, scale, cache_size=1)], **options)

    @property
    def mean(self):
        return self.loc  # the rest is odd in the noise

    def expand(self, batch_shape, _instance=None):
        return Flow(self.loc.expand(batch_shape), self.scale.expand(batch_shape))


USERS = {
    "Weibull": (dist.Weibull(1.0, 2.0), dist.Weibull),
    "Kumaraswamy": (dist.Kumaraswamy(2.0, 2.0), dist.Kumaraswamy),
    "LogNormal": (dist.LogNormal(0.0, 0.3), dist.LogNormal),
    "flow": (dist.Normal(0.0, 1.0), Flow),
    "multivariate": (dist.MultivariateNormal(torch.zeros(2), torch.eye(2)), dist.MultivariateNormal),
    "Student": (dist.StudentT(5.0), functools.partial(dist.StudentT, df=5.0)),
    "Gamma": (dist.Gamma(2.0, 1.0), dist.Gamma),
    "Beta": (dist.Beta(2.0, 2.0), dist.Beta),
}


def user_factor(name):
    prior, posterior = USERS[name]
    return Latent.from_distributions(name.replace(" ", ""), prior=prior, posterior=posterior)(2)


@pytest.mark.parametrize("particles", [1, 3])
@pytest.mark.parametrize(
    "make",
    [*(functools.partial(user_factor, name) for name in USERS)]
    + [lambda text=text: parse(text).factors[0] for text in ("R2", "S1", "T2", "S2", "S3(posterior=vmf)", "D3", "H2")],
    ids=[*USERS, "R2", "S1", "T2", "S2", "S3(posterior=vmf)", "D3", "H2"],
)
def test_gradient_is_on_average_the_plain_one(make, particles):
    """Both estimate the gradient of one bound: equal within 5 joint standard errors of 100,000 draws."""
    torch.manual_seed(1)
    factor = make()
    factor = factor.double()
    head = torch.linspace(-0.3, 0.4, factor.outputs, dtype=torch.float64)
    doubly, error = mean_gradient(factor, head, particles, dreg=True)
    plain, plain_error = mean_gradient(factor, head, particles, dreg=False, seed=1)
    assert ((doubly - plain).abs() < 5 * (error**2 + plain_error**2).sqrt() + 1e-6).all(), (doubly, plain, error)
    assert plain_error.norm() < 0.1 * plain.norm()  # the power of the test


def test_value_is_that_of_the_plain_bound():
    factor, head = parse("S2").factors[0], torch.tensor([[0.2, -0.1, 0.25]] * 5, requires_grad=True)

    def model(x):
        with pyro.plate("jets", len(x)):
            pyro.factor("x", reward(factor, factor.sample_prior("z")))

    def guide(x):
        with pyro.plate("jets", len(x)):
            factor.sample_posterior("z", head)

    values = []
    for dreg in (True, False):
        torch.manual_seed(2)
        values.append(iwae(model, guide, head, 4, dreg=dreg))
    torch.testing.assert_close(*values)


def test_flow_without_inverse_is_refused():
    planar = T.Planar(2)
    weight = nn.Parameter(torch.zeros(2))

    def model(x):
        with pyro.plate("jets", len(x)):
            pyro.factor("x", -pyro.sample("z", dist.Normal(torch.zeros(2), 1.0).to_event(1)).square().sum(-1))

    def guide(x):
        with pyro.plate("jets", len(x)):
            base = dist.Normal(weight.expand(len(x), 2), 1.0).to_event(1)
            pyro.sample("z", dist.TransformedDistribution(base, [planar]))

    with pytest.raises(RecipeError, match=r"site z: .*flow without inverse"):
        iwae(model, guide, torch.zeros(3, 1), 2)
