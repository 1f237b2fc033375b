r"""Substructure of jets: N-subjettiness, soft drop and kT subjets, from fastjet, many jets at once.

.. math:: \tau_N = \frac{\sum_i p_{T,i} \min_k \Delta R_{ik}}{\sum_i p_{T,i} R},

with axes from exclusive kT, improved once towards the minimum (J. Thaler, K. Van Tilburg, arXiv:1108.2701, Eq. 1);
soft drop with :math:`z > 0.1` and :math:`\beta = 0` (A. Larkoski et al., arXiv:1402.2657, Eq. 1.1).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from jets.simulation.clustering import RADIUS, cluster, wrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = (
    *("tau1", "tau2", "tau3", "tau4"),
    *("m_sd", "z_g", "R_g"),
    *("z_kt1", "z_kt2", "z_kt3", "dRmin_kt3"),
)
UNITS = "GeV for m_sd, else 1"
Z_CUT = 0.1
# Far above any jet's size: then all constituents end in one jet, and the beam never competes with a pair.
ALL = 10.0


def substructure(p4: Any) -> NDArray[np.float32]:
    """Return the substructure of jets.

    Parameters
    ----------
    p4
        Awkward array ``(J, var)`` with fields px, py, pz, E [GeV]: the constituents of each jet, at least one.

    Returns
    -------
    numpy.ndarray
        ``(J, 11)`` columns ``COLUMNS``: tau1 ... tau4; soft-drop mass [GeV], z_g and R_g, the latter two -1 where no
        splitting passes; pT fractions of the three exclusive kT subjets, falling, and the smallest distance among
        them (0 for fewer than three constituents).
    """
    if len(p4) == 0:
        return np.empty((0, len(COLUMNS)), np.float32)
    groomed = cluster(p4, "cambridge", ALL).exclusive_jets_softdrop_grooming(
        njets=1, beta=0.0, symmetry_cut=Z_CUT, R0=RADIUS
    )
    sequence = cluster(p4, "kt", ALL)
    taus = sequence.njettiness(
        measure_definition="NormalizedMeasure", axes_definition="OnePass_KT_Axes", njets=[1, 2, 3, 4], beta=1, R0=RADIUS
    )
    drop = [np.asarray(groomed[name]) for name in ("msoftdrop", "symmetrysoftdrop", "deltaRsoftdrop")]
    taus = np.asarray(taus).reshape(len(p4), 4)
    return np.column_stack([taus, *drop, subjets(sequence)]).astype(np.float32)


def subjets(sequence: Any) -> NDArray[np.float64]:
    """Return the pT fractions of three exclusive kT subjets and the smallest distance among them, ``(J, 4)``.

    Parameters
    ----------
    sequence
        kT cluster sequence of J jets, from :func:`jets.simulation.clustering.cluster`.
    """
    import awkward as ak

    with warnings.catch_warnings():
        # fastjet's wrapper compares the whole definition with the algorithms and so warns even of kT.
        warnings.simplefilter("ignore", UserWarning)
        found = ak.pad_none(sequence.exclusive_jets_up_to(3), 3)
    px, py, pz, e = (ak.to_numpy(ak.fill_none(found[c], 0.0)) for c in ("px", "py", "pz", "E"))
    pt = np.hypot(px, py)
    order = np.argsort(-pt, axis=1, kind="stable")
    z = np.take_along_axis(pt, order, axis=1) / pt.sum(axis=1, keepdims=True)
    y, phi = np.arctanh(pz / np.maximum(e, 1e-9)), np.arctan2(py, px)
    nearest = np.hypot(y - np.roll(y, 1, axis=1), wrap(phi - np.roll(phi, 1, axis=1))).min(axis=1)
    return np.column_stack([z, np.where((pt > 0).all(axis=1), nearest, 0.0)])
