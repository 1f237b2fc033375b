"""The default recipe on the embedded sample: the quality that the README states."""

import pytest

import analysis
import inference
from inference.training import train_many


@pytest.mark.slow
def test_mixture_weight_tags_tops(tmp_path):
    """Three seeds: AUC >= 0.89 on the held-out third (3,333 + 3,333 jets, error 0.004); label switching allowed."""
    recipes = [inference.read("image-dvae", {"training.seed": seed}) for seed in range(3)]
    for run in train_many(recipes, [tmp_path / f"seed{seed}" for seed in range(3)]):
        auc = analysis.summarise(analysis.evaluate(run, draws=1))["auc"]
        print({name: f"{estimate['value']:.4f} +- {estimate['error']:.4f}" for name, estimate in auc.items()})
        assert max(auc["mixture_0"]["value"], auc["mixture_1"]["value"]) >= 0.89
        assert auc["reconstruction"]["value"] >= 0.90
