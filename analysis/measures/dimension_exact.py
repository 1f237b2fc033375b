"""What is known exactly of a run's data, where they are a toy: the least KL and distortion, and the excess."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jets import Jets, toys
from jets.vectors import TOY

FINE = 0.2
"""Part of a manifold's size below which a resolution is small."""


def toy_of(files: Sequence[str]) -> toys.Toy | None:
    """Return the one toy that the data are, or None."""
    return toys.parse(files[0].removeprefix(TOY)) if len(files) == 1 and files[0].startswith(TOY) else None


def exact(files: Sequence[str], beta: NDArray[np.float64]) -> xr.Dataset:
    """Return ``exact_kl`` [nat] and ``exact_distortion`` at resolutions ``(B,)``; of a manifold, where beta is small.

    Of a Gaussian, the attribute ``spectrum`` holds the standard deviations.
    """
    toy = toy_of(files)
    if toy is None:
        return xr.Dataset()
    if toy.spectrum is not None:
        optimum, known = toys.gaussian_optimum(toy.spectrum, beta), {"spectrum": toy.spectrum}
    else:
        fine, known = beta < FINE * toy.points.std(0).max(), {}
        optimum = toys.Optimum(*(np.where(fine, part, np.nan) for part in toys.fine_optimum(toy, beta)))
    return xr.Dataset({f"exact_{name}": ("beta", part) for name, part in optimum._asdict().items()}, attrs=known)


def excess(files: Sequence[str], jets: Jets, measured: xr.Dataset) -> dict[str, xr.DataArray]:
    r"""Return by how much each point of a Gaussian costs more than at the optimum, ``excess`` (beta, jet) [nat].

    .. math:: \mathrm{KL} + \frac{D}{p\beta^p} - \sum_i\Bigl(\ln\frac{m_i}\beta + \frac{a_i^2}{2m_i^2}\Bigr), \quad
        m_i = \max(S_i, \beta)

    with the point's coordinates a along the principal axes. Point by point the fluctuation of the sample drops out.
    """
    toy = toy_of(files)
    if toy is None or toy.spectrum is None:
        return {}
    beta, power = measured["beta"], measured.attrs["power"]
    along = xr.DataArray(np.stack([jets.truth[f"axis_{i}"] for i in range(len(toy.spectrum))]), dims=["axis", "jet"])
    sizes = xr.DataArray(toy.spectrum, dims=["axis"])
    larger = sizes.where(sizes > beta, beta)
    least = (xr.apply_ufunc(np.log, larger / beta) + along**2 / (2 * larger**2)).sum("axis")
    return {"excess": measured["kl"].sum("kl_term") + measured["distortion"] / (power * beta**power) - least}
