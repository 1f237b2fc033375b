"""``odd``: how unlike the other jets of its mass and pT a jet is, in the direction of generic decays.

Boosted trees separate a sample's jets from mock anomalies made of its own prongs (:mod:`jets.mocks`) by shapes that
do not depend on scale (:mod:`jets.shapes`); mocks count so that they have the sample's masses. What they say of a
third of the sample, which they have not seen, is what is usual at a given mass and pT
(:mod:`analysis.measures.conditional`). No label is used.

Jets count once each, whatever their event weight. What it can find is what its prior contains: jets of two to four
prongs. Where the odd jets are a large part of those of their mass, they are the usual ones, and it calls the others
odd.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.conditional import Conditional, polynomials
from analysis.measures.forest import Forest
from jets.mocks import mocks
from jets.shapes import NAMES, SCALES, shapes

Array = NDArray[np.floating]
MOCKS, PART = (100, 3000), 4
"""Mock jets of each family: as many as a quarter of the jets that the trees are fitted to, from 100 to 3,000."""
BINS = 30
"""Of ln m, with equally many jets of the sample, in which mocks are weighted to be as many."""
TREES: dict[str, tuple[str, ...]] = dict.fromkeys(Forest._fields[:4], ("node",)) | {"roots": ("tree",), "start": ()}
USUAL = {"conditions": ("condition", "jet"), "mean": ("term",), "width": ("term",), "narrowest": (), "usual": ("jet",)}
"""Array of the trees, and of what is usual -> its dimensions where it is kept."""
FEWEST = 400
"""Jets with shapes below which there is no such score."""


class Odd(NamedTuple):
    """The fitted score.

    Attributes
    ----------
    trees
        Mock anomaly against jet, by the shapes.
    usual
        What is usual of that at given ln m, ln pT.
    """

    trees: Forest
    usual: Conditional

    @classmethod
    def of(cls, jets: Array, seed: int = 0, known: Array | None = None) -> Odd:
        """Fit unlabelled jets ``(N, M, 3)`` = pT [GeV], rapidity, azimuth [rad]: two thirds for the trees.

        The others say what is usual. ``known`` are their :func:`jets.shapes.shapes`, where these are at hand.

        Raises
        ------
        ValueError
            Fewer than 400 jets have shapes; or no mock does, since the jets are too soft or too wide for prongs.
        Missing
            scikit-learn is not installed.
        """
        known = shapes(jets) if known is None else known
        order = np.random.default_rng(seed).permutation(np.flatnonzero(np.isfinite(known).all(1)))
        if len(order) < FEWEST:
            raise ValueError(f"{len(order)} jets of at least five particles: at least {FEWEST} are needed")
        fit, calibrate = np.split(order, [2 * len(order) // 3])
        trees = grown(jets[fit], known[fit], seed)
        scales, own = np.split(known[calibrate], [len(SCALES)], axis=1)
        return cls(trees, Conditional.of(trees.log_odds(own), scales))

    def to_dataset(self) -> xr.Dataset:
        """Return it as arrays: nodes and roots of the trees, calibration jets and terms of what is usual."""
        trees = {name: (dims, getattr(self.trees, name)) for name, dims in TREES.items()}
        return xr.Dataset(trees | {name: (dims, getattr(self.usual, name)) for name, dims in USUAL.items()})

    @classmethod
    def from_dataset(cls, known: xr.Dataset) -> Odd:
        """Return what :meth:`to_dataset` wrote.

        Raises
        ------
        LookupError, ValueError
            Something else did.
        """
        if any(known[name].dims != dims for name, dims in (TREES | USUAL).items()):
            raise ValueError("arrays of another shape")
        arrays: dict[str, Any] = {name: known[name].values for name in TREES | USUAL}
        trees = Forest(*(arrays[name] for name in TREES))
        trees.assert_whole(len(NAMES) - len(SCALES))
        usual = Conditional(*(arrays[name] for name in USUAL))
        if len(usual.mean) != len(polynomials(usual.conditions, usual.conditions[:, :1].T)[0]):
            raise ValueError("terms of other conditions")
        return cls(trees, usual)

    def score(self, known: Array) -> Array:
        """Return the score ``(N,)`` of jets with these shapes ``(N, 14)``: -ln p, odd ones large."""
        return self.judged(known)[0]

    def p_value(self, known: Array) -> Array:
        """Return the p-value ``(N,)`` of jets with these shapes ``(N, 14)``, uniform for jets like those fitted."""
        return self.judged(known)[1]

    def judged(self, known: Array) -> tuple[Array, Array]:
        """Return score and p-value, ``(N,)`` each, of jets with these shapes ``(N, 14)``."""
        scales, own = np.split(known, [len(SCALES)], axis=1)
        return self.usual.judged(self.trees.log_odds(own), scales)


def grown(jets: Array, known: Array, seed: int = 0) -> Forest:
    """Return trees that separate jets ``(N, M, 3)`` of shapes ``(N, 14)`` from mock anomalies made of them.

    Raises
    ------
    ValueError
        No mock has shapes and a mass among the jets'.
    Missing
        scikit-learn is not installed.
    """
    made = families(known, mocks(jets, int(np.clip(len(jets) // PART, *MOCKS)), seed).values())
    x = np.concatenate([known, *made])
    weight = np.concatenate([np.full(len(known), 1 / len(known)), *(weights(m, known) / len(made) for m in made)])
    return Forest.fitted(x[:, len(SCALES) :], np.arange(len(x)) >= len(known), weight * len(x) / 2, seed)


def families(known: Array, made: Iterable[Array]) -> list[Array]:
    """Return the shapes ``(m, 14)`` of each family of mocks, of those that have shapes and a mass among the jets'.

    Raises
    ------
    ValueError
        There is none.
    """
    low, high = known[:, 0].min(), known[:, 0].max()
    found = [each[np.isfinite(each).all(1) & (each[:, 0] >= low) & (each[:, 0] <= high)] for each in map(shapes, made)]
    if not any(map(len, found)):
        raise ValueError("no mock anomaly can be made: the jets are too soft or too wide to hold prongs above 8 GeV")
    return [each for each in found if len(each)]


def weights(made: Array, known: Array) -> Array:
    """Return the weight ``(m,)`` of mocks of shapes ``(m, 14)``, of sum 1, by which they have the masses of jets."""
    edges = np.quantile(known[:, 0], np.linspace(0, 1, BINS + 1))
    place = np.clip(np.searchsorted(edges, made[:, 0]) - 1, 0, BINS - 1)
    weight = 1 / np.bincount(place, minlength=BINS)[place]
    return weight / weight.sum()
