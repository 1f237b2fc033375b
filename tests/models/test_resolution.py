"""A model for a range of resolutions: what it reads, how it draws beta, how it weighs the range."""

import numpy as np
import pytest
import scipy.stats
import torch

import inference
from inference.objective import Controls, loss
from inference.recipe import RecipeError, TrainingConfig, read
from jetvae.__main__ import main
from models import Beta, ModelConfig, build
from models.resolution import Resolution

LATENTS = ["R3", "S1", "L3 x R1", "C2 x R2", "R1 | R2 x S1"]


def conditional(latent="R3", likelihood="normal", beta=(0.1, 10.0)):
    torch.manual_seed(0)
    return build(ModelConfig(latent=latent, encoder=(16,), decoder=(16,), likelihood=likelihood, beta=beta), inputs=6)


@pytest.mark.parametrize("latent", LATENTS)
def test_each_jet_has_its_own_beta(latent):
    """Jets at (B,) resolutions give what each gives alone at its own, once the modulation is not trivial."""
    vae = conditional(latent).eval()
    for parameter in vae.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x, beta = torch.randn(4, 6), torch.tensor([0.1, 0.5, 2.0, 10.0])
    z = vae.latent.features(vae.latent.sample_prior()).expand(4, -1)
    with vae.at(beta):
        head, log_prob = vae.encode(x), vae.decode(z).log_prob(x)
    for i in range(4):
        with vae.at(beta[i]):
            torch.testing.assert_close(vae.encode(x)[i], head[i])
            torch.testing.assert_close(vae.decode(z).log_prob(x)[i], log_prob[i])
    assert vae.likelihood.beta == pytest.approx(1.0)  # at() has put it back
    assert not torch.allclose(head[0] / head[1], torch.ones_like(head[0]))


def test_draws_are_stratified_and_uniform_in_the_logarithm():
    torch.manual_seed(0)
    resolution = Resolution(0.01, 1.0)
    place = (resolution.place(torch.cat([resolution.stratified(50) for _ in range(40)])) + 1) / 2
    assert -0.05 <= place.min() < 0 < 1 < place.max() <= 1.05, "a twentieth beyond each end"
    place = (place + 0.05) / 1.1
    strata = (place.reshape(40, 50) * 50).floor()
    np.testing.assert_array_equal(strata, np.tile(np.arange(50), (40, 1)))
    assert scipy.stats.kstest((place * 50) % 1, "uniform").pvalue > 0.01


def test_posteriors_start_narrow_at_small_beta():
    vae = conditional("R2").eval()
    widths = []
    for beta in (0.1, 1.0, 10.0):
        with vae.at(beta):
            widths.append(vae.latent.factors[0].posterior(vae.encode(torch.randn(50, 6))).base_dist.scale.mean())
    assert widths[0] < 0.05 < widths[1] < 0.5 < widths[2]


def test_balance_by_hand():
    resolution = Resolution(0.01, 1.0).train()
    beta, values = torch.tensor([0.01, 0.01, 1.0]), torch.tensor([4.0, 2.0, 30.0])
    assert resolution.balanced(values, beta) == pytest.approx((6 / 3.3 + 30 / 30.3) / 3)
    resolution.balanced(2 * values, beta)
    assert resolution.mean_loss[[0, -1]].tolist() == pytest.approx([0.95 * 3 + 0.05 * 6, 0.95 * 30 + 0.05 * 60])


def test_loss_is_free_of_the_normaliser():
    """With nothing decoded, the distortion alone: |x|^2 / 2 beta^2, divided by 0.3 + its mean."""
    vae = conditional().train()
    for parameter in vae.decoder.parameters():
        torch.nn.init.zeros_(parameter)
    x, controls = torch.randn(8, 6), Controls(*torch.tensor([0.0, 1.0, 0.0, 0.0]))
    with vae.at(torch.full((8,), 0.1)):
        value, bound = loss(vae, x, controls, TrainingConfig())
        torch.testing.assert_close(
            vae.likelihood.distortion(bound.reconstruction, x), x.square().sum(1), rtol=1e-4, atol=1e-4
        )
    energy = (x.square().sum(1) / 0.02).mean()
    assert float(value.detach()) == pytest.approx(float(energy / (0.3 + energy)), rel=1e-4)


def test_range_trains_resumes_and_refuses(tmp_path):
    plain = {"schedule.lr": {}, "schedule.kl_weight": {}, "data.files": ["toy:gaussian(spectrum=4,1,0.5, n=2000)"]}
    whole = inference.train(read("vae-gaussian", plain | {"training.epochs": 2}), tmp_path / "whole")
    inference.train(read("vae-gaussian", plain | {"training.epochs": 1}), tmp_path / "parts")
    parts = inference.train(read("vae-gaussian", plain | {"training.epochs": 2}), tmp_path / "parts", resume=True)
    assert whole.recipe.model.inputs == 3
    for name, value in whole.vae.state_dict().items():
        torch.testing.assert_close(parts.vae.state_dict()[name], value, rtol=0, atol=0)
    assert whole.vae.resolution.mean_loss.min() > 0


def test_command_line_reads_a_range(tmp_path):
    assert main(["train", "vae-gaussian", "--beta", "0.5:8", "--epochs", "1", "--out", str(tmp_path / "run")]) == 0
    assert inference.run.Run.open(tmp_path / "run").recipe.model.beta == Beta(0.5, 8.0)


def test_what_a_range_refuses(tmp_path):
    for changes, message in [
        ({"training.free_bits": 0.1}, "free_bits"),
        ({"schedule.beta": {"shape": "linear", "start": 2.0}}, "nothing to schedule"),
        ({"model.beta": [1.0, 0.1]}, "low < high"),
    ]:
        with pytest.raises(RecipeError, match=message):
            read("vae-gaussian", changes)
    with pytest.raises(RecipeError, match="likelihood = 'normal'"):
        inference.train(read("vae-gaussian", {"model.likelihood": "pixels"}), tmp_path / "pixels")
