"""A search for an excess of odd jets in a window of the mass, on unlabelled jets.

Two scores, of two kinds:

``odd``
    How unlike the sample's own jets, in the direction of generic decays (:mod:`analysis.measures.oddness`), at given
    mass and pT. The window plays no part in it: the number of its jets that pass a cut is compared with what the
    sidebands say (:mod:`analysis.measures.excess`), and that gives the p-value.
``weak``
    Learned from the window against the sidebands (:mod:`analysis.measures.weakly`), of ``odd``, tau21 and tau32. Where
    the window holds more than a few per cent of another kind, those are the usual jets of their mass, which ``odd``
    does not see and ``weak`` does. It has no p-value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.at_mass import equal_at_mass, shuffled, tails_at_mass
from analysis.measures.excess import CUTS, LEAST, Bands, excess, fitted, nested, together_of
from analysis.measures.oddness import FEWEST, grown
from analysis.measures.weakly import weak_tails
from jets.progress import Progress
from jets.shapes import NAMES, SCALES, shapes

Array = NDArray[np.floating]
MOST = 30_000
"""Jets that the trees of either half are fitted to, at most."""
WEAK = ("tau21", "tau32")
"""What the weakly supervised score uses beside ``odd``."""
WIDE = 0.2
"""Share of the sideband jets that passes the cut on ``weak`` by which its excess is estimated."""
BENT = 0.02
"""Relative error of the number of jets that are expected beyond that cut."""
USUAL, SURE = 0.1, 8.0
"""Excess of ``weak``, as a share of the window's jets and in its errors, from which on another kind is usual there.

Among QCD jets alone up to 0.19, but 5.8 errors, have been found (docs/search.md).
"""
SMALL = 1e-3
"""p-value below which an excess is said to be seen: QCD jets alone have one in at most 0.4 % of searches."""
SCORES = ("odd", "weak")


class Halves(NamedTuple):
    """What does not depend on the window: which half each jet is of, and ln of mock over jet by trees of the other."""

    known: Array
    half: NDArray[np.int64]
    odds: Array

    @classmethod
    def of(cls, constituents: Array, seed: int = 0, known: Array | None = None) -> Halves:
        """Fit trees to either half; arguments and errors as of :func:`hunt`."""
        known = shapes(constituents) if known is None else known
        whole = np.flatnonzero(np.isfinite(known).all(1))
        if len(whole) < 2 * FEWEST:
            raise ValueError(f"{len(whole):,} jets of at least five particles: at least {2 * FEWEST} are needed")
        half = np.random.default_rng(seed).permutation(np.arange(len(known)) % 2)
        return cls(known, half, odds_of_halves(constituents, known, whole, half, seed))


def hunt(
    constituents: Array,
    window: tuple[float, float],
    mass: Array | None = None,
    seed: int = 0,
    known: Array | None = None,
    halves: Halves | None = None,
) -> xr.Dataset:
    """Look for an excess in a window of the mass among jets ``(N, M, 3)`` = pT [GeV], rapidity, azimuth [rad].

    Parameters
    ----------
    constituents
        By falling pT, padded with zeros. Jets of fewer than five particles are left out.
    window
        Masses [GeV] between which an excess is looked for, fixed before the jets are looked at.
    mass
        Mass of each jet [GeV], ``(N,)``; that of its particles if None.
    seed
        Of halves, mocks and trees.
    known
        :func:`jets.shapes.shapes` of the jets, where these are at hand.
    halves
        Of the same jets and seed, for another window of the same sample.

    Returns
    -------
    xarray.Dataset
        Along (score, cut): ``observed``, ``expected``, ``expected_error``, ``significance``. Along (score, jet):
        ``tail``, which share has a larger score, of ``odd`` of the jets of the same mass, of ``weak`` of the sideband
        jets; NaN outside window and sidebands. Along ``jet``: ``mass`` [GeV], ``inside``, ``beside``, ``place`` (of
        :class:`~analysis.measures.excess.Bands`). Attributes: ``edges`` [GeV], ``p_value`` of ``odd``, and which
        ``share`` of the window's jets is ``weak``'s excess, with ``share_error``.

    Raises
    ------
    ValueError
        Too few jets have shapes, or are in the window or beside it.
    Missing
        scikit-learn is not installed.
    """
    known, half, every = Halves.of(constituents, seed, known) if halves is None else halves
    masses = masses_of(known, mass)
    bands = Bands.of(masses, window)
    near = np.flatnonzero(bands.inside | bands.beside)
    scored, even = scores_of(every[near], known[near], half[near], bands.at(near), seed)
    alike = shuffled(even, bands.place[near], known[near, 1], half[near], seed)
    together = (together_of(alike, bands.place[near], bands.inside[near]), None)
    tables = [
        excess(tail, bands.place[near], bands.inside[near], seed, each)
        for tail, each in zip(scored, together, strict=True)
    ]
    tail = np.full((len(SCORES), len(known)), np.nan)
    tail[:, near] = scored
    table = xr.concat(tables, xr.Variable("score", list(SCORES)), combine_attrs="drop")
    table["tail"] = ("score", "jet"), tail
    table["mass"] = "jet", masses, {"units": "GeV"}
    for name, column in (("inside", bands.inside), ("beside", bands.beside), ("place", bands.place)):
        table[name] = "jet", column
    p_value = tables[SCORES.index("odd")].attrs["p_value"]
    share, error = share_of(scored[SCORES.index("weak")], bands.at(near))
    return table.assign_attrs(edges=bands.edges, p_value=p_value, share=share, share_error=error)


def masses_of(known: Array, mass: Array | None = None) -> Array:
    """Return the masses of jets with these shapes ``(N, 14)``, those given or their own [GeV]; NaN without shapes."""
    own = np.exp(known[:, 0]) if mass is None else np.asarray(mass, float)
    return np.where(np.isfinite(known).all(1), own, np.nan)


def scores_of(odds: Array, known: Array, halves: NDArray[np.int64], bands: Bands, seed: int) -> tuple[Array, Array]:
    """Return how far out each jet of the bands is by each score, ``(2, N)``; ``odd`` before it is a share, ``(N,)``.

    Each half has trees, and so a scale, of its own.
    """
    shares = [tails_at_mass(known[:, NAMES.index(name)], bands.place, bands.beside) for name in WEAK]
    even, odd = equal_at_mass(odds, bands.place, known[:, 1], halves)
    share = np.empty(len(odds))
    for half in range(2):
        own = np.flatnonzero(halves == half)
        share[own] = tails_at_mass(odds[own], bands.place[own], bands.beside[own])
    # Trees that are sure of a jet say the same of many; at which share that is moves with the mass, and reveals it.
    share = np.minimum(share, 0.5)
    weak = weak_tails(np.column_stack([share, *shares]), bands, seed)
    return np.stack([odd, weak]), even


def odds_of_halves(
    constituents: Array, known: Array, whole: NDArray[np.int64], halves: NDArray[np.int64], seed: int
) -> Array:
    """Return ln of mock anomaly over jet, ``(N,)``, of each half by trees of the other; NaN of jets without shapes."""
    odds = np.full(len(known), np.nan)
    with Progress(2, "score odd of", "halves") as progress:
        for half in range(2):
            own, others = whole[halves[whole] == half], whole[halves[whole] != half]
            fit = np.random.default_rng(seed).permutation(others)[:MOST]
            trees = grown(constituents[fit], known[fit], seed)
            odds[own] = trees.log_odds(known[own, len(SCALES) :])
            progress.advance()
    return odds


def share_of(tail: Array, bands: Bands) -> tuple[float, float]:
    """Return the excess beyond a cut of a fifth, as a share of the window's jets, and its error."""
    passed = (tail < WIDE)[:, None]
    share, weight = fitted(passed, bands.place, bands.inside)
    jets, observed = bands.inside.sum(), float(passed[bands.inside].sum())
    expected = float(weight @ passed[~bands.inside, 0])
    variance = nested(share[~bands.inside], weight)[0, 0] + observed + (BENT * expected) ** 2
    return (observed - expected) / float(jets), float(np.sqrt(variance) / jets)


