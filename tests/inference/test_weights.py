"""Weighted losses against repeated and cancelled jets; splits by event."""

import numpy as np
import pytest
import torch

import inference
import jets
from inference.events import parted_by_event
from inference.history import History
from inference.lower_bound import elbo
from inference.objective import Controls, loss
from inference.program import Eager, has_compiler, make_program
from inference.recipe import DataConfig, RecipeError, TrainingConfig
from inference.replicas import common_plan
from inference.splits import split
from inference.step import State, make_step
from inference.training import train_many
from inference.weighting import assert_no_part_cancels, normalised
from models import ModelConfig, build

LR = 1e-3
CONTROLS = (LR, 0.5, 1.0, 0.0)


@pytest.fixture(autouse=True)
def double():
    """Make models and data of this file in float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def model(latent="C3", beta=0.5, **changes):
    torch.manual_seed(0)
    config = {"inputs": 6, "latent": latent, "encoder": (16,), "decoder": (16,), "likelihood": "normal", "beta": beta}
    return build(ModelConfig(**config | {"batch_norm": False} | changes), 0)


DATA = torch.randn(9, 2, 3, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def flattened(constituents):
    return constituents.flatten(1)


def stepped(rows, weights=None, vae=None, **training):
    """Return report and gradient (Adam's first moment after one step) of a step on these jets."""
    vae = vae or model()
    step, state = make_step(vae, flattened, TrainingConfig(**training)), State.of(vae)
    inputs = [DATA, torch.tensor(rows), torch.tensor(CONTROLS)]
    inputs += [] if weights is None else [torch.tensor(weights)]
    torch.manual_seed(3)
    return step(*state.flat, *inputs), state.first


TRAININGS = [{}, {"free_bits": 0.05}, {"capacity": 0.3}, {"clip": 0.01}]


@pytest.mark.parametrize("training", TRAININGS, ids=str)
@pytest.mark.parametrize("kind", ["vae", "ae"])
def test_weights_are_repeated_jets(kind, training):
    """Weights 2, 1, 0: the gradient of the first jet twice, the second once. Neither model draws anything."""
    latent = "C3" if kind == "vae" else "R2"
    mine = stepped([0, 1, 2], [2.0, 1.0, 0.0], model(latent, kind=kind), **training)
    theirs = stepped([0, 0, 1], None, model(latent, kind=kind), **training)
    torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-13)
    assert max(float(g.abs().max()) for g in mine[1]) > 1e-6
    assert not torch.allclose(mine[0], stepped([0, 1, 2], None, model(latent, kind=kind), **training)[0])


def test_jets_of_opposite_weight_cancel():
    """A jet with weight 1 beside itself with weight -1 is no jet: two of four count, each twice."""
    mine = stepped([0, 5, 5, 1], [2.0, 2.0, -2.0, 2.0])
    theirs = stepped([0, 1])
    torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("latent", ["R3", "S1", "D3", "R1 | R2 x S1", "G2:3"])
