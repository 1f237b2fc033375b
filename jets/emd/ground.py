"""Which particles of an event count, and how far they are apart: the options that EnergyFlow has for both."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jets.emd.checks import CloudError

Array = NDArray[np.float64]
TURN = 2 * np.pi


class Ground:
    """What a distance of particles is: arguments as in :func:`jets.emd.events.emd`."""

    def __init__(self, R: float, beta: float, norm: bool, gdim: int | None, periodic_phi: bool, mask: bool) -> None:
        if not all(isinstance(number, Real) and 0 < number < np.inf for number in (R, beta)):
            raise CloudError(f"R = {R!r}, beta = {beta!r}; expected numbers above 0")
        if gdim is not None and not (isinstance(gdim, int) and gdim >= 1):
            raise CloudError(f"gdim is {gdim!r}; expected a number of coordinates, or None for all")
        if periodic_phi and gdim == 1:
            raise CloudError("gdim = 1 leaves out the second coordinate, which periodic_phi says is the azimuth")
        self.R, self.beta, self.norm, self.gdim = float(R), float(beta), bool(norm), gdim
        self.periodic, self.mask = bool(periodic_phi), bool(mask)

    def event(self, event: Array, name: str) -> Array:
        """Return the particles within the mask, and of each the columns that count."""
        columns = event.shape[1] if self.gdim is None else 1 + self.gdim
        wanted = max(columns - 1, 2 if self.periodic else 1)
        if event.shape[1] <= wanted:
            raise CloudError(f"{name} has {event.shape[1]} columns; expected a weight and {wanted} coordinates or more")
        event = event[:, :columns]
        if self.mask:
            event = event[self.angles(np.zeros((1, columns - 1)), event[:, 1:])[0] <= self.R]
        if self.norm:
            assert_weight(event, name)
        return event

    def angles(self, x: Array, y: Array) -> Array:
        """Return the distances of coordinates ``(M, d)`` and ``(M', d)``."""
        square = np.zeros((len(x), len(y)))
        for k, (one, two) in enumerate(zip(x.T, y.T, strict=True)):
            difference = np.subtract.outer(one, two)
            if self.periodic and k == 1:
                difference -= TURN * np.round(difference / TURN)
            square += np.square(difference, out=difference)
        return np.sqrt(square, out=square)

    def costs(self, x: Array, y: Array) -> Array:
        """Return ``(angle / R)**beta`` of the same."""
        angles = self.angles(x, y) / self.R
        return angles if self.beta == 1 else angles**self.beta


def cleaned(event: ArrayLike, name: str, weights_only: bool = False) -> Array:
    """Return an event as an array ``(M, columns)``, refusing what is none."""
    try:
        array = np.asarray(event, np.float64)
    except (TypeError, ValueError):
        raise CloudError(f"{name} is no array of numbers; expected (M, 1 + d): weight and coordinates") from None
    if weights_only and array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise CloudError(f"{name} has shape {array.shape}; expected (M, 1 + d): weight and coordinates")
    if not np.isfinite(array).all():
        raise CloudError(f"{name} holds NaN or infinity; padding needs weight 0 and finite coordinates")
    if (array[:, :1] < 0).any():
        raise CloudError(f"{name} has a negative weight; weights are pT >= 0, and 0 for padding")
    return array


def assert_weight(event: Array, name: str) -> None:
    """Refuse an event that cannot be normalised."""
    if not event[:, 0].any():
        raise CloudError(f"{name} has no weight and cannot be normalised; leave it out, or give norm=False")
