"""The default recipe on the embedded sample: the quality that the README states."""

import pytest

import analysis
import inference


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mixture_weight_tags_tops(seed, tmp_path):
    """AUC >= 0.89 on the held-out third (3,333 + 3,333 jets, error 0.004); label switching allowed."""
    run = inference.train(inference.read("image-dvae", {"training.seed": seed}), tmp_path / "run")
    auc = analysis.summarise(analysis.evaluate(run))["auc"]
    print({name: f"{estimate['value']:.4f} +- {estimate['error']:.4f}" for name, estimate in auc.items()})
    assert max(auc["mixture_0"]["value"], auc["mixture_1"]["value"]) >= 0.89
    assert auc["reconstruction"]["value"] >= 0.90
