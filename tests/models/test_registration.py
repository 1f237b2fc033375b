"""Plain Pyro takes the pair as it is: every bound trains every parameter, and store and module are one."""

import copy
import gc
from functools import partial

import pyro
import pytest
import torch
from pyro import poutine
from pyro.infer import (
    SVI,
    JitTrace_ELBO,
    JitTraceEnum_ELBO,
    JitTraceGraph_ELBO,
    JitTraceMeanField_ELBO,
    Predictive,
    RenyiELBO,
    ReweightedWakeSleep,
    Trace_ELBO,
    TraceEnum_ELBO,
    TraceGraph_ELBO,
    TraceMeanField_ELBO,
    TraceTailAdaptive_ELBO,
)
from pyro.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoLowRankMultivariateNormal, AutoNormal
from pyro.infer.inspect import get_model_relations

from inference import elbo
from jets.errors import UserError
from models import ModelConfig, build

pytestmark = [
    pytest.mark.filterwarnings("ignore:TraceEnum_ELBO found no sample sites"),
    pytest.mark.filterwarnings(r"ignore:[\s\S]*you need to use TraceEnum_ELBO instead"),
]
KINDS = ["images", "clouds", "vectors"]
TABLE = {
    "images": {"encoder": (16,), "decoder": (), "batch_norm": True},
    "clouds": {"likelihood": "emd", "encoder": (16, 16), "decoder": (16,), "particles": 5},
    "vectors": {"likelihood": "normal", "encoder": (16,), "decoder": (16,), "beta": 0.5},
}
BOUNDS = {
    "Trace": Trace_ELBO(),
    "TraceMeanField": TraceMeanField_ELBO(),
    "TraceGraph": TraceGraph_ELBO(),
    "TraceEnum": TraceEnum_ELBO(max_plate_nesting=1),
    "Renyi": RenyiELBO(num_particles=3, vectorize_particles=True, max_plate_nesting=1),
    "particles": Trace_ELBO(num_particles=3, vectorize_particles=True, max_plate_nesting=1),
    "tail-adaptive": TraceTailAdaptive_ELBO(num_particles=3, vectorize_particles=True, max_plate_nesting=1),
    "wake-sleep": ReweightedWakeSleep(num_particles=3, vectorize_particles=True, max_plate_nesting=1),
}
JIT = {
    "Trace": JitTrace_ELBO,
    "TraceMeanField": JitTraceMeanField_ELBO,
    "TraceGraph": JitTraceGraph_ELBO,
    "TraceEnum": lambda **options: JitTraceEnum_ELBO(max_plate_nesting=1, **options),
}


@pytest.fixture(autouse=True)
def _empty_store():
    pyro.clear_param_store()
    yield
    pyro.clear_param_store()


def model_and_data(kind, latent="R2", seed=0):
    torch.manual_seed(seed)
    vae = build(ModelConfig(latent=latent, **TABLE[kind]), inputs=9)
    x = torch.rand(6, *((4, 3) if kind == "clouds" else (9,)))
    if kind == "images":
        x = x / x.sum(-1, keepdim=True)
    if kind == "clouds":
        x[..., 0] /= x[..., 0].sum(-1, keepdim=True)
    return vae, x


def svi(vae, bound, lr=1e-2):
    return SVI(vae.model, vae.guide, pyro.optim.Adam({"lr": lr}), bound)


def changed(vae, step):
    """Names of the parameters that a step changes."""
    before = {name: parameter.detach().clone() for name, parameter in vae.named_parameters()}
    step()
    return {name for name, parameter in vae.named_parameters() if not torch.equal(before[name], parameter)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BOUNDS)
def test_every_bound_of_pyro_trains_every_parameter(kind, name):
    vae, x = model_and_data(kind)
    assert changed(vae, lambda: svi(vae, BOUNDS[name]).step(x)) == {name for name, _ in vae.named_parameters()}
    assert all(store is own for (_, store), own in zip(sorted_store(), sorted_own(vae), strict=True))


