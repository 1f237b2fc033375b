"""Scores turned by unlabelled jets alone."""

import numpy as np

from analysis.measures.orientation import Orientation
from analysis.measures.scores import Score, stacked


def test_orientation_looks_at_training_jets_only():
    random = np.random.default_rng(1)
    scores = {Score(kind, k): random.random(9) for kind in ("mixture", "ratio") for k in range(3)}
    training = {Score("mixture", k): np.full(5, share) for k, share in enumerate((0.6, 0.1, 0.3))}
    found = Orientation.of(training).oriented(scores)
    np.testing.assert_array_equal(found[Score("rare_mixture")], scores[Score("mixture", 1)])
    np.testing.assert_array_equal(found[Score("rare_ratio")], scores[Score("ratio", 1)])


def test_latents_turn_their_longer_tail_up():
    tail = np.r_[np.zeros(98), -3.0, -4.0]
    latent = Score("latent", coordinate="R1_0")
    np.testing.assert_array_equal(Orientation.of({latent: tail}).oriented({latent: tail})[latent], -tail)
    np.testing.assert_array_equal(Orientation.of({latent: -tail}).oriented({latent: tail})[latent], tail)


def test_labels_of_scores():
    table = {
        Score("elbo"): np.zeros(2),
        Score("mixture", 1): np.ones(2),
        Score("latent", coordinate="R4_0"): np.ones(2),
    }
    found = stacked(table)
    assert found["score"].values.tolist() == ["elbo", "mixture_1", "latent_R4_0"]
    assert found["kind"].values.tolist() == ["elbo", "mixture", "latent"]
    assert found["component"].values.tolist() == [-1, 1, -1]
