"""Reference posteriors: the decoder in JAX against torch, the sampler against quadrature."""

import arviz_stats
import numpy as np
import pytest
import torch

from inference import nuts, to_jax
from inference.joint import Joint
from inference.run import Run, RunError
from jetvae.__main__ import main
from models import ModelConfig, build

IMAGES = {"encoder": (8,), "decoder": (8,)}
CLOUDS = {"likelihood": "emd", "encoder": (8, 16, 16), "decoder": (16,), "particles": 5, "beta": 0.1}
VECTORS = {"likelihood": "normal", "inputs": 6, "encoder": (8,), "decoder": (16, 16)}
DECODERS = {
    "linear": IMAGES | {"decoder": (), "decoder_bias": False},
    **{name: IMAGES | {"activation": name} for name in ("selu", "relu", "elu", "gelu", "tanh")},
    "convolutional": IMAGES | {"architecture": "convolutional", "encoder": (2, 4), "decoder": (4, 2)},
    "cloud": CLOUDS,
    "cloud of a range": CLOUDS | {"beta": (0.05, 0.5)},
    "vectors, scaled": VECTORS | {"scale": 3.0},
    "vectors of a range": VECTORS | {"beta": (0.1, 1.0)},
}
LATENTS = [
    *("R2 x S1", "L2(alpha=.9)", "D3(alpha=1,.25,.1)", "C3 x R1", "(R1 | S2) x S1", "G2:3", "V2:5", "H2"),
    *("S2(posterior=vmf)", "C2(posterior=straight-through) x R1", "S1(concentration=2)"),
]


def model(latent="R2", **options):
    torch.manual_seed(0)
    return build(ModelConfig(latent=latent, **options), 64).eval()


def jet(vae):
    x = torch.rand(7, 3) if vae.config.clouds else torch.rand(vae.config.inputs or 64)
    if vae.config.clouds:
        x[:, 0] /= x[:, 0].sum()
    return x / x.sum() if vae.config.likelihood == "pixels" else x


def output(vae):
    """What a decoder says of features, whatever its likelihood calls it."""
    return lambda features: vae.decode(features).mean


