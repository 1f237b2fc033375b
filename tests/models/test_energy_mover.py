"""The Energy Mover's Distance as a likelihood."""

from typing import get_args

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import TraceMeanField_ELBO

from jets.emd import emd
from jets.emd.metrics import DISTANCES
from models import EnergyMover, ModelConfig
from models.likelihoods import Metric


@pytest.fixture
def clouds(sample):
    return torch.as_tensor(sample.constituents[:8, :12])


@pytest.mark.parametrize("power", [1, 2])
def test_log_prob_is_the_metric(clouds, power):
    x, decoded = clouds[:4], clouds[4:]
    likelihood = EnergyMover(decoded, beta=0.2, power=power)
    exact = emd(x.double(), decoded.double(), method="exact").value.float()
    expected = -exact / 0.2 if power == 1 else -(exact**2) / (2 * 0.2**2)
    torch.testing.assert_close(likelihood.log_prob(x), expected, rtol=0.01, atol=1e-4)
    assert not likelihood.normalised
    assert likelihood.expand((3, 4)).log_prob(x).shape == (3, 4)


@pytest.mark.parametrize("name", get_args(ModelConfig.model_fields["metric"].annotation))
def test_any_distance_of_a_recipe(clouds, name):
    """Each by its name; the Gaussian-like one has its square in log_prob, so that beta is a distance."""
    x, decoded = clouds[:4], clouds[4:].clone().requires_grad_()
    log_prob = Metric(0.2, name)(decoded).log_prob(x)
    torch.testing.assert_close(log_prob, -(DISTANCES[name](x, decoded) ** 2) / (2 * 0.2**2))
    gradient = torch.autograd.grad(log_prob.sum(), decoded)[0]
    assert gradient.isfinite().all()
    assert gradient.any()


def test_every_distance_has_a_name_in_recipes():
    assert set(DISTANCES) == set(get_args(ModelConfig.model_fields["metric"].annotation))


def test_it_trains_in_pyro(clouds):
    """A decoded jet that Pyro moves towards the data: the distance falls by half in thirty steps."""
    x = clouds[:1]
    decoded = torch.nn.Parameter(clouds[4:5].clone())

    def model():
        with pyro.plate("jets", 1):
            z = pyro.sample("z", dist.Normal(0.0, 1.0))
            pyro.sample("x", EnergyMover(decoded + 0 * z, beta=0.1), obs=x)

    def guide():
        with pyro.plate("jets", 1):
            pyro.sample("z", dist.Normal(0.0, 1.0))

    before = emd(x, decoded).value.item()
    optimiser = torch.optim.Adam([decoded], lr=0.01)
    for _ in range(30):
        optimiser.zero_grad()
        TraceMeanField_ELBO()(model, guide)().backward()
        optimiser.step()
        with torch.no_grad():
            decoded[..., 0].clamp_(min=0)
    assert emd(x, decoded).value.item() < before / 2


def test_refusals(clouds):
    with pytest.raises(ValueError, match="power is 2"):
        EnergyMover(clouds, beta=0.1, power=3)
    with pytest.raises(NotImplementedError, match="scored, not drawn"):
        EnergyMover(clouds, beta=0.1).sample()
