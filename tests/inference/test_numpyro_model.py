"""The NumPyro model of a trained one against its Pyro model, quadrature, and the exact posterior of a linear one."""

import jax
import numpy as np
import numpyro
import pyro
import pyro.distributions as pyro_dist
import pytest
import torch
from numpyro.diagnostics import effective_sample_size
from numpyro.infer import MCMC, NUTS, SVI, Predictive, Trace_ELBO, autoguide
from numpyro.infer.util import log_density
from scipy import stats

from inference.joint import Joint
from inference.numpyro_model import numpyro_model
from inference.numpyro_priors import translated
from inference.run import RunError
from priors import parse

from .test_nuts import CLOUDS, IMAGES, LATENTS, VECTORS, jet, model

KEY = jax.random.PRNGKey(0)
WRITTEN = {"direction": "_normal", "angle": "_unwrapped"}
PRIORS = {
    "StudentT": pyro_dist.StudentT(4.0, 0.5, 2.0),
    "LogNormal": pyro_dist.LogNormal(0.2, 0.4),
    "Uniform": pyro_dist.Uniform(-1.0, 3.0),
    "Logistic": pyro_dist.Logistic(0.3, 0.5),
}
"""Distributions that a user may bring, whether or not NumPyro has the same."""


def reals(joint, vae):
    """Latents that the guide draws for four jets, and them as the sites of the model have them."""
    x = torch.stack([jet(vae) for _ in range(4)])
    with torch.no_grad(), pyro.validation_enabled(False):
        drawn = [torch.stack([prior.sample() for _ in range(4)]) for prior in joint.priors]
    sites = {}
    for (label, inner, factor), value in zip(joint.leaves, drawn, strict=True):
        name = f"z_{label}_{inner}" if inner else f"z_{label}"
        kind = factor.kind if factor.prior().event_shape else "real"
        sites[name + WRITTEN.get(kind, "")] = value.numpy()
    return x, drawn, sites


def density(given, x, sites):
    """ln p(x, z) and the value of every site, in one compiled call."""

    def both(x, sites):
        found, trace = log_density(given, (x,), {}, sites)
        return found, {name: site["value"] for name, site in trace.items()}

    return jax.jit(both)(x.numpy(), sites)


@pytest.mark.parametrize("latent", LATENTS)
def test_density_is_that_of_pyro(latent):
    """ln p(x, z) of four jets, categories summed over; directions count in the shell that NumPyro draws them in."""
    vae = model(latent, **IMAGES)
    joint = Joint(vae)
    x, drawn, sites = reals(joint, vae)
    with torch.no_grad(), pyro.validation_enabled(False):
        given = torch.stack([joint.given([part[i] for part in drawn], x[i]).logsumexp(0) for i in range(4)])
        expected = float(given.sum())
        for (_, _, factor), value, prior in zip(joint.leaves, drawn, joint.priors, strict=True):
            normal = factor.kind == "direction"
            expected += float((pyro_dist.Normal(0, 1).log_prob(value) if normal else prior.log_prob(value)).sum())
    found, trace = density(numpyro_model(vae, x[0]), x, sites)
    assert float(found) == pytest.approx(expected, abs=2e-3)
    assert set(trace) >= {"x"} | {f"z_{label}" for label in joint.one_hot}
    for label in joint.one_hot:
        np.testing.assert_allclose(trace[f"z_{label}"].sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", ["cloud", "range"])
def test_clouds_and_a_resolution_of_a_range(name):
    """The likelihood at the resolution that is set while the model is made."""
    vae = model(**CLOUDS | ({"beta": (0.05, 0.5)} if name == "range" else {}))
    with vae.at(0.2):
        x, drawn, sites = reals(joint := Joint(vae), vae)
        given = numpyro_model(vae, x[0])
        with torch.no_grad():
            expected = sum(
                float(joint.given([drawn[0][i]], x[i]) + joint.priors[0].log_prob(drawn[0][i])) for i in range(4)
            )
    assert float(density(given, x, sites)[0]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "latent", ["R2", "L2(alpha=.9)", "D3", "S1", "S1(concentration=2)", "S2", "G2:3", "V2:5", "H2"]
)
def test_prior_is_drawn(latent):
    """4,000 draws of each coordinate follow torch's (Kolmogorov-Smirnov, p > 1e-4)."""
    torch.manual_seed(1)
    with pyro.validation_enabled(False):
        prior = parse(latent).factors[0].prior()
    mine = np.asarray(translated(prior).sample(KEY, (4000,)))
    theirs = prior.sample(torch.Size([4000])).detach().numpy()
    for found, expected in zip(mine.T, theirs.T, strict=True):
        assert stats.ks_2samp(found, expected).pvalue > 1e-4


@pytest.mark.parametrize("name", PRIORS)
def test_priors_of_users(name):
    """Density, support and draws of a prior that has no file of its own."""
    torch.manual_seed(2)
    with pyro.validation_enabled(False):
        prior = PRIORS[name].expand([2]).to_event(1)
        mine = translated(prior)
    z = prior.sample(torch.Size([50]))
    np.testing.assert_allclose(mine.log_prob(z.numpy()), prior.log_prob(z), rtol=1e-4, atol=1e-4)
    assert bool(mine.support(z.numpy()).all())
    drawn = np.asarray(mine.sample(KEY, (2000,)))[:, 0]
    assert stats.ks_2samp(drawn, prior.sample(torch.Size([2000]))[:, 0].numpy()).pvalue > 1e-4


def test_jets_are_drawn():
    """A linear decoder of R1: x has mean b and covariance W W^T + beta^2."""
    vae = model("R1", **VECTORS | {"decoder": (), "beta": 0.3})
    weight, bias = (part.detach().numpy() for part in vae.decoder.parameters())
    drawn = Predictive(numpyro_model(vae, torch.zeros(6)), num_samples=1)(KEY, n=20_000)
    x = np.asarray(drawn["x"])[0]
    covariance = weight @ weight.T + 0.09 * np.eye(6)
    np.testing.assert_allclose(x.mean(0), bias, atol=5 * np.sqrt(covariance.max() / 20_000))
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=0.03)


