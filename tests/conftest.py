"""What the tests share: one trained run, small jets, quiet threads."""

import numpy as np
import pytest
import torch

import inference
import jets
import models
from inference.machine import tune_cpu


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="device on which latent families are tested: cpu or cuda")
    parser.addoption("--cases", type=float, default=0.05, help="part of the generated cases to try [.05]")
    parser.addoption("--case", type=int, help="number of the one generated case to try")


@pytest.fixture(scope="session")
def device(request):
    return torch.device(request.config.getoption("--device"))


@pytest.fixture(autouse=True, scope="session")
def machine():
    tune_cpu()


@pytest.fixture(scope="session")
def sample():
    """600 QCD and 600 top jets."""
    return jets.load("sample:qcd", "sample:top")[np.r_[0:600, 10000:10600]]


@pytest.fixture(scope="session")
def trained(sample, tmp_path_factory):
    """A short training of the Dirichlet VAE on jets in memory."""
    torch.manual_seed(0)
    vae = models.image_vae("L2(alpha=.9)", beta=0.1)
    return inference.fit(vae, sample, epochs=4, out=tmp_path_factory.mktemp("run") / "trained")
