"""Comparison of topologies: the tie rule, stacking, errors; a scan and a league on points that are known."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from analysis.evaluation import league
from analysis.store import open_tree
from analysis.measures.topology import ORDER, describe, place, preference, rank, stacking_weights
from inference.errors import exit_code
from inference.race import Budget


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


def test_several_betas_need_a_choice():
    tree = tree_of({"R1": 0.0, "S1": -1.0})
    stats = tree["sample_stats"].to_dataset()
    tree["sample_stats"] = xr.DataTree(xr.concat([stats, stats.assign_coords(beta=[0.2]) * -1.0], "beta"))
    with pytest.raises(ValueError, match=r"choose one of 0\.1, 0\.2"):
        rank(tree)
    assert rank(tree, beta=0.2).attrs["chosen"] == "S1"


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


QUICK = Budget(starts=2, together=2, heat=30, final=200, compiled=False)


def test_league_on_a_file(tmp_path, capsys, monkeypatch):
    """A short race in R^3: the line cuts the circle and pays about a tenth of a nat; the circle is named."""
    random = np.random.default_rng(0)
    angle = random.uniform(-np.pi, np.pi, 800)
    points = np.stack([np.cos(angle), np.sin(angle), 0.3 * np.cos(2 * angle)], 1) * 5 + 100
    source, out = tmp_path / "points.npy", tmp_path / "league.nc"
    np.save(source, points + 0.1 * random.normal(size=points.shape))
    monkeypatch.setattr("inference.race.Budget", lambda: QUICK)
    candidates = ["--latent", "R1", "--latent", "S1"]
    league.main([str(source), "--beta", "0.5", *candidates, "--jobs", "1", "--out", str(out)])
    assert f"{source}: S1" in capsys.readouterr().out
    with open_tree(out) as tree:
        ranking = rank(tree)
        assert ranking.attrs["chosen"] == ranking.attrs["best"] == "S1"
        assert tree["sample_stats"]["log_evidence"].shape == (2, 1, 1, 200)
        assert bool((ranking["elbo"] <= ranking["log_evidence"]).all())


def test_league_refuses_jets(capsys):
    assert exit_code(lambda: league.main(["sample:w", "--beta", "0.1"])) != 0
    assert "a league takes vectors" in capsys.readouterr().err


@pytest.mark.parametrize("size", [3, 9])
def test_evidence_is_in_the_unit_of_the_points(size):
    """Of a Gaussian line smeared by beta, ln p(x) is known. A short training stays below by less than 0.15 nat.

    The sample's scale, or the padding to 8 or 16 numbers, forgotten would be several nats.
    """
    random = np.random.default_rng(size)
    along, beta = np.linspace(1.0, 3.0, size), 0.5
    points = 7 + random.normal(size=(1600, 1)) * along + beta * random.normal(size=(1600, size))
    table, _ = league.contest(points[:1200], points[1200:], beta, 0, QUICK, "R1")
    exact = multivariate_normal(np.full(size, 7.0), np.outer(along, along) + beta**2 * np.eye(size))
    gap = exact.logpdf(points[1200:]) - np.asarray(table["log_evidence"])
    assert -2 * gap.std() / len(gap) ** 0.5 < gap.mean() < 0.15


def test_command_on_a_scan(tmp_path, capsys):
    from analysis.measures import topology
    from inference import scan

    out = str(tmp_path / "scan")
    grid = ["--latent", "R1", "--latent", "L2", "--seeds", "2", "--epochs", "1", "--fraction", "qcd=.02", "top=.02"]
    assert exit_code(lambda: scan.main([*grid, "--out", out])) == 0
    assert exit_code(lambda: topology.main([out, "--jets", "50", "--draws", "20"])) == 0
    assert "<- chosen" in capsys.readouterr().out

    tree = open_tree(tmp_path / "scan/scan.nc")
    assert dict(tree["sample_stats"].sizes) == {"topology": 2, "beta": 1, "seed": 2, "jet": 50}
    assert set(np.unique(tree["constant_data"]["class_name"])) == {"qcd", "top"}


def test_runs_of_a_range_are_looked_at_where_asked(tmp_path):
    """Untrained, each latent tells what the width of its posterior says: less where beta is larger."""
    import inference
    from analysis.evaluation.scan import collect
    from inference.recipe import read

    data = {"data.files": ["toy:gaussian(spectrum=4,1, n=600)"], "model.beta": (0.5, 8.0), "model.latent": "R2"}
    run = inference.train(read("vae-gaussian", data | {"training.epochs": 1}), tmp_path / "run")
    fine, coarse = (collect([run], draws=4, at_most=50, beta=beta)["sample_stats"] for beta in (0.6, 7.0))
    assert (float(fine["beta"][0]), float(coarse["beta"][0])) == (0.6, 7.0)
    assert float(fine["kl"].mean()) > float(coarse["kl"].mean()) + 1