@pytest.fixture(scope="module")
def linear():
    """A linear model of R2, three points, and the exact mean and covariance of their posteriors."""
    vae = model("R2", **VECTORS | {"decoder": (), "beta": 0.5})
    weight, bias = (part.detach().numpy() for part in vae.decoder.parameters())
    x = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)
    covariance = np.linalg.inv(np.eye(2) + weight.T @ weight / 0.25)
    return numpyro_model(vae, torch.zeros(6)), x, (x - bias) @ weight @ covariance / 0.25, covariance


def test_nuts_finds_the_exact_posterior(linear):
    """Means within 6 errors of 500 effective draws, deviations within 15 %."""
    mine, x, mean, covariance = linear
    sampler = MCMC(NUTS(mine), num_warmup=200, num_samples=1000, progress_bar=False)
    sampler.run(KEY, x)
    z = np.asarray(sampler.get_samples()["z_R2"])
    np.testing.assert_allclose(z.mean(0), mean, atol=6 * np.sqrt(covariance.max() / 500))
    np.testing.assert_allclose(z.std(0), np.sqrt(np.diag(covariance))[None].repeat(3, 0), rtol=0.15)


def test_svi_refines_to_the_exact_bound(linear):
    """A multivariate normal guide reaches ln p(x), which is a Gaussian's."""
    mine, x, _, covariance = linear
    guide = autoguide.AutoMultivariateNormal(mine)
    found = SVI(mine, guide, numpyro.optim.Adam(0.02), Trace_ELBO(32)).run(KEY, 800, x, progress_bar=False)
    z = guide.median(found.params)["z_R2"]
    joint = float(log_density(mine, (x,), {}, {"z_R2": z})[0])
    evidence = joint + 3 * (np.log(2 * np.pi) + 0.5 * np.linalg.slogdet(covariance)[1])  # Laplace, exact here
    assert -float(np.mean(found.losses[-200:])) == pytest.approx(evidence, abs=0.15)


def test_circle_and_category_under_nuts():
    """p(c | x, z) and the circle of a model without an encoder's help, against the joint's own quadrature."""
    vae = model("S1 x C2", **VECTORS | {"beta": 0.6})
    with torch.no_grad():
        for weight in vae.decoder.parameters():
            weight.mul_(2)
        x = vae.decode(vae.latent.features(vae.guide(torch.randn(1, 6)))).sample()
        joint, angle = Joint(vae), (torch.arange(2000) + 0.5) * 2 * np.pi / 2000 - np.pi
        log_p = torch.stack([joint.given([each[None]], x[0]) for each in angle]).double()
    p = (log_p - log_p.max()).exp()
    p = (p / p.sum()).numpy()
    sampler = MCMC(
        NUTS(numpyro_model(vae, x[0])),
        num_warmup=200,
        num_samples=300,
        num_chains=4,
        chain_method="vectorized",
        progress_bar=False,
    )
    sampler.run(KEY, x.numpy())
    drawn = sampler.get_samples(group_by_chain=True)
    angle_drawn, turn = drawn["z_S1"], angle.numpy()
    found = np.cos(angle_drawn), np.sin(angle_drawn), drawn["z_C2"][..., :1]
    expected = (p.sum(1) * np.cos(turn)).sum(), (p.sum(1) * np.sin(turn)).sum(), p[:, 0].sum()
    for each, mean in zip(found, expected, strict=True):
        each = np.asarray(each).reshape(4, -1)
        assert abs(each.mean() - mean) < 5 * each.std() / np.sqrt(effective_sample_size(each))


def test_what_has_no_model_is_refused():
    with pytest.raises(RunError, match="nothing to sample"):
        numpyro_model(model("C2", **IMAGES), torch.zeros(64))
    with pytest.raises(RunError, match="not uniform"):
        translated(parse("S2").factors[0].posterior(torch.tensor([0.3, 0.0, 0.0])))
    with pytest.raises(RunError, match="no support"):
        translated(pyro_dist.LKJCholesky(3, torch.tensor(1.0)))
