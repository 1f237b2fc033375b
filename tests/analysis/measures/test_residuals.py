"""What residuals say is lacking: of a Gaussian of which a direction was never taken up, and of an optimum."""

import numpy as np
import pytest
from scipy.optimize import minimize

from analysis.measures.residuals import lacking


def told(points, sizes, beta, random):
    """Residuals of the exact optimum for axes of these sizes, of two draws; an axis of size 0 is not told at all."""
    a = np.sqrt(np.maximum(0, np.asarray(sizes) ** 2 - beta**2))
    shrink = np.where(a > 0, a / np.maximum(sizes, 1e-9), 0)
    centre, width = points / np.maximum(sizes, 1e-9) * shrink, beta / np.maximum(sizes, beta)
    draws = [a * (centre + width * random.normal(size=points.shape)) for _ in range(2)]
    return np.stack([points - draw for draw in draws]), np.mean(draws, 0)


@pytest.mark.parametrize("beta", [0.3, 1.2, 5.0])
def test_an_optimum_lacks_nothing(beta):
    random, sizes = np.random.default_rng(0), np.array([4.0, 2.0, 0.5])
    points = random.normal(size=(3000, 3)) * sizes
    gain, nats = lacking(*told(points, sizes, beta, random), beta)
    assert gain < 0.003
    assert nats < 0.02


def test_a_direction_that_was_never_taken_up():
    """Of size 0.5 at beta = 0.1: the gain and the information are those of the Gaussian, to a few per cent."""
    random, sizes, beta = np.random.default_rng(1), np.array([4.0, 2.0, 0.5]), 0.1
    points = random.normal(size=(3000, 3)) * sizes
    gain, nats = lacking(*told(points, [4.0, 2.0, 0.0], beta, random), beta)
    assert nats == pytest.approx(np.log(5), rel=0.02)
    assert gain == pytest.approx((25 - 1 - np.log(25)) / 2, rel=0.05)


def test_the_gain_is_what_one_more_latent_reaches():
    """The objective of a latent along v at its best m, s, a, by minimisation."""
    width, beta = 0.7, 0.3

    def change(p):
        m, s, a = p[0], np.exp(p[1]), p[2]
        rate = (m**2 * width**2 + s**2 - 1 - np.log(s**2)) / 2
        return rate + (-2 * a * m * width**2 + a**2 * (m**2 * width**2 + s**2)) / (2 * beta**2)

    ratio = (width / beta) ** 2
    least = min(minimize(change, start, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-12}).fun
                for start in ([1, -1, 0.5], [0.5, 0, 0.3]))  # fmt: skip
    assert -least == pytest.approx((ratio - 1 - np.log(ratio)) / 2, rel=1e-5)


def test_bent_directions_are_seen_where_they_are():
    """Points across a circle that is told: the width 0.2 across turns with the angle, and 0.1 is the resolution."""
    random = np.random.default_rng(2)
    angle, across = random.uniform(-np.pi, np.pi, 4000), 0.2 * random.normal(size=4000)
    along = np.stack([np.cos(angle), np.sin(angle)], 1)
    noise = 0.1 * random.normal(size=(2, 4000, 1)) * np.stack([-np.sin(angle), np.cos(angle)], 1)
    gain, nats = lacking(across[:, None] * along - noise, 3 * along + noise.mean(0), 0.1)
    assert 0.8 * np.log(2) < nats < 1.05 * np.log(2)
    assert 0.5 < gain / ((4 - 1 - np.log(4)) / 2) < 1.1


def test_too_few_points_say_nothing():
    residuals = np.random.default_rng(0).normal(size=(2, 6, 4))
    assert lacking(residuals, residuals.mean(0), 0.1) == (0, 0)
