"""Distances of generated jets against closed forms, sums by hand, and a sample that is worse on purpose."""

import itertools

import numpy as np
import pytest

from analysis.answers.opened import OpenRun
from benchmarks import generation
from benchmarks.generation_metrics import distances, flow_polynomials
from inference.recipe import read
from inference.training import train
from jets import load
from jets.errors import UserError

TWO = np.array([[[0.1, 0.0, 0.6], [-0.1, 0.1, 0.4], [0.0, 0.0, 0.0]]])
"""One jet of two particles and padding: eta, phi, share of pT."""
THETA = np.hypot(0.2, 0.1)


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize("shift", [0.5, -2.0])
def test_w1_of_two_shifted_normals_is_the_shift(rng, shift):
    x, y = rng.normal(size=100_000), rng.normal(shift, size=100_000)
    assert distances.w1(x, y) == pytest.approx(abs(shift), abs=4 * (2 / 100_000) ** 0.5)


def test_w1_of_two_widths_is_their_difference_times_the_mean_absolute_normal(rng):
    x, y = rng.normal(size=100_000), 3 * rng.normal(size=100_000)
    assert distances.w1(x, y) == pytest.approx(2 * (2 / np.pi) ** 0.5, rel=0.02)


def of_moments(rng, mean, covariance, count=2_000):
    """Return a sample that has exactly these moments."""
    x = rng.normal(size=(count, len(mean)))
    x -= x.mean(0)
    white = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T
    return mean + white @ np.linalg.cholesky(covariance).T


def test_frechet_distance_of_gaussians(rng):
    x = of_moments(rng, np.array([0.0, 1.0]), np.diag([1.0, 4.0]))
    y = of_moments(rng, np.array([3.0, 1.0]), np.diag([9.0, 1.0]))
    assert distances.frechet(x, y) == pytest.approx(3**2 + (3 - 1) ** 2 + (2 - 1) ** 2, rel=1e-9)


def test_frechet_distance_of_correlated_gaussians_is_that_of_their_turned_axes(rng):
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    x = of_moments(rng, np.zeros(2), turn @ np.diag([1.0, 4.0]) @ turn.T)
    y = of_moments(rng, np.zeros(2), turn @ np.diag([9.0, 1.0]) @ turn.T)
    assert distances.frechet(x, y) == pytest.approx((3 - 1) ** 2 + (2 - 1) ** 2, rel=1e-9)
    assert distances.frechet(x, x) == pytest.approx(0, abs=1e-9)


def test_extrapolation_takes_out_what_few_jets_add(rng):
    """Of equal normals in 10 dimensions the plug-in value is about K (K + 3) / (4 n) per sample of n, twice that."""
    pairs = [rng.normal(size=(2, 400, 10)) for _ in range(30)]
    plain = np.array([distances.frechet(x, y) for x, y in pairs])
    straight = np.array([distances.fpd(x, y, rng) for x, y in pairs])
    assert plain.mean() > 0.05
    assert abs(straight.mean()) < 4 * straight.std() / 30**0.5
    assert abs(straight.mean()) < 0.2 * plain.mean()


def test_kernel_distance_of_points_is_the_sum_over_pairs(rng):
    x, y = rng.normal(size=(2, 3, 2))
    pairs = list(itertools.permutations(range(3), 2))

    def mean(a, b, of):
        return np.mean([(a[i] @ b[j] / 2 + 1) ** 4 for i, j in of])

    cross = mean(x, y, list(itertools.product(range(3), range(3))))
    assert distances.kpd(x, y) == pytest.approx(mean(x, x, pairs) + mean(y, y, pairs) - 2 * cross)


def test_flow_polynomials_of_two_particles_by_hand():
    """Particles may repeat, and only an angle between the two counts."""
    z1, z2 = 0.6, 0.4
    dot, triple, wedge = (((0, 1),), ((0, 1), (0, 1), (0, 1)), ((0, 1), (0, 2)))
    assert flow_polynomials.flow_polynomial(TWO, dot) == pytest.approx(2 * z1 * z2 * THETA)
    assert flow_polynomials.flow_polynomial(TWO, triple) == pytest.approx(2 * z1 * z2 * THETA**3)
    assert flow_polynomials.flow_polynomial(TWO, wedge) == pytest.approx((z1 * z2**2 + z2 * z1**2) * THETA**2)
    triangle = ((0, 1), (0, 2), (1, 2))
    assert flow_polynomials.flow_polynomial(TWO, triangle) == pytest.approx(0)


