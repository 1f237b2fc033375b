"""A user's own priors: from distributions, from a class on the path, from flows, from an entry point."""

import functools
import importlib.metadata
import sys

import pyro
import pyro.distributions as dist
import pyro.distributions.transforms as T
import pytest
import torch
from pyro.infer import TraceMeanField_ELBO
from torch import nn
from torch.distributions import Distribution

from priors import Latent, LatentStringError, Normal, VonMises, kl_per_coordinate, parse

TABLE = [
    ("laplace", dist.Laplace(0.0, 1.0), dist.Laplace, 4, "exact", "real"),
    ("student", dist.StudentT(3.0), dist.StudentT, 6, "Monte Carlo", "real"),
    ("logistic", dist.Logistic(0.0, 1.0), dist.Logistic, 4, "Monte Carlo", "real"),
    ("beta", dist.Beta(2.0, 2.0), dist.Beta, 4, "exact", "real"),
    ("mvn", dist.MultivariateNormal(torch.zeros(2), torch.eye(2)), dist.MultivariateNormal, 6, "exact", "real"),
    ("simplex", dist.Dirichlet(torch.ones(2)), dist.Dirichlet, 2, "exact", "simplex"),
    ("category", dist.OneHotCategorical(torch.ones(2)), dist.OneHotCategorical, 2, "exact", "category"),
    ("heavy", dist.StudentT(3.0), functools.partial(dist.StudentT, df=5.0), 4, "Monte Carlo", "real"),
]


@pytest.mark.parametrize(("name", "prior", "posterior", "outputs", "kl", "kind"), TABLE, ids=lambda v: str(v)[:9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_from_distributions(name, prior, posterior, outputs, kl, kind, dtype, device):
    """Prior and posterior suffice: heads, shapes, KL, dtype and device follow."""
    factor = Latent.from_distributions(name, prior=prior, posterior=posterior)(2).to(device, dtype)
    if name == "heavy":
        assert "df" not in factor.transforms
    assert factor.outputs == outputs
    head = torch.full((5, factor.outputs), 0.1, device=device, dtype=dtype, requires_grad=True)
    q, p = factor.posterior(head), factor.prior()
    z = q.rsample() if q.has_rsample else q.sample()
    assert z.shape == (5, 2)
    assert z.dtype == p.sample().dtype == dtype
    nats = kl_per_coordinate(q, p, z)
    assert nats.shape == (5, 2 if hasattr(q, "base_dist") else 1)
    (nats.sum() + factor.features(z).sum()).backward()
    assert torch.isfinite(head.grad).all()
    assert torch.isfinite(factor.point(q)).all()
    row = factor.describe("z")
    assert (row["kl"], row["kind"]) == (kl, kind)


def test_kl_of_laplace_is_the_closed_form():
    r"""KL(Laplace(m, b) | Laplace(0, 1)) = |m| + b exp(-|m|/b) - 1 - ln b."""
    factor = Latent.from_distributions("laplace", prior=dist.Laplace(0.0, 1.0), posterior=dist.Laplace)(2).double()
    head = torch.tensor([0.4, -1.0, 0.2, -0.5], dtype=torch.float64)
    q = factor.posterior(head)
    m, b = head[:2].abs(), head[2:].exp()
    torch.testing.assert_close(kl_per_coordinate(q, factor.prior(), q.sample()), m + b * (-m / b).exp() - 1 - b.log())


@pytest.mark.parametrize(
    ("prior", "posterior"),
    [
        (dist.Laplace(0.0, 1.0), dist.Laplace),
        (dist.StudentT(4.0), functools.partial(dist.StudentT, df=4.0)),
        (dist.Logistic(0.0, 1.0), dist.Logistic),
        (dist.Beta(2.0, 2.0), dist.Beta),
    ],
    ids=["Laplace", "Student-t", "Logistic", "Beta"],
)
def test_every_generic_family_trains(prior, posterior):
    """A line in three dimensions is learnt: the loss falls by more than half of what a constant decoder pays."""
    torch.manual_seed(0)
    space = Latent.from_distributions("any", prior=prior, posterior=posterior)(1) * Normal(1)
    encode, decode = nn.Linear(3, space.outputs), nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 3))
    x = torch.rand(512, 1) @ torch.tensor([[1.0, -2.0, 0.5]])

    def model(x):
        with pyro.plate("jets", len(x)):
            z = space.sample_prior()
            pyro.sample("x", dist.Normal(decode(space.features(z)), 0.2).to_event(1), obs=x)

    def guide(x):
        with pyro.plate("jets", len(x)):
            space.sample_posterior(encode(x))

    optimiser = torch.optim.Adam([*encode.parameters(), *decode.parameters()], lr=1e-2)
    objective = TraceMeanField_ELBO()
    for _ in range(300):
        loss = objective.differentiable_loss(model, guide, x) / len(x)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    constant = -dist.Normal(x.mean(0), 0.2).log_prob(x).sum(-1).mean()
    floor = -3 * dist.Normal(0.0, 0.2).log_prob(torch.tensor(0.0))
    assert torch.isfinite(loss)
    assert loss.detach() < constant - 0.5 * (constant - floor)


