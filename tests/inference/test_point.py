"""A manifold without latents, R0: what it costs, and everything that is done with a run that has one."""

import numpy as np
import pyro
import pyro.distributions as dist
import pytest
import torch
from torch import nn

import analysis
import jets
import jetvae
from analysis.evaluation.traversals import traversals
from inference.joint import Joint
from inference.lower_bound import paired_traces, terms
from jets.errors import UserError
from models import VAE, ModelConfig, build
from priors import Space, parse


def test_a_manifold_without_latents_costs_its_category_alone():
    """The bound by hand: ln p(x|z,c) - KL(R1) - [KL(R2) where c = 1] - ln q(c)/p(c), summed over c."""
    torch.manual_seed(0)
    space = parse("R1 x (R0 | R2)").double()
    assert space.coordinate_factors == ("R1", "M2", "M2", "M2_R2", "M2_R2")
    assert [row["site"] for row in space.describe()] == ["z_R1", "z_M2", "z_M2_R2"]
    encode, decode = nn.Linear(3, space.outputs).double(), nn.Linear(space.features_size, 3).double()
    x = torch.randn(6, 3, dtype=torch.float64)

    def model(x):
        with pyro.plate("jets", 6):
            z = space.sample_prior()
            pyro.sample("x", dist.Normal(decode(space.features(z)), 0.5).to_event(1), obs=x)

    def guide(x):
        with pyro.plate("jets", 6):
            space.sample_posterior(encode(x))

    guide_trace, model_trace = paired_traces(model, guide, x)
    bound = terms(guide_trace, model_trace)
    assert {name: kl.shape for name, kl in bound.kl.items()} == {"z_R1": (6, 1), "z_M2": (6, 1), "z_M2_R2": (6, 2)}
    location, width, logits, plane = encode(x).split([1, 1, 2, 4], -1)
    q = logits.softmax(-1)

    def normal_kl(mu, log_variance):
        return (mu**2 + log_variance.exp() - 1 - log_variance).sum(-1) / 2

    total = -normal_kl(location, width) - (q * (2 * q).log()).sum(-1) - q[:, 1] * normal_kl(*plane.chunk(2, -1))
    z = {name: guide_trace.nodes[name]["value"] for name in ("z_R1", "z_M2_R2")}
    for value in range(2):
        category = torch.eye(2, dtype=torch.float64)[value].expand(6, -1)
        features = torch.cat([z["z_R1"].reshape(6, 1), category, z["z_M2_R2"].reshape(6, 2) * value], -1)
        total = total + q[:, value] * dist.Normal(decode(features), 0.5).log_prob(x).sum(-1)
    torch.testing.assert_close(bound.elbo, total)


def vectors(latent, **model):
    torch.manual_seed(0)
    options = {"encoder": (8,), "decoder": (8,), "likelihood": "normal", "inputs": 2, "beta": 0.5}
    return build(ModelConfig(latent=latent, **options | model))


@pytest.fixture(scope="module")
def points():
    return jets.load("toy:gaussian(spectrum=2,1)")[:60]


@pytest.mark.parametrize(
    ("latent", "beta"), [("R1 x (R0 | R2)", 0.5), ("R0 | S1 | R2", 0.5), ("R0 | R1", (0.1, 1.0)), ("R0 | R0", 0.5)]
)
def test_a_run(latent, beta, points, tmp_path):
    """Evaluation, encoding, densities, generation and traversals; of two jets as of many."""
    vae = vectors(latent, beta=beta)
    run = jetvae.fit(vae, points, epochs=1, batch_size=16, compile=False, out=tmp_path / "run")
    tree = analysis.evaluate(run, draws=2, pairs=4, curve=False)
    assert all(np.isfinite(tree["sample_stats"][name]).all() for name in ("elbo", "kl", "log_weight"))
    assert np.isfinite(run.log_prob(points[:2], draws=4)).all()
    names = list(vae.latent.coordinate_names)
    assert list(run.encode(points[:2], draws=2)["coordinate"].values) == names
    label = next(label for label in vae.latent.labels if label.startswith("M"))
    made = run.generate(5, component={label: 0})
    assert np.isfinite(made.constituents).all()
    z = {label: factor.sample_prior("z") for label, factor in vae.latent.items}
    steps, rows = traversals(vae.latent, z)
    assert rows.shape == (len(steps), vae.latent.features_size)


def test_decoder_sees_the_category_alone():
    vae = vectors("R0 | R2")
    z = {"M2": {"category": torch.eye(2), "R2": torch.randn(2, 2)}}
    features = vae.latent.features(z)
    torch.testing.assert_close(features[0], torch.tensor([1.0, 0.0, 0.0, 0.0]))
    torch.testing.assert_close(features[1], torch.cat([torch.tensor([0.0, 1.0]), z["M2"]["R2"][1]]))


def test_what_nuts_samples():
    """The joint density of x = (0, 0), R0 chosen or not, against one written down."""
    vae = vectors("R0 | R2").eval()
    u, x = torch.tensor([0.3, -0.2]), torch.zeros(2)
    with torch.no_grad():
        found = Joint(vae)(u, x)
        rows = torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0.3, -0.2]])
        expected = vae.decode(rows).log_prob(x) + dist.Normal(0.0, 1.0).log_prob(u).sum() - np.log(2)
    torch.testing.assert_close(found, expected)


def test_no_latent_at_all_is_no_model():
    with pytest.raises(UserError, match="needs a latent; R0 is one manifold of several"):
        VAE(Space(), nn.Identity(), nn.Identity(), nn.Identity())
