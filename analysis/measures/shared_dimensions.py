r"""What a model of two mixed classes loses to a model of each class alone. Numpy and xarray alone.

At resolution beta a model needs :math:`J = \mathrm{KL} + \langle D\rangle/p\beta^p` nats for a jet. One of the mixed
sample whose shared latents serve both classes as well as latents of their own would need what the models of each class
need, and to say which class a jet is of: on average at most the entropy :math:`H = -\sum_c p_c \ln p_c` more. What it
needs beyond that is what sharing loses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.dimension_curves import category_share
from analysis.measures.probing import objective
from analysis.measures.weighting import mean_error, mean_over_jets, weight_of

SIGNIFICANT = 2.0
"""Errors that a loss must be above the entropy to be called one."""
NEIGHBOURS = 3
"""Neighbouring resolutions at which it must be: there are some twenty."""
CURVES = ("objective", "D2")

Array = NDArray[np.float64]


def compared(
    both: Sequence[xr.Dataset], alone: Mapping[str, Sequence[xr.Dataset]], share: Mapping[str, float]
) -> xr.Dataset:
    """Return what the mixed model needs beyond models of each class, and its dimension beside theirs.

    Parameters
    ----------
    both
        Trainings of the mixed sample, seed by seed, from :func:`analysis.evaluation.resolutions.measure`, with the
        coordinate ``class_name`` (jet).
    alone
        Class -> trainings of its jets, as many.
    share
        Class -> its part p of the jets that were trained on.

    Returns
    -------
    xarray.Dataset
        ``excess`` (class, beta) [nat], the objective of the mixed model less that of the class' own, and ``D2``
        (model, class, beta) with ``_error``; ``total`` (beta), the mean of the excess by ``share``, with
        ``total_error``; ``category_share`` (class, beta, category) where the mixed model has a choice. Errors: of the
        jets of either model and of the spread of single trainings, in quadrature; with one training that spread is
        unknown, and not in. Attributes: ``entropy`` H [nat], ``seeds``, ``scale``, ``unit``.
    """
    names, grid = list(share), both[0]["beta"]
    mixed = {name: [of_class(training, name) for training in both] for name in names}
    curves = [{own: {name: summary(of[name], own) for name in names} for own in CURVES} for of in (mixed, alone)]
    excess, error = zip(*(difference(*(of["objective"][name] for of in curves)) for name in names), strict=True)
    weight = np.array([share[name] for name in names])
    total = [weighted(weight, [of["objective"][name] for name in names]) for of in curves]
    whole, whole_error = difference(*total)
    table = {
        "excess": (("class", "beta"), np.stack(excess)),
        "excess_error": (("class", "beta"), np.stack(error)),
        "total": ("beta", whole),
        "total_error": ("beta", whole_error),
        "share": ("class", weight),
    }
    for place, end in enumerate(("", "_error")):
        table[f"D2{end}"] = (
            ("model", "class", "beta"),
            np.stack([np.stack([of_seeds(of["D2"][name])[place] for name in names]) for of in curves]),
        )
    known = {"scale": both[0].attrs["scale"], "unit": both[0].attrs["unit"], "seeds": len(both)}
    known |= {"latent": both[0].attrs["latent"], "entropy": float(-(weight * np.log(weight)).sum())}
    known["jets_measured"] = [min(training.sizes["jet"] for training in mixed[name]) for name in names]
    found = xr.Dataset(table, {"class": names, "model": ["mixed", "alone"], "beta": np.asarray(grid)}, known)
    choices = [category_share(training) for training in both]
    return found.merge(xr.concat(choices, "seed").mean("seed")) if all(len(each) for each in choices) else found


def of_class(measured: xr.Dataset, name: str) -> xr.Dataset:
    """Return what was measured of the jets of one class."""
    return measured.isel(jet=np.flatnonzero(measured["class_name"] == name))


def summary(trainings: Sequence[xr.Dataset], curve: str) -> tuple[Array, Array]:
    """Return a curve of each training, and its error by the jets, (seed, beta) each."""
    values = [of_jets(measured, curve) for measured in trainings]
    return (
        np.stack([np.asarray(mean_over_jets(each)) for each in values]),
        np.stack([np.asarray(mean_error(each)) for each in values]),
    )


def of_jets(measured: xr.Dataset, curve: str) -> xr.DataArray:
    """Return a curve of each jet (beta, jet), with the jets' weights if they have any."""
    found = objective(measured) if curve == "objective" else -measured["kl_slope"].transpose("beta", "jet")
    bare = found.drop_vars([name for name in found.coords if name != "beta"])
    weights = weight_of(measured)
    return bare if weights is None else bare.assign_coords(weight=("jet", weights))


def weighted(share: Array, of_classes: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return the mean of the classes' curves by their shares, and its error, (seed, beta) each."""
    values, errors = (np.stack([each[k] for each in of_classes]) for k in range(2))
    return np.tensordot(share, values, 1), np.sqrt(np.tensordot(share**2, errors**2, 1))


def difference(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the difference of two curves, seed by seed, and its error, (beta,) each."""
    return of_seeds((first[0] - second[0], np.sqrt(first[1] ** 2 + second[1] ** 2)))


def of_seeds(curve: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return the mean of several trainings and its error: of the jets, and of the spread of the trainings."""
    values, error = curve
    spread = values.var(0, ddof=1) if len(values) > 1 else 0.0
    return values.mean(0), np.sqrt(((error**2).mean(0) + spread) / len(values))


def losing(found: xr.Dataset) -> Array:
    """Return the resolutions at which sharing loses nats: more than the entropy by two errors, at three in a row."""
    above = np.asarray(found["total"] - found.attrs["entropy"] > SIGNIFICANT * found["total_error"])
    kept = np.zeros(len(above), bool)
    for start in range(len(above) - NEIGHBOURS + 1):
        if above[start : start + NEIGHBOURS].all():
            kept[start : start + NEIGHBOURS] = True
    return np.asarray(found["beta"])[kept]
