r"""Points on manifolds of known dimension, and the least information that describes them at a resolution.

Every toy returns a :class:`Toy`: points, the coordinates they were made of, the dimension, and the entropy h of the
points on their manifold. The best description of points at resolution beta costs, in nats,

.. math::
    \mathrm{KL} = \sum_i \max\Bigl(0, \ln\frac{S_i}\beta\Bigr), \qquad
    \langle d^2\rangle = \sum_i \min(\beta^2, S_i^2)

for a Gaussian with standard deviations S_i (reverse water-filling: Cover & Thomas, Elements of Information Theory,
theorem 10.3.3, with water level beta^2), and :math:`h - \frac d2\ln 2\pi e\beta^2` and :math:`d\beta^2` on any
manifold of d dimensions at small beta (the Shannon lower bound, tight there).
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jets.arguments import arguments
from jets.errors import UserError

Array = NDArray[np.float64]


class Toy(NamedTuple):
    """A sample of N points.

    Attributes
    ----------
    points
        ``(N, K)`` in the data's unit, the one of resolutions.
    truth
        Name -> ``(N,)``: the coordinates on the manifold.
    dimension
        Of the manifold; of a mixture, the mean over its points.
    entropy
        Differential entropy of the points on the manifold [nat]; of a Gaussian, that of the whole space.
    label, classes
        Which manifold each point is on, ``(N,)``.
    spectrum, axes
        Of a Gaussian: standard deviations ``(K,)``, and the principal axes as rows, ``(K, K)``.
    """

    points: Array
    truth: dict[str, Array]
    dimension: float
    entropy: float
    label: NDArray[np.int64]
    classes: tuple[str, ...]
    spectrum: Array | None = None
    axes: Array | None = None


def gaussian(
    spectrum: ArrayLike = (8.0, 4.0, 2.0, 1.0), n: int = 20_000, seed: int = 0, *, rotated: bool = True
) -> Toy:
    """Draw Gaussian points with standard deviations ``spectrum`` ``(K,)`` along axes turned at random, if rotated.

    >>> gaussian((8, 8, 3, 1), n=10).points.shape
    (10, 4)
    """
    sizes = np.atleast_1d(np.asarray(spectrum, float))
    random = np.random.default_rng(seed)
    axes = rotation(len(sizes), random) if rotated else np.eye(len(sizes))
    along = random.normal(size=(n, len(sizes))) * sizes
    truth = {f"axis_{i}": along[:, i] for i in range(len(sizes))}
    entropy = float(np.log(sizes * math.sqrt(2 * math.pi * math.e)).sum())
    toy = single("gaussian", along @ axes, truth, len(sizes), entropy)
    return toy._replace(spectrum=sizes, axes=axes)


def curve(n: int = 20_000, seed: int = 0, turns: float = 0.5) -> Toy:
    """Draw from an open curve in space, half a turn of a helix of radius 1, uniform in length: 1 dimension."""
    turn = np.random.default_rng(seed).uniform(-math.pi * turns, math.pi * turns, n)
    points = np.stack([np.cos(turn), np.sin(turn), turn / 3], 1)
    return single("curve", points, {"turn": turn}, 1, math.log(2 * math.pi * turns * math.hypot(1, 1 / 3)))


def plane(n: int = 20_000, seed: int = 0, width: float = 4.0, height: float = 2.0) -> Toy:
    """Draw from a rectangle in space, turned at random, uniform: 2 dimensions."""
    return rectangles((width, height, 0.0), n, seed)._replace(classes=("plane",))


def curve_and_plane(n: int = 20_000, seed: int = 0) -> Toy:
    """Draw half of the points from the curve, half from the plane: dimension 1.5 on average."""
    return mixture([curve(n // 2, seed), plane(n - n // 2, seed + 1)])


def circle(n: int = 20_000, seed: int = 0) -> Toy:
    """Draw from the unit circle in the plane: 1 dimension."""
    angle = np.random.default_rng(seed).uniform(-math.pi, math.pi, n)
    return single("circle", np.stack([np.cos(angle), np.sin(angle)], 1), {"angle": angle}, 1, math.log(2 * math.pi))


def annulus(n: int = 20_000, seed: int = 0, inner: float = 0.9, outer: float = 1.1) -> Toy:
    """Draw from the plane between two circles, uniform: 2 dimensions, and 1 at resolutions above its width."""
    random = np.random.default_rng(seed)
    angle = random.uniform(-math.pi, math.pi, n)
    radius = np.sqrt(random.uniform(inner**2, outer**2, n))
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    entropy = math.log(math.pi * (outer**2 - inner**2))
    return single("annulus", points, {"angle": angle, "radius": radius}, 2, entropy)


def torus(n: int = 20_000, seed: int = 0, major: float = 1.0, minor: float = 0.5) -> Toy:
    """Draw from a torus in space, uniform in its two angles: 2 dimensions."""
    around, through = np.random.default_rng(seed).uniform(-math.pi, math.pi, (2, n))
    ring = major + minor * np.cos(through)
    points = np.stack([ring * np.cos(around), ring * np.sin(around), minor * np.sin(through)], 1)
    area = minor * (major + math.sqrt(major**2 - minor**2)) / 2  # the geometric mean over the angles
    return single("torus", points, {"around": around, "through": through}, 2, math.log(4 * math.pi**2 * area))


def sphere(n: int = 20_000, seed: int = 0) -> Toy:
    """Draw from the unit sphere in space, uniform: 2 dimensions."""
    points = np.random.default_rng(seed).normal(size=(n, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    truth = {"cosine": points[:, 2], "azimuth": np.arctan2(points[:, 1], points[:, 0])}
    return single("sphere", points, truth, 2, math.log(4 * math.pi))


def rectangles(sides: ArrayLike = (4.0, 2.0, 1.0), n: int = 20_000, seed: int = 0) -> Toy:
    """Draw from a box of given sides, turned at random, uniform: its latents should find the axes of the box."""
    sides = np.atleast_1d(np.asarray(sides, float))
    random = np.random.default_rng(seed)
    along = random.uniform(-0.5, 0.5, (n, len(sides))) * sides
    truth = {f"axis_{i}": along[:, i] for i in np.flatnonzero(sides)}
    entropy = float(np.log(sides[sides > 0]).sum())
    axes = rotation(len(sides), random)
    return single("rectangles", along @ axes, truth, float(np.count_nonzero(sides)), entropy)._replace(axes=axes)


def swiss_roll(n: int = 20_000, seed: int = 0, height: float = 2.0) -> Toy:
    """Draw from a rolled sheet of 1.5 to 4.5 half turns, outermost radius about 1.4, uniform on it: 2 dimensions."""
    random = np.random.default_rng(seed)
    grid = np.linspace(1.5 * math.pi, 4.5 * math.pi, 4096)
    length = (grid * np.hypot(1, grid) + np.arcsinh(grid)) / 2
    roll = np.interp(random.uniform(length[0], length[-1], n), length, grid)
    across = random.uniform(-height / 2, height / 2, n)
    points = np.stack([roll * np.cos(roll) / 10, across, roll * np.sin(roll) / 10], 1)
    entropy = math.log((length[-1] - length[0]) / 10 * height)
    return single("swiss_roll", points, {"roll": roll, "across": across}, 2, entropy)


def ball(d: int = 3, n: int = 20_000, seed: int = 0) -> Toy:
    """Draw from the unit ball in d dimensions, uniform."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(n, d))
    radius = random.random(n) ** (1 / d)
    points *= (radius / np.linalg.norm(points, axis=1))[:, None]
    entropy = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
    return single(f"ball{d}", points, {"radius": radius}, d, entropy)


