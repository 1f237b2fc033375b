"""Readings that follow from the numbers."""

import numpy as np
import pytest
import xarray as xr

from analysis.report.inputs import Known
from analysis.report.page import Part, Section
from analysis.report.sections import dimension, topology, trust
from analysis.report.sections.convergence import fallen, trend
from analysis.report.words import plus_minus
from analysis.store import Missing


def test_topologies_are_ranked():
    """Of two seeds and 300 jets, where R2 gains nothing over S1 and R1 lacks half a nat."""
    noise = np.random.default_rng(0).normal(0, 0.3, (3, 1, 2, 300))
    evidence = noise + np.array([0.0, 0.005, -0.5])[:, None, None, None]
    axes = ("topology", "beta", "seed", "jet")
    values = {"log_evidence": (axes, evidence), "elbo": (axes, evidence - 0.1)}
    stats = xr.Dataset(values, {"topology": ["S1", "R2", "R1"], "beta": [0.1]})
    label = xr.Dataset({"class_name": (("seed", "jet"), np.full((2, 300), "w"))})
    scan = xr.DataTree.from_dict({"sample_stats": stats, "constant_data": label})
    known = Known("scan", {"scan": scan, "tree": xr.DataTree(), "runs": xr.Dataset()})
    known.tree.attrs["beta"] = 0.1
    part = topology.ranking(known)
    assert "S1 and R2 cannot be distinguished" in part.reading.replace("R2 and S1", "S1 and R2")
    assert part.reading.endswith("is S1.")
    assert part.reading.startswith("At β = 0.1 ")
    assert part.verdict.startswith("At β = 0.1 ")
    assert part.table.rows[part.table.best][0] == "S1"
    assert len(part.table.rows) == 3


def test_losses_of_two_resolutions_are_not_averaged():
    """R1 at beta 0.1 loses 1 and 3, at beta 1 it loses 10; S1 at beta 0.1 loses 1.5."""
    columns = {
        "latent": ["R1", "R1", "R1", "S1"],
        "setting": ["pixels, beta 0.1", "pixels, beta 0.1", "pixels, beta 1", "pixels, beta 0.1"],
        "loss": [1.0, 3.0, 10.0, 1.5],
        "complete": [True] * 4,
        "seed": [0, 1, 0, 0],
        "epochs": [9] * 4,
        "kl": [1.0] * 4,
    }
    table = xr.Dataset({name: ("run", column) for name, column in columns.items()})
    found = topology.bounds(table)
    assert found["R1", "pixels, beta 0.1"] == pytest.approx((2.0, 1.0))
    assert found["R1", "pixels, beta 1"][0] == 10
    assert [*found] == [("S1", "pixels, beta 0.1"), ("R1", "pixels, beta 0.1"), ("R1", "pixels, beta 1")]
    part = topology.league(Known("scan", {"runs": table}))
    assert "R1 (pixels, beta 0.1) 2.0 ± 1.0" in part.reading
    assert "R1 (pixels, beta 1) 10" in part.reading


def known_scan(evidence, latents):
    """Return what a page is made of: ln p(x) (topology, beta, seed, jet) of a scan of these latent spaces."""
    axes = ("topology", "beta", "seed", "jet")
    stats = xr.Dataset(dict.fromkeys(("log_evidence", "elbo"), (axes, evidence)), {"topology": latents})
    label = xr.Dataset({"class_name": (("seed", "jet"), np.full(evidence.shape[2:], "w"))})
    scan = xr.DataTree.from_dict({"sample_stats": stats.assign_coords(beta=[0.1]), "constant_data": label})
    known = Known("scan", {"scan": scan, "tree": xr.DataTree(), "runs": xr.Dataset()})
    known.tree.attrs["beta"] = 0.1
    return known


def test_a_scan_of_one_seed_chooses_nothing():
    evidence = np.zeros((2, 1, 1, 300)) + np.array([0.0, -1.0])[:, None, None, None]
    known = known_scan(evidence, ["S1", "R1"])
    part = topology.ranking(known)
    assert "none chosen: there is one seed only" in part.reading.lower()
    assert part.warning
    assert part.table.best is None


def test_the_best_may_be_trained_last():
    """The numbers hold every latent space, in whatever order they were trained."""
    evidence = np.random.default_rng(0).normal(0, 0.3, (2, 1, 2, 300)) + np.array([-1.0, 0.0])[:, None, None, None]
    known = known_scan(evidence, ["R1", "S1"])
    part = topology.ranking(known)
    assert part.table.rows[0][0] == "S1"
    assert set(part.numbers["topology"].values) == {"R1", "S1"}
    each = topology.comparison(known).table.rows
    assert each[0][:2] == ["S1", "0"]


