"""Generator truth of a jet: the partons it comes from, relative to the jet axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jets.simulation.clustering import RADIUS, wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jets.simulation.generator import Hard


def _places(*names: str) -> tuple[str, ...]:
    """Return the column names of partons' transverse momenta and relative coordinates."""
    return tuple(f"{name}_{column}" for name in names for column in ("pt", "deta", "dphi"))


# dR_bW and dR_q1q2 are distances in (y, phi), the W being q1 + q2, and dR_q3q4 that of the second pair of z4;
# z_b = pT(b) / (pT(b) + pT(W)); costheta_W, costheta_H is the cosine of the angle between q1 and the boson's direction
# of flight in the boson's rest frame; dR_max is the distance of the jet axis from the farthest quark;
# z_invisible = pT(invisible) / pT(dark), of what a dark quark leaves unseen.
COLUMNS: dict[str, tuple[str, ...]] = {
    "qcd": ("parton_id", *_places("parton"), "pthat"),
    "top": (
        *_places("top", "b", "q1", "q2"),
        *("dR_q1q2", "dR_bW", "z_b", "z_q1_in_W", "costheta_W", "dR_max", "pthat"),
    ),
    "w": (*_places("w", "q1", "q2"), "dR_q1q2", "z_q1", "costheta_W", "pthat"),
    "higgs": (*_places("higgs", "q1", "q2"), "dR_q1q2", "z_q1", "costheta_H", "pthat"),
    "z4": (*_places("z4", "q1", "q2", "q3", "q4"), "dR_q1q2", "dR_q3q4", "dR_max", "pthat"),
    "dark": (*_places("invisible", "dark"), "z_invisible", "pthat"),
}
UNITS = "GeV for *_pt; angles in rad, deta = y - y_jet; z = pT fractions"


