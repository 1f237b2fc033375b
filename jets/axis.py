"""Positions of constituents about their jet's axis: azimuths wrapped, absolute positions taken relative to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jets.errors import JetFileError
from jets.notes import first, say

Array = NDArray[np.float32]

NEAR = 1.5
"""Of jets that lie within this of their axis [rad] no azimuth needs turning and no two particles are `APART`."""
APART = 3.0
"""No constituent is farther from the hardest one, in eta or phi [rad]: that is the diameter of a jet of R = 1.5."""
TURNS = 4 * np.pi
"""Azimuths [rad] beyond this are no radians: differences of azimuths in [0, 2 pi) stay within 2 pi."""
ABSOLUTE = 0.01
"""Positions count as absolute where more than this part of the jets has its centroid farther than `NEAR` from zero."""


class OffAxisError(JetFileError):
    """Some jets lie off their axis, where the others lie about theirs."""


def without_junk(found: Array) -> Array:
    """Zero the positions of padding, NaN included."""
    junk = (found[..., 0] == 0) & ((found[..., 1] != 0) | (found[..., 2] != 0))
    return np.where(junk[..., None], np.float32(0), found) if junk.any() else found


def around_axis(found: Array, name: str, absolute: bool | None) -> tuple[Array, int, int]:
    """Wrap azimuths about the hardest constituent; take absolute positions relative to the jets' centroids.

    Also returns in how many jets azimuths were wrapped, and in how many positions were absolute.
    """
    far = np.asarray((np.abs(found[..., 1:]) > NEAR).any((1, 2)))
    if not (far.any() or absolute):
        return found, 0, 0
    found = found.copy()
    found[far], turned = _wrapped(found[far], far, name)
    if turned:
        say(f"{name}: azimuths of {turned} jets are wrapped about their hardest constituents")
    off = np.zeros(len(found), bool)
    off[far] = (np.abs(_centroid(found[far])) > NEAR).any((1, 2))
    if off.mean() > ABSOLUTE if absolute is None else absolute:
        found[..., 1:] = np.where(found[..., :1] > 0, found[..., 1:] - _centroid(found), 0)
        if off.any():
            say(f"{name}: positions are absolute ({first(off)}); taken relative to each jet's pT-weighted centroid")
        return found, turned, len(found)
    if off.any():
        raise OffAxisError(
            f"{name}: {first(off)} lie more than {NEAR} rad from the jet axis, where the others are; drop them"
        )
    return found, turned, 0


def _centroid(some: Array) -> Array:
    """Return the pT-weighted mean position ``(n, 1, 2)`` of constituents ``(n, M, 3)``."""
    weight = some[..., :1] / some[..., :1].sum(1, keepdims=True)
    return np.asarray((weight * some[..., 1:]).sum(1, keepdims=True))


def off_axis(values: NDArray) -> NDArray[np.bool_]:
    """Return which jets ``(n,)`` have their centroid farther than `NEAR` from zero; those that are no jets do not."""
    found = without_junk(values.astype(np.float32, copy=False))
    with np.errstate(all="ignore"):
        far = np.asarray((np.abs(found[..., 1:]) > NEAR).any((1, 2)))
        off = np.zeros(len(found), bool)
        off[far] = (np.abs(_centroid(_turned(found[far])[0])) > NEAR).any((1, 2))
    return off


def _wrapped(some: Array, rows: NDArray[np.bool_], name: str) -> tuple[Array, int]:
    """Return the jets ``rows`` with each azimuth within pi of the hardest one's, and how many were changed."""
    changed, moved, away = _turned(some)
    if away.any():
        bad = np.zeros(len(rows), bool)
        bad[np.flatnonzero(rows)] = away.any(1)
        raise JetFileError(
            f"{name}: constituents of {first(bad)} are more than {APART:g} from the hardest in eta or phi [rad]; "
            "give jets, not whole events, and the columns pT, eta, phi"
        )
    return changed, int(moved.any(1).sum())


def _turned(some: Array) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return jets ``(n, M, 3)`` wrapped about their hardest constituent, what was, and what is too far from it."""
    real, phi = some[..., 0] > 0, some[..., 2].astype(np.float64)
    hardest = some[..., 0].argmax(1)[:, None]
    middle, eta = np.take_along_axis(phi, hardest, 1), np.take_along_axis(some[..., 1], hardest, 1)
    home = middle - 2 * np.pi * np.round(middle / (2 * np.pi))
    wrapped = home + (phi - middle) - 2 * np.pi * np.round((phi - middle) / (2 * np.pi))
    away = real & ((np.abs(some[..., 1] - eta) > APART) | (np.abs(wrapped - home) > APART) | (np.abs(phi) > TURNS))
    moved = real & (np.abs(wrapped - phi) > 1)
    changed = some.copy()
    changed[..., 2] = np.where(moved, wrapped, some[..., 2])
    return changed, moved, np.asarray(away)