def test_the_loss_is_the_weighted_mean_by_hand(latent):
    vae, x, weight = model(latent), DATA.flatten(1), torch.tensor([2.0, -0.5, 1.5, 0.0, 1.0, 3.0, 0.2, 0.8, 1.0])
    controls = Controls(*torch.tensor(CONTROLS))
    torch.manual_seed(4)
    with vae.at(0.5):
        value, _ = loss(vae, x, controls, TrainingConfig(), weight)
        torch.manual_seed(4)
        by_hand = -(weight.detach() @ elbo(vae.model, vae.guide, x).elbo) / 9
    torch.testing.assert_close(value, by_hand, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("training", [{"objective": "iwae", "particles": 3}, {"range": True}], ids=str)
def test_other_losses_with_weights_of_one_are_those_without(training):
    """And with weights of which the last is zero they do not depend on the last jet."""
    rest = dict(training)
    beta = (0.1, 2.0) if rest.pop("range", False) else 0.5
    rows = list(range(9))
    one = stepped(rows, [1.0] * 9, model("R2", beta=beta), **rest)
    torch.testing.assert_close(one, stepped(rows, None, model("R2", beta=beta), **rest), rtol=1e-12, atol=1e-14)
    none = [1.0] * 8 + [0.0]
    first = stepped(rows, none, model("R2", beta=beta), **rest)
    second = stepped([*rows[:8], 0], none, model("R2", beta=beta), **rest)
    torch.testing.assert_close(first, second, rtol=1e-12, atol=1e-14)
    assert not torch.allclose(first[0], one[0])


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("replicas", [1, 2])
def test_programs_take_weights_as_one_more_input(replicas, compiled):
    if compiled and not has_compiler():
        pytest.skip("no C++ compiler")
    vae = model("R2")
    step, state = make_step(vae, flattened, TrainingConfig()), State.of(vae)
    own = [torch.tensor([0, 1, 2]), torch.tensor(CONTROLS), torch.tensor([2.0, -1.0, 1.5])]
    one = [*state.flat, DATA, *own]
    generators = [torch.Generator().manual_seed(5) for _ in range(replicas)]
    program = make_program(step, one, generators, compiled=compiled, shared=len(state.flat))
    assert not program.reason
    joined = State.stacked([state] * replicas)
    inputs = [torch.stack([each] * replicas) for each in own]
    mine = joined if replicas > 1 else joined.replica(0)
    report = program(*mine.flat, DATA, *(inputs if replicas > 1 else own))
    fresh = State.of(model("R2"))
    torch.manual_seed(5)
    expected = Eager(step, [torch.default_generator], 0, "")(*fresh.flat, DATA, *own)
    torch.testing.assert_close(report if replicas == 1 else report[1], expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(joined.replica(replicas - 1).first, fresh.first, rtol=1e-9, atol=1e-9)


def test_the_history_divides_by_the_weights_of_its_jets():
    """Steps whose jets weigh .5 and 1 on average, and a skipped one: (1 + 4) / 1.5, not 5 / 2."""
    report = torch.tensor([[1.0, 1.5, 1.0, 0.5], [0.0, 9.0, 9.0, 9.0], [1.0, 4.5, 4.0, 0.5]])
    row = History(["R1"]).add_steps(report, torch.ones(3, 4), torch.tensor([0.5, 7.0, 1.0]))
    assert row["reconstruction"] == pytest.approx(5 / 1.5)
    assert row["kl_R1"] == pytest.approx(1 / 1.5)
    assert (row["lr"], row["skipped"]) == (1, 1)


def test_parts_whose_weights_cancel_are_refused():
    weights = np.array([1.0, 3.0, -1.0, 1.0])
    np.testing.assert_allclose(normalised(weights * 1e50, np.array([0, 1])), [0.5, 1.5, -0.5, 0.5])
    with pytest.raises(RecipeError, match="2 jets sum to 0: there is no mean"):
        normalised(weights, np.array([0, 2]))
    with pytest.raises(RecipeError, match=r"validation part: .*1 jets sum to -1"):
        assert_no_part_cancels({"train": 2.0, "validation": -1.0}, {"train": {"a": 2}, "validation": {"a": 1}})
    with pytest.raises(RecipeError, match=r"training part: .*2 jets sum to 0"):
        assert_no_part_cancels({"train": 0.0}, {"train": {"a": 1, "b": 1}})
    assert_no_part_cancels({"test": 0.0}, {"test": {"a": 0}})


def sample(events, label=None):
    n = len(events)
    constituents = np.tile(np.array([[[500.0, 0.0, 0.0]]], np.float32), (n, 1, 1))
    label = np.arange(n) % 2 if label is None else label
    return jets.Jets(constituents, label, ("a", "b"), events=events)


def test_events_are_never_parted():
    """Of 1 to 4 jets of either class each; whatever the order of the jets."""
    random = np.random.default_rng(0)
    events = np.repeat(random.permutation(10**12 + np.arange(500)), random.integers(1, 5, 500))
    jets_of = sample(events, random.integers(0, 2, len(events)))
    config = DataConfig(fraction={"b": 0.5})
    parts = split(jets_of, config, 3)
    sides = [set(events[part]) for part in (parts.train, parts.validation, parts.test)]
    assert not sides[0] & sides[1]
    assert not (sides[0] | sides[1]) & sides[2]
    assert len(parts.test) == pytest.approx(len(events) / 3, rel=0.1)
    assert np.mean(jets_of.label[parts.train]) == pytest.approx(1 / 3, abs=0.05)  # half of one of two equal classes
    order = random.permutation(len(events))
    assert set(events[order][split(jets_of[order], config, 3).test]) == sides[2]
    assert set(events[split(jets_of, config, 4).test]) != sides[2]


def test_jets_of_different_events_are_split_as_jets_without_numbers():
    numbered, bare = sample(np.arange(200) * 7), sample(np.arange(200)).with_(events=None)
    mine, theirs = (split(each, DataConfig(), 5) for each in (numbered, bare))
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))


