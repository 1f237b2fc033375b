"""One roomy latent space, of which a model uses a part, is exactly that part."""

import numpy as np
import pyro
import pytest
import torch
from pyro.infer import TraceMeanField_ELBO

from inference.lower_bound import elbo
from inference.program import Program
from inference.race import Budget, race, small_vae
from inference.recipe import TrainingConfig
from inference.slots import ROOM, slots
from inference.step import State, make_step
from priors import parse

SHARED = Budget(shared=True, compiled=False, starts=2, together=2, heat=20, final=150)


@pytest.mark.parametrize("latent", ["R1", "S1", "S2", "T2 x S2 x R8", "S1 x R1 x S1", "R2 x S1"])
def test_sizes_are_those_of_the_smaller_space(latent):
    room, own = slots(latent), parse(latent)
    assert room.host == ROOM
    assert (int(room.head.sum()), int(room.features.sum())) == (own.outputs, own.features_size)
    host = parse(room.host)
    assert (len(room.head), len(room.features)) == (host.outputs, host.features_size)


@pytest.mark.parametrize("latent", ["R9", "T3", "S2 x S2", "S3", "S1(concentration=2)", "S2(posterior=vmf)", "R1 | R2"])
def test_what_has_no_room_is_its_own_host(latent):
    room = slots(latent)
    assert room.host == str(parse(latent))
    assert bool(room.head.all())
    assert bool(room.features.all())


def test_what_is_off_costs_nothing_is_not_seen_and_does_not_move():
    """KL, decoded points and gradients of R1 x S1 in the roomy space."""
    pyro.set_rng_seed(0)
    vae, x = small_vae("S1 x R1", 3, SHARED), torch.randn(50, 8)
    kl = elbo(vae.model, vae.guide, x).kl
    on = {name: [bool((column.abs() > 1e-4).any()) for column in values.T] for name, values in kl.items()}
    assert on == {"z_R8": [True] + 7 * [False], "z_T2": [True, False], "z_S2": [False]}
    features = torch.randn(5, vae.latent.features_size)
    other = torch.where(slots("S1 x R1").features > 0, features, torch.randn_like(features))
    assert torch.equal(vae.generate(features), vae.generate(other))
    TraceMeanField_ELBO().differentiable_loss(vae.model, vae.guide, x).backward()
    skip = vae.encoder.skip.weight.grad
    assert bool((skip[slots("S1 x R1").head == 0] == 0).all())
    assert bool((skip[slots("S1 x R1").head == 1] != 0).any())


def test_the_decoder_starts_as_if_there_were_no_others():
    """The first layer's spread is that of a layer of so many inputs."""
    pyro.set_rng_seed(0)
    shared, own = small_vae("S1 x R1", 3, SHARED), small_vae("S1 x R1", 3, Budget(compiled=False))
    used = slots("S1 x R1").features > 0
    layers = [next(m for m in vae.decoder.modules() if isinstance(m, torch.nn.Linear)) for vae in (shared, own)]
    first = [layer.weight.detach() for layer in layers]
    assert float(first[0][:, used].std() / first[1].std()) == pytest.approx(1, abs=0.15)


def test_one_step_serves_every_space():
    """The program of one space takes the step that another space would take alone."""
    config = TrainingConfig(adam_betas=(0.9, 0.99), clip=1.0)
    x, rows, controls = torch.randn(16, 8), torch.arange(16), torch.tensor([1e-2, 1.0, 1.0, 0.0])
    reports, weights = [], []
    for traced in ("S2", "S1 x R1"):
        pyro.set_rng_seed(1)
        template, vae = small_vae(traced, 3, SHARED), small_vae("S1 x R1", 3, SHARED)
        pyro.set_rng_seed(1)
        vae = small_vae("S1 x R1", 3, SHARED)
        state = State.of(vae)
        step = make_step(template, lambda values: values, config)
        example = [*State.of(template).flat, x, rows, controls]
        program = Program(step, example, [torch.Generator().manual_seed(3)], compiled=False, shared=len(state.flat))
        reports.append(program(*state.flat, x, rows, controls))
        weights.append(torch.cat([values.flatten() for values in state.parameters]))
    assert torch.equal(*reports)
    assert torch.equal(*weights)


def test_a_shared_race_describes_a_line():
    """In the room of all it finds what the space alone finds."""
    random = np.random.default_rng(0)
    points = np.outer(random.normal(size=600), [3.0, 4.0, 0.0]) + 0.05 * random.normal(size=(600, 3))
    found = race(points[:450], "R1", 1.0, budget=SHARED).log_weights(points[450:], 50)
    exact = -1.5 * np.log(2 * np.pi) - 0.5 * np.log(26) - (points[450:] @ [0.6, 0.8, 0]) ** 2 / 52
    away = np.logaddexp.reduce(found, 0) - np.log(50) - exact
    assert abs(away.mean()) < 0.15