def relative(
    p4: NDArray[np.float64], y: NDArray[np.float64], phi: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return partons relative to jet axes, and their distances from them.

    Parameters
    ----------
    p4
        ``(J, ..., 4)`` px, py, pz, E [GeV].
    y, phi
        ``(J,)`` rapidity and azimuth [rad] of the axes.

    Returns
    -------
    place
        ``(J, ..., 3)`` pT [GeV], deta, dphi [rad].
    distance
        ``(J, ...)`` in (y, phi).

    Examples
    --------
    >>> place, distance = relative(np.array([[3.0, 0.0, 0.0, 3.0]]), np.array([0.0]), np.array([0.4]))
    >>> place.round(3).tolist(), distance.round(3).tolist()
    ([[3.0, 0.0, -0.4]], [0.4])
    """
    lead = (slice(None), *(None,) * (p4.ndim - 2))
    px, py, pz, e = np.moveaxis(p4, -1, 0)
    deta = np.arctanh(pz / e) - y[lead]
    dphi = wrap(np.arctan2(py, px) - phi[lead])
    return np.stack([np.hypot(px, py), deta, dphi], axis=-1), np.hypot(deta, dphi)


def match(hard: Hard, event: NDArray[np.int64], axis: NDArray[np.float64]) -> tuple[NDArray[np.bool_], Hard]:
    """Return the candidate of the hard process that each jet comes from.

    It is the nearest parton of a QCD jet; for a top, W, Higgs boson or z4 the candidate whose farthest decay quark is
    nearest, and the jet is accepted if that quark is within R.

    Parameters
    ----------
    hard
        Partons of all events.
    event
        ``(J,)`` event of each jet.
    axis
        ``(J, 6)`` columns of :data:`jets.simulation.clustering.JET_COLUMNS`.

    Returns
    -------
    accepted
        ``(J,)`` whether the jet is one of the process.
    matched
        One row per jet, without the dimension of the candidates.
    """
    decays = hard.p4.shape[2] > 1
    _, distance = relative(hard.p4[event], axis[:, 4], axis[:, 2])
    farthest = distance[..., 1:].max(axis=-1) if decays else distance[..., 0]
    best = farthest.argmin(axis=1)
    accepted = (farthest.min(axis=1) < RADIUS) | (not decays)
    return accepted, type(hard)(hard.p4[event, best], hard.pdg[event, best], hard.pthat[event])


def table(process: str, matched: Hard, axis: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the generator quantities of jets, ``(J, columns of COLUMNS[process])``, units as in ``UNITS``.

    Parameters
    ----------
    process
        A key of ``COLUMNS``.
    matched
        From :func:`match`.
    axis
        ``(J, 6)`` columns of :data:`jets.simulation.clustering.JET_COLUMNS`.
    """
    place, distance = relative(matched.p4, axis[:, 4], axis[:, 2])
    flat = place.reshape(len(place), 3 * place.shape[1])
    own = FURTHER[process](matched, place, distance)
    if process == "qcd":
        return np.column_stack([own, flat, matched.pthat]).astype(np.float32)
    return np.column_stack([flat, own, matched.pthat]).astype(np.float32)


def _of_qcd(matched: Hard, place: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return matched.pdg.astype(np.float64)


def _of_w(matched: Hard, place: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns dR_q1q2, z_q1, costheta_W."""
    q1, q2 = place[:, -2], place[:, -1]
    gap = _gap(q1, q2)
    z = q1[:, 0] / (q1[:, 0] + q2[:, 0])
    return np.column_stack([gap, z, _decay_angle(matched.p4[:, -2], matched.p4[:, -1])])


def _of_top(matched: Hard, place: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns dR_q1q2, dR_bW, z_b, z_q1_in_W, costheta_W, dR_max."""
    gap, z, angle = _of_w(matched, place, distance).T
    b, w = matched.p4[:, 1], matched.p4[:, -2] + matched.p4[:, -1]
    origin = np.zeros(len(b))
    places, _ = relative(np.stack([b, w], axis=1), origin, origin)
    from_b = np.hypot(places[:, 0, 1] - places[:, 1, 1], wrap(places[:, 0, 2] - places[:, 1, 2]))
    share = places[:, 0, 0] / places[:, :, 0].sum(axis=1)
    return np.column_stack([gap, from_b, share, z, angle, distance[:, 1:].max(axis=1)])


def _decay_angle(q1: NDArray[np.float64], q2: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return the cosine of q1's angle in the rest frame of q1 + q2 to the pair's direction of flight; (J, 4) -> (J,).

    With energy :math:`E` and momentum :math:`p` along the flight, :math:`p^* = \gamma(p - \beta E)`.
    """
    w = q1 + q2
    momentum = np.linalg.norm(w[:, :3], axis=1)
    mass = np.sqrt(w[:, 3] ** 2 - momentum**2)
    along = (q1[:, :3] * w[:, :3]).sum(axis=1) / momentum
    boosted = (along * w[:, 3] - momentum * q1[:, 3]) / mass
    across = np.linalg.norm(q1[:, :3], axis=1) ** 2 - along**2
    return boosted / np.sqrt(boosted**2 + np.maximum(across, 0))


def _of_dark(matched: Hard, place: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return place[:, 0, 0] / place[:, 1, 0]


def _of_z4(matched: Hard, place: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns dR_q1q2, dR_q3q4, dR_max."""
    q1, q2, q3, q4 = np.moveaxis(place[:, 1:], 1, 0)
    return np.column_stack([_gap(q1, q2), _gap(q3, q4), distance[:, 1:].max(axis=1)])


def _gap(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances of partons at places (J, 3), pT, deta, dphi."""
    return np.hypot(one[:, 1] - two[:, 1], wrap(one[:, 2] - two[:, 2]))


FURTHER = {"qcd": _of_qcd, "top": _of_top, "w": _of_w, "higgs": _of_w, "z4": _of_z4, "dark": _of_dark}
