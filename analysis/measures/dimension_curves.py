r"""From KL and distortion of jets at resolutions to curves with errors. Numpy, scipy and xarray alone.

A training of finite length misses the optimum of :math:`J = \mathrm{KL} + \langle D\rangle/p\beta^p` by some
:math:`\epsilon(\beta)`, and then KL, D1 and D2 by as much as :math:`\sqrt\epsilon`: J hardly depends on how KL and
distortion share it. At the optimum :math:`dJ/d\ln\beta = -\langle D\rangle/\beta^p`, as what was optimised is
stationary, so that J alone gives the information and the dimension, which then miss by no more than
:math:`\epsilon` and its slopes:

.. math::
    R = J + \frac1p\frac{dJ}{d\ln\beta} = \mathrm{KL} + \frac{D_1 - D_2}p, \qquad D = -\frac{dR}{d\ln\beta}

"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline

from analysis.measures.dimension_errors import CURVES, mean_slopes, with_errors
from analysis.measures.information import ACTIVE
from analysis.measures.weighting import cancel, mean_error, mean_over_jets, weight_of

RESAMPLED = 200
SPLINES = 50
"""Splines through moved points, for the error of a grid's slopes; each costs milliseconds."""
AGREE = 0.1
"""Relative difference of D1 and D2 above which a training contradicts itself."""
LEAST = 0.05
"""Difference below which it says nothing, where both are small."""
NATS, PART = 0.02, 0.005
"""What a training may lack that has converged: nats, or part of the objective if that is more."""
EXACT = ("exact_kl", "exact_distortion", "lacking", "untold")
"""What is known of toys, and what residuals say, (beta,)."""

Array = NDArray[np.float64]


def summarised(measured: xr.Dataset, seed: int = 0) -> xr.Dataset:
    """Return the curves of one training for a range, all by the weights of the jets if they have any.

    Errors are those of the jets alone, ``kl_error_jets`` and so on, by bootstrap.

    ``measured`` is from :func:`analysis.evaluation.resolutions.measure`.
    """
    power = measured.attrs["power"]
    beta = np.asarray(measured["beta"])[:, None]
    of_jets = {
        "kl": np.asarray(measured["kl"].sum("kl_term")),
        "distortion": np.asarray(measured["distortion"]),
        "distance": distance(measured),
        "D1": np.asarray(measured["distortion_slope"]) / (power * beta**power),
        "D2": -np.asarray(measured["kl_slope"]),
    }
    of_jets["rate"] = of_jets["kl"] + (of_jets["D1"] - of_jets["D2"]) / power
    of_jets["D"] = mean_slopes(np.asarray(measured["beta"]), of_jets["rate"])
    if "excess" in measured:
        of_jets["excess"] = np.asarray(measured["excess"].transpose("beta", "jet"))
    share = shares(measured.sizes["jet"], weight_of(measured))
    weights = bootstrap_weights(measured.sizes["jet"], seed)
    if share is not None:
        weights = weights * share / (weights * share).sum(1, keepdims=True)
    curves = {name: ("beta", averaged(values, share)) for name, values in of_jets.items()}
    errors = {f"{name}_error_jets": ("beta", (values @ weights.T).std(1, ddof=1)) for name, values in of_jets.items()}
    spectrum = {"kl_spectrum": mean_over_jets(measured["kl"]), "sigma": measured["sigma"], "rms": measured["rms"]}
    least = {name: measured[name] for name in EXACT if name in measured}
    found = checked(xr.Dataset(curves | errors | spectrum | least, {"beta": measured["beta"]}, measured.attrs))
    found["bound"] = all_in_use(found["kl_spectrum"])
    return found.merge(category_share(measured))


def category_share(measured: xr.Dataset) -> xr.Dataset:
    """Return ``category_share`` (class, beta, category), the part of the jets of each class; empty without any."""
    if "category_share" not in measured:
        return xr.Dataset()
    values, label = measured["category_share"], np.asarray(measured["class_name"])
    names = list(dict.fromkeys(label.tolist()))
    parts = [mean_over_jets(values.isel(jet=np.flatnonzero(label == name)).drop_vars("class_name")) for name in names]
    return xr.concat(parts, xr.Variable("class", names)).rename("category_share").to_dataset()


def shares(count: int, weights: NDArray[np.floating] | None) -> Array | None:
    """Return how much each of ``count`` jets counts, ``(count,)`` of sum one; NaN where they cancel, None without."""
    if weights is None:
        return None
    return np.full(count, np.nan) if cancel(weights) else weights / weights.sum()


