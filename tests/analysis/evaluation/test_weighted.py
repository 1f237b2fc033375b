"""Jets with weights of both signs and event numbers, from the fit to the tables."""

import numpy as np
import pytest
import torch

import inference
import jets
import models
from analysis.evaluation.facts import constant_data
from analysis.evaluation.jet_scores import scores
from analysis.evaluation.tree import evaluate, evaluated
from analysis.measures.summary import summarise
from analysis.report.run_page import write_report
from inference.entry import NOT_WEIGHTED, SAID


@pytest.fixture(scope="module")
def weighted(sample):
    random = np.random.default_rng(0)
    some = sample[np.r_[0:400, 600:1000]]
    weights = random.exponential(1e-3, 800) * np.where(random.random(800) < 0.22, -1, 1)
    events = np.repeat(np.arange(400), 2)[random.permutation(800)]
    return jets.Jets(some.constituents, some.label, some.classes, some.jet, weights=weights, events=events)


@pytest.fixture(scope="module")
def run(weighted, tmp_path_factory):
    torch.manual_seed(0)
    vae = models.image_vae("L2(alpha=.9)", beta=0.1)
    return inference.fit(vae, weighted, epochs=1, out=tmp_path_factory.mktemp("weighted") / "run")


def test_weights_reach_the_tables(run, weighted, tmp_path, capsys):
    SAID.clear()
    tree, test = evaluated(run, None), weighted[run.split.test]
    np.testing.assert_array_equal(tree["constant_data"]["weight"], test.weights)
    np.testing.assert_array_equal(tree["constant_data"]["event"], test.events)
    assert not set(test.events) & set(weighted[run.split.train].events)
    elbo, found = np.asarray(tree["sample_stats"]["elbo"], float), summarise(tree)
    assert found["elbo"] == pytest.approx(test.weights @ elbo / test.weights.sum(), rel=1e-6)
    top = test.label == 1
    order = (elbo[~top] > elbo[top][:, None]) + 0.5 * (elbo[~top] == elbo[top][:, None])  # the score is minus the ELBO
    expected = test.weights[top] @ order @ test.weights[~top] / (test.weights[top].sum() * test.weights[~top].sum())
    assert found["auc"]["elbo"]["value"] == pytest.approx(expected, abs=1e-9)
    np.testing.assert_array_equal(scores(run, test, image_alone=False)["score_value"]["weight"], test.weights)
    assert capsys.readouterr().err.count(NOT_WEIGHTED) == 1
    SAID.clear()
    evaluated(run, None)
    assert NOT_WEIGHTED in capsys.readouterr().err
    page = write_report(tree, tmp_path / "page.html").read_text()
    assert "Jets count with their event weights." in page
    assert "count each jet once" in page


def test_weights_that_cancel_leave_a_report(run, weighted):
    """Of other jets, where those of one class cancel: no AUC, and the means are not given."""
    flipped = np.where(weighted.label == 1, np.tile([1.0, -1.0], 400), 1.0)
    tree = evaluate(run, weighted.with_(weights=flipped, events=None)[::5], draws=1, pairs=0)
    assert np.isnan(summarise(tree)["auc"]["elbo"]["value"])


def test_a_column_called_weight_is_none(sample):
    some = jets.Jets(sample.constituents[:5], sample.label[:5], sample.classes, truth={"weight": np.ones(5)})
    found = constant_data(some)
    assert "weight" not in found
    np.testing.assert_array_equal(found["truth_weight"], np.ones(5))