def test_parts_by_hand():
    def halves(index, number):
        return np.split(index[::-1], [len(index) // 2])

    parts = parted_by_event(np.array([1, 0, 1, 1, 1]), np.array([5, 5, 3, 9, 3]), 2, halves)
    assert [[part.tolist() for part in each] for each in parts] == [[[], [1]], [[3], [0, 2, 4]]]


POINTS = np.random.default_rng(1).normal(size=(240, 6)).astype(np.float32)
LABEL = np.arange(240) % 3 // 2


def points(weights=None, events=None):
    return jets.Jets(POINTS, LABEL, ("a", "b"), weights=weights, events=events)


def trained(sample, out, latent="R2", **changes):
    """Train full batches: nothing then depends on the order of the jets."""
    torch.set_default_dtype(torch.float32)
    vae = model(latent, kind="ae") if latent == "R2" else model(latent)
    data = changes.pop("data", DataConfig())
    options = {"epochs": 5, "batch_size": 240, "compile": False, "checkpoint_seconds": 60} | changes
    return inference.fit(vae, sample, out=out, data=data, **options)


LOSSES = ("loss", "reconstruction", "kl", "validation_loss")


def test_weights_of_zero_leave_a_class_out(tmp_path):
    """Jets of b weigh nothing: history and weights are those of a training without jets of b."""
    weights = np.where(LABEL == 0, 2.5e-4, 0.0)
    mine = trained(points(weights), tmp_path / "mine")
    theirs = trained(points(), tmp_path / "theirs", data=DataConfig(fraction={"b": 0.0}))
    for row, other in zip(mine.history, theirs.history, strict=True):
        assert {name: row[name] for name in LOSSES} == pytest.approx({name: other[name] for name in LOSSES}, rel=1e-4)
    assert mine.history[-1]["loss"] < 0.99 * mine.history[0]["loss"]
    torch.testing.assert_close(mine.vae.state_dict(), theirs.vae.state_dict(), rtol=1e-3, atol=1e-5)


def test_jets_that_cancel_are_as_if_they_were_not(tmp_path):
    """Each jet of b has weight 1, then a copy of it in the same event weight -1."""
    twice = jets.concatenate([points(np.ones(240), np.arange(240)), points(-np.ones(240), np.arange(240))[LABEL == 1]])
    mine = trained(twice, tmp_path / "mine", batch_size=1000)
    theirs = trained(points(), tmp_path / "theirs", data=DataConfig(fraction={"b": 0.0}))
    for row, other in zip(mine.history, theirs.history, strict=True):
        assert {name: row[name] for name in LOSSES} == pytest.approx({name: other[name] for name in LOSSES}, rel=1e-4)


def test_equal_weights_are_none_and_batch_normalisation_is_named(tmp_path, capsys):
    one, other = (trained(points(w), tmp_path / str(w is None), "R3", batch_size=50) for w in (np.full(240, 7.0), None))
    assert one.history[-1]["loss"] == pytest.approx(other.history[-1]["loss"], rel=1e-5)
    assert "batch normalisation" not in capsys.readouterr().err
    torch.set_default_dtype(torch.float32)
    inference.fit(model(batch_norm=True), points(np.ones(240)), out=tmp_path / "bn", epochs=1, compile=False)
    assert "batch normalisation counts each jet once" in capsys.readouterr().err


def test_parts_that_cancel_leave_no_folder(tmp_path):
    weights = np.ones(240)
    weights[split(points(), DataConfig(), 0).test] = -0.5
    with pytest.raises(RecipeError, match="test part: the weights of 80 jets sum to -40"):
        trained(points(weights), tmp_path / "run")
    with pytest.raises(RecipeError, match="no jet of 240, of 1 events, is held out"):
        trained(points(events=np.zeros(240, int)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_replicas_with_weights_and_events_get_what_they_get_alone(tmp_path):
    torch.set_default_dtype(torch.float32)
    weights, events = np.random.default_rng(2).normal(1, 1, 240), np.arange(240) // 2
    constituents = np.zeros((240, 2, 3), np.float32)
    constituents[:, :, 0], constituents[..., 1:] = 100.0, POINTS[:, :4].reshape(240, 2, 2) * 0.1
    path = jets.save(tmp_path / "f.h5", jets.Jets(constituents, LABEL, ("a", "b"), weights=weights, events=events))
    options = {"data.files": [str(path)], "training.epochs": 2, "training.batch_size": 50, "training.compile": False}
    recipes = [inference.read("image-dvae", options | {"training.seed": seed}) for seed in range(2)]
    together = train_many(recipes, [tmp_path / f"together{seed}" for seed in range(2)])
    for seed, run in enumerate(together):
        (alone,) = train_many([recipes[seed]], [tmp_path / f"alone{seed}"])
        assert run.history[-1]["loss"] == pytest.approx(alone.history[-1]["loss"], rel=1e-4)
        assert run.history[-1]["validation_loss"] == pytest.approx(alone.history[-1]["validation_loss"], rel=1e-4)


def test_replicas_have_one_number_of_steps():
    assert common_plan([205, 249], TrainingConfig(batch_size=50)) == (50, 4)
    with pytest.raises(RecipeError, match="epochs of 4 and 5 steps; train one at a time: --together 1"):
        common_plan([205, 251], TrainingConfig(batch_size=50))
