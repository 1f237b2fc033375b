"""The scores of a jet: which there are, and how each is oriented by unlabelled jets alone.

Every score is larger for what counts as anomalous, by a rule that never sees labels:

======================  ================================================================================================
``reconstruction``      minus the expected log likelihood; badly described is anomalous
``kl``, ``elbo``        information in the latents; minus the bound: much, or a low bound, is anomalous
``log_p``               minus the importance-weighted log p(x): improbable is anomalous
``latent_<c>``          posterior centre; in searches turned so that the longer tail of the training jets is positive
``mixture_<k>``         weight of that mixture, or probability of that category
``ratio_<k>``           ln of the likelihood given that mixture alone, over that given the others
``responsibility_<k>``  of that component of a Gaussian-mixture prior
``rare_<kind>``         each of the three, for the component that is rarest among the training jets
``entropy``             of the image blurred by 4 pixels: distance from the bulk of the training jets, on either side
``typicality``          the same in three entropies, see :mod:`analysis.measures.typicality`
``odd``                 -ln of a p-value at given mass and pT, see :mod:`analysis.measures.oddness`; needs no model
``mass``, ``tau_pair``  distance of ln m, or of ln tau21 and ln tau32, from the bulk of the training jets
======================  ================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.store import names

Values = NDArray[np.floating]
RARE = {"mixture": "mixture", "ratio": "mixture", "responsibility": "responsibility"}
"""Kind of a score with one value for each component -> the kind whose smallest mean names the rarest component."""


PERCENTILES = (1, 16, 50, 84, 99)
"""Percentiles of the scores that describe jets of one class."""


class Score(NamedTuple):
    """What a score is.

    Attributes
    ----------
    kind
        A row of the module's table.
    component
        Number of the mixture, category or component; -1 where the kind has none.
    coordinate
        Of a latent, its name.
    """

    kind: str
    component: int = -1
    coordinate: str = ""

    @property
    def name(self) -> str:
        """Its name in results.

        >>> Score("elbo").name, Score("mixture", 1).name, Score("latent", coordinate="R4_0").name
        ('elbo', 'mixture_1', 'latent_R4_0')
        """
        number = f"_{self.component}" if self.component >= 0 else ""
        return self.kind + number + (f"_{self.coordinate}" if self.coordinate else "")


Table = Mapping[Score, Values]
"""Score -> its value for each jet, ``(jet,)``."""


def score_table(stats: xr.Dataset, points: xr.DataArray) -> dict[Score, Values]:
    """Return every score that the evaluation alone gives: reconstruction, kl, elbo, latents, mixtures.

    Parameters
    ----------
    stats
        Group ``sample_stats``: reconstruction, kl and elbo [nat] (jet,).
    points
        Posterior centres (jet, coordinate), with the ``kind`` of each coordinate.
    """
    table: dict[Score, Values] = {Score(name): np.asarray(stats[name]) for name in ("reconstruction", "kl")}
    table[Score("elbo")] = -np.asarray(stats["elbo"])
    mixtures = 0
    for name, kind, column in zip(
        names(points, "coordinate"), names(points, "kind"), np.asarray(points).T, strict=True
    ):
        if kind in ("simplex", "category"):
            table[Score("mixture", mixtures)] = column
            mixtures += 1
        else:
            table[Score("latent", coordinate=name)] = column
    return table


def stacked(table: Table) -> xr.DataArray:
    """Return scores as one array (score, jet), whose ``score`` carries ``kind`` and ``component``."""
    known = list(table)
    labels = {
        "score": [score.name for score in known],
        "kind": ("score", [score.kind for score in known]),
        "component": ("score", [score.component for score in known]),
    }
    return xr.DataArray(np.stack(list(table.values())), labels, ("score", "jet"))


def percentiles(values: xr.DataArray) -> dict[str, list[float]]:
    """Return score -> its :data:`PERCENTILES`, of (score, jet); of those that some jet has."""
    found = {name: np.asarray(values.sel(score=name), float) for name in names(values, "score")}
    finite = {name: each[np.isfinite(each)] for name, each in found.items()}
    return {name: np.percentile(each, PERCENTILES).tolist() for name, each in finite.items() if len(each)}


def oddest(values: xr.DataArray, count: int = 5) -> list[int]:
    """Return the numbers of the jets that are most anomalous by minus the bound, of (score, jet), the most so first.

    >>> bound = xr.DataArray([[1.0, np.nan, 3.0]], {"score": ["elbo"], "jet": [5, 6, 7]}, ("score", "jet"))
    >>> oddest(bound)
    [7, 5]
    """
    bound = np.asarray(values.sel(score="elbo"), float)
    known = np.flatnonzero(np.isfinite(bound))
    return np.asarray(values["jet"])[known[np.argsort(-bound[known], kind="stable")][:count]].tolist()


def longer_tail(values: Values) -> float:
    """Return +1 or -1: the side of the longer tail of ``(jet,)``, from the median to the outermost 1 % of the jets."""
    low, middle, high = np.quantile(values, (0.01, 0.5, 0.99))
    return -1.0 if middle - low > high - middle else 1.0


def rarest(training: Table, kind: str) -> int:
    """Return the number of the component with the smallest mean among the training jets."""
    members = {score.component: float(np.mean(values)) for score, values in training.items() if score.kind == kind}
    return min(members, key=lambda number: members[number])
