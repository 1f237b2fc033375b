"""Comparison of topologies: the tie rule, stacking, errors."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import minimize

from analysis.measures.topology import ORDER, describe, place, preference, rank, stacking_weights
from analysis.measures.trust import evidence, shift


def tree_of(means, *, scatter=0.0, seeds=2, jets=400, seed=0):
    """ln p(x) of each topology: a common part of each jet, its mean, and independent scatter."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(seeds, jets))
    values = [common + mean + scatter * random.normal(size=(seeds, jets)) for mean in means.values()]
    evidence = (("topology", "beta", "seed", "jet"), np.stack(values)[:, None])
    coordinates = {"topology": list(means), "beta": [0.1], "seed": np.arange(seeds)}
    label = np.tile(np.repeat(["a", "b"], jets // 2), (seeds, 1))
    return xr.DataTree.from_dict(
        {
            "sample_stats": xr.Dataset({"log_evidence": evidence, "elbo": evidence}, coordinates),
            "constant_data": xr.Dataset({"class_name": (("seed", "jet"), label)}),
        }
    )


@pytest.mark.parametrize(
    ("means", "chosen"),
    [
        ({"R2": 0.0, "S1": -0.02, "R1": -1.0}, "S1"),  # within delta: the lower dimension
        ({"R2": 0.0, "S1": -0.03, "R1": -1.0}, "R2"),  # beyond
        ({"R1": 0.01, "S1": 0.0}, "S1"),  # closed before open
        ({"T2": 0.0, "S2": -0.01, "R2": 0.01}, "S2"),
        ({"R1 x S1": 0.0, "R3": 0.02}, "R1 x S1"),  # the order of factors does not matter
        ({"R7": 0.0, "R8": 0.1}, "R8"),  # not in the order, and clearly better
    ],
)
def test_tie_rule(means, chosen):
    assert rank(tree_of(means)).attrs["chosen"] == chosen


def test_tie_band_grows_with_the_error():
    """Scatter 1 on 800 jets: sqrt(2/800) = 0.05 of a difference; 0.03 nat is then no difference, 0.5 is one."""
    ranking = rank(tree_of({"R2": 0.0, "S1": -0.03}, scatter=1.0))
    error = float(ranking["difference_error"].max())
    assert error == pytest.approx(0.05, rel=0.5)
    assert ranking.attrs["chosen"] == "S1"
    assert rank(tree_of({"R2": 0.0, "S1": -0.5}, scatter=1.0)).attrs["chosen"] == "R2"
    assert "<- chosen" in "\n".join(describe(ranking))


def test_seeds_widen_the_error():
    """Seeds that disagree by 1 nat say more than 400 jets that agree."""
    tree = tree_of({"R2": 0.0, "S1": 0.0})
    tree["sample_stats"]["log_evidence"].loc[{"topology": "S1", "seed": 1}] -= 1.0
    ranking = rank(tree)
    assert float(ranking["difference_error"].sel(topology="S1")) == pytest.approx(0.5)


@pytest.mark.parametrize(("khat", "reason"), [(np.nan, "no k-hat"), (0.9, "k-hat of R2 is above"), (0.5, "")])
def test_k_hat_of_the_candidates_must_be_known(khat, reason):
    tree = tree_of({"R2": 0.0, "S1": -1.0})
    tree["sample_stats"]["khat"] = xr.full_like(tree["sample_stats"]["elbo"], khat)
    ranking = rank(tree)
    assert reason in ranking.attrs["lacking"]
    assert ranking.attrs["chosen"] == ("" if reason else "R2")
    assert ranking.attrs["first"] == "R2"


@pytest.mark.parametrize(("moved", "chosen"), [(0.001, "R2"), (-0.02, ""), (0.02, ""), (np.nan, "")])
def test_evidence_that_has_settled_counts_whatever_its_k_hat(moved, chosen):
    """Settled: twice the draws move the mean ln p(x) by less than a quarter of delta, 0.025 nat."""
    tree = tree_of({"R2": 0.0, "S1": -1.0})
    tree["sample_stats"]["khat"] = xr.full_like(tree["sample_stats"]["elbo"], 0.9)
    tree["sample_stats"]["log_evidence_shift"] = xr.full_like(tree["sample_stats"]["elbo"], moved)
    ranking = rank(tree)
    assert ranking.attrs["chosen"] == chosen
    assert ("still grows with the draws (0.02 nat)" in ranking.attrs["lacking"]) == (abs(moved) == 0.02)
    assert ("settled" in "\n".join(describe(ranking))) == bool(chosen)


def test_half_of_the_draws_by_hand():
    log_weight = np.log(np.array([[1.0, 1.0, 3.0, 5.0], [2.0, 2.0, 2.0, 2.0]]))
    np.testing.assert_allclose(shift(log_weight), [np.log(2.5), 0.0], atol=1e-12)
    assert shift(np.zeros((3, 1))).tolist() == [0, 0, 0]
    found, error = evidence(np.full((3, 1), -2.0))
    assert found.tolist() == [-2, -2, -2]
    assert np.isnan(error).all(), "one draw says nothing of its error"


def test_several_betas_need_a_choice():
    tree = tree_of({"R1": 0.0, "S1": -1.0})
    stats = tree["sample_stats"].to_dataset()
    tree["sample_stats"] = xr.DataTree(xr.concat([stats, stats.assign_coords(beta=[0.2]) * -1.0], "beta"))
    with pytest.raises(ValueError, match=r"choose one of 0\.1, 0\.2"):
        rank(tree)
    assert rank(tree, beta=0.2).attrs["chosen"] == "S1"
    with pytest.raises(ValueError, match=r"evaluated at 0\.1, 0\.2"):
        rank(tree, beta=0.5)


def test_stacking_maximises_the_log_score():
    """Against scipy's optimiser on the softmax of free weights."""
    evidence = tree_of({"R1": 0.0, "S1": -0.2, "R2": -0.4}, scatter=1.0)["sample_stats"]["log_evidence"][:, 0]
    values = np.asarray(evidence).reshape(3, -1)

    def loss(free):
        weight = np.exp(free - free.max())
        return -np.log((weight / weight.sum()) @ np.exp(values - values.max(0))).mean()

    free = minimize(loss, np.zeros(3)).x
    expected = np.exp(free) / np.exp(free).sum()
    np.testing.assert_allclose(stacking_weights(evidence), expected, atol=2e-3)


def test_preference_by_class():
    tree = tree_of({"R1": 0.0, "S1": 0.0})
    evidence = tree["sample_stats"]["log_evidence"]
    evidence[1] += xr.where(tree["constant_data"]["class_name"] == "a", 1.0, -1.0)
    table = preference(tree)
    assert table.sel({"class": "a", "topology": "S1"}) == 1
    assert table.sel({"class": "b", "topology": "S1"}) == 0


def test_order():
    assert sorted(set(ORDER), key=place) == list(ORDER)


@pytest.mark.parametrize("gap", [np.nan, -np.inf])
def test_missing_evidence_loses(gap):
    """A candidate that is finite, and large, on one point of 800 neither wins nor disturbs the others' weights."""
    tree = tree_of({"R2": 0.0, "S1": -0.5, "R1": -5.0})
    whole = rank(tree)
    evidence = tree["sample_stats"]["log_evidence"]
    evidence[2] = gap
    evidence[2, 0, 0, 0] = 100.0
    found = rank(tree)
    assert found.attrs["best"] == found.attrs["first"] == "R2"
    assert not found["kept"].sel(topology="R1")
    assert found["missing"].sel(topology="R1") == 799
    assert found["topology"].values[-1] == "R1"
    np.testing.assert_allclose(found["weight"].sel(topology="R2"), whole["weight"].sel(topology="R2"), atol=1e-6)
    assert found.attrs["chosen"] == "", "on the point that both have it is ahead"
    assert "R1 lacks ln p(x) of 799 points" in describe(found)[-1]
    assert float(preference(tree).sel(topology="R1").sum()) < 0.01


def test_a_hopeless_candidate_does_not_keep_others_from_being_chosen():
    tree = tree_of({"R2": 0.0, "S1": -0.5, "R1": -5.0})
    tree["sample_stats"]["log_evidence"][2, :, 1] = np.nan  # its second seed is not there
    found = rank(tree)
    assert found.attrs["chosen"] == "R2"
    assert "lacks 400 points" in "\n".join(describe(found))


def test_nothing_finite_is_refused():
    tree = tree_of({"R2": 0.0, "S1": 0.0})
    tree["sample_stats"]["log_evidence"][:] = np.nan
    with pytest.raises(ValueError, match="nothing to rank"):
        rank(tree)


def with_stats(tree, **variables):
    tree["sample_stats"] = xr.DataTree(tree["sample_stats"].to_dataset().assign(variables))
    return tree


AXES = ("topology", "beta", "seed", "jet")


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        (tree_of({"R2": 0.0, "S1": -1.0}, seeds=1), "one seed only"),
        (
            with_stats(tree_of({"R2": 0.0, "S1": -1.0}), epochs=(AXES[:3], np.full((2, 1, 2), 2.0))),
            "no run of 2 epochs",
        ),
        (
            with_stats(tree_of({"R2": 0.0, "S1": -1.0}), khat=(AXES, np.full((2, 1, 2, 400), 0.9))),
            "k-hat of R2 is above",
        ),
        (xr.DataTree.from_dict(tree_of({"R2": 0.0, "S1": -1.0}).to_dict()), "2 of its runs are not complete"),
    ],
    ids=["seed", "epochs", "k-hat", "incomplete"],
)
def test_no_choice_without_evidence(tree, reason):
    if "complete" in reason:
        tree.attrs["incomplete"] = 2
    found = rank(tree)
    assert found.attrs["chosen"] == ""
    assert found.attrs["first"] == "R2"
    said = describe(found)
    assert reason in said[-1]
    assert said[-1].startswith("none chosen")
    assert not any("<- chosen" in line for line in said)


def test_restarts_stand_for_seeds():
    tree = tree_of({"R2": 0.0, "S1": -1.0}, seeds=1)
    tree.attrs["restarts"] = 1
    assert rank(tree).attrs["chosen"] == "R2"
