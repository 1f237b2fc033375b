"""The VAE as a Pyro program: the authors' loss by hand, Pyro's own ELBOs, the plain autoencoder."""

import math

import pyro
import pytest
import torch
from pyro import poutine
from pyro.infer import Predictive, Trace_ELBO, TraceMeanField_ELBO

import models
from inference import elbo
from models import ModelConfig, PixelCounts
from priors import parse


@pytest.fixture
def x(sample):
    from jets.preprocess import pixelise, prepare

    return pixelise(prepare(torch.as_tensor(sample.constituents[::100]))).flatten(1)


def test_authors_loss_by_hand(x):
    """KLDiv(x || xhat) + 0.1 KL of "Better latent spaces", written out with matrices; times N = 10 it is our loss."""
    torch.manual_seed(1)
    vae = models.image_vae("L2(alpha=.9)", beta=0.1).double()
    x = x.double()
    torch.manual_seed(2)
    ours = elbo(vae.model, vae.guide, x).objective

    torch.manual_seed(2)
    first, _, norm, head = vae.encoder
    h = torch.nn.functional.selu(x @ first.weight.T + first.bias)
    h = (h - h.mean(0)) / torch.sqrt(h.var(0, unbiased=False) + norm.eps) * norm.weight + norm.bias
    mu, log_variance = (h @ head.weight.T + head.bias).chunk(2, -1)
    z = mu + (log_variance / 2).exp() * torch.randn(len(x), 2, dtype=x.dtype)
    p = (z.softmax(-1) @ vae.decoder[0].weight.T).softmax(-1)
    kl_div = torch.where(x > 0, x * torch.log(x / p), 0.0).sum(-1)
    prior_mean = 0.0  # ln .9 - mean ln .9
    prior_variance = (1 / 0.9) * (1 - 2 / 2) + (1 / 4) * (1 / 0.9 + 1 / 0.9)
    kl = 0.5 * (
        log_variance.exp() / prior_variance
        + (mu - prior_mean) ** 2 / prior_variance
        - 1
        + math.log(prior_variance)
        - log_variance
    ).sum(-1)
    expected = (kl_div + 0.1 * kl).mean() * 10
    # the prior's buffers are float32, hence 1e-6 relative and not machine precision
    assert abs(ours.item() / expected.item() - 1) < 1e-6


@pytest.mark.parametrize("latent", ["L2(alpha=.9)", "R3", "D3(alpha=1,.25,.1)", "R2 x L3"])
def test_pyro_bounds_agree(x, latent):
    """Same seed, same draws: equal to TraceMeanField_ELBO in value and gradient; equal to Trace_ELBO on average."""
    torch.manual_seed(3)
    vae = models.image_vae(latent).eval()
    torch.manual_seed(4)
    ours = elbo(vae.model, vae.guide, x)
    gradient = torch.autograd.grad(-ours.elbo.sum(), list(vae.parameters()))
    torch.manual_seed(4)
    theirs = TraceMeanField_ELBO()(vae.model, vae.guide)(x)
    expected = torch.autograd.grad(theirs, list(vae.parameters()))
    torch.testing.assert_close(-ours.elbo.sum(), theirs)
    for a, b in zip(gradient, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)

    draws = torch.stack([elbo(vae.model, vae.guide, x).elbo.sum() for _ in range(200)])
    plain = torch.tensor([-Trace_ELBO().loss(vae.model, vae.guide, x) for _ in range(200)])
    error = (draws.var() / 200 + plain.var() / 200).sqrt()
    assert abs(draws.mean() - plain.mean()) < 4 * error  # fails by chance once in 16,000


def test_pyro_sees_ordinary_sites(x):
    pyro.clear_param_store()  # of other tests
    vae = models.image_vae("R2 x L3")
    trace = poutine.trace(vae.model).get_trace(x)
    assert [name for name in trace.stochastic_nodes if name != "jets"] == ["z_R2", "z_L3"]
    drawn = Predictive(vae.model, num_samples=5)(x)
    assert drawn["z_R2"].shape == (5, len(x), 2)
    own = {id(parameter) for parameter in vae.parameters()}  # parameters live in the module, the store points to them
    assert {id(held) for _, held in pyro.get_param_store().named_parameters()} == own


def test_plain_autoencoder_charges_nothing(x):
    ae = models.build(ModelConfig(kind="ae", latent="R2"), inputs=1600)
    bound = elbo(ae.model, ae.guide, x)
    assert bound.total_kl.abs().max() == 0
    expected = ae.decode(parse("R2").features({"R2": ae.encoder(x).chunk(2, -1)[0]})).log_prob(x)
    torch.testing.assert_close(bound.elbo, expected)


def test_pixel_counts():
    logits = torch.randn(4, 6, dtype=torch.float64)
    counts = PixelCounts(logits, 50.0)
    x = torch.rand(4, 6, dtype=torch.float64).softmax(-1)
    # multinomial log likelihood of the counts N x, less its value at the best p = x
    best = torch.distributions.Multinomial(50, probs=x, validate_args=False).log_prob(50 * x)
    expected = torch.distributions.Multinomial(50, logits=logits, validate_args=False).log_prob(50 * x) - best
    torch.testing.assert_close(counts.log_prob(x), expected)
    assert counts.log_prob(counts.mean).abs().max() < 1e-12
    draws = counts.sample((20000,))
    torch.testing.assert_close(draws.mean(0), counts.mean, atol=5 * (0.25 / 50 / 20000) ** 0.5, rtol=0)


def test_gaussian_is_dimensionful():
    gaussian = models.Gaussian(0.5)(torch.zeros(3, 2))
    x = torch.tensor([[0.3, 0.4]])
    expected = -(0.5**2) / (2 * 0.5**2) - 2 * math.log(0.5 * math.sqrt(2 * math.pi))
    torch.testing.assert_close(gaussian.log_prob(x)[0], torch.tensor(expected))


def test_within_the_block_jets_are_encoded_once():
    vae, calls = models.image_vae("R2").eval(), []
    vae.encoder.register_forward_hook(lambda *_: calls.append(1))
    x, other = torch.full((3, 1600), 1 / 1600), torch.rand(3, 1600)
    with torch.no_grad():
        known, apart = vae.encode(x), vae.encode(other)
        calls.clear()
        with vae.encoded_once(x):
            vae.guide(x)
            assert torch.equal(vae.encode(x), known)
            assert len(calls) == 1
            assert torch.equal(vae.encode(other), apart)
            assert len(calls) == 2
            with vae.encoded_once(other):
                assert torch.equal(vae.encode(x), known)
                vae.encode(other)
            assert len(calls) == 3
            assert torch.equal(vae.encode(x), known)
        vae.encode(x)
    assert len(calls) == 4


def test_a_single_factor_is_a_latent_space():
    factor = parse("S1").factors[0]
    assert [str(models.image_vae(each).latent) for each in (factor, "S1", parse("S1"))] == ["S1"] * 3
    assert str(models.build(ModelConfig(), latent=factor).latent) == "S1"