def test_flow_polynomials_of_any_graph_are_the_plain_sum(rng):
    jet = np.concatenate([rng.normal(scale=0.2, size=(1, 4, 2)), rng.dirichlet([1] * 4, (1,))[..., None]], -1)
    eta, phi, z = jet[0].T
    known = flow_polynomials.all_connected(jet)
    for graph, value in known.items():
        size = flow_polynomials.vertices(graph)
        total = sum(
            np.prod(z[list(i)]) * np.prod([np.hypot(eta[i[a]] - eta[i[b]], phi[i[a]] - phi[i[b]]) for a, b in graph])
            for i in itertools.product(range(4), repeat=size)
        )
        assert value[0] == pytest.approx(total, rel=1e-10), graph
    assert flow_polynomials.features(jet, known).shape == (1, 36)


def test_graphs_are_as_many_as_the_paper_counts():
    """Komiske et al., table 2: connected 1, 2, 5, 12 of one to four edges; five have four vertices and four edges."""
    assert [len(flow_polynomials.connected(d)) for d in (1, 2, 3, 4)] == [1, 2, 5, 12]
    assert len(flow_polynomials.with_four()) == 5
    trees = [g for g in flow_polynomials.connected(4) if flow_polynomials.vertices(g) == 5]
    assert len(trees) == 3


def test_mass_of_two_massless_particles():
    expected = 2 * 0.6 * 0.4 * (np.cosh(0.2) - np.cos(0.1))
    assert distances.masses(TWO) == pytest.approx(expected**0.5)
    assert distances.masses(np.array([[[0.3, 0.2, 1.0]]])) == pytest.approx(0, abs=1e-7)


def test_padding_counts_for_nothing(rng):
    wide = np.concatenate([TWO, np.zeros((1, 5, 3))], 1)
    assert len(distances.particle_features(wide)) == 2
    mine, other = (flow_polynomials.features(x, flow_polynomials.all_connected(x)) for x in (TWO, wide))
    np.testing.assert_allclose(mine, other, rtol=1e-12)


def test_turned_jets_have_the_same_shares_and_masses():
    jets = load("sample:w")[np.arange(200)]
    before, after = (generation.sample(each, 40) for each in (jets, generation.turned(jets)))
    np.testing.assert_array_equal(before.particles[..., 2], after.particles[..., 2])
    np.testing.assert_allclose(after.mass, before.mass, rtol=0.05)
    np.testing.assert_allclose(after.five, before.five, rtol=1e-3, atol=1e-9)
    assert np.abs(after.particles[..., 0] - before.particles[..., 0]).max() > 0.1


def test_mass_is_that_of_the_jets_file():
    """The mass column of the sample is the simulation's own; 50 constituents hold nearly all of it."""
    jets = load("sample:w")[np.arange(500)]
    assert np.median(generation.sample(jets, 50).gev / jets.jet["mass"]) == pytest.approx(1, abs=0.01)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = {
        "training.epochs": 1,
        "data.limit": 300,
        "training.compile": False,
        "model.encoder": [16, 16, 16],
        "model.decoder": [16],
    }
    return OpenRun.open(train(read("jet-w", settings), tmp_path_factory.mktemp("clouds") / "run").path)


def test_the_benchmark_finds_an_untrained_network_worse_than_the_bound(run, tmp_path, capsys):
    picture = tmp_path / "mass.png"
    few = ["--scales", "8", "0.1", "--generated", "250", "--repeats", "2", "--particles", "10"]
    generation.main([str(run.path), *few, "--figure", str(picture)])
    rows = {row[1]: row for row in (line.split("|") for line in capsys.readouterr().out.splitlines()) if len(row) > 9}
    names = [name.strip() for name in rows]
    assert names[2:4] == ["truth, other half", "training jets"]
    assert sum("prior" in name for name in names) == 2
    assert any(name.startswith("1.2 GeV") for name in names), "0.1 GeV is below the range, which ends at 0.002"
    mass = {name.strip(): float(row[3].split("±")[0]) for name, row in rows.items() if "±" in row[3]}
    assert mass["8.0 GeV, prior"] > 5 * mass["truth, other half"]
    assert picture.stat().st_size > 10_000


def test_too_few_jets_are_refused(run):
    with pytest.raises(UserError, match="too few; give 400"):
        generation.main([str(run.path), "--generated", "3"])
