r"""What a search asks of a score beyond its AUC: whether it depends on the mass, and what is left at a given mass.

A search fits a mass spectrum after the cut, and a score that selects masses shapes that spectrum. So beside the AUC
over all masses stand: AUC and background rejection within a window of the mass; the rank correlation (Spearman) with
mass, pT and number of particles among background jets; and the divergence of Jensen and Shannon [nat] between the
background's mass spectrum P and that after a cut, Q:

.. math:: \frac12 \sum_b P_b\ln\frac{2P_b}{P_b + Q_b} + \frac12 \sum_b Q_b\ln\frac{2Q_b}{P_b + Q_b},

in twenty bins between the half and the 99.5th percentile of the mass, 0 to ln 2; beside it what so many jets chosen by
chance have.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import rankdata

from analysis.measures.tagging import performance
from analysis.store import names
from jets.shapes import mass_and_pt

Values = NDArray[np.floating]
Mask = NDArray[np.bool_]
KNOWN = ("mass", "pT", "particles")
"""What a score should be independent of: coordinates along ``jet``."""
CUTS = (0.05, 0.01)
"""Shares of the background that cuts keep."""
BINS = 20
MIDDLE = (16, 84)
"""Percentiles of the signal's mass that are the window where none is given."""


def known_of(constituents: NDArray[np.floating]) -> dict[str, tuple[str, Values]]:
    """Return mass [GeV], pT [GeV] and number of particles of jets ``(N, M, 3)``, as coordinates along ``jet``."""
    mass, pt = mass_and_pt(constituents)
    columns = (mass, pt, (constituents[..., 0] > 0).sum(1).astype(float))
    return {name: ("jet", column) for name, column in zip(KNOWN, columns, strict=True)}


def window_of(mass: Values) -> tuple[float, float]:
    """Return the middle 68 % of masses ``(n,)``, rounded to whole GeV."""
    low, high = np.percentile(mass, MIDDLE)
    return float(np.floor(low)), float(np.ceil(high))


def search_table(values: xr.DataArray, is_signal: Mask, window: tuple[float, float] | None = None) -> xr.Dataset:
    """Return what a search asks of each score, of (score, jet) with the coordinates :data:`KNOWN`.

    Jets without a score are left out. Event weights do not count here.

    Returns
    -------
    xarray.Dataset
        Along ``score``: ``auc``, ``window_auc``, ``window_rejection`` = 1/eps_B at eps_S = 0.3 within the window, each
        with its ``_error``; ``correlation`` (known, score) in the background; ``sculpting`` and ``by_chance`` (cut,
        score) [nat]. Attributes ``low``, ``high`` [GeV], and how many jets of either class are in the window.
    """
    mass = np.asarray(values["mass"])
    low, high = window or window_of(mass[is_signal])
    inside = (mass >= low) & (mass < high)
    rows = [
        row(np.asarray(values.sel(score=name), float), is_signal, inside, values) for name in names(values, "score")
    ]
    found = xr.concat(rows, xr.Variable("score", names(values, "score")))
    counts = {"signal": int((inside & is_signal).sum()), "background": int((inside & ~is_signal).sum())}
    return found.assign_attrs({"low": low, "high": high} | counts)


def row(score: Values, is_signal: Mask, inside: Mask, values: xr.DataArray) -> xr.Dataset:
    """Return the numbers of one score ``(jet,)``."""
    background = ~is_signal & np.isfinite(score)
    known = {name: np.asarray(values[name])[background] for name in KNOWN}
    own, correlation = score[background], [rank_correlation(score[background], each) for each in known.values()]
    cuts = [sculpting(known["mass"], own, cut) for cut in CUTS]
    found: dict[str, object] = {
        "correlation": ("known", correlation),
        "sculpting": ("cut", [cut[0] for cut in cuts], {"units": "nat"}),
        "by_chance": ("cut", [cut[1] for cut in cuts], {"units": "nat"}),
    }
    for prefix, part in (("", np.ones_like(inside)), ("window_", inside)):
        one, two = score[part & is_signal], score[part & ~is_signal]
        numbers = performance(one, two) if len(one) and len(two) else None
        for name, key in (("auc", "auc"), ("rejection", "rejection_30")):
            value, error = numbers[key] if numbers else (np.nan, np.nan)
            found |= {f"{prefix}{name}": value, f"{prefix}{name}_error": error}
    return xr.Dataset(found, {"known": list(KNOWN), "cut": list(CUTS)})


def rank_correlation(one: Values, two: Values) -> float:
    """Return Spearman's rank correlation of ``(n,)`` and ``(n,)``; NaN where either is constant.

    >>> rank_correlation(np.array([1.0, 2, 3]), np.array([1.0, 4, 9]))
    1.0
    """
    if len(one) < 2 or not np.ptp(one) or not np.ptp(two):
        return float("nan")
    return float(np.corrcoef(rankdata(one), rankdata(two))[0, 1].round(12))


def sculpting(mass: Values, score: Values, cut: float, draws: int = 50) -> tuple[float, float]:
    """Return the divergence [nat] of the masses ``(n,)`` of the jets of largest score, and the mean of random ones.

    >>> mass = np.arange(1000.0)
    >>> value, chance = sculpting(mass, mass, 0.05)
    >>> round(value, 1), chance < 0.1
    (0.6, True)
    """
    count = round(cut * len(mass))
    if count < 1:
        return float("nan"), float("nan")
    low, high = np.percentile(mass, (0.5, 99.5))
    edges = np.linspace(low, high, BINS + 1)
    random = np.random.default_rng(0)
    tied = np.lexsort((random.random(len(score)), -score))[:count]
    chance = [divergence(mass, random.choice(mass, count, replace=False), edges) for _ in range(draws)]
    return divergence(mass, mass[tied], edges), float(np.mean(chance))


def divergence(one: Values, two: Values, edges: Values) -> float:
    """Return the divergence of Jensen and Shannon [nat] of two samples in the bins between ``edges``."""
    p, q = (np.histogram(each, edges)[0] / max(1, len(each)) for each in (one, two))
    p, q = p / max(p.sum(), 1e-300), q / max(q.sum(), 1e-300)
    middle = (p + q) / 2
    terms = [each[each > 0] * np.log(each[each > 0] / middle[each > 0]) for each in (p, q)]
    return float(sum(term.sum() for term in terms) / 2)
