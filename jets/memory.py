"""``from_arrays``: jets of arrays in memory, of four-momenta in the terms in which a physicist has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jets import checks
from jets.dataset import Jets
from jets.errors import JetFileError
from jets.formats import Particles, jets_of, momenta, whole
from jets.formats.particles import padded
from jets.notes import first, say

HERE = "jets in memory"
"""What such jets are called where something is said of them."""
RECORDS = {"rho": "pt", "x": "px", "y": "py", "z": "pz", "t": "E", "tau": "mass"}
"""Fields of vector's records that are called otherwise here."""


def from_arrays(
    records: Any = None,
    *,
    label: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    event: ArrayLike | None = None,
    classes: Sequence[str] | None = None,
    **arrays: Any,
) -> Jets:
    """Return jets of the constituents in arrays, about the axis of their sum, as every reader of files does.

    Parameters
    ----------
    records
        Four-momenta ``(N, particles)`` as vector's Momentum4D, instead of arrays.
    label
        ``(N,)`` index into ``classes``, or names.
    weight, event
        ``(N,)`` event weights and event numbers.
    classes
        Names of the labels 0, 1, ...
    arrays
        pt [GeV], eta or y (rapidity), phi, or px, py, pz, and mass or E where they are known, else particles are
        massless: ``(N, M)`` with pt = 0 or four zeros as padding, masked, or ragged (lists, awkward); positions are
        absolute or relative. Further names are columns of the jets, ``(N,)`` each.

    Raises
    ------
    JetFileError
        Arrays that do not fit one another, or what no jet has; the message names the field.

    Examples
    --------
    >>> from_arrays(pt=[[100.0, 50.0], [70.0]], eta=[[0.5, 0.6], [-1.0]], phi=[[3.1, -3.1], [0.2]], label=["w", "qcd"])
    Jets(1 w, 1 qcd; up to 2 constituents)
    """
    given = {name: momenta.known_as(name) for name in arrays}
    parts = {known: arrays.pop(name) for name, known in given.items() if known is not None}
    parts = {name: values for name, values in parts.items() if values is not None}
    if records is not None:
        if parts:
            raise JetFileError(f"{HERE}: records and {', '.join(parts)} are given; give one of them")
        parts = fields(records)
    p4 = four_momenta(parts)
    numbers, names = labels(label, classes, len(p4))
    columns = checks.columns(arrays, len(p4), HERE)
    weights, events = column(weight, len(p4), "weight"), column(event, len(p4), "event")
    jets, rows = jets_of(Particles(p4, numbers, columns, weights, events), names, HERE)
    if len(rows) < len(p4):
        say(f"{HERE}: {first(~np.isin(np.arange(len(p4)), rows))} have no particles; left out")
    return whole([] if jets is None else [jets], HERE)


def fields(records: Any) -> dict[str, Any]:
    """Return the components of awkward records of four-momenta, or of vector's arrays, by name.

    Raises
    ------
    JetFileError
        They are none.
    """
    names = getattr(records, "fields", None) or getattr(getattr(records, "dtype", None), "names", None) or ()
    found = {RECORDS.get(name, momenta.known_as(name) or name): records[name] for name in names}
    if "theta" in found and hasattr(records, "eta"):
        found["eta"] = records.eta
    if not set(found) & set(momenta.KNOWN):
        raise JetFileError(f"{HERE}: records have the fields {', '.join(names) or 'none'}; expected pt, eta, phi, mass")
    return {name: values for name, values in found.items() if name in momenta.KNOWN}


