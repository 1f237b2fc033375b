"""A space in a Pyro model: every inference works on every family, and the table tells what a factor is."""

import warnings

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import Predictive, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO
from pyro.infer.inspect import get_model_relations
from torch import nn

from priors import Normal, VonMises, kl_per_coordinate, laplace_approximation, parse

SPACES = [
    "R2",
    "D3(alpha=1,.25,.1)",
    "L3",
    "T2",
    "S2",
    "S2(posterior=vmf)",
    "C3",
    "C3(posterior=straight-through)",
    "C3(posterior=relaxed)",
    "G2:3",
    "G1:2(apart=8)",
    "V2:4",
    "H2",
    "R1 | R2 x S1",
    "R2 x S1 x (R1 | S2)(learn=true) x C2",
]


def pair(space):
    torch.manual_seed(0)
    encode, decode = nn.Linear(3, space.outputs), nn.Linear(space.features_size, 3)

    def model(x):
        with pyro.plate("jets", len(x)):
            z = space.sample_prior()
            pyro.sample("x", dist.Normal(decode(space.features(z)), 0.5).to_event(1), obs=x)

    def guide(x):
        with pyro.plate("jets", len(x)):
            space.sample_posterior(encode(x))

    return model, guide, encode


@pytest.mark.parametrize("text", SPACES)
def test_pyro_inference_works(text):
    """Pyro's ELBOs are finite with finite gradients, Predictive draws, and the model's graph can be drawn."""
    space = parse(text)
    model, guide, encode = pair(space)
    x = torch.randn(6, 3)
    objectives = [Trace_ELBO(), TraceMeanField_ELBO(), TraceEnum_ELBO(max_plate_nesting=1)]
    if any(row["posterior"] == "OneHotCategorical" for row in space.describe()):
        del objectives[1]  # Pyro's mean-field ELBO refuses what is not reparametrised
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Pyro: enumerated sites drawn, or no sites to enumerate
        for objective in objectives:
            for weight in encode.parameters():
                weight.grad = None
            loss = objective.differentiable_loss(model, guide, x)
            loss.backward()
            assert torch.isfinite(loss)
            assert all(torch.isfinite(weight.grad).all() for weight in encode.parameters())
    draws = Predictive(model, guide=guide, num_samples=3)(x)
    sites = {row["site"] for row in space.describe()}
    assert sites <= set(draws)
    assert sites <= set(get_model_relations(model, model_args=(x,))["sample_sample"])
    assert set(Predictive(model, num_samples=3)(x)) >= sites
    head = encode(x)
    assert space.points(head).shape == (6, len(space.coordinate_names))
    aligned = (space.coordinate_kinds, space.coordinate_units, space.coordinate_factors)
    assert {len(each) for each in aligned} == {len(space.coordinate_names)}


@pytest.mark.parametrize("text", SPACES)
def test_kl_comes_per_coordinate_where_it_splits(text):
    """Shapes of the nats for each site, and of draws' coordinates."""
    space = parse(text)
    model, guide, _ = pair(space)
    x = torch.randn(6, 3)
    guide_trace = poutine.trace(guide).get_trace(x)
    model_trace = poutine.trace(poutine.replay(model, trace=guide_trace)).get_trace(x)
    for row in space.describe():
        q, p = guide_trace.nodes[row["site"]], model_trace.nodes[row["site"]]
        nats = kl_per_coordinate(q["fn"], p["fn"], q["value"])
        splits = row["posterior"] in ("Normal", "VonMises") and row["kl"] == "exact"
        assert nats.shape == (6, row["coordinates"] if splits else 1)
        masked = kl_per_coordinate(q["fn"].mask(torch.arange(6) < 2), p["fn"].mask(torch.arange(6) < 2), q["value"])
        torch.testing.assert_close(masked[:2], nats[:2])
        assert (masked[2:] == 0).all()


@pytest.mark.parametrize("text", SPACES)
def test_a_coordinate_belongs_to_a_factor(text):
    """Names start with the factor's label, and the labels are the sites."""
    space = parse(text)
    for name, factor in zip(space.coordinate_names, space.coordinate_factors, strict=True):
        assert name.startswith(f"{factor}_")
    assert {f"z_{factor}" for factor in space.coordinate_factors} == {row["site"] for row in space.describe()}


def test_coordinates_of_equal_factors():
    space = parse("R2 x T2 x R2 x S2 x S1 x S1")
    factors = ("R2",) * 2 + ("T2",) * 2 + ("R2b",) * 2 + ("S2",) * 3 + ("S1", "S1b")
    assert space.coordinate_factors == factors
    assert space.coordinate_units == ("",) * 2 + ("rad",) * 2 + ("",) * 5 + ("rad",) * 2
    assert space.factors[2].coordinate_factors == ("R2", "R2")  # of the factor by itself


def test_describe():
    rows = parse("R4 x D3(alpha=1,.25,.1) x S2 x T2 x H2").describe()
    assert [row["site"] for row in rows] == ["z_R4", "z_D3", "z_S2", "z_T2", "z_H2"]
    assert [row["kl"] for row in rows] == ["exact", "exact", "exact", "exact", "Monte Carlo"]
    assert [row["posterior"] for row in rows] == ["Normal", "Dirichlet", "PowerSpherical", "VonMises", "WrappedNormal"]
    assert [row["encoder_outputs"] for row in rows] == [8, 3, 3, 4, 4]
    assert [row["decoder_features"] for row in rows] == [4, 3, 3, 4, 2]
    assert [row["support"] for row in rows] == ["Real", "Simplex", "Sphere", "Circular", "Real"]
    assert rows[0]["prior"] == "Normal(loc=0, scale=1)"


@pytest.mark.parametrize(
    ("alpha", "mean", "variance"),
    [
        ((0.9, 0.9), (0, 0), (0.5556, 0.5556)),
        ((1, 0.25), (0.6931, -0.6931), (1.25, 1.25)),
        ((1, 0.25, 0.1), (1.2296, -0.1567, -1.0730), (2, 3, 5)),
    ],
)
def test_softmax_normal_of_a_dirichlet(alpha, mean, variance):
    """Srivastava & Sutton 1703.01488, eq. 3, to four digits, in the factor's own prior too."""
    found_mean, found_variance = laplace_approximation(torch.tensor(alpha))
    torch.testing.assert_close(found_mean, torch.tensor(mean).float(), atol=5e-5, rtol=0)
    torch.testing.assert_close(found_variance, torch.tensor(variance).float(), atol=5e-5, rtol=0)
    prior = parse(f"L{len(alpha)}(alpha={','.join(map(str, alpha))})").factors[0].prior().base_dist
    torch.testing.assert_close(prior.loc, found_mean)
    torch.testing.assert_close(prior.variance, found_variance)


def test_family_is_a_pyro_distribution():
    q = parse("S1").factors[0].family(0.5, torch.tensor(3.0))
    assert isinstance(q, dist.TorchDistribution)
    assert q.rsample((2,)).shape == (2,)
    assert VonMises(2) * Normal(3) == parse("T2 x R3")


def test_reparametrised_draws_refuse_a_second_derivative():
    """Better an error than a silently wrong Hessian."""
    concentration = torch.tensor(3.0, requires_grad=True)
    z = parse("S1").factors[0].family(0.0, concentration).rsample()
    (first,) = torch.autograd.grad(z**2, concentration, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.backward()