@pytest.mark.parametrize("answer", [dimension.spectrum, trust.checks])
def test_a_plain_autoencoder_has_no_posterior(answer):
    with pytest.raises(Missing, match="a plain autoencoder has no"):
        answer(Known("ae", {"recipe": '[model]\nkind = "ae"', "tree": xr.DataTree()}))


@pytest.mark.parametrize(
    ("last", "falling"), [(0.0, False), (1.0, True)], ids=["a flat tail has converged", "a falling one has not"]
)
def test_convergence_is_computed(last, falling):
    noise = np.random.default_rng(0).normal(0, 0.02, 40)
    loss = np.linspace(1, 0, 40) * last * 4 + noise
    history = xr.Dataset(dict.fromkeys(("loss", "validation_loss"), ("epoch", loss)), {"epoch": range(40)})
    reading, found = trend(history)
    assert found == falling
    assert ("still falls" in reading) == falling
    assert f"{plus_minus(*fallen(loss[-10:]))} nat" in reading


def test_slope_against_polyfit():
    tail = np.random.default_rng(1).normal(size=12)
    (slope, _), covariance = np.polyfit(np.arange(12), tail, 1, cov=True)
    np.testing.assert_allclose(fallen(tail), (-11 * slope, 11 * covariance[0, 0] ** 0.5), rtol=1e-10)


def known_manifolds(latent):
    """Ten jets of two classes on two manifolds, and their shares at three scales."""
    points = xr.Dataset(
        {"point": (("jet", "coordinate"), np.array([[0.9, 0.1]] * 5 + [[0.2, 0.8]] * 5))},
        {
            "coordinate": ["M2_0", "M2_1"],
            "factor": ("coordinate", ["M2", "M2"]),
            "kind": ("coordinate", ["category", "category"]),
        },
    )
    known = xr.Dataset({"class_name": ("jet", ["qcd"] * 5 + ["top"] * 5)})
    tree = xr.DataTree.from_dict({"guide_params": points, "constant_data": known})
    tree.attrs |= {"beta": 0.1, "classes": ["qcd", "top"]}
    first = np.array([[0.9, 0.8, 0.7], [0.9, 0.2, 0.1]])
    curves = xr.Dataset(
        {"category_share": (("class", "beta", "category"), np.stack([first, 1 - first], -1))},
        {"class": ["qcd", "top"], "beta": [0.05, 0.1, 0.2], "category": ["M2_0", "M2_1"]},
        {"scale": 600.0, "unit": "GeV"},
    )
    return Known("run", {"tree": tree, "dimension": curves, "recipe": f'[model]\nlatent = "{latent}"'})


def test_the_manifolds_of_each_class_at_each_scale():
    part = topology.manifolds(known_manifolds("R1 | S1"))
    assert part.reading.startswith("At beta = 0.1, 90 % of qcd lie on R1 and 80 % of top lie on S1.")
    assert part.reading.endswith("qcd: R1 from 30 to 120 GeV; top: R1 at 30 GeV and S1 from 60 to 120 GeV.")
    assert part.table.rows[1] == ["top", "20.0 %", "80.0 %"]
    assert [axes.get_title() for axes in part.figure.axes] == ["QCD", "top"]
    np.testing.assert_allclose(part.figure.axes[1].lines[1].get_ydata(), [0.1, 0.8, 0.9])


def test_manifolds_without_scales_or_names():
    known = known_manifolds("R4 x (R1 | S1)")
    known.sources["dimension"] = Missing("not measured")
    part = topology.manifolds(known)
    assert part.figure is None
    assert part.table.head == ["class", "M2_0", "M2_1"]
    assert part.reading == "At beta = 0.1, 90 % of qcd lie on M2_0 and 80 % of top lie on M2_1."


def test_the_answer_in_short():
    said = Part("a", "It is so. And more.")
    assert said.short == "It is so."
    assert Part("a", "It is so.", verdict="Yes.").short == "Yes."
    assert Part("a", "", missing="no range; train one").short == "Not known: no range"
    assert Part("a", "").short == ""
    parts = [Part("first", "", missing="nothing"), said, Part("last", "Long.", verdict="Short.", warning=True)]
    assert Section("s", "?", parts).verdict == "Short."
    assert Section("s", "?", parts[:2]).verdict == "It is so."
    assert Section("s", "?", parts[:1]).verdict == "Not known: nothing"
    assert Section("s", "?", []).verdict == ""
    assert Section("s", "?", parts).warns
    assert not Section("s", "?", parts[:2]).warns
