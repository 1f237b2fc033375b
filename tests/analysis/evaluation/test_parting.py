"""A search whose races are known: it reaches what is best, parts and merges; and a real one, from the command."""

import sys

import numpy as np
import pandas as pd
import pytest

from analysis import store
from analysis.evaluation import climbing, parting
from analysis.evaluation.climbing import Ground, Tried
from analysis.evaluation.parting import Search, Side, latent, mixture, together
from analysis.measures.manifolds import Manifold
from inference.race import Budget
from jetvae.__main__ import main

BETA = 0.1
QUICK = Budget(shared=True, starts=2, together=2, heat=30, final=200, compiled=False)


class Known:
    """A model that gives points of ``own`` kind 0 nat less what its manifold lacks, and all others -50."""

    def __init__(self, lack, own):
        self.lack, self.own = lack, own

    def log_p(self, points):
        return np.where(np.isin(points[:, 0], self.own), -self.lack, -50.0)


def known_races(monkeypatch, truth, apart=1.0):
    """Let each kind of points, told by their first number, lie on a manifold; both together lack more."""

    def lack(manifold, kinds):
        missing = 0.0
        for kind in kinds:
            wanted = Manifold.of(truth[int(kind)])
            missing += 5.0 * max(wanted.dimension - manifold.dimension, 0)
            missing += 0.3 * abs(wanted.angles - manifold.angles) + 0.3 * abs(wanted.directions - manifold.directions)
        return missing / len(kinds) + apart * (len(kinds) - 1)

    def contest(train, held_out, beta, seed, budget, manifold):
        kinds = np.unique(train[:, 0])
        model = Known(lack(manifold, kinds), kinds)
        return Tried(manifold, model, model.log_p(held_out), (1.0,) * sum(manifold), 0.0)

    monkeypatch.setattr(climbing, "contest", contest)
    monkeypatch.setattr(parting, "log_p", lambda model, points: model.log_p(points))
    monkeypatch.setattr(parting, "partitions", lambda points, beta, seed: by_kind(points))


def by_kind(points):
    kinds, label = np.unique(points[:, 0], return_inverse=True)
    return {"kind": label} if len(kinds) > 1 else {}


def ground_of(*kinds, count=400):
    points = np.zeros((count * len(kinds), 2))
    points[:, 0] = np.repeat(kinds, count)
    return Ground(points, points[::4], BETA, say=lambda text: None)


@pytest.mark.parametrize("truth", ["R0", "R1", "S1", "S2", "T2", "R3", "S2 x R1", "S1 x S2", "T2 x R2"])
def test_a_climb_ends_at_the_truth(monkeypatch, truth):
    known_races(monkeypatch, [truth])
    search = Search(ground_of(0))
    [side] = search.run()
    assert latent([side]) == truth
    assert search.partings == []
    assert search.ground.steps[-1].chosen is None  # it says that it looked further


def test_a_climb_ends_where_all_are_alike(monkeypatch):
    """Ties do not let it go round in circles: the simplest is kept."""
    known_races(monkeypatch, ["R0"])
    monkeypatch.setattr(Manifold, "dimension", property(lambda self: 0))
    assert latent(Search(ground_of(0)).run())


def test_sides_are_parted_and_each_is_searched(monkeypatch):
    known_races(monkeypatch, ["S1", "R2"])
    search = Search(ground_of(0, 1))
    sides = search.run()
    assert latent(sides) in ("S1 | R2", "R2 | S1")
    assert [side.weight for side in sides] == pytest.approx([0.5, 0.5])
    assert [parting.followed for parting in search.partings] == [True]


def test_what_is_as_well_described_together_is_not_parted(monkeypatch):
    """Two halves cost ln 2, and gain nothing."""
    known_races(monkeypatch, ["S1", "S1"], apart=0.0)
    search = Search(ground_of(0, 1))
    assert latent(search.run()) == "S1"
    assert [parting.followed for parting in search.partings] == [False]
    assert search.partings[0].gain.mean == pytest.approx(-np.log(2))


