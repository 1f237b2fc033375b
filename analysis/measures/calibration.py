"""Simulation-based calibration: is the truth an ordinary draw of its posterior? Arrays and trees alone, no torch.

Latents are drawn from the prior, jets from the likelihood, and the truth is ranked among draws of the posterior: if
that is exact, every rank is equally likely (Talts et al. 1804.06788, theorem 1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.store import array


class Calibration(NamedTuple):
    """Ranks of the truth among posterior draws.

    Attributes
    ----------
    counts
        Rank histogram ``(bins,)``.
    deviation
        ECDF minus the uniform one at each of ``levels`` ``(n,)``.
    band
        Half width of the band that holds the whole deviation of a calibrated posterior with the given coverage,
        ``(n,)``.
    p_value
        Probability of so large a deviation if the posterior is calibrated.
    """

    counts: NDArray[np.int64]
    levels: NDArray[np.floating]
    deviation: NDArray[np.floating]
    band: NDArray[np.floating]
    p_value: float


def ranks(truth: NDArray[np.floating], draws: NDArray[np.floating], seed: int = 0) -> NDArray[np.int64]:
    """Return the rank of each truth ``(n,)`` among its draws ``(S, n)``, 0 to S; ties are broken at random.

    >>> ranks(np.array([0.5]), np.array([[0.1], [0.9], [0.2]]))
    array([2])
    """
    below, equal = (draws < truth).sum(0), (draws == truth).sum(0)
    return below + np.random.default_rng(seed).integers(0, equal + 1)


def calibration(
    rank: NDArray[np.int64], draws: int, *, coverage: float = 0.95, bins: int = 20, repeats: int = 1000, seed: int = 0
) -> Calibration:
    """Return histogram, ECDF band and p-value of the ranks ``(n,)``, uniform on 0..draws if calibrated.

    The statistic is the largest deviation of the ECDF in units of its standard deviation, its distribution simulated
    from ``repeats`` sets of uniform ranks. Talts et al. 1804.06788; band as in Saeilynoja et al. 2103.10522.
    """
    middle = (np.arange(draws + 1) + 0.5) / (draws + 1)
    share = np.histogram(middle, np.linspace(0, 1, bins + 1))[0] / (draws + 1)  # not all alike: ranks are discrete
    level = share.cumsum()[:-1]
    width = np.sqrt(level * (1 - level) / len(rank))

    def deviation(counts: NDArray[np.int64]) -> NDArray[np.floating]:
        return counts.cumsum(-1)[..., :-1] / len(rank) - level

    counts = np.histogram(middle[rank], np.linspace(0, 1, bins + 1))[0]
    uniform = np.random.default_rng(seed).multinomial(len(rank), share, repeats)
    largest = np.abs(deviation(uniform) / width).max(-1)
    found = deviation(counts)
    beyond = int((largest >= np.abs(found / width).max() - 1e-9).sum())
    band = float(np.quantile(largest, coverage)) * width
    return Calibration(counts, level, found, band, (1 + beyond) / (1 + repeats))


def calibrate(tree: xr.DataTree) -> xr.Dataset:
    """Return p-values and ranks of the group ``simulation``, which ``inference.simulated`` makes.

    ``p_value`` (coordinate,), ``rank`` (simulation, coordinate). Angles are relative to the posterior's centre.
    """
    truth, draws = array(tree, "simulation/truth"), array(tree, "simulation/z")
    size = draws.sizes["draw"]
    rank = np.stack(
        [
            ranks(np.asarray(truth.isel(coordinate=i)), np.asarray(draws.isel(coordinate=i)))
            for i in range(truth.sizes["coordinate"])
        ],
        -1,
    )
    p_value = [calibration(column, size).p_value for column in rank.T]
    return xr.Dataset(
        {"p_value": ("coordinate", p_value), "rank": (("simulation", "coordinate"), rank)},
        {"coordinate": truth["coordinate"].values},
        {"draws": size},
    )
