"""The network that is told: its angles turn with the jet, and it learns what is a function of the jet."""

import numpy as np
import pytest
import torch

import inference
from analysis.evaluation import ceiling
from inference.recipe import read
from jets.preprocess import turned


def test_guessed_angles_turn_with_the_jet():
    torch.manual_seed(0)
    guess, angle = ceiling.Guess([0, 1, 2]), torch.full((5,), 2.0)
    x = torch.cat([torch.rand(5, 8, 1).softmax(1), 0.3 * torch.randn(5, 8, 2)], -1)
    before, after = (torch.view_as_complex(guess(jets).contiguous()) for jets in (x, turned(x, angle)))
    expected = before * torch.exp(2j * torch.tensor([0.0, 1.0, 2.0]))
    torch.testing.assert_close(after, expected, rtol=1e-3, atol=1e-4)


def test_targets_are_scores_and_unit_vectors():
    truth = np.array([[1.0, 0.5], [4.0, np.pi], [9.0, 0.0], [np.nan, 1.0]])
    score, angle = ceiling.targets(truth, [0, 1]).unbind(1)
    expected = torch.distributions.Normal(0, 1).icdf(torch.tensor([1 / 6, 3 / 6, 5 / 6]))
    torch.testing.assert_close(score[:3, 0], expected)
    assert score[3].isnan().all()
    torch.testing.assert_close(angle.norm(dim=1), torch.ones(4))


@pytest.mark.parametrize(("guess", "expected"), [(3.0, 1.0), (-3.0, -1.0)])
def test_agreement_leaves_out_what_is_not_known(guess, expected):
    truth = np.array([1.0, 2.0, 3.0, np.nan])
    assert ceiling.agreement(guess * np.stack([truth, truth], 1), truth, 0) == pytest.approx(expected)
    assert np.isnan(ceiling.agreement(np.ones((4, 2)), np.full(4, np.nan), 0))


def test_what_is_seen_is_learnt(tmp_path, monkeypatch):
    """The width is a function of the constituents; so few jets and epochs reach 0.9."""
    for kind in ("OF_JETS", "OF_POINTS"):
        monkeypatch.setattr(ceiling, kind, getattr(ceiling, kind)._replace(epochs=6))
    run = inference.train(read("jet-w", {"training.epochs": 1}), tmp_path / "run")
    found = ceiling.ceiling(run)
    assert float(found.sel(observable="width")) > 0.9
    assert float(found.sel(observable="true axis")) > 0.6
    latents = ceiling.points_of(run, None)
    torch.testing.assert_close(latents.std(0), torch.ones(latents.shape[1]), rtol=1e-3, atol=1e-3)
    seen = np.asarray(ceiling.seen_in(run.jets).sel(observable="width"), np.float32)
    # Of two branches no correlation knows; a network does.
    branches = torch.as_tensor(np.abs(seen - np.median(seen)) / seen.std())[:, None]
    monkeypatch.setattr(ceiling, "points_of", lambda *_: torch.cat([torch.as_tensor(seen)[:, None] * 20, branches], -1))
    assert float(ceiling.read_out(run).sel(observable="width")) > 0.9
