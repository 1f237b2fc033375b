"""Scores that only a model knows, against closed forms."""

import math

import numpy as np
import pytest
import torch

from analysis.evaluation.jet_scores import batch_scores, scores
from analysis.measures.scores import Score
from inference.data import data_for
from models import build
from models.build import ModelConfig


@pytest.mark.parametrize("latent", ["L2(alpha=0.9)", "G1:2", "R1", "C2"])
def test_model_scores_by_hand(sample, trained, latent):
    torch.manual_seed(0)
    vae = build(ModelConfig(latent=latent, encoder=(8,), decoder=()), 1600).eval()
    images = data_for(sample[:50], trained.recipe, torch.device("cpu"))
    x = images[torch.arange(50)]
    with torch.no_grad():
        found = batch_scores(vae, x)
        if latent == "C2":  # the sum over the categories is exact, and estimated well from 16 draws of them
            exact = torch.stack([vae.decode(corner).log_prob(x) for corner in torch.eye(2)]).logsumexp(0) - math.log(2)
            many = torch.stack([batch_scores(vae, x)[Score("log_p")] for _ in range(40)])
            error = many.std(0) / 40**0.5
            assert ((many.mean(0) + exact).abs() < 5 * error + many.var(0) + 1e-5).all()
        if latent == "R1":  # an untrained encoder is near enough to the prior: quadrature tells the truth
            z = torch.linspace(-8, 8, 1601)[:, None, None]
            log_p = vae.decode(z).log_prob(x) - z[..., 0] ** 2 / 2 - math.log(2 * math.pi) / 2
            truth = -(log_p.logsumexp(0) + math.log(0.01))
            many = torch.stack([batch_scores(vae, x)[Score("log_p")] for _ in range(40)])
            error = many.std(0) / 40**0.5
            assert ((many.mean(0) - truth).abs() < 5 * error + many.var(0)).all()  # Jensen: half the variance
        if latent.startswith("L"):
            log_p = [vae.decode(corner).log_prob(x) for corner in torch.eye(2)]
            torch.testing.assert_close(found[Score("ratio", 0)], log_p[0] - log_p[1])
        if latent.startswith("G"):
            shares = [found[Score("responsibility", c)] for c in range(2)]
            torch.testing.assert_close(sum(shares), torch.ones(50))


def test_scores_of_a_run(trained, sample):
    found = scores(trained, own=sample, most=40)
    assert found.sizes == {"score": len(found["score"]), "jet": 80}
    assert np.isfinite(found["score_value"]).all()
    expected = {"reconstruction", "kl", "elbo", "log_p", "rare_mixture", "rare_ratio", "entropy", "typicality"}
    assert expected <= set(found["score"].values)
