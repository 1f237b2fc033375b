"""What is known exactly of a run's data, where they are a toy: the least KL and distortion, and the excess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jets import toys
from jets.vectors import TOY


def known(files: Sequence[str], truth: Mapping[str, NDArray], measured: xr.Dataset) -> xr.Dataset:
    """Return what is known exactly of data that are one toy; nothing of others.

    Parameters
    ----------
    files
        Names of the data.
    truth
        Of a Gaussian: ``axis_0``, ``axis_1``, ..., coordinates of the points along the principal axes, each (jet,).
    measured
        ``kl`` [nat] (beta, jet, kl_term), ``distortion`` (beta, jet); attribute ``power``.

    Returns
    -------
    xarray.Dataset
        ``exact_kl`` [nat] and ``exact_distortion`` (beta,), of a manifold where beta is small; of a Gaussian
        ``excess`` [nat] (beta, jet), and its standard deviations as attribute ``spectrum``.
    """
    if len(files) != 1 or not files[0].startswith(TOY):
        return xr.Dataset()
    toy = toys.parse(files[0].removeprefix(TOY))
    optimum = toys.optimum(toy, np.asarray(measured["beta"]))
    least = xr.Dataset({f"exact_{name}": ("beta", part) for name, part in optimum._asdict().items()})
    if toy.spectrum is None:
        return least
    beta, power = measured["beta"], measured.attrs["power"]
    along = np.stack([truth[f"axis_{i}"] for i in range(len(toy.spectrum))], 1)
    of_points = xr.DataArray(toys.gaussian_cost(toy.spectrum, along, np.asarray(beta)), dims=["beta", "jet"])
    cost = measured["kl"].sum("kl_term") + measured["distortion"] / (power * beta**power)
    return least.assign(excess=cost - of_points).assign_attrs(spectrum=toy.spectrum)
