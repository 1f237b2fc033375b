"""On a CUDA device: the captured step gives the numbers of eager Pyro, and whole trainings run, resume and open."""

import dataclasses

import numpy as np
import pytest
import torch

import inference
import jets
from inference import scan
from inference.folder import WEIGHTS, load_tensors
from inference.grid import combinations, resume
from inference.program import CapturedProgram, make_program
from inference.recipe import ImageConfig, TrainingConfig, read
from inference.run import Run
from inference.step import State, make_step
from inference.training import train_many
from models import image_vae

from .test_program import GAMMA, LATENTS, RANGE, assert_same, copied, eager, setup, setup_clouds

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
SMALL = {"training.epochs": 2, "data.fraction": {"qcd": 0.1, "top": 0.1}, "training.device": "cuda"}


def on_cuda(parts):
    """Return model, step, state, data, rows and controls of ``setup`` on the device."""
    vae, _, _, *inputs = parts
    vae.cuda()
    make = (lambda x: x) if vae.config.clouds else (lambda x: x.flatten(1))
    return vae, make, State.of(vae), *(tensor.cuda() for tensor in inputs)


def stepped(program, state, *inputs, steps=3, seed=5):
    torch.manual_seed(seed)
    return torch.stack([program(*state.flat, *inputs) for _ in range(steps)])


def assert_captured_equals_eager(parts, *, compiled, tolerance=1e-9, **training):
    vae, make, state, *inputs = on_cuda(parts)
    step = make_step(vae, make, TrainingConfig(**training))
    mine, theirs, usual = copied(state), copied(state), torch.cuda.default_generators[0]
    shared = len(state.flat)
    program = make_program(step, [*mine.flat, *inputs], [usual], compiled=compiled, shared=shared)
    assert isinstance(program, CapturedProgram), program.reason
    first = stepped(program, mine, *inputs)
    plain = eager(step)
    plain.generators, plain.shared = [usual], shared
    assert_same(first, stepped(plain, theirs, *inputs), (mine, theirs), tolerance)
    assert first[:, 0].all()


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("latent", [latent for latent in LATENTS if latent not in GAMMA])
@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
def test_captured_equals_eager(latent, compiled):
    assert_captured_equals_eager(setup(latent), compiled=compiled)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("latent", ["R3", "S1"])
def test_captured_range_of_resolutions_equals_eager(latent):
    assert_captured_equals_eager(setup(latent, **RANGE), compiled=False, clip=RANGE["clip"])


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
def test_captured_clouds_equal_eager(compiled):
    assert_captured_equals_eager(setup_clouds("fused", 0), compiled=compiled, tolerance=2e-3)


@pytest.mark.parametrize("latent", GAMMA)
def test_draws_inside_the_graph_are_fresh_and_fair(latent):
    """Families whose draws stay in the graph: another loss each time, of the mean of eager ones within 4.5 errors."""
    vae, make, state, *inputs = on_cuda(setup(latent, batch=40))
    inputs[2][0] = 0.0  # learning rate: the weights stay
    step, usual = make_step(vae, make, TrainingConfig()), torch.cuda.default_generators[0]
    shared = len(state.flat)
    program = make_program(step, [*state.flat, *inputs], [usual], compiled=False, shared=shared)
    assert isinstance(program, CapturedProgram), program.reason
    captured = stepped(program, copied(state), *inputs, steps=200)[:, 1]
    plain = eager(step)
    plain.generators = [usual]
    alone = stepped(plain, copied(state), *inputs, steps=200, seed=6)[:, 1]
    assert len(captured.unique()) > 190
    error = (alone.var() / len(alone) + captured.var() / len(captured)).sqrt()
    assert abs(alone.mean() - captured.mean()) < 4.5 * error


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("latent", ["R3", "S1 x L2", "C3(posterior=relaxed)", "R1 | R2 x S1"])
def test_captured_replicas_equal_runs_alone(latent):
    parts = [on_cuda(setup(latent, seed)) for seed in range(3)]
    config, alone = TrainingConfig(), []
    for seed, (vae, make, state, *inputs) in enumerate(parts):
        own, generator = copied(state), torch.Generator("cuda").manual_seed(seed)
        plain = eager(make_step(vae, make, config))
        report = [plain.alone(generator, [*own.flat, *inputs]) for _ in range(3)]
        alone.append((torch.stack(report), own))
    vae, make, state, data, *_ = parts[0]
    joined = State.stacked([copied(part[2]) for part in parts])
    rows, controls = (torch.stack([part[i] for part in parts]) for i in (4, 5))
    generators = [torch.Generator("cuda").manual_seed(seed) for seed in range(3)]
    one = [*state.flat, data, rows[0], controls[0]]
    program = make_program(make_step(vae, make, config), one, generators, compiled=True, shared=len(state.flat))
    assert isinstance(program, CapturedProgram), program.reason
    reports = torch.stack([program(*joined.flat, data, rows, controls) for _ in range(3)])
    for r, (report, own) in enumerate(alone):
        assert_same(reports[:, r], report, (joined.replica(r), own), 1e-9)