def four_momenta(arrays: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return ``(N, M, 4)`` of named arrays, rectangular or ragged.

    Raises
    ------
    JetFileError
        They do not fit one another, or are no finite numbers.
    """
    found = {name: particles(values, name) for name, values in arrays.items()}
    several = {name: counts for name, (counts, _) in found.items() if counts is not None}
    if not several:
        raise JetFileError(f"{HERE}: no particles; give pt, eta, phi or px, py, pz, as (N, M) or ragged")
    one, counts = next(iter(several.items()))
    for name, others in several.items():
        if len(others) != len(counts):
            raise JetFileError(f"{HERE}: {name} has {len(others)} jets, {one} {len(counts)}")
        if (others != counts).any():
            jet = int((others != counts).argmax())
            raise JetFileError(f"{HERE}: {name} has {others[jet]} particles in jet {jet}, {one} {counts[jet]}")
    values = {name: np.broadcast_to(flat, counts.sum()) for name, (_, flat) in found.items()}
    row = np.repeat(np.arange(len(counts)), counts)
    for name, flat in values.items():
        bad = ~np.isfinite(flat) & ~(values.get("pt", np.ones(1)) == 0) | (flat < 0) & (name == "pt")
        if bad.any():
            jets = np.bincount(row[bad], minlength=len(counts)) > 0
            raise JetFileError(f"{HERE}: {name} of {first(jets)} is NaN, infinite or negative; drop them")
    return padded(counts, momenta.of_columns(values, HERE))


def particles(values: Any, name: str) -> tuple[NDArray[np.int64] | None, NDArray[np.float64]]:
    """Return numbers of particles ``(N,)`` and their values ``(T,)``; of one value for all, None and that value.

    Raises
    ------
    JetFileError
        They are no numbers of the particles of jets.
    """
    if type(values).__module__.split(".")[0] == "awkward":
        return of_awkward(values, name)
    if isinstance(values, np.ma.MaskedArray):
        values = values.filled(0)
    if isinstance(values, np.ndarray) and values.dtype != object:
        given = values
    elif np.isscalar(values):
        given = np.asarray(values)
    else:
        try:
            rows = [np.asarray(jet).reshape(len(jet)) for jet in values]
            flat = np.concatenate([row for row in rows if len(row)] or [np.empty(0)])
        except (TypeError, ValueError) as error:
            raise JetFileError(f"{HERE}: {name} is not a list of the particles of each jet ({error})") from error
        return np.array([len(row) for row in rows], np.int64), checks.numbers(flat, f"{HERE}: {name}", np.float64)
    found = checks.numbers(given, f"{HERE}: {name}", np.float64)
    if found.ndim == 0:
        return None, found
    if found.ndim != 2:
        raise JetFileError(f"{HERE}: {name} has shape {found.shape}; expected (jets, particles)")
    return np.full(len(found), found.shape[1]), found.reshape(-1)


def of_awkward(values: Any, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return numbers of particles ``(N,)`` and their values ``(T,)`` of an awkward array.

    Raises
    ------
    JetFileError
        It does not hold numbers of the particles of jets.
    """
    import awkward as ak

    if values.ndim != 2 or ak.any(ak.is_none(values, axis=1)) or ak.any(ak.is_none(values)):
        raise JetFileError(f"{HERE}: {name} is {values.type}; expected jets of particles, none of them missing")
    return np.asarray(ak.num(values), np.int64), checks.numbers(ak.flatten(values), f"{HERE}: {name}", np.float64)


def labels(label: Any, classes: Sequence[str] | None, count: int) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Return the labels ``(N,)`` and the classes; names become labels in the order of ``classes``, or as they appear.

    Raises
    ------
    JetFileError
        Another number of labels, or names that are not among the classes.
    """
    known = None if classes is None else checks.names(classes, "classes", HERE)
    if label is None:
        if known is not None and len(known) != 1:
            raise JetFileError(f"{HERE}: label is missing; {len(known)} classes need one for each jet")
        return None, known or ("jets",)
    found = np.asarray(label)
    if found.shape != (count,):
        raise JetFileError(f"{HERE}: label has shape {found.shape}; expected one for each of {count} jets")
    if found.dtype.kind in "USO":
        text = [one.decode() if isinstance(one, bytes) else str(one) for one in found.tolist()]
        known = known or checks.names(tuple(dict.fromkeys(text)), "label", HERE)
        lacking = sorted(set(text) - set(known))
        if lacking:
            raise JetFileError(f"{HERE}: label {lacking[0]!r} is not among the classes {checks.few(known)}")
        return np.array([known.index(one) for one in text], np.int64), known
    if known is None and found.dtype.kind in "fiub" and len(found):
        known = checks.numbered(int(found.max()), f"{HERE}: label")
    return checks.labels(found, known or (), count, HERE), known or ()


def column(values: Any, count: int, name: str) -> NDArray | None:
    """Return one value for each jet, ``(N,)``; None stays None.

    Raises
    ------
    JetFileError
        Another number of them.
    """
    if values is None:
        return None
    found = checks.array(values, f"{HERE}: {name}")
    if found.shape != (count,):
        raise JetFileError(f"{HERE}: {name} has shape {found.shape}; expected one for each of {count} jets")
    return found
