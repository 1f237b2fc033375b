"""What two codes of the same jets tell of one another, where it is known."""

import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_regression

from analysis.measures.shared_information import Code, shared, told

JETS = 800


def drawn(centre, width, random):
    """A code: one draw of normals of these centres ``(N, n)`` and width."""
    widths = np.full_like(centre, width)
    return Code(centre + widths * random.normal(size=centre.shape), centre, widths)


def between(first, second):
    return shared(told(first), told(second), told(first, second))


@pytest.mark.parametrize(("dim", "common", "width"), [(1, 1, 0.2), (2, 2, 0.5), (3, 1, 0.6), (2, 0, 0.5)])
def test_correlated_gaussians(dim, common, width):
    """z = root(1 - w^2) x + w noise has unit variance: both see ``common`` axes, correlated by 1 - w^2; one turned."""
    random = np.random.default_rng(dim)
    x = np.sqrt(1 - width**2) * random.normal(size=(JETS, 2 * dim - common))
    turn = np.linalg.qr(random.normal(size=(dim, dim)))[0]
    found = between(drawn(x[:, :dim], width, random), drawn(x[:, dim - common :] @ turn, width, random))
    exact = -common / 2 * np.log(1 - (1 - width**2) ** 2)
    assert found.lower - 3 * found.error < exact < found.upper + 3 * found.error
    assert found.upper - found.lower < 0.8  # above, the test would say little
    assert found.error < 0.1


def test_a_relation_that_no_correlation_sees():
    """A circle against twice its angle: zero linear correlation, and the nearest-neighbour estimate as reference."""
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, JETS)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    first, second = drawn(circle[:, :1], 0.1, random), drawn(np.cos(2 * angle)[:, None], 0.1, random)
    found = between(first, second)
    assert abs(np.corrcoef(first.z[:, 0], second.z[:, 0])[0, 1]) < 0.1
    nearest = mutual_info_regression(first.z, second.z[:, 0], n_neighbors=5, random_state=0)[0]
    assert nearest > 0.7
    assert found.lower - 0.1 < nearest < found.upper + 0.1


def test_order_of_jets_and_coordinates_that_tell_nothing_change_nothing():
    random = np.random.default_rng(1)
    x, order = random.normal(size=(200, 2)), random.permutation(200)
    first, second = (drawn(x, 0.5, random) for _ in range(2))
    plain = between(first, second)
    moved = between(*(Code(*(part[order] for part in code)) for code in (first, second)))
    assert moved == pytest.approx(plain)
    idle = drawn(np.zeros((200, 3)), 1.0, random)
    wider = Code(*(np.concatenate(parts, 1) for parts in zip(first, idle, strict=True)))
    assert between(wider, second) == pytest.approx(plain)
    assert between(second, first) == pytest.approx(plain)


def test_a_code_without_coordinates_tells_nothing():
    random = np.random.default_rng(2)
    nothing = Code(np.zeros((200, 0)), np.zeros((200, 0)), np.ones((200, 0)))
    found = between(nothing, drawn(random.normal(size=(200, 1)), 0.5, random))
    assert told(nothing).bounds == pytest.approx(0)
    assert found.lower <= 0 <= found.upper
    assert found.upper < 0.1
