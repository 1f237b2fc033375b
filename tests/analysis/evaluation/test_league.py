"""A league on points whose manifold, or whose evidence, is known."""

import sys

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from analysis import store
from analysis.evaluation import league
from analysis.measures.doubt import answer
from analysis.measures.topology import rank
from inference.race import Budget
from jetvae.__main__ import main

QUICK = Budget(starts=2, together=2, heat=30, final=200, compiled=False)


def test_league_on_a_file(tmp_path, capsys, monkeypatch):
    """A short race in R^3: the line cuts the circle and pays about a tenth of a nat; the circle is named."""
    pytest.importorskip("ripser")
    random = np.random.default_rng(0)
    angle = random.uniform(-np.pi, np.pi, 800)
    points = np.stack([np.cos(angle), np.sin(angle), 0.3 * np.cos(2 * angle)], 1) * 5 + 100
    source, out = tmp_path / "points.npy", tmp_path / "league.nc"
    np.save(source, points + 0.1 * random.normal(size=points.shape))
    monkeypatch.setattr("inference.race.Budget", lambda: QUICK)
    candidates = ["--latent", "R1", "--latent", "S1", "--all"]
    assert main(["league", str(source), "--beta", "0.5", *candidates, "--jobs", "1", "--out", str(out)]) == 0
    assert f"{source}: S1" in capsys.readouterr().out
    tree = store.open(out)
    ranking = rank(tree)
    assert ranking.attrs["chosen"] == ranking.attrs["best"] == "S1"
    assert tree["sample_stats"]["log_evidence"].shape == (2, 1, 1, 200)
    assert bool((ranking["elbo"] <= ranking["log_evidence"]).all())


def test_league_refuses_jets(capsys):
    assert main(["league", "sample:w", "--beta", "0.1"]) == 2
    assert "a league takes vectors" in capsys.readouterr().err


def test_league_refuses_points_that_are_all_the_same(tmp_path, capsys):
    np.save(tmp_path / "points.npy", np.ones((300, 3)))
    assert main(["league", f"{tmp_path}/points.npy", "--beta", "0.1"]) == 2
    assert "all points are the same" in capsys.readouterr().err


class Drawn:
    """Weights of a tail index that is known: the logarithm of a Pareto variable is exponential."""

    def __init__(self, latent, index, lead):
        self.latent, self.index, self.lead = latent, index, lead

    def log_weights(self, points, draws):
        random = np.random.default_rng(len(self.latent))
        drawn = self.index * random.exponential(size=(draws, len(points)))
        return drawn - logsumexp(drawn, 0) + np.log(draws) + self.lead


@pytest.mark.parametrize(("index", "marked"), [(0.2, 0), (1.5, 2)])
def test_evidence_that_is_not_known_is_marked(tmp_path, capsys, monkeypatch, index, marked):
    """Both lead the plane, whose weights are good, by 1 nat; with k-hat 1.5 their lead is a lower bound."""
    found = {"S1": (index, 1.0), "R1": (index, 1.0), "R2": (0.1, 0.0)}
    monkeypatch.setattr(league, "race", lambda points, latent, *args, **options: Drawn(latent, *found[latent]))
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(800, 3)))
    candidates = [word for latent in found for word in ("--latent", latent)]
    assert main(["league", f"{tmp_path}/points.npy", "--beta", "1", *candidates, "--jobs", "1", "--all"]) == 0
    said = capsys.readouterr().out
    assert said.count("k-hat > 0.7 for") == marked
    assert "<- chosen" not in said  # the points are a blob in space, and no candidate is


SPACES = ("S1", "R1", "T2")


@pytest.mark.parametrize(
    ("good", "raced", "kind"), [(5.0, ["S1"], "this"), (-5.0, list(SPACES), "of")], ids=["as good", "worse"]
)
def test_what_is_raced(monkeypatch, good, raced, kind):
    """On a circle the circle alone, unless the density without topology (about -0.5 nat here) is better than it."""
    pytest.importorskip("ripser")
    asked = []
    monkeypatch.setattr(
        league, "race", lambda points, latent, *a, **k: asked.append(latent) or Drawn(latent, 0.2, good)
    )
    angle = np.random.default_rng(0).uniform(-np.pi, np.pi, 800)
    tree = league.league(np.stack([np.cos(angle), np.sin(angle)], 1), 0.1, SPACES)
    found = answer(tree, rank(tree))
    assert sorted(asked) == sorted(raced)
    assert found.kind == kind
    assert "S1" in found.topologies
    assert tree["shape/betti"].values.tolist() == [1, 1, 0]


def test_without_ripser_every_candidate_is_raced_and_none_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ripser", None)
    monkeypatch.setattr(league, "race", lambda points, latent, *a, **k: Drawn(latent, 0.2, 5.0))
    tree = league.league(np.random.default_rng(0).uniform(size=(400, 1)), 0.1, SPACES)
    assert list(tree["sample_stats/topology"].values) == list(SPACES)
    assert "jetvae[homology]" in capsys.readouterr().err
    assert answer(tree, rank(tree)).kind == "of"


def test_one_point_and_weights_that_are_no_numbers():
    """What ranking makes of them is in its own tests."""
    table = league.scored(np.full((200, 1), -np.inf))
    assert table["khat"].item() == np.inf
    assert not np.isfinite(table["log_evidence_error"].item())
    assert league.scored(np.zeros((200, 1)))["khat"].item() == 0


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
