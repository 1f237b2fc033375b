"""N-subjettiness, soft drop and subjets against clustering and minimisation written out for a few particles."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from jets.simulation import clustering, detector
from jets.simulation.substructure import substructure


def random_jet(rng, n):
    return rng.exponential(20, n) + 1, rng.normal(0, 0.25, n), rng.normal(0, 0.25, n)


def four(pt, y, phi):
    return np.array([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(y), pt * np.cosh(y)])


def place(p):
    return np.hypot(p[0], p[1]), np.arctanh(p[2] / p[3]), np.arctan2(p[1], p[0])


def gap(a, b):
    return np.hypot(place(a)[1] - place(b)[1], place(a)[2] - place(b)[2])


def recluster(particles, power, stop):
    """Sequential recombination down to ``stop`` pseudojets; each is (momentum, parents)."""
    jets_left = [(p, None) for p in particles]
    while len(jets_left) > stop:

        def distance(pair, momenta=tuple(p for p, _ in jets_left)):
            a, b = (momenta[i] for i in pair)
            return gap(a, b) ** 2 * min(place(a)[0], place(b)[0]) ** (2 * power)

        i, j = min(itertools.combinations(range(len(jets_left)), 2), key=distance)
        a, b = jets_left[i], jets_left[j]
        jets_left = [x for k, x in enumerate(jets_left) if k not in (i, j)] + [(a[0] + b[0], (a, b))]
    return jets_left


def soft_drop(node):
    while node[1] is not None:
        a, b = sorted(node[1], key=lambda x: place(x[0])[0])
        z = place(a[0])[0] / (place(a[0])[0] + place(b[0])[0])
        if z > 0.1:
            p = node[0]
            return np.sqrt(max(p[3] ** 2 - (p[:3] ** 2).sum(), 0)), z, gap(a[0], b[0])
        node = b
    return 0.0, -1.0, -1.0


@pytest.mark.parametrize("n", [1, 2, 3, 7, 15])
def test_soft_drop_and_subjets_against_brute_force(n):
    rng = np.random.default_rng(n)
    jets_made = [random_jet(rng, n) for _ in range(20)]
    flat = [np.concatenate(column) for column in zip(*jets_made, strict=True)]
    got = substructure(clustering.momenta(*flat, np.full(20, n)))
    for row, jet in zip(got, jets_made, strict=True):
        particles = list(four(*jet).T)
        np.testing.assert_allclose(row[4:7], soft_drop(recluster(particles, 0, 1)[0]), rtol=1e-4, atol=1e-3)
        found = sorted((p for p, _ in recluster(particles, 1, 3)), key=lambda p: -place(p)[0])
        pt = np.array([place(p)[0] for p in found] + [0.0] * (3 - len(found)))
        nearest = min(gap(a, b) for a, b in itertools.combinations(found, 2)) if len(found) == 3 else 0
        np.testing.assert_allclose(row[7:], [*(pt / pt.sum()), nearest], rtol=1e-4, atol=1e-6)


def tau1(pt, y, phi):
    """Its minimum over the axis is a convex problem, the geometric median."""

    def total(axis):
        return (pt * np.hypot(y - axis[0], phi - axis[1])).sum()

    starts = [*np.stack([y, phi], 1), np.array([(pt * y).sum(), (pt * phi).sum()]) / pt.sum()]
    best = min(
        (minimize(total, start, method="Nelder-Mead", options={"xatol": 1e-7}) for start in starts), key=lambda r: r.fun
    )
    return min(best.fun, min(total(start) for start in starts)) / 0.8


def test_tau_is_the_minimum_over_axes():
    """One jet of k far, tight bundles: tau_k is the sum of the bundles' own tau_1."""
    rng = np.random.default_rng(0)
    for k, centres in enumerate(([(0, 0)], [(0, 0), (0.5, 0)], [(0, 0), (0.5, 0), (0, 0.5)]), start=1):
        bundles = [(rng.exponential(20, 6) + 5, rng.normal(c[0], 0.02, 6), rng.normal(c[1], 0.02, 6)) for c in centres]
        flat = [np.concatenate(column) for column in zip(*bundles, strict=True)]
        want = sum(tau1(*bundle) for bundle in bundles) / flat[0].sum()
        got = substructure(clustering.momenta(*flat, np.array([len(flat[0])])))[0]
        assert abs(got[k - 1] / want - 1) < 5e-3


def test_no_jets_give_no_rows():
    empty = np.empty(0)
    assert substructure(clustering.momenta(empty, empty, empty, np.empty(0, int))).shape == (0, 11)
    nothing = detector.Candidates(empty.astype(int), empty, empty, empty, empty.astype(np.uint8))
    assert len(clustering.leading_jets(nothing, 5).event) == 0
