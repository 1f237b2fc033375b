"""What the checks need from a model: refined bounds and simulated jets, against a linear-Gaussian VAE."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from analysis.evaluation.trusted import trusted
from analysis.measures.calibration import calibration, ranks
from analysis.measures.trust import checks
from inference.refine import refined_elbo
from inference.run import RunError
from inference.simulated import simulated_jets
from jetvae.__main__ import command_module, parser_of
from models import VAE, EnergyMover, Gaussian

BETA = 0.8
DECODER = np.array([[1.0, 0.6], [0.2, -1.0], [0.5, 0.5]])
PRECISION = np.eye(2) + DECODER.T @ DECODER / BETA**2


def linear_vae(shift=0.0, scale=1.0):
    """p(x|z) = N(W z, beta) with the best factorised guide, moved by ``shift`` and widened by ``scale`` deviations."""
    deviation = 1 / np.sqrt(np.diag(PRECISION))
    encoder = np.linalg.solve(PRECISION, DECODER.T) / BETA**2
    head, out = nn.Linear(3, 4), nn.Linear(2, 3, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.tensor(np.vstack([encoder, np.zeros((2, 3))])))
        head.bias.copy_(torch.tensor(np.r_[shift * deviation, 2 * np.log(scale * deviation)]))
        out.weight.copy_(torch.tensor(DECODER))
    return VAE("R2", head, out, Gaussian(BETA)).eval()


def test_refinement_closes_the_amortisation_gap():
    """Best factorised normal: KL from the posterior = (sum ln L_kk - ln det L)/2, L its precision.

    2,000 draws of 20 jets: the mean's standard error is about 0.005 nat.
    """
    x = torch.randn(20, 3)
    truth = stats.multivariate_normal(np.zeros(3), DECODER @ DECODER.T + BETA**2 * np.eye(3)).logpdf(x)
    family = (np.log(np.diag(PRECISION)).sum() - np.linalg.slogdet(PRECISION)[1]) / 2
    refined = refined_elbo(linear_vae(shift=1.0, scale=0.5), x, draws=2000).numpy()
    assert family > 0.01
    assert (truth - refined).mean() == pytest.approx(family, abs=0.02)


@pytest.mark.parametrize(("shift", "scale", "passes"), [(0.0, 1.0, True), (0.5, 1.0, False), (0.0, 0.7, False)])
def test_simulated_jets_calibrate(shift, scale, passes):
    """The best factorised guide is 5 % narrower than the posterior's marginals, which 500 jets do not see."""
    table = simulated_jets(linear_vae(shift, scale), 500, 99, seed=1)
    rank = ranks(np.asarray(table["truth"][:, 0]), np.asarray(table["z"][..., 0]))
    assert (calibration(rank, 99).p_value > 0.01) == passes


def test_what_cannot_be_drawn_is_said():
    class Clouds(nn.Module):
        def forward(self, output):
            return EnergyMover(output.unflatten(-1, (1, 3)), 0.1)

    vae = linear_vae()
    vae.likelihood = Clouds()
    with pytest.raises(RunError, match="no calibration: EnergyMover"):
        simulated_jets(vae, 5, 5)


def test_checks_of_a_run(trained, sample):
    tree = trusted(trained, sample, at_most=30, draws=150)
    found = {check.name: check for check in checks(tree)}
    assert list(found) == ["importance weights", "gap", "calibration"]
    assert "by the encoder" in found["gap"].reading
    assert all(np.isfinite(check.value) for check in found.values())
    assert parser_of("trust", command_module("trust")).parse_args(["run"]).jets == 200