def weights(run):
    return load_tensors(run.path / WEIGHTS)


def assert_identical(first, second):
    for name, value in weights(first).items():
        torch.testing.assert_close(value, weights(second)[name], rtol=0, atol=0)


@pytest.mark.parametrize("recipe", ["image-dvae", "image-gmvae"])
@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "compiled"])
def test_training_resumes_bit_for_bit(tmp_path, recipe, compiled):
    options = SMALL | {"training.compile": compiled}
    whole = inference.train(read(recipe, options | {"training.epochs": 4}), tmp_path / "whole")
    inference.train(read(recipe, options), tmp_path / "parts")
    (parts,) = resume(tmp_path / "parts", {"training.epochs": 4})
    assert_identical(whole, parts)
    assert len(parts.history) == 4
    assert whole.provenance["devices"] == parts.provenance["devices"] == [f"cuda ({torch.cuda.get_device_name()})"]


def test_gamma_draws_resume_bit_for_bit(tmp_path):
    """Draws that stay in the captured graph come from torch's own generator, which capturing does not move."""
    options = SMALL | {"model.latent": "D3"}
    whole = inference.train(read("image-dvae", options | {"training.epochs": 4}), tmp_path / "whole")
    inference.train(read("image-dvae", options), tmp_path / "parts")
    (parts,) = resume(tmp_path / "parts", {"training.epochs": 4})
    assert_identical(whole, parts)


def test_replicas_resume_bit_for_bit(tmp_path):
    for epochs, name in ((4, "whole"), (2, "parts")):
        recipes = combinations("image-dvae", SMALL | {"training.epochs": epochs}, seeds=2)
        scan.create(tmp_path / name, recipes)
        assert all(run.complete for run in scan.train(tmp_path / name))
    for second in resume(tmp_path / "parts", {"training.epochs": 4}):
        assert_identical(Run.open(tmp_path / "whole/L2-alpha=0.9" / second.path.name), second)


def test_streamed_equals_resident(tmp_path):
    """To the rounding of preprocessing, which streamed jets get on the CPU, after two epochs of Adam."""
    runs = [
        inference.train(read("image-dvae", SMALL | {"data.resident": resident}), tmp_path / str(resident))
        for resident in (True, False)
    ]
    for mine, theirs in zip(*(run.history for run in runs), strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-3)


@pytest.mark.parametrize("together", [False, True], ids=["alone", "replicas"])
def test_clouds_train(tmp_path, capfd, together):
    """The distance and its gradient run inside the captured step; losses fall, and the run opens on the CPU."""
    jets.save(tmp_path / "w.h5", jets.load("sample:w")[:2000])
    options = SMALL | {"data.files": (f"{tmp_path}/w.h5",), "data.fraction": {}, "training.epochs": 6}
    recipes = [read("jet-w", options | {"training.seed": seed}) for seed in range(1 + together)]
    runs = train_many(recipes, [tmp_path / f"r{seed}" for seed in range(1 + together)])
    assert not any(word in capfd.readouterr().err for word in ("traced", "eager"))
    for run in runs:
        assert run.history[-1]["loss"] < run.history[0]["loss"]
        assert next(run.vae.parameters()).device.type == "cpu"


def test_cuda_and_cpu_train_alike(tmp_path):
    """Not the same noise, but the same bound: mean validation loss of five seeds within 1 %."""
    found = {}
    for device in ("cpu", "cuda"):
        options = {"training.device": device, "training.epochs": 10, "data.fraction": {"qcd": 0.2, "top": 0.2}}
        recipes = combinations("image-dvae", options, seeds=5)
        scan.create(tmp_path / device, recipes)
        runs = scan.train(tmp_path / device)
        found[device] = np.mean([run.history[-1]["validation_loss"] for run in runs])
    assert found["cuda"] == pytest.approx(found["cpu"], rel=0.01)


def test_jets_that_are_bad_are_skipped(sample, tmp_path, capsys):
    bad = jets.Jets(sample.constituents.copy(), sample.label, sample.classes)
    bad.constituents[:3, 0] = (np.nan, 0, 0)
    torch.manual_seed(0)
    run = inference.fit(
        image_vae("L2"), bad, epochs=2, device="cuda", image=ImageConfig(steps=()), out=tmp_path / "run"
    )
    assert run.complete
    assert all(value.isfinite().all() for value in weights(run).values())


def test_weights_of_jets(sample, tmp_path):
    weighted = dataclasses.replace(sample, weights=np.linspace(0.5, 1.5, len(sample)))
    torch.manual_seed(0)
    run = inference.fit(image_vae("R2"), weighted, epochs=2, device="cuda", out=tmp_path / "run")
    assert run.complete
