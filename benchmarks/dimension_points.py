"""Points of known dimension, beside those of :mod:`jets.toys`: spheres, uneven densities, curved embeddings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jets import toys

Array = NDArray[np.float64]


class Manifold(NamedTuple):
    """What draws points.

    Attributes
    ----------
    dimension
        Intrinsic.
    draw
        Number of points and generator -> points ``(N, K)``.
    """

    dimension: int
    draw: Callable[[int, np.random.Generator], Array]


def of_toy(name: str, **given: object) -> Callable[[int, np.random.Generator], Array]:
    return lambda n, random: toys.TOYS[name](n=n, seed=int(random.integers(1 << 30)), **given).points


def sphere(d: int) -> Callable[[int, np.random.Generator], Array]:
    """Return what draws from the unit sphere of d dimensions in R^(d+1), uniform."""

    def draw(n: int, random: np.random.Generator) -> Array:
        points = random.normal(size=(n, d + 1))
        return points / np.linalg.norm(points, axis=1, keepdims=True)

    return draw


def crowded_sphere(n: int, random: np.random.Generator) -> Array:
    """Draw from the unit sphere in space, density proportional to exp(3 cos theta)."""
    cosine = np.log(random.uniform(np.exp(-3), np.exp(3), n)) / 3
    azimuth, sine = random.uniform(-np.pi, np.pi, n), np.sqrt(1 - cosine**2)
    return np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], 1)


def wound_curve(n: int, random: np.random.Generator) -> Array:
    """Draw from a closed curve wound eight times about a torus (M5a of Campadelli et al. 2015)."""
    t = random.uniform(0, 2 * np.pi, n)
    return np.stack([(2 + np.cos(8 * t)) * np.cos(t), (2 + np.cos(8 * t)) * np.sin(t), np.sin(8 * t)], 1)


def curved(n: int, random: np.random.Generator) -> Array:
    """Draw from a curved manifold of 4 dimensions in R^8 (M4 of Campadelli et al. 2015)."""
    p = random.random((n, 4))
    radius = np.roll(p, -1, axis=1)
    return np.concatenate([radius * np.cos(2 * np.pi * p), radius * np.sin(2 * np.pi * p)], 1)


def beta_density(n: int, random: np.random.Generator) -> Array:
    """Draw from 10 dimensions in R^40, each by a beta distribution with a pole (M_beta of Campadelli et al. 2015)."""
    x = random.beta(10, 0.5, (n, 10))
    parts = [x * np.sin(np.cos(2 * np.pi * x)), x * np.cos(np.sin(2 * np.pi * x))]
    return np.concatenate(parts + parts, 1)


def paraboloid(n: int, random: np.random.Generator) -> Array:
    """Draw from a paraboloid of 3 dimensions in R^12, by a Burr distribution (M_P1 of Campadelli et al. 2015)."""
    e = random.exponential(size=(n, 4))
    x = 1 / (1 + e[:, 1:] / e[:, :1])
    x = np.concatenate([x, (x**2).sum(1, keepdims=True)], 1)
    return np.concatenate([x, np.sin(x), x**2], 1)


def ball_in_more(n: int, random: np.random.Generator) -> Array:
    """Draw from a ball of 3 dimensions in R^8, flat."""
    return np.pad(of_toy("ball", d=3)(n, random), ((0, 0), (0, 5)))


MANIFOLDS = {
    "ball 2": Manifold(2, of_toy("ball", d=2)),
    "ball 5": Manifold(5, of_toy("ball", d=5)),
    "ball 10": Manifold(10, of_toy("ball", d=10)),
    "sphere 2": Manifold(2, sphere(2)),
    "sphere 5": Manifold(5, sphere(5)),
    "sphere 10": Manifold(10, sphere(10)),
    "sphere 2, crowded": Manifold(2, crowded_sphere),
    "curve": Manifold(1, of_toy("curve")),
    "curve, wound": Manifold(1, wound_curve),
    "torus": Manifold(2, of_toy("torus")),
    "Swiss roll": Manifold(2, of_toy("swiss_roll")),
    "Gaussian 5": Manifold(5, of_toy("gaussian", spectrum=(1.0,) * 5)),
    "Gaussian 8:4:2:1": Manifold(4, of_toy("gaussian")),
    "paraboloid 3 of 12": Manifold(3, paraboloid),
    "curved 4 of 8": Manifold(4, curved),
    "M_beta 10 of 40": Manifold(10, beta_density),
}
"""Name -> manifold, without noise."""
NOISY = {
    "curve": MANIFOLDS["curve"],
    "Swiss roll": MANIFOLDS["Swiss roll"],
    "ball 3 of 8": Manifold(3, ball_in_more),
}
"""Those to which noise is added."""


def points(name: str, n: int, seed: int, noise: float = 0.0) -> Array:
    """Draw points ``(N, K)``, with Gaussian noise in every direction: its size in units of :func:`spread`."""
    known = MANIFOLDS | NOISY
    random = np.random.default_rng((seed, n, list(known).index(name)))
    exact = known[name].draw(n, random)
    return exact + noise * spread(exact) * random.normal(size=exact.shape) if noise else exact


def spread(x: Array) -> float:
    """Return the root mean square, over the columns, of the standard deviations of points ``(N, K)``."""
    return float(np.sqrt(x.var(0).mean()))
