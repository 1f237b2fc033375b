"""The bound at the posterior's centre: against closed forms, training's own bound, and what lies on a manifold."""

import math

import numpy as np
import pytest
import torch
from scipy import special
from torch.distributions import kl_divergence

from analysis.evaluation.centred import centre, centred_terms, kl_at_centre
from inference.lower_bound import elbo
from jets.errors import UserError
from models import Beta, ModelConfig, build
from priors import parse

SPACES = [
    "R3",
    "L3(alpha=1,0.25,0.1)",
    "D3(alpha=1,0.25,0.1)",
    "S1 x R1",
    "T2(concentration=0.5)",
    "S2",
    "S3(posterior=vmf)",
    "H2",
    "G2:3",
    "C3 x R1",
    "C3(posterior=straight-through)",
    "C3(posterior=relaxed)",
    "R1 | R2 x S1",
]


def tiny(latent, **changes):
    torch.manual_seed(1)
    config = ModelConfig(latent=latent, encoder=(16,), decoder=(16,), likelihood="normal", beta=Beta(0.5), **changes)
    return build(config, inputs=6).eval()


def points(count=7):
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("latent", SPACES)
def test_no_noise_no_dependence_on_the_company_and_exact_kl_as_in_training(latent):
    vae, x = tiny(latent), points()
    with torch.no_grad():
        bound, head = centred_terms(vae, x)
        again, _ = centred_terms(vae, x[3:4])
        trained = elbo(vae.model, vae.guide, x)
    assert head.equal(vae.encode(x))
    assert bound.elbo.isfinite().all()
    torch.testing.assert_close(again.elbo, bound.elbo[3:4])
    for site, kl in bound.kl.items():
        if site not in kl_at_centre(vae):
            torch.testing.assert_close(kl, trained.kl[site])


@pytest.mark.parametrize("latent", ["S1", "S2", "S3(posterior=vmf)", "D3", "H2", "C3(posterior=straight-through)"])
def test_centre_lies_where_draws_do(latent):
    factor = parse(latent).factors[0]
    posterior = factor.posterior(torch.randn(50, factor.outputs, generator=torch.Generator().manual_seed(0)))
    z = centre(posterior)
    assert z.shape == posterior.sample().shape
    assert posterior.support.check(z).all()
    if "straight" not in latent:
        torch.testing.assert_close(factor.coordinates(z), factor.point(posterior))


def test_normal_against_numpy():
    vae, x = tiny("R2"), points()
    with torch.no_grad():
        bound, head = centred_terms(vae, x)
        decoded = vae.decoder(head[:, :2]).double().numpy()
    mu, log_variance = np.split(head.double().numpy(), 2, axis=1)
    np.testing.assert_allclose(bound.kl["z_R2"], (mu**2 + np.exp(log_variance) - 1 - log_variance) / 2, atol=1e-6)
    distance = ((x.double().numpy() - decoded) ** 2).sum(1)
    expected = distance / (2 * 0.5**2) + 6 * math.log(0.5 * math.sqrt(2 * math.pi))
    np.testing.assert_allclose(bound.reconstruction, expected, rtol=1e-6)


def test_circle_and_category_against_scipy():
    vae, x = tiny("S1 x C3"), points()
    with torch.no_grad():
        bound, head = centred_terms(vae, x)
        kappa = vae.latent.factors[0].posterior(head[:, :2]).base_dist.concentration.double().numpy()
        angle = torch.atan2(head[:, 1], head[:, 0])
        reconstructions = []
        for category in torch.eye(3):
            features = torch.cat([angle.cos()[:, None], angle.sin()[:, None], category.expand(7, 3)], 1)
            reconstructions.append(-vae.decode(features).log_prob(x))
    ratio, log_i0 = special.ive(1, kappa) / special.ive(0, kappa), np.log(special.ive(0, kappa)) + kappa
    np.testing.assert_allclose(bound.kl["z_S1"], kappa * ratio - log_i0, rtol=2e-5)
    q = special.softmax(head[:, 2:].double().numpy(), axis=1)
    np.testing.assert_allclose(bound.kl["z_C3"][:, 0], (q * np.log(3 * q)).sum(1), atol=1e-6)
    np.testing.assert_allclose(bound.reconstruction, (q * torch.stack(reconstructions, 1).numpy()).sum(1), rtol=1e-5)


def test_kl_without_closed_form_is_that_of_the_centre():
    """ln q at the centre of a normal exceeds its expectation by 1/2 a coordinate."""
    vae, x = tiny("G2:1"), points()
    assert kl_at_centre(vae) == ["z_G2"]
    with torch.no_grad():
        bound, head = centred_terms(vae, x)
    posterior, loc = vae.latent.factors[0].posterior(head), vae.latent.factors[0].loc[0]
    exact = kl_divergence(posterior, torch.distributions.Independent(torch.distributions.Normal(loc, 1.0), 1))
    expected = exact + 1 - head[:, 2:].exp().sum(1) / 2
    torch.testing.assert_close(bound.kl["z_G2"][:, 0], expected)


def test_autoencoder_and_range_of_resolutions():
    plain = tiny("R2", kind="ae")
    with torch.no_grad():
        bound, _ = centred_terms(plain, points())
        assert not bound.total_kl.any()
        assert bound.reconstruction.equal(elbo(plain.model, plain.guide, points()).reconstruction)
    config = ModelConfig(latent="R2 | R3", encoder=(16,), decoder=(16,), likelihood="normal", beta=Beta(0.1, 1.0))
    vae = build(config, inputs=6).eval()
    with vae.at(0.2):
        bound, head = centred_terms(vae, points())
        assert bound.elbo.isfinite().all()
        assert head.equal(vae.encode(points()))


def test_extremes():
    vae = tiny("R1 | S1")
    assert centred_terms(vae, points(1))[0].elbo.shape == (1,)
    assert centred_terms(vae, 1e4 * points())[0].elbo.isfinite().all()
    with pytest.raises(ValueError, match="NaN or infinite"):
        centred_terms(vae, torch.full((2, 6), float("nan")))

    class Nameless(torch.distributions.Normal):
        mean = property(lambda self: torch.distributions.Distribution.mean.fget(self))

    with pytest.raises(UserError, match="type Nameless has no mean"):
        centre(Nameless(0.0, 1.0))