@pytest.mark.parametrize("name", DECODERS)
def test_jax_decoder_is_the_torch_decoder(name):
    vae = model(**DECODERS[name])
    features = torch.randn(1, 2)
    with torch.no_grad():
        expected = output(vae)(features)
    translated = to_jax.to_jax(output(vae), features)
    np.testing.assert_allclose(translated(features.numpy()), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("latent", LATENTS)
def test_jax_density_is_the_torch_density(latent):
    """Float32 of two libraries at log densities of order ten; also under vmap, with a gradient."""
    import jax

    vae = model(latent, **IMAGES)
    joint, x = Joint(vae), jet(vae)
    u = torch.randn(3, joint.size, requires_grad=True)
    expected = torch.stack([joint(each, x) for each in u])
    (gradient,) = torch.autograd.grad(expected.sum(), [u])
    translated = to_jax.to_jax(joint, u[0].detach(), x)
    both = jax.jit(jax.vmap(jax.value_and_grad(lambda v: translated(v, x.numpy()).sum())))
    found, slope = both(u.detach().numpy())
    np.testing.assert_allclose(found, expected.sum(1).detach(), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(slope, gradient, rtol=1e-3, atol=1e-3)


def test_distance_of_clouds_has_its_gradient():
    """The fused kernel, called back; its own gradients are tested with it."""
    import jax

    vae = model(**CLOUDS)
    joint, x = Joint(vae), jet(vae)
    u = torch.randn(joint.size, requires_grad=True)
    (gradient,) = torch.autograd.grad(joint(u, x).sum(), [u])
    translated = to_jax.to_jax(joint, u.detach(), x)
    slope = jax.jit(jax.vmap(jax.grad(lambda v: translated(v, x.numpy()).sum())))(u.detach().numpy()[None])
    np.testing.assert_allclose(slope[0], gradient, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def mixed():
    """A circle, a simplex and a category with a decoder of random weights, and two points near decoded ones."""
    vae = model("S1 x D2 x C2", **VECTORS | {"beta": 0.6})
    with torch.no_grad():
        for weight in vae.decoder.parameters():
            weight.mul_(2)
        x = vae.decode(vae.latent.features(vae.guide(torch.randn(2, 6)))).sample()
    return vae, x


def quadrature(vae, x, n=400):
    """Posterior means of cos z, sin z, w_0 and the category by the midpoint rule."""
    angle = (torch.arange(n) + 0.5) * 2 * np.pi / n - np.pi
    weight = (torch.arange(n) + 0.5) / n
    z, w = (part.reshape(-1, 1) for part in torch.meshgrid(angle, weight, indexing="ij"))
    simplex = torch.cat([w, 1 - w], -1)  # Dirichlet(1, 1) is flat
    log_p = []
    for c in range(2):
        one_hot = torch.eye(2)[c].expand(len(z), -1)
        features = vae.latent.features({"S1": z, "D2": simplex, "C2": one_hot})
        log_p.append(vae.decode(features).log_prob(x))
    p = torch.stack(log_p).double()
    p = (p - p.max()).exp()
    p /= p.sum()
    whole = p.sum(0)
    return [float((whole * f).sum()) for f in (z.cos()[:, 0], z.sin()[:, 0], w[:, 0])] + [float(p[0].sum())]


def test_circle_simplex_and_category_agree_with_quadrature(mixed):
    """Means over 4 x 1,000 draws within 5 standard errors, from the bulk ESS of each."""
    vae, x = mixed
    tree = nuts.sample(vae, x, draws=1000, seed=1)
    assert tree.attrs["sampler"] == "numpyro"
    z = tree["posterior_nuts"]["z"]
    for i in range(2):
        with torch.no_grad():
            expected = quadrature(vae, x[i])
        mine = z.isel(jet=i)
        angle = mine.sel(coordinate="S1_0")
        draws = [np.cos(angle), np.sin(angle), mine.sel(coordinate="D2_0"), mine.sel(coordinate="C2_0")]
        for found, mean in zip(draws, expected, strict=True):
            values = np.asarray(found)
            ess = float(arviz_stats.ess(values)) if np.ptp(values) else 4000.0
            assert abs(values.mean() - mean) < 5 * max(values.std(), 0.01) / np.sqrt(ess) + 1e-3
    assert float(tree["sample_stats_nuts"]["diverging"].mean()) < 0.01


def test_what_has_no_translation_goes_to_pyro(monkeypatch, capsys):
    """One jet, one short chain: the linear model's posterior mean within its width."""
    vae = model("R1", **VECTORS)
    monkeypatch.delitem(to_jax.OPERATIONS, "addmm")
    tree = nuts.sample(vae, jet(vae)[None], chains=1, draws=30, warm_up=20)
    assert tree.attrs["sampler"] == "pyro"
    assert "no JAX translation of addmm" in capsys.readouterr().err
    assert tree["posterior_nuts"]["z"].shape == (1, 30, 1, 1)
    assert tree["posterior_nuts"]["z"].std() > 0


@pytest.mark.parametrize(
    ("latent", "kind", "words"),
    [
        ("C2(posterior=relaxed) x R1", "vae", "posterior=straight-through"),
        ("C2", "vae", "nothing to sample"),
        ("R2", "ae", "no prior"),
    ],
)
def test_what_has_no_posterior_to_sample_is_refused(latent, kind, words):
    with pytest.raises(RunError, match=words):
        Joint(model(latent, kind=kind, **IMAGES))


def test_command(tmp_path, capsys):
    out = str(tmp_path / "run")
    quick = ["--latent", "R1", "--epochs", "1", "--fraction", "qcd=.02", "top=.02"]
    assert main(["train", *quick, "--out", out]) == 0
    few = ["--jets", "2", "--chains", "2", "--draws", "50", "--warm-up", "50"]
    assert main(["nuts", out, *few]) == 0
    assert "nuts.nc" in capsys.readouterr().out
    from analysis import evaluate
    from analysis.measures.against_nuts import against_nuts

    tree = evaluate(Run.open(out), at_most=20)
    table = against_nuts(tree)
    assert dict(table["shift"].sizes) == {"jet": 2, "coordinate": 1}
    assert np.isfinite(table["w1"]).all()