def sorted_store():
    return sorted(pyro.get_param_store().named_parameters())


def sorted_own(vae):
    return [parameter for _, parameter in sorted(vae.named_parameters())]


@pytest.mark.parametrize("kind", ["images", "vectors"])
@pytest.mark.parametrize("name", JIT)
def test_bounds_compiled_by_pyro_train(kind, name):
    """The traced bound trains for many steps, and steps the module's own tensors."""
    vae, x = model_and_data(kind)
    run = svi(vae, JIT[name](ignore_jit_warnings=True))
    for _ in range(3):
        assert changed(vae, lambda: run.step(x)) == {name for name, _ in vae.named_parameters()}


@pytest.mark.parametrize("latent", ["R1 | S1", "C3 x R1", "S2", "V2:3", "G2:3", "D3", "H2", "L3"])
@pytest.mark.parametrize("name", ["Trace", "TraceEnum", "TraceGraph"])
def test_every_latent_space_trains(latent, name):
    """Learned priors too: pseudo-inputs and mixtures are parameters like any other."""
    vae, x = model_and_data("vectors", latent)
    assert changed(vae, lambda: svi(vae, BOUNDS[name]).step(x)) == {name for name, _ in vae.named_parameters()}


def test_training_by_svi_lowers_the_loss():
    """The same optimiser by hand: gradient of the bound, torch's Adam, equal weights after 20 steps."""
    vae, x = model_and_data("vectors")
    twin = copy.deepcopy(vae)
    run, optimiser = svi(vae, TraceMeanField_ELBO()), torch.optim.Adam(twin.parameters(), lr=1e-2)
    start = run.evaluate_loss(x)
    for seed in range(20):
        torch.manual_seed(seed)
        run.step(x)
        torch.manual_seed(seed)
        loss = -elbo(twin.model, twin.guide, x).elbo.sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for a, b in zip(vae.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert run.evaluate_loss(x) < start


def test_two_models_do_not_meet_in_the_store():
    (one, x), (two, _) = model_and_data("vectors"), model_and_data("vectors", seed=1)
    three = copy.deepcopy(one)  # a copy is a model of its own
    first, second = svi(one, Trace_ELBO()), svi(two, Trace_ELBO())
    first.step(x)
    for run, vae, others in [(first, one, (two, three)), (second, two, (one, three)), (first, one, (two, three))]:
        kept = [parameter.detach().clone() for other in others for parameter in other.parameters()]
        assert changed(vae, lambda run=run: run.step(x))
        now = [parameter for other in others for parameter in other.parameters()]
        assert all(torch.equal(a, b) for a, b in zip(kept, now, strict=True))


def test_state_lives_in_the_module():
    """A cleared store, loaded weights and a model that is gone: the module is what counts."""
    vae, x = model_and_data("vectors")
    fresh = copy.deepcopy(vae.state_dict())
    step = svi(vae, Trace_ELBO()).step
    step(x)
    pyro.clear_param_store()
    assert changed(vae, partial(step, x))
    vae.load_state_dict(fresh)
    poutine.trace(vae.model).get_trace(x)
    assert all(torch.equal(a, b) for a, b in zip(vae.state_dict().values(), fresh.values(), strict=True))
    del vae, step
    gc.collect()
    other, _ = model_and_data("vectors", seed=5)
    before = copy.deepcopy(other.state_dict())
    poutine.trace(other.model).get_trace(x)
    assert all(torch.equal(a, b) for a, b in zip(other.state_dict().values(), before.values(), strict=True))
    assert changed(other, lambda: svi(other, Trace_ELBO()).step(x))


def test_names_that_a_user_gave_are_kept():
    vae, x = model_and_data("vectors")

    def model(x):
        pyro.module("mine", vae)
        return vae.model(x)

    assert changed(vae, lambda: SVI(model, vae.guide, pyro.optim.Adam({"lr": 0.01}), Trace_ELBO()).step(x))
    assert {name.split("$$$")[0] for name in pyro.get_param_store()} <= {"mine", "jetvae", "jetvae2", "jetvae3"}
    assert len(pyro.get_param_store()) <= 2 * len(list(vae.parameters()))


def test_frozen_parameters_stay():
    vae, x = model_and_data("vectors")
    vae.encoder.requires_grad_(False)
    assert {name.split(".")[0] for name in changed(vae, lambda: svi(vae, Trace_ELBO()).step(x))} == {"decoder"}


def test_our_own_traces_leave_the_store_alone():
    vae, x = model_and_data("vectors")
    elbo(vae.model, vae.guide, x)
    vae.guide(x)
    assert len(pyro.get_param_store()) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("auto", [AutoNormal, AutoDelta, AutoDiagonalNormal, AutoLowRankMultivariateNormal])
def test_autoguides_of_pyro(kind, auto):
    """A guide of Pyro's own over the model, each jet with its parameters: the loss falls, the decoder learns."""
    vae, x = model_and_data(kind)
    guide = auto(vae.model)
    run = SVI(vae.model, guide, pyro.optim.Adam({"lr": 1e-2}), Trace_ELBO())
    run.step(x)
    names = changed(vae, lambda: run.step(x))
    assert any(name.startswith("decoder") for name in names)
    assert Predictive(vae.model, guide=guide, num_samples=2)(x)["x"].shape == (2, *x.shape)


@pytest.mark.parametrize("kind", KINDS)
def test_graph_of_the_model(kind):
    vae, x = model_and_data(kind, "R2 x S1")
    found = get_model_relations(vae.model, (x,))
    assert found["sample_sample"] == {"z_R2": [], "z_S1": [], "x": ["z_R2", "z_S1"]}
    assert found["observed"] == ["x"]
    assert "z_R2" in pyro.render_model(vae.model, model_args=(x,), render_params=True, render_distributions=True).source


@pytest.mark.parametrize("kind", ["images", "vectors"])
@pytest.mark.parametrize("parallel", [False, True])
def test_jets_are_drawn(kind, parallel):
    """From prior and likelihood; of given latents, here those of a guide; in both cases with the right spread."""
    vae, x = model_and_data(kind)
    drawn = Predictive(vae.model, num_samples=40, parallel=parallel)(n=3)
    assert drawn["x"].shape == (40, 3, 9)
    assert len(drawn["x"].flatten(0, 1).unique(dim=0)) > 100
    z = Predictive(vae.guide, num_samples=4000)(x)
    again = Predictive(vae.model, posterior_samples=z)(n=len(x))["x"]
    assert again.shape == (4000, *x.shape)
    mean = vae.decode(vae.latent.features({"R2": z["z_R2"]})).mean
    error = (again - mean).std(0) / 4000**0.5
    assert ((again - mean).mean(0).abs() < 5 * error).all()
    assert Predictive(vae.model, num_samples=2)(x)["x"].equal(x.expand(2, *x.shape))  # given jets are given back


def test_images_are_drawn_at_the_resolution_of_each():
    vae, _ = model_and_data("images")
    with vae.at(torch.tensor([1.0, 0.1, 0.01])):
        x = Predictive(vae.model, num_samples=50)(n=3)["x"]
    counts = x * torch.tensor([1.0, 10.0, 100.0])[:, None]
    torch.testing.assert_close(x.sum(-1), torch.ones(50, 3))
    torch.testing.assert_close(counts, counts.round())


def test_what_cannot_be_drawn_says_so():
    vae, _ = model_and_data("clouds")
    with pytest.raises(UserError, match=r"scored, not drawn.*\.mean"):
        Predictive(vae.model, num_samples=2)(n=3)
    z = {label: factor.prior().sample((3,)) for label, factor in vae.latent.items}
    assert vae.decode(vae.latent.features(z)).mean.shape == (3, 5, 3)
    plain = build(ModelConfig(kind="ae", latent="R2"), inputs=9)
    with pytest.raises(UserError, match="no prior to draw"):
        plain.model(n=3)