@pytest.mark.parametrize(
    ("prior", "posterior", "error"),
    [
        (dist.VonMises(0.0, 1.0), dist.VonMises, "neither reparametrised"),
        (dist.Poisson(1.0), dist.Poisson, "neither reparametrised"),
        (dist.Uniform(0.0, 1.0), dist.Uniform, "fixed arg_constraints"),
        (dist.Dirichlet(torch.ones(3)), dist.Dirichlet, "does not fit dimension 2"),
        (dist.Normal(0.0, 1.0), "Normal", "distribution class"),
    ],
)
def test_what_cannot_work_says_so(prior, posterior, error):
    with pytest.raises((TypeError, ValueError), match=error):
        Latent.from_distributions("wrong", prior=prior, posterior=posterior)(2)


USER = """
import pyro
import pyro.distributions as dist
from priors import Latent
Heavy = Latent.from_distributions("laplace", prior=dist.Laplace(0., 1.), posterior=dist.Laplace)
class Wide(Latent):
    family = dist.Normal
    symbol = "Wide"
    def __init__(self, dim, scale=3.0):
        super().__init__(dim, outputs=2 * dim, options={"scale": scale})
    def prior(self):
        return dist.Normal(self._anchor, self.options["scale"]).expand([self.dim]).to_event(1)
    def posterior(self, head):
        loc, log_scale = head.chunk(2, -1)
        return dist.Normal(loc, log_scale.exp()).to_event(1)
"""


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    """A module in the current directory, which is not on sys.path."""
    (tmp_path / "users_own.py").write_text(USER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    yield
    sys.modules.pop("users_own", None)


@pytest.mark.usefixtures("user_module")
def test_users_class_is_found_in_the_current_directory_and_prints_back():
    space = parse("users_own:Heavy(2) x S1 x users_own:Wide(3, scale=2)")
    assert str(space) == "users_own:Heavy(2) x S1 x users_own:Wide(3, scale=2)"
    assert parse(str(space)) == space
    assert space.labels == ("laplace2", "S1", "Wide3")
    assert sys.modules["users_own"].Heavy(2) * VonMises(1) == parse("users_own:Heavy(2) x S1")
    with pytest.raises(LatentStringError, match="did you mean Heavy"):
        parse("users_own:Hevy(2)")


def test_flow_of_pyro_as_prior_is_trained_and_saved():
    """A coupling flow is the prior's own parameter: two factors learn apart, and state_dict restores it."""
    torch.manual_seed(0)
    base = dist.Normal(torch.zeros(2), torch.ones(2)).to_event(1)
    flow = dist.TransformedDistribution(base, [T.spline_autoregressive(2)])
    family = Latent.from_distributions("flow", prior=flow, posterior=dist.Normal)
    first, second = family(2), family(2)
    assert {id(w) for w in first.parameters()}.isdisjoint(id(w) for w in second.parameters())
    q = first.posterior(torch.tensor([[0.3, -0.2, -1.0, -1.0]]))
    optimiser = torch.optim.Adam(first.parameters(), lr=1e-2)
    costs = []
    for _ in range(60):
        z = q.rsample((256,))
        cost = kl_per_coordinate(q, first.prior(), z).mean()
        optimiser.zero_grad()
        cost.backward()
        optimiser.step()
        costs.append(float(cost.detach()))
    assert costs[-1] < costs[0] - 0.2
    second.load_state_dict(first.state_dict())
    z = q.sample()
    torch.testing.assert_close(first.prior().log_prob(z), second.prior().log_prob(z))


def test_zuko_flow_as_prior_and_validation_stays_on(tmp_path, monkeypatch):
    pytest.importorskip("zuko")
    Distribution.set_default_validate_args(True)
    for name in [name for name in sys.modules if name.split(".")[0] == "zuko"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "zuko_prior.py").write_text(
        "import pyro.distributions as dist, zuko\nfrom priors import Latent\n"
        "Flow = Latent.from_distributions('flow', prior=zuko.flows.NSF(2, hidden_features=(8,)), posterior=dist.Normal)"
    )
    monkeypatch.chdir(tmp_path)
    space = parse("zuko_prior:Flow(2)")
    assert Distribution._validate_args
    factor = space.factors[0]
    q = factor.posterior(torch.zeros(3, 4))
    z = q.rsample()
    assert factor.prior().log_prob(z).shape == (3,)
    kl_per_coordinate(q, factor.prior(), z).sum().backward()
    assert sum(float(w.grad.abs().sum()) for w in factor.parameters() if w.grad is not None) > 0
    assert factor.prior().sample((5,)).shape == (5, 2)


def test_entry_point(monkeypatch):
    """A package ships a letter of its own through the group jetvae.priors."""
    entry = importlib.metadata.EntryPoint("Q", "priors.normal:Normal", "jetvae.priors")
    monkeypatch.setattr("priors.lookup.entry_points", lambda group: [entry] if group == "jetvae.priors" else [])
    assert parse("Q3").factors[0].outputs == 6
    with pytest.raises(LatentStringError, match=r"known: .*, Q"):
        parse("Z3")


def test_vamp_prior_takes_the_encoder():
    space = parse("V2:3 x S1")
    encode = nn.Linear(5, space.outputs)
    inputs = torch.randn(8, 5)
    space.connect(encode, inputs)
    prior = space.factors[0].prior()
    heads = encode(inputs[:3])[:, :4]
    by_hand = torch.stack([space.factors[0].posterior(h).log_prob(torch.zeros(2)) for h in heads]).logsumexp(0)
    torch.testing.assert_close(prior.log_prob(torch.zeros(2)), by_hand - torch.tensor(3.0).log())
    assert [name for name, _ in space.named_parameters()] == ["_factors.0.pseudo_inputs"]
    with pytest.raises(ValueError, match="needs at least 3 inputs"):
        space.connect(encode, inputs[:2])


def test_responsibilities_are_bayes_rule():
    factor = parse("G1:2").factors[0]
    with torch.no_grad():
        factor.logits.copy_(torch.tensor([0.3, 0.7]).log())
        factor.loc.copy_(torch.tensor([[-1.0], [2.0]]))
        factor.log_scale.copy_(torch.tensor([[0.5], [2.0]]).log())
    z = torch.tensor([[0.4]])
    joint = [0.3 * dist.Normal(-1.0, 0.5).log_prob(z).exp(), 0.7 * dist.Normal(2.0, 2.0).log_prob(z).exp()]
    assert float(factor.responsibilities(z)[0, 0].detach()) == pytest.approx(float(joint[0] / sum(joint)), rel=1e-5)
