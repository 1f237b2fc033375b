"""Every distance of a recipe with categories and superpositions: their sum against one written out value by value."""

from typing import get_args

import numpy as np
import pytest
import torch

import analysis
import jetvae
from analysis.evaluation.draws import evaluate_jets
from analysis.evaluation.jet_scores import log_p
from inference.data import Clouds
from inference.lower_bound import elbo, paired_traces, terms
from inference.objective import Controls
from inference.program import Program
from inference.recipe import ImageConfig, TrainingConfig
from inference.step import State, make_step
from jets.emd.metrics import DISTANCES
from models import ModelConfig, build

METRICS = get_args(ModelConfig.model_fields["metric"].annotation)
TRACED = ("fused", "wasserstein", "sliced", "energy", "mmd", "spectral")
"""Those that are a graph of tensor operations."""
LATENTS = ("R2", "C2 x R2", "R1 | R2", "C2 x (R1 | R2)")


def made(metric, latent, **model):
    torch.manual_seed(0)
    widths = {"encoder": (8, 8), "decoder": (8,), "particles": 3}
    return build(ModelConfig(latent=latent, likelihood="emd", metric=metric, **widths, **{"beta": 0.3, **model}))


@pytest.fixture
def clouds(sample):
    x = torch.as_tensor(sample.constituents[:6, :5]).clone()
    x[..., 0] /= x[..., 0].sum(-1, keepdim=True)
    x[0, 3:, 0] = 0.0
    return x


def written_out(vae, guide_trace, x):
    """Return the sum over categories of q(c|x) (EMD^2 / 2 beta^2), by a loop over their values, ``(B,)``."""
    z = {name[2:]: site["value"] for name, site in guide_trace.nodes.items() if name.startswith("z_")}
    categories = {label: tensor for label, tensor in z.items() if tensor.dim() > 2}
    posteriors = {label: guide_trace.nodes[f"z_{label}"]["fn"] for label in categories}
    total = torch.zeros(len(x))
    for index in np.ndindex(*(tensor.shape[-1] for tensor in categories.values())):
        weight, chosen = torch.ones(len(x)), dict(z)
        for value, label in zip(index, categories, strict=True):
            one_hot = torch.eye(categories[label].shape[-1])[value].expand(len(x), -1)
            weight, chosen[label] = weight * posteriors[label].probs[..., value].reshape(-1), one_hot
        cloud = vae.generate(features_of(vae.latent, chosen))
        total = total + weight * DISTANCES[vae.likelihood.metric](x, cloud) ** 2 / (2 * vae.likelihood.beta**2)
    return total


def features_of(space, chosen):
    """Return the decoder's features ``(B, n)`` of one value of every category: of a superposition's parts too."""
    parts = []
    for label, factor in space.items:
        if not label.startswith("M"):
            parts.append(chosen[label])
            continue
        parts.append(chosen[label])
        parts += [chosen[f"{label}_{inner}"] * chosen[label][:, number, None] for number, inner, _ in factor.items]
    return torch.cat(parts, -1)


@pytest.mark.parametrize("latent", LATENTS)
@pytest.mark.parametrize("metric", METRICS)
def test_bound_is_the_sum_written_out(metric, latent, clouds):
    vae = made(metric, latent)
    traces = paired_traces(vae.model, vae.guide, clouds)
    bound = terms(*traces)
    tolerance = 1e-2 if metric == "geomloss" else 1e-4  # whose temperatures start at the diameter of all its clouds
    torch.testing.assert_close(bound.reconstruction, written_out(vae, traces[0], clouds), rtol=tolerance, atol=1e-5)
    bound.objective.backward()
    gradients = [parameter.grad for parameter in vae.parameters() if parameter.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.any() for gradient in vae.decoder.parameters())


@pytest.mark.parametrize("latent", LATENTS)
@pytest.mark.parametrize("metric", METRICS)
def test_step(metric, latent, clouds):
    """A step changes the weights by finite numbers; as a graph of two replicas it has the same loss."""
    vae = made(metric, latent)
    step, state = make_step(vae, lambda given: given, TrainingConfig()), State.of(vae)
    inputs = clouds, torch.arange(6), torch.tensor(Controls(1e-3, 0.3, 1.0, 0.0))
    mine = [tensor.clone() for tensor in state.flat]
    torch.manual_seed(1)
    report = step(*mine, *inputs)
    assert report[0] == 1
    assert report.isfinite().all()
    assert any(not torch.equal(*pair) for pair in zip(mine, state.flat, strict=True))
    if metric not in TRACED or latent != LATENTS[-1]:
        return
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    program = Program(step, [*state.flat, *inputs], generators, compiled=False, shared=len(state.flat))
    both = State.stacked([state, state]).flat
    reports = program(*both, clouds, *(torch.stack([each] * 2) for each in inputs[1:]))
    for one in reports:
        torch.testing.assert_close(one, report, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_evaluation_and_log_prob(metric, sample):
    """The bound is at most ln p(x), on average."""
    vae, some = made(metric, "C2 x (R1 | R2)"), sample[:4]
    data = Clouds(some, ImageConfig(steps=("centre",)), torch.device("cpu"))
    found = evaluate_jets(vae, data, draws=8)
    with torch.no_grad():
        log_likelihood = log_p(vae, data[torch.arange(4)], 64)
        assert not torch.is_grad_enabled()
    assert all(np.isfinite(values).all() for values in found["sample_stats"].data_vars.values())
    assert log_likelihood.isfinite().all()
    assert float(log_likelihood.mean()) > float(found["sample_stats"]["elbo"].mean()) - 0.1


def test_a_run(sample, tmp_path):
    """From training to evaluation, with a distance that is no Energy Mover's, of a mixed sample."""
    vae = made("sliced", "C2 x (R1 | R2)")
    run = jetvae.fit(vae, sample[:20], epochs=1, batch_size=8, compile=False, out=tmp_path / "run")
    assert np.isfinite(analysis.evaluate(run, draws=2, pairs=0)["sample_stats"]["elbo"]).all()
    assert np.isfinite(run.log_prob(sample[:4], draws=8)).all()


def test_a_range_of_resolutions(clouds):
    """Beta of each jet stands in the last dimension, behind those of the categories."""
    vae = made("sliced", "C2 x (R1 | R2)", beta=(0.1, 1.0))
    betas = torch.linspace(0.1, 1.0, 6)
    with vae.at(betas):
        bound = elbo(vae.model, vae.guide, clouds)
    assert bound.reconstruction.shape == (6,)
    assert bound.reconstruction.isfinite().all()
