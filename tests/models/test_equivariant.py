"""Equivariant models: a jet that is turned has the same bound, its azimuth turned and the rest as it was."""

import pytest
import torch

import inference
from inference.data import Clouds
from inference.recipe import ImageConfig
from jets.preprocess import turned
from models import ModelConfig, build

SMALL = {"encoder": (8, 16), "decoder": (16,), "likelihood": "emd", "particles": 6, "beta": (0.01, 0.1)}


@pytest.fixture
def clouds(sample):
    return Clouds(sample[:20], ImageConfig(steps=("centre",)), torch.device("cpu"))[torch.arange(20)]


@pytest.mark.parametrize(("latent", "azimuth"), [("R3 x S1", 3), ("S1 x R2", 0), ("R4", None)])
def test_azimuth_alone_turns_with_the_jet(clouds, latent, azimuth):
    torch.manual_seed(0)
    vae, angle = build(ModelConfig(latent=latent, equivariant=True, **SMALL)), torch.tensor(2.0)
    other = turned(clouds, angle.expand(20))
    with vae.at(0.02), torch.no_grad():
        points, moved = (vae.latent.points(vae.encode(x)) for x in (clouds, other))
        features = vae.latent.features(vae.guide(clouds))
        decoded = vae.decode(features).mean
        first = vae.features_at
        pair = turned(torch.cat([torch.ones(20, 1), features[:, first : first + 2]], -1)[:, None], angle.expand(20))
        features[:, first : first + 2] = pair[:, 0, 1:]
        torch.testing.assert_close(vae.decode(features).mean, turned(decoded, angle.expand(20)), rtol=1e-4, atol=1e-5)
    if azimuth is None:
        points, moved = (torch.cat([z[:, :2].norm(dim=1, keepdim=True), z[:, 2:]], 1) for z in (points, moved))
    else:
        change = moved[:, azimuth] - points[:, azimuth]
        torch.testing.assert_close(torch.cos(change - angle), torch.ones(20))
        points[:, azimuth] = moved[:, azimuth] = 0
    torch.testing.assert_close(points, moved, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("latent", ["R3 x S1", "R4"])
def test_posterior_starts_along_the_jet_and_learns(clouds, latent):
    """Before training the circle is concentrated: at least a nat; every parameter then has a gradient."""
    torch.manual_seed(0)
    vae = build(ModelConfig(latent=latent, equivariant=True, **SMALL))
    with vae.at(0.02):
        bound = inference.elbo(vae.model, vae.guide, clouds)
    assert "S1" not in latent or bound.kl["z_S1"].mean() > 1
    bound.objective.backward()
    assert all(p.grad.isfinite().all() for p in vae.parameters())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent": "R1 x T2"}, "needs a circle"),
        ({"kind": "ae"}, "VAEs of clouds"),
        ({"likelihood": "pixels"}, "of clouds"),
    ],
)
def test_what_cannot_turn_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build(ModelConfig(**({"latent": "R4", "equivariant": True} | SMALL | changes)))
