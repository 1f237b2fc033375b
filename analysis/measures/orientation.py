"""What unlabelled jets decide of scores: the side of each latent, the rarest components, the bulk of their shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.measures.scores import RARE, Score, Table, Values, longer_tail, rarest
from analysis.measures.typicality import COLUMNS, Bulk, bulks_of


class Orientation(NamedTuple):
    """What the training jets of a run, without their labels, decide of its scores.

    Attributes
    ----------
    sides
        Name of a latent's score -> +1 or -1, the side of its longer tail.
    rarest
        ``mixture``, ``responsibility`` -> number of the component that is rarest.
    bulks
        ``entropy``, ``typicality`` -> the bulk of the images' shapes; none without images.
    """

    sides: Mapping[str, float]
    rarest: Mapping[str, int]
    bulks: Mapping[str, Bulk]

    @classmethod
    def of(cls, training: Table, entropies: NDArray[np.floating] | None = None) -> Orientation:
        """Return what raw scores of unlabelled jets decide, and the entropies ``(N, 3)`` of their images."""
        sides = {score.name: longer_tail(values) for score, values in training.items() if score.kind == "latent"}
        kinds = {score.kind for score in training}
        components = {kind: rarest(training, kind) for kind in set(RARE.values()) & kinds}
        return cls(sides, components, {} if entropies is None else bulks_of(entropies))

    def oriented(self, scores: Table) -> dict[Score, Values]:
        """Return the scores of the table of :mod:`analysis.measures.scores`, from raw ones.

        >>> first, second, line = Score("mixture", 0), Score("mixture", 1), Score("latent", coordinate="R1_0")
        >>> raw = {first: np.array([0.1, 0.2]), second: np.array([0.9, 0.8]), line: np.ones(2)}
        >>> known = {first: np.ones(3), second: np.zeros(3), line: np.array([0.0, 0.0, -1.0])}
        >>> found = Orientation.of(known).oriented(raw)
        >>> found[Score("rare_mixture")], found[line]
        (array([0.9, 0.8]), array([-1., -1.]))
        """
        result = {score: values * self.sides.get(score.name, 1.0) for score, values in scores.items()}
        kinds = {score.kind for score in scores}
        return result | {
            Score(f"rare_{kind}"): scores[Score(kind, self.rarest[deciding])]
            for kind, deciding in RARE.items()
            if kind in kinds and deciding in self.rarest
        }

    def distances(self, entropies: NDArray[np.floating]) -> dict[Score, Values]:
        """Return ``entropy`` and ``typicality`` of images of these entropies ``(N, 3)``; larger is odder."""
        return {Score(name): bulk.distance(entropies[:, COLUMNS[name]]) for name, bulk in self.bulks.items()}

    def to_json(self) -> str:
        """Return it as text, every number in full."""
        bulks = {
            name: {"centre": b.centre.tolist(), "precision": b.precision.tolist()} for name, b in self.bulks.items()
        }
        return json.dumps({"sides": dict(self.sides), "rarest": dict(self.rarest), "bulks": bulks})

    @classmethod
    def from_json(cls, text: str) -> Orientation:
        """Return what :meth:`to_json` wrote.

        Raises
        ------
        ValueError, LookupError, TypeError
            Something else did.

        Examples
        --------
        >>> found = Orientation({"latent_R1_0": -1.0}, {"mixture": 1}, {})
        >>> Orientation.from_json(found.to_json()) == found
        True
        """
        known: dict[str, Any] = json.loads(text)
        bulks = {
            name: Bulk(np.asarray(bulk["centre"], float), np.asarray(bulk["precision"], float))
            for name, bulk in known["bulks"].items()
        }
        sides = {name: float(side) for name, side in known["sides"].items()}
        return cls(sides, {name: int(number) for name, number in known["rarest"].items()}, bulks)
