"""Physical observables of the jets of a tree: what a latent coordinate may turn out to mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Values = NDArray[np.floating]


class Observable(NamedTuple):
    """How to compute an observable from the columns of ``constant_data``."""

    columns: tuple[str, ...]
    """What it needs; a tree that lacks one of them lacks the observable."""
    compute: Callable[..., Values]
    unit: str
    turns: int = 0
    """How often it goes round when the jet turns once about its axis: 0 for what is no angle [rad] on the circle."""

    @property
    def kind(self) -> str:
        """``real``, ``angle``, or ``axis``: an angle known up to half a turn, doubled."""
        return ("real", "angle", "axis")[self.turns]


def itself(values: Values) -> Values:
    """Return the column."""
    return values


def passed(values: Values) -> Values:
    """Return a soft-drop quantity, NaN where no splitting passed (stored as -1)."""
    return np.where(values < 0, np.nan, values)


def ratio(numerator: Values, denominator: Values) -> Values:
    """Return the quotient, NaN where the denominator vanishes."""
    return numerator / np.where(denominator > 0, denominator, np.nan)


def larger_share(z: Values) -> Values:
    """Return the harder decay product's share of pT, 1/2 to 1: which quark is called the first, no jet can show."""
    return np.maximum(z, 1 - z)


def from_soft_to_hard(pt1: Values, eta1: Values, phi1: Values, pt2: Values, eta2: Values, phi2: Values) -> Values:
    """Return the direction in (eta, phi) from the softer of two partons to the harder [rad]."""
    sign = np.where(pt1 > pt2, 1.0, -1.0)
    return np.arctan2(sign * (phi1 - phi2), sign * (eta1 - eta2))


def doubled(angle: Values) -> Values:
    """Return an axis, known up to half a turn, as an angle on the whole circle."""
    return np.angle(np.exp(2j * angle))


def between_decays(*columns: Values) -> Values:
    """Return the angle between the directions W -> b and softer -> harder quark of the W, 0 to pi: unmirrored [rad].

    ``columns`` are those of :data:`QUARKS`, then eta and phi of the b.
    """
    *quarks, b_eta, b_phi = columns
    pt1, eta1, phi1, pt2, eta2, phi2 = quarks
    w_eta, w_phi = ((pt1 * one + pt2 * two) / (pt1 + pt2) for one, two in ((eta1, eta2), (phi1, phi2)))
    apart = from_soft_to_hard(*quarks) - np.arctan2(b_phi - w_phi, b_eta - w_eta)
    return np.abs(np.angle(np.exp(1j * apart)))


QUARKS = tuple(f"{quark}_{column}" for quark in ("q1", "q2") for column in ("pt", "deta", "dphi"))

OBSERVABLES: dict[str, Observable] = {
    "mass": Observable(("jet_mass",), itself, "GeV"),
    "soft-drop mass": Observable(("m_sd",), itself, "GeV"),
    "width": Observable(("width",), itself, "rad"),
    "tau21": Observable(("tau2", "tau1"), ratio, ""),
    "tau32": Observable(("tau3", "tau2"), ratio, ""),
    "subjet angle": Observable(("R_g",), passed, "rad"),
    "subjet sharing": Observable(("z_g",), passed, ""),
    "leading subjet": Observable(("z_kt1",), itself, ""),
    "multiplicity": Observable(("jet_n_constituents",), itself, ""),
    "jet pT": Observable(("jet_pt",), itself, "GeV"),
    "jet axis": Observable(("axis",), doubled, "rad", 2),
    "true angle": Observable(("dR_q1q2",), itself, "rad"),
    "true sharing": Observable(("z_q1",), larger_share, ""),
    "true azimuth": Observable(QUARKS, from_soft_to_hard, "rad", 1),
    "true axis": Observable(QUARKS, lambda *quarks: doubled(from_soft_to_hard(*quarks)), "rad", 2),
    "b-W angle": Observable(("dR_bW",), itself, "rad"),
    "b sharing": Observable(("z_b",), itself, ""),
    "W sharing": Observable(("z_q1_in_W",), larger_share, ""),
    "W decay angle": Observable(("costheta_W", "z_b"), lambda cosine, _: cosine, ""),
    "W turn": Observable((*QUARKS, "b_deta", "b_dphi"), between_decays, "rad"),
    "b azimuth": Observable(("b_dphi", "b_deta"), np.arctan2, "rad", 1),
    "gluon": Observable(("parton_id",), lambda code: np.where(np.isnan(code), np.nan, code == 21), ""),
}
"""Name -> observable. ``true`` ones are the generator's; an axis is an angle modulo half a turn, doubled."""


def shape(constituents: NDArray[np.floating]) -> dict[str, Values]:
    r"""Return ``width`` and ``axis`` [rad] of jets, each ``(N,)``, from constituents ``(N, M, 3)`` = (pT, eta, phi).

    About the pT-weighted centroid: :math:`\sum p_T \Delta R/\sum p_T`, and the direction of the leading eigenvector of
    :math:`\sum p_T (\eta, \phi)^T(\eta, \phi)`, -pi/2 to pi/2.
    """
    weight = constituents[..., 0] / constituents[..., 0].sum(-1, keepdims=True)
    eta, phi = (x - (weight * x).sum(-1, keepdims=True) for x in (constituents[..., 1], constituents[..., 2]))
    across, along = 2 * (weight * eta * phi).sum(-1), (weight * (eta**2 - phi**2)).sum(-1)
    return {"width": (weight * np.hypot(eta, phi)).sum(-1), "axis": np.arctan2(across, along) / 2}


def finite(values: Values) -> Values:
    """Return a column with NaN where it is not finite: the direction to an infinite place would be finite."""
    return np.where(np.isfinite(values), values, np.nan)


def observables(tree: xr.DataTree) -> xr.DataArray:
    """Return every observable that the tree has columns for, ``(jet, observable)``, with its ``unit`` and ``kind``.

    NaN where a jet lacks it (a W has no b quark).
    """
    known = tree["constant_data"]
    found = {name: made for name, made in OBSERVABLES.items() if all(column in known for column in made.columns)}
    columns = [made.compute(*(finite(np.asarray(known[c], float)) for c in made.columns)) for made in found.values()]
    return xr.DataArray(
        np.stack(columns, 1) if columns else np.empty((known.sizes["jet"], 0)),
        dims=("jet", "observable"),
        coords={
            "observable": list(found),
            "unit": ("observable", [made.unit for made in found.values()]),
            "kind": ("observable", [made.kind for made in found.values()]),
        },
    )
