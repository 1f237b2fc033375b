"""Four-momenta of columns with names: which names are known, and which together make a momentum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jets.errors import JetFileError
from jets.formats import kinematics
from jets.formats.kinematics import Array

KNOWN = ("E", "px", "py", "pz", "pt", "eta", "y", "phi", "mass")
ALIASES = {
    "e": "E", "energy": "E", "en": "E", "p_x": "px", "p_y": "py", "p_z": "pz", "p_t": "pt", "rapidity": "y", "rap": "y",
    "m": "mass",
}  # fmt: skip
"""Lower-case names of the columns, besides their own."""


def known_as(name: str) -> str | None:
    """Return what a column is called here; None of one that is no part of a momentum.

    >>> known_as("PX"), known_as("energy"), known_as("Eta"), known_as("charge")
    ('px', 'E', 'eta', None)
    """
    lower = name.lower()
    return lower if lower in KNOWN else ALIASES.get(lower)


def of_columns(values: Mapping[str, Array], name: str) -> Array:
    """Return four-momenta ``(..., 4)`` [GeV] of columns ``(...)``; without mass or energy particles are massless.

    px, py, pz or pt, phi and one of eta and y (rapidity), with E or mass; zeros where pt is zero. Other columns are
    not looked at.

    Raises
    ------
    JetFileError
        They do not make a momentum; the message starts with ``name``.
    """
    mass, energy = values.get("mass", np.zeros(1)), values.get("E")
    if {"px", "py", "pz"} <= set(values):
        p3 = np.stack([values[x] for x in ("px", "py", "pz")], -1)
        if energy is None:
            energy = np.sqrt((p3**2).sum(-1) + mass**2)
        return np.concatenate([p3, energy[..., None]], -1)
    position = next((x for x in ("eta", "y") if x in values), None)
    if position is None or not {"pt", "phi"} <= set(values):
        has = ", ".join(values) or "nothing"
        raise JetFileError(f"{name}: {has} make no momentum; px, py, pz or pt, eta, phi do, with E or mass if known")
    make = kinematics.of_pseudorapidity if position == "eta" else kinematics.of_rapidity
    if energy is not None and position == "y":  # m_T = E / cosh y
        mass = np.sqrt(np.maximum((energy / np.cosh(values["y"])) ** 2 - values["pt"] ** 2, 0))
    p4 = make(values["pt"], values[position], values["phi"], mass)
    if energy is not None and position == "eta":
        p4[..., 3] = energy
    return np.where(~(values["pt"] <= 0)[..., None], p4, 0.0)  # what is no number is not taken for padding
