"""Jets as people have them: sound ones, written in every way that means the same, and such as no jet is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import Random, pick

Array = np.ndarray
FLOATS = ("f4", "f8", ">f4", ">f8", "<f4")


def sound(random: Random, jets: int | None = None) -> Array:
    """Draw jets ``(N, M, 3)`` float64, as the package keeps them: falling pT, padding last, about the axis."""
    n, m = int(random.integers(1, 25)) if jets is None else jets, int(random.integers(1, 15))
    pt = -np.sort(-(random.exponential(size=(n, m)) ** pick(random, (1, 3))))
    pt *= 10.0 ** random.uniform(-3, 4, (n, 1)) / pt.sum(1, keepdims=True)
    position = random.normal(0, pick(random, (1e-3, 0.1, 0.3)), (n, m, 2)).clip(-0.7, 0.7)
    found = np.concatenate([pt[..., None], position], -1)
    padding = np.arange(m) >= random.integers(1, m + 1, (n, 1))
    found[padding] = 0
    return found


def turned(random: Random, jets: Array) -> Array:
    """Give every jet its own direction in the detector, azimuths in one of the conventions."""
    eta, phi = random.uniform(-2.5, 2.5, (2, len(jets), 1))
    found = jets.copy()
    found[..., 1] += eta
    found[..., 2] += phi * pick(random, (0, 1, 1))
    return windowed(random, found)


def windowed(random: Random, jets: Array) -> Array:
    """Put azimuths into [0, 2 pi) or [-pi, pi), as a detector's files have them."""
    found, phi = jets.copy(), jets[..., 2]
    found[..., 2] = pick(random, (phi % (2 * np.pi), (phi + np.pi) % (2 * np.pi) - np.pi))
    return found


def shuffled(random: Random, jets: Array) -> Array:
    """Mix the constituents of each jet, padding with them."""
    order = random.permuted(np.tile(np.arange(jets.shape[1]), (len(jets), 1)), axis=1)
    return np.take_along_axis(jets, order[..., None], 1)


def padded(random: Random, jets: Array) -> Array:
    """Add padding in front, which falls between after a shuffle."""
    empty = np.zeros((len(jets), int(random.integers(1, 4)), 3))
    return np.concatenate([empty, jets], 1)


def junk(random: Random, jets: Array) -> Array:
    """Leave anything at the positions of padding."""
    found = jets.copy()
    found[found[..., 0] == 0, 1:] = pick(random, (np.nan, np.inf, -99.0, 1e30, -999.0))
    return found


def rescaled(random: Random, jets: Array) -> Array:
    """Normalise each jet to a total pT of 1."""
    found = jets.copy()
    found[..., 0] /= found[..., 0].sum(1, keepdims=True)
    return found


WAYS: tuple[Callable[[Random, Array], Array], ...] = (turned, windowed, shuffled, padded, junk, rescaled)
"""What changes how jets are written, and not what they are."""


def rewritten(random: Random, jets: Array) -> Array:
    """Write the jets in one way after another."""
    for way in WAYS:
        if random.random() < 0.35:
            jets = way(random, jets)
    return jets


def stored(random: Random, values: Array) -> Any:
    """Return values in another memory layout or container, or number type that holds them."""
    with np.errstate(over="ignore"):
        values = values.astype(pick(random, FLOATS))
    if random.random() < 0.2:
        values.flags.writeable = False
        return values
    kinds = (
        lambda: values,
        lambda: np.asfortranarray(values),
        lambda: np.repeat(values, 2, 0)[::2],
        lambda: values.tolist(),
        lambda: np.swapaxes(np.ascontiguousarray(np.swapaxes(values, 0, 1)), 0, 1),
    )
    return pick(random, kinds)()


def mass(jets: Array) -> Array:
    r"""Return :math:`m^2 = \sum_{ij} p_i p_j (\cosh\Delta\eta - \cos\Delta\phi)` of massless constituents, ``(N,)``."""
    pt, eta, phi = np.moveaxis(np.asarray(jets, np.float64), -1, 0)
    eta, phi = np.where(pt > 0, eta, 0), np.where(pt > 0, phi, 0)
    angle = np.cosh(eta[:, :, None] - eta[:, None]) - np.cos(phi[:, :, None] - phi[:, None])
    return np.einsum("ni,nj,nij->n", pt, pt, angle)


def same_jets(found: Array, given: Any) -> None:
    """Assert that jets as kept have the pT, the mass and the axis distances of those given, and are in order."""
    given = np.asarray(given, np.float64)
    total = given[..., 0].sum(1)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[..., 0].sum(1, dtype=np.float64), total, rtol=1e-5)
    np.testing.assert_allclose(mass(found) / total**2, mass(given) / total**2, rtol=1e-3, atol=1e-5)
    assert (np.diff(found[..., 0], axis=1) <= 0).all(), "pT does not fall"
    empty = found[..., 0] == 0
    assert (found[empty] == 0).all(), "padding is not zero"
    assert np.abs(found[..., 1:]).max() < np.pi + 1.5
    one, other = (np.sort(np.asarray(pt, np.float32), 1) for pt in (found[..., 0], given[..., 0]))
    np.testing.assert_array_equal(one[:, -other.shape[1] :], other)