def single(name: str, points: Array, truth: dict[str, Array], dimension: float, entropy: float) -> Toy:
    """Return a toy of one class from points ``(N, K)``, truth ``(N,)`` each, and entropy [nat]."""
    return Toy(points, truth, float(dimension), entropy, np.zeros(len(points), np.int64), (name,))


def mixture(toys: Sequence[Toy]) -> Toy:
    """Return the points of several toys in one space, as classes; their entropy includes that of the class."""
    points = np.concatenate([toy.points for toy in toys])
    share = np.array([len(toy.points) for toy in toys]) / len(points)
    label = np.repeat(np.arange(len(toys)), [len(toy.points) for toy in toys])
    entropy = float(sum(p * (toy.entropy - math.log(p)) for p, toy in zip(share, toys, strict=True)))
    dimension = float(sum(p * toy.dimension for p, toy in zip(share, toys, strict=True)))
    return Toy(points, {}, dimension, entropy, label, tuple(toy.classes[0] for toy in toys))


def rotation(size: int, random: np.random.Generator) -> Array:
    """Draw an orthogonal matrix ``(size, size)`` uniformly (Mezzadri math-ph/0609050, sec. 5)."""
    q, r = np.linalg.qr(random.normal(size=(size, size)))
    return q * np.sign(np.diag(r))