def averaged(values: Array, share: Array | None) -> Array:
    """Return the mean of values (beta, jet, ...) over jets by their shares; without, the plain mean."""
    return np.asarray(values.mean(1) if share is None else np.einsum("bj...,j->b...", values, share))


def distance(measured: xr.Dataset) -> Array:
    """Return the distance of each jet from what is decoded, (beta, jet), in the unit of beta."""
    return np.asarray(measured["distortion"]).clip(0) ** (1 / measured.attrs["power"])


def bootstrap_weights(count: int, seed: int) -> Array:
    """Return how much each of ``count`` jets counts in each resampling, ``(RESAMPLED, count)``; rows sum to one."""
    random = np.random.default_rng(seed)
    return random.multinomial(count, np.full(count, 1 / count), RESAMPLED) / count


def combined(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the mean of trainings that differ in their seed, with ``kl_error_jets`` and ``kl_error_seeds``, and so on.

    The second is the spread of single trainings. Spectrum and shares are those of the first training: coordinates of
    different seeds have nothing to do with each other.
    """
    if len(parts) == 1:
        return with_errors(parts[0].assign_attrs(seeds=1))
    curves = [name for name in (*CURVES, "excess") if name in parts[0]]
    seeds = xr.concat([part[curves + [f"{name}_error_jets" for name in curves]] for part in parts], "seed")
    result = parts[0].assign({name: seeds[name].mean("seed") for name in curves})
    for name in curves:
        result[f"{name}_error_jets"] = np.sqrt((seeds[f"{name}_error_jets"] ** 2).mean("seed"))
        result[f"{name}_error_seeds"] = seeds[name].std("seed", ddof=1)
    result["bound"] = xr.concat([part["bound"] for part in parts], "seed").any("seed")
    for name in {"lacking", "untold"} & set(result):
        result[name] = xr.concat([part[name] for part in parts], "seed").mean("seed")
    return with_errors(checked(result).assign_attrs(seeds=len(parts)))


def from_grid(parts: Sequence[xr.Dataset], seed: int = 0) -> xr.Dataset:
    """Return the curves of trainings at one beta each; slopes by a smoothing spline through their weighted means.

    Trainings of equal beta are seeds. Errors of the slopes: spread of splines through the points moved by their
    errors.
    """
    parts = sorted(parts, key=lambda part: float(part["beta"][0]))
    beta = np.array([float(part["beta"][0]) for part in parts])
    grid = np.unique(beta)
    power = parts[0].attrs["power"]
    points = {"kl": [part["kl"].sum("kl_term") for part in parts], "distortion": [part["distortion"] for part in parts]}
    points["distance"] = [part["distortion"].copy(data=distance(part)) for part in parts]
    if "excess" in parts[0]:
        points["excess"] = [part["excess"] for part in parts]
    curves = {name: grouped(beta, grid, values) for name, values in points.items()}
    for name, source, factor in (("D2", "kl", -1.0), ("D1", "distortion", 1 / (power * grid**power))):
        curves[name] = slopes_of(grid, curves[source], factor, seed, logarithm=name == "D1")
    first = [next(part for part, own in zip(parts, beta, strict=True) if own == value) for value in grid]
    spectrum = xr.concat([mean_over_jets(part["kl"]) for part in first], "beta")
    widths = {name: xr.concat([part[name] for part in first], "beta") for name in ("sigma", "rms")}
    least = {name: xr.concat([part[name] for part in first], "beta") for name in EXACT if name in first[0]}
    variables = {f"{name}{end}": ("beta", value) for name, curve in curves.items() for end, value in curve.items()}
    result = xr.Dataset(variables | {"kl_spectrum": spectrum} | widths | least, {"beta": grid}, parts[0].attrs)
    if "category_share" in first[0]:
        result = result.merge(xr.concat([category_share(part) for part in first], "beta"))
    result["bound"] = all_in_use(result["kl_spectrum"])
    return with_errors(checked(result).assign_attrs(seeds=len(parts) // len(grid)))


def slopes_of(grid: Array, curve: dict[str, Array], factor: Array | float, seed: int, *, logarithm: bool) -> dict:
    """Return ``factor`` times the slope of a curve by ln beta, and its errors from those of the curve, as they have it.

    ``curve``: "" -> (beta,), "_error_jets" and perhaps "_error_seeds" -> (beta,).
    """
    random, mean = np.random.default_rng(seed), curve[""]
    total = np.sqrt(sum(value**2 for end, value in curve.items() if end))
    found = {"": factor * slope(grid, mean, total, logarithm=logarithm)}
    for end in [end for end in curve if end]:
        draws = mean + curve[end] * random.normal(size=(SPLINES, len(grid)))
        slopes = np.stack([slope(grid, draw, total, logarithm=logarithm) for draw in draws])
        found[end] = np.abs(factor) * slopes.std(0, ddof=1)
    return found


def all_in_use(spectrum: xr.DataArray) -> xr.DataArray:
    """Return whether every continuous latent carries a tenth of a nat, (beta,): D2 may be held down by their number.

    ``spectrum``: (beta, kl_term) [nat], with ``chooses`` (kl_term) where there are categories.
    """
    own = spectrum.isel(kl_term=~np.asarray(spectrum["chooses"])) if "chooses" in spectrum.coords else spectrum
    used = (own >= ACTIVE).all("kl_term") & (own.sizes["kl_term"] > 0)
    return used.drop_vars([name for name in used.coords if name != "beta"])


def grouped(beta: Array, grid: Array, values: Sequence[xr.DataArray]) -> dict[str, Array]:
    """Return the mean at each beta of the grid, and its errors: of jets, and with several trainings their spread."""
    found: dict[str, list[float]] = {"": [], "_error_jets": [], "_error_seeds": []}
    for point in grid:
        pairs = [of_one(v) for v, own in zip(values, beta, strict=True) if own == point]
        means = np.array([mean for mean, _ in pairs])
        found[""].append(means.mean())
        found["_error_jets"].append(np.sqrt(np.mean([square for _, square in pairs])))
        found["_error_seeds"] += [means.std(ddof=1)] if len(means) > 1 else []
    return {end: np.array(value) for end, value in found.items() if len(value) == len(grid)}


def of_one(values: xr.DataArray) -> tuple[float, float]:
    """Return the mean over the jets of one training, and its variance."""
    if "weight" in values.coords:
        return float(mean_over_jets(values).squeeze()), float(mean_error(values).squeeze()) ** 2
    flat = np.asarray(values).ravel()
    return float(flat.mean()), float(flat.var(ddof=1) / len(flat))


def slope(beta: Array, values: Array, error: Array, *, logarithm: bool = False) -> Array:
    """Return the derivative by ln beta of a smoothing spline; through the logarithm of what spans many decades."""
    t, scale = np.log(beta), np.maximum(error, 1e-9 + 1e-4 * np.abs(values))
    if logarithm:
        safe = np.maximum(values, 1e-12)
        return safe * make_smoothing_spline(t, np.log(safe), (safe / scale) ** 2).derivative()(t)
    return make_smoothing_spline(t, values, 1 / scale**2).derivative()(t)


def checked(curves: xr.Dataset) -> xr.Dataset:
    """Add ``consistent``: whether a training may be at an optimum, by its own curves.

    D1 and D2 agree within 10 %, or within 0.05 where both are near zero, and residuals lack no more than 0.02 nat or
    half a per cent of the objective.
    """
    gap = np.abs(curves["D1"] - curves["D2"])
    agree = gap <= np.maximum(AGREE * np.abs(curves["D2"]), LEAST)
    if "lacking" in curves:
        agree = agree & (curves["lacking"] <= allowed(curves))
    return curves.assign(consistent=agree)


def allowed(curves: xr.Dataset) -> xr.DataArray:
    """Return what a training may lack that has converged, (beta,) [nat]."""
    power = curves.attrs["power"]
    objective = curves["kl"] + curves["distortion"] / (power * curves["beta"] ** power)
    return np.maximum(NATS, PART * objective)


def sizes(curves: xr.Dataset) -> xr.DataArray:
    r"""Return the scale at which each coordinate switches on, ``(kl_term,)``, in the unit of beta; NaN: never.

    The resolution at which its KL is half a nat, times :math:`e^{1/2}`: of a Gaussian direction, its standard
    deviation.
    """
    beta, kl = np.log(np.asarray(curves["beta"])), np.asarray(curves["kl_spectrum"])
    result = np.full(kl.shape[1], np.nan)
    for i, column in enumerate(kl.T):
        above = np.flatnonzero(column >= 0.5)
        if len(above) and above[-1] + 1 < len(beta):
            k = above[-1]
            part = (column[k] - 0.5) / (column[k] - column[k + 1])
            result[i] = np.exp(beta[k] + part * (beta[k + 1] - beta[k]) + 0.5)
    return xr.DataArray(result, {"kl_term": curves["kl_term"]}, ["kl_term"], "size")