def test_a_mixture_is_the_sum_of_densities(monkeypatch):
    known_races(monkeypatch, ["R1", "R1"])
    ground = ground_of(0, 1)
    sides = [
        Side(
            str(k),
            weight,
            ground.part(ground.train[:, 0] == k, ground.held_out[:, 0] == k).tried([Manifold(1, 0, 0)])[0],
            ground,
        )
        for k, weight in enumerate((0.2, 0.6))
    ]
    expected = np.log(np.where(ground.held_out[:, 0] == 0, 0.25, 0.75))
    assert mixture(sides, ground.held_out) == pytest.approx(expected)


def test_sides_that_are_one_are_merged(monkeypatch):
    known_races(monkeypatch, ["R1", "R1", "R1"], apart=0.0)
    ground = ground_of(0, 1, 2)
    sides = []
    for k in range(3):
        own = ground.part(ground.train[:, 0] == k, ground.held_out[:, 0] == k)
        sides.append(Side(str(k), 1 / 3, own.tried([Manifold(1, 0, 0)])[0], own))
    search = Search(ground)
    assert len(search.merged(sides)) == 2  # of two sides the parting has been judged before
    assert search.partings[0].gain.mean == pytest.approx(np.log(3) * 2 / 3 - np.log(1.5) * 2 / 3 - 0)
    assert together(sides[:2]).weight == pytest.approx(2 / 3)


def test_a_search_on_a_file(tmp_path, capsys, monkeypatch):
    """A circle in R^3, in short races: files, table and page of one manifold."""
    random = np.random.default_rng(0)
    angle = random.uniform(-np.pi, np.pi, 500)
    points = np.stack([np.cos(angle), np.sin(angle), 0.3 * np.cos(2 * angle)], 1) * 5 + 100
    np.save(tmp_path / "points.npy", points + 0.1 * random.normal(size=points.shape))
    monkeypatch.setattr("analysis.evaluation.discover.BUDGET", QUICK)
    out = tmp_path / "found"
    assert main(["discover", f"{tmp_path}/points.npy", "--beta", "0.5", "--jobs", "1", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("S1: one manifold")
    assert "wrote discover.html, discover.nc, points.csv, path.png" in said
    tree = store.open(out / "discover.nc")
    assert tree.attrs["latent"] == "S1"
    assert tree["path"].sizes["step"] >= 5
    table = pd.read_csv(out / "points.csv")
    assert list(table.columns) == ["number", "class", "side", "log_p", "probability_0"]
    assert len(table) == 500
    page = (out / "discover.html").read_text()
    assert "Structures found: S1" in page
    assert "R0 -&gt; S1" in page


@pytest.mark.parametrize(
    ("points", "reason"),
    [(np.ones((300, 3)), "all points are the same"), (np.arange(150.0).reshape(50, 3), "50 points")],
)
def test_what_cannot_be_searched_is_refused(tmp_path, capsys, points, reason):
    np.save(tmp_path / "points.npy", points)
    assert main(["discover", f"{tmp_path}/points.npy", "--beta", "0.1", "--jobs", "1"]) == 2
    assert reason in capsys.readouterr().err


def test_too_many_points_are_refused(tmp_path, capsys):
    np.save(tmp_path / "points.npy", np.arange(600.0).reshape(200, 3))
    assert main(["discover", f"{tmp_path}/points.npy", "--beta", "0.1", "--jets", "5001", "--jobs", "1"]) == 2
    assert "at most 5,000" in capsys.readouterr().err


def test_without_scikit_learn_nothing_is_begun(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.mixture", None)
    assert main(["discover", "toy:circle(n=200)", "--beta", "0.1", "--jobs", "1"]) == 2
    said = capsys.readouterr()
    assert "jetvae[baselines]" in said.err
    assert "R0 ->" not in said.err