FINE = 0.2
"""Part of a manifold's size below which a resolution is small."""


class Optimum(NamedTuple):
    """The least description of points at each of B resolutions.

    Attributes
    ----------
    kl
        ``(B,)`` the least KL [nat].
    distortion
        ``(B,)`` its mean squared distance <d^2> [data units squared].
    """

    kl: Array
    distortion: Array


def gaussian_optimum(spectrum: ArrayLike, beta: ArrayLike) -> Optimum:
    """Return the exact rate and distortion of a Gaussian of sizes ``(K,)`` at resolutions ``(B,)``.

    >>> gaussian_optimum([2.0, 0.5], [1.0])
    Optimum(kl=array([0.69314718]), distortion=array([1.25]))
    """
    ratio, sizes = np.asarray(beta, float)[:, None], np.asarray(spectrum, float)
    kl = np.log(np.maximum(sizes / ratio, 1.0)).sum(1)
    return Optimum(kl, (np.minimum(ratio, sizes) ** 2).sum(1))


def gaussian_cost(spectrum: ArrayLike, along: ArrayLike, beta: ArrayLike) -> Array:
    r"""Return what each point of a Gaussian costs at the optimum, KL plus distortion over beta, ``(B, N)`` in nats.

    .. math:: \sum_i\Bigl(\ln\frac{m_i}\beta + \frac{a_i^2}{2m_i^2}\Bigr), \quad m_i = \max(S_i, \beta)

    with coordinates a, ``along`` ``(N, K)``, along the principal axes of standard deviations S ``(K,)``.

    >>> gaussian_cost([2.0], [[0.0], [2.0]], [1.0])
    array([[0.69314718, 1.19314718]])
    """
    resolution = np.asarray(beta, float)[:, None]
    larger = np.maximum(np.asarray(spectrum, float), resolution)
    return np.log(larger / resolution).sum(1)[:, None] + (1 / (2 * larger**2)) @ (np.asarray(along, float) ** 2).T


def fine_optimum(toy: Toy, beta: ArrayLike) -> Optimum:
    """Return rate and distortion at resolutions ``(B,)`` far below the manifold's size, where the bound is tight."""
    scale = np.asarray(beta, float)
    kl = toy.entropy - toy.dimension / 2 * np.log(2 * math.pi * math.e * scale**2)
    return Optimum(kl, toy.dimension * scale**2)


def optimum(toy: Toy, beta: ArrayLike) -> Optimum:
    """Return the exact rate and distortion at resolutions ``(B,)``; of a manifold NaN where beta is not small."""
    if toy.spectrum is not None:
        return gaussian_optimum(toy.spectrum, beta)
    fine = np.asarray(beta) < FINE * toy.points.std(0).max()
    return Optimum(*(np.where(fine, part, np.nan) for part in fine_optimum(toy, beta)))


TOYS: dict[str, Callable[..., Toy]] = {
    maker.__name__: maker
    for maker in (
        gaussian,
        curve,
        plane,
        curve_and_plane,
        circle,
        annulus,
        torus,
        sphere,
        rectangles,
        swiss_roll,
        ball,
    )
}
"""Name -> what makes the toy."""


def parse(text: str) -> Toy:
    """Make the toy that a text names, with arguments as in Python, lists by commas.

    Raises
    ------
    UserError
        No such toy, or no such argument; the message lists the valid ones.

    Examples
    --------
    >>> parse("gaussian(spectrum=8,8,3,1, n=100)").dimension, parse("circle").classes
    (4.0, ('circle',))
    """
    match = re.fullmatch(r"(\w+)(?:\(([^()]*)\))?", text.strip())
    name, inside = match.groups() if match else (text, "")
    if name not in TOYS:
        raise UserError(f"no toy {name}; there are {', '.join(TOYS)}")
    try:
        given = arguments(inside or "", inspect.signature(TOYS[name]).parameters)
    except UserError as error:
        raise UserError(f"{name} {error}") from error
    try:
        with np.errstate(all="raise", under="ignore"):
            return TOYS[name](**given)
    except (ValueError, ArithmeticError, MemoryError) as error:
        raise UserError(f"{text} makes no points ({error})") from error
