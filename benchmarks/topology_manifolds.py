"""Manifolds whose topology is known, bent into a larger space: what a league is tried on."""

import numpy as np

from jets import toys

NOISE = 0.03


def toy(name):
    return lambda n, random: toys.TOYS[name](n=n, seed=int(random.integers(1 << 30))).points


def ring(n, random):
    angle = random.uniform(-np.pi, np.pi, n)
    return np.stack([np.cos(angle), np.sin(angle), np.zeros(n)], 1)


def box(*sides):
    """Points of a box of given half widths."""
    return lambda n, random: random.uniform(-1, 1, (n, len(sides))) * sides


def normal(size):
    return lambda n, random: random.normal(size=(n, size))


def round_plane(inner, outer):
    """A disc, or an annulus."""

    def points(n, random):
        radius = np.sqrt(random.uniform(inner**2, outer**2, n))
        return ring(n, random)[:, :2] * radius[:, None]

    return points


def cylinder(n, random):
    return ring(n, random) + np.outer(random.uniform(-1, 1, n), [0, 0, 1])


def helix(n, random, turns=3):
    angle = random.uniform(-np.pi, np.pi, n) * turns
    return np.stack([np.cos(angle), np.sin(angle), 0.12 * angle], 1)


def horseshoe(n, random):
    angle = random.uniform(-np.pi + 0.3, np.pi - 0.3, n)
    return np.stack([np.cos(angle), np.sin(angle)], 1)


def moebius(n, random):
    angle, across = random.uniform(-np.pi, np.pi, n), random.uniform(-0.5, 0.5, n)
    radius = 1.3 + across * np.cos(angle / 2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), across * np.sin(angle / 2)], 1)


def klein(n, random):
    """The bottle in R^4."""
    angle, tube = random.uniform(-np.pi, np.pi, (2, n))
    radius, up = 1 + 0.5 * np.cos(tube), 0.5 * np.sin(tube)
    turned = [up * np.cos(angle / 2), up * np.sin(angle / 2)]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), *turned], 1)


def ball(n, random):
    return 1.2 * toys.ball(3, n=n, seed=int(random.integers(1 << 30))).points


def thick_sphere(n, random):
    """The product of a sphere and a line."""
    points = random.normal(size=(n, 3))
    return np.c_[points / np.linalg.norm(points, axis=1)[:, None], random.uniform(-0.7, 0.7, n)]


def two(first, second, shift, turned=True):
    """Half of the points on one curve, half on another, shifted and turned about the first axis."""

    def points(n, random):
        one, other = first(n // 2, random), second(n - n // 2, random)
        one, other = (np.pad(part, ((0, 0), (0, 3 - part.shape[1]))) for part in (one, other))
        return np.concatenate([one, (other[:, [0, 2, 1]] if turned else other) + shift])

    return points


def theta(n, random):
    """A circle and its diameter."""
    points, part = ring(n, random)[:, :2], n // 4
    points[:part] = np.c_[random.uniform(-1, 1, part), np.zeros(part)]
    return points


MANIFOLDS = {
    "line": ("R1", box(1.5)),
    "normal line": ("R1", normal(1)),
    "circle": ("S1", toy("circle")),
    "torus": ("T2", toy("torus")),
    "sphere": ("S2", toy("sphere")),
    "curve and plane": ("R1 | R2", toy("curve_and_plane")),
    "sheet": ("R2", box(1.5, 1.0)),
    "normal plane": ("R2", normal(2)),
    "cylinder": ("S1 x R1", cylinder),
    "disc": ("R2", round_plane(0, 1.3)),
    "annulus": ("S1 x R1", round_plane(0.6, 1.4)),
    "ball": ("R3", ball),
    "horseshoe": ("R1", horseshoe),
    "two lines": ("R1 | R1", two(box(1.5), lambda n, random: box(1.5)(n, random) @ [[0, 1.0]], [0, 0, 1.0], False)),
    "circles apart": ("S1 | S1", two(ring, ring, [3.0, 0, 0])),
    "circles linked": ("S1 | S1", two(ring, ring, [1.0, 0, 0])),
    "helix": ("R1", helix),
    "Moebius strip": ("", moebius),
    "figure eight": ("", two(ring, ring, [2.0, 0, 0], False)),
    "theta": ("", theta),
    "circle and plane": ("", two(ring, box(1.2, 1.2), [0, 0, 1.0], False)),
    "S2 x R1": ("", thick_sphere),
    "Klein bottle": ("", klein),
    "normal in R8": ("", normal(8)),
}
"""Name -> the candidate that is true, or nothing where none is, and what draws its points."""


def embedded(points, size, random):
    """Turn the points into R^size, at least their own, and shear them quadratically: one to one, nowhere flat."""
    size = max(size, points.shape[1])
    padded = np.pad(points - points.mean(0), ((0, 0), (0, size - points.shape[1])))
    turned = padded @ toys.rotation(size, random)
    along = turned @ toys.rotation(size, random)[:, :2]
    bent = turned + 0.2 * (along[:, :1] ** 2) * random.normal(size=size) / np.sqrt(size)
    bent += 0.15 * np.tanh(2 * along[:, 1:]) * random.normal(size=size) / np.sqrt(size)
    return random.permutation(bent + NOISE * random.normal(size=bent.shape))


def drawn(name, count, size, seed):
    """Draw points ``(count, size)`` of a manifold."""
    random = np.random.default_rng((seed, list(MANIFOLDS).index(name)))
    return embedded(MANIFOLDS[name][1](count, random), size, random)
