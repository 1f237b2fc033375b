"""A page, tables and numbers of a handful of jets, of one class, and with a class of which none is scored."""

import io

import numpy as np
import pytest
from rich.console import Console

import analysis
from analysis.evaluation.jet_scores import scores
from analysis.measures.information import describe, information
from analysis.measures.meaning import coordinate_kl, meaning
from analysis.measures.summary import summarise
from jets import Jets
from jetvae.tables import print_anomaly, print_meaning, print_summary


def some(sample, first, second):
    """So many jets of the first class and of the second."""
    numbers = [np.flatnonzero(sample.label == i)[:count] for i, count in enumerate((first, second))]
    return sample[np.concatenate(numbers)]


def printed(print_it, *what):
    """What is printed, in one line."""
    console = Console(file=io.StringIO(), width=200)
    print_it(*what, console)
    return " ".join(console.file.getvalue().split())


@pytest.mark.parametrize(("first", "second"), [(2, 2), (1, 1), (5, 0), (1, 0)])
def test_a_handful_of_jets(trained, sample, tmp_path, first, second):
    few = some(sample, first, second)
    tree = analysis.evaluate(trained, few)
    page = analysis.write_report(tree, tmp_path / "r.html").read_text()
    found = summarise(tree)
    said = printed(print_summary, found)
    assert "a correlation needs 100" in page
    assert "no correlation, each needs 100" in printed(print_meaning, meaning(tree).isel(sample=0), coordinate_kl(tree))
    assert describe(information(tree))
    if second:
        assert "Too few jets for more than a first look" in page
        assert f"Too few jets for more than a first look: {second} signal and {first} others" in said
        assert min(one["error"] for one in found["auc"].values()) > 0.1
        own = scores(trained, few, own=sample)
        assert "Too few jets" in printed(print_anomaly, own, sample.classes[1])
    else:
        assert "of one class" in page
        assert "are of one class, so that there is no AUC" in page
        assert f"{np.median(tree['scores']['score_value'].sel(score='elbo')):.4g}" in page


def test_a_class_without_scored_jets(trained, sample, tmp_path):
    """It is not the signal, has no row of its own, and keeps its place among the classes."""
    few = some(sample, 120, 120)
    more = Jets(few.constituents, few.label, (*few.classes, "none"))
    tree = analysis.evaluate(trained, more)
    assert analysis.write_report(tree, tmp_path / "r.html").exists()
    found = summarise(tree)
    assert found["signal"] == few.classes[1]
    assert found["classes"] == [*few.classes, "none"]
    assert f"signal {few.classes[1]} (the last class named), background {few.classes[0]}" in printed(
        print_summary, found
    )
    assert meaning(tree)["sample"].values.tolist() == ["all", *few.classes]


def test_jets_without_scores_are_counted(trained, sample, tmp_path):
    tree = analysis.evaluate(trained, some(sample, 120, 120))
    tree["scores"]["score_value"].loc[{"score": "kl"}][:7] = np.nan
    found = summarise(tree)
    assert found["unscored"] == {"kl": 7}
    assert np.isfinite(found["auc"]["kl"]["value"])
    assert "kl: 7 jets without a score (NaN) left out" in printed(print_summary, found)
    assert "no score (NaN): 7 jets by kl" in analysis.write_report(tree, tmp_path / "r.html").read_text()