def looks(found: xr.Dataset, known: Array) -> xr.DataArray:
    """Return how shapes ``(N, 14)`` of the window's jets that pass the middle cut differ from all of its jets.

    Along (score, shape): difference of the medians, in units of half the middle 68 % of the window's jets; NaN where
    none passes.
    """
    own = known[:, len(SCALES) :]
    inside = np.asarray(found["inside"])
    low, middle, high = np.percentile(own[inside], (16, 50, 84), axis=0)
    rows = []
    for name in SCORES:
        passed = inside & (np.asarray(found["tail"].sel(score=name)) < CUTS[1])
        shift = np.median(own[passed], axis=0) - middle if passed.any() else np.full(len(middle), np.nan)
        rows.append(2 * shift / np.maximum(high - low, 1e-12))
    return xr.DataArray(rows, {"score": list(SCORES), "shape": list(NAMES[len(SCALES) :])}, ("score", "shape"))


def regime(found: xr.Dataset) -> str:
    """Return the score that fits what was found: ``weak`` where another kind of jets is usual in the window."""
    share, error = found.attrs["share"], found.attrs["share_error"]
    return "weak" if share > SURE * error and share > USUAL else "odd"


def best_of(found: Sequence[xr.Dataset]) -> str:
    """Say how likely the smallest p-value of several windows is: at most their number times it, however they overlap.

    >>> several = [xr.Dataset(attrs={"p_value": p, "edges": (1, 50 * k, 80 * k, 9)}) for k, p in ((1, 0.02), (2, 0.3))]
    >>> best_of(several)
    'smallest of 2 p-values: 0.02, between 50 and 80 GeV; that one of 2 is so small: at most 0.04'
    """
    known = [each for each in found if np.isfinite(each.attrs["p_value"])]
    if not known:
        return "no window has enough jets for a p-value"
    best = min(known, key=lambda each: each.attrs["p_value"])
    p, (low, high) = best.attrs["p_value"], best.attrs["edges"][1:3]
    most = min(1.0, len(known) * p)
    start = f"smallest of {len(known)} p-values: {p:.2g}, between {low:g} and {high:g} GeV"
    return f"{start}; that one of {len(known)} is so small: at most {most:.2g}"


def sentences(found: xr.Dataset) -> list[str]:
    """Say what was found: which score applies, the p-value, and what the window's own score finds."""
    low, high = found.attrs["edges"][1:3]
    p, share, error = (found.attrs[name] for name in ("p_value", "share", "share_error"))
    lines = []
    if regime(found) == "weak":
        lines.append(
            f"at least {100 * (share - 2 * error):.2g} % of the jets between {low:g} and {high:g} GeV are of another "
            "kind, as weak says: there these are usual, which odd cannot see; rank jets by weak"
        )
    if np.isnan(p):
        lines.append(f"odd: fewer than {LEAST:g} jets are expected: for a p-value take more jets or a wider window")
    else:
        seen = "an excess" if p < SMALL else "no sure excess"
        lines.append(f"odd: {seen} of odd jets between {low:g} and {high:g} GeV, p = {p:.2g}")
    if regime(found) == "odd":
        excess_found = (
            f", which finds an excess of {100 * share:.2g} +- {100 * error:.1g} %" if np.isfinite(share) else ""
        )
        lines.append(f"rank jets by odd; weak{excess_found}, has no p-value: it finds some where there is none")
    return lines
