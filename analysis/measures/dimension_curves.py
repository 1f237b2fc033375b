"""From KL and distortion of jets at resolutions to curves with errors. Numpy, scipy and xarray alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import make_smoothing_spline

from analysis.measures.information import ACTIVE
from analysis.measures.weighting import cancel, mean_error, mean_over_jets, weight_of

RESAMPLED = 200
SPLINES = 50
"""Splines through moved points, for the error of a grid's slopes; each costs milliseconds."""
AGREE = 0.1
"""Relative difference of D1 and D2 above which a curve is not converged."""
LEAST = 0.05
"""Difference below which it says nothing, where both are small."""
CURVES = ("kl", "distortion", "distance", "D1", "D2")
EXACT = ("exact_kl", "exact_distortion")
"""What is known of toys, (beta,)."""

Array = NDArray[np.float64]


def summarised(measured: xr.Dataset, seed: int = 0) -> xr.Dataset:
    """Return the curves of one training for a range, errors by bootstrap over jets, all by their weights if any.

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
    if "excess" in measured:
        of_jets["excess"] = np.asarray(measured["excess"].transpose("beta", "jet"))
    share = shares(measured.sizes["jet"], weight_of(measured))
    weights = bootstrap_weights(measured.sizes["jet"], seed)
    if share is not None:
        weights = weights * share / (weights * share).sum(1, keepdims=True)
    curves = {name: ("beta", averaged(values, share)) for name, values in of_jets.items()}
    errors = {f"{name}_error": ("beta", (values @ weights.T).std(1, ddof=1)) for name, values in of_jets.items()}
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
    """Return the mean of trainings that differ in their seed; errors: of the jets and spread of seeds, in quadrature.

    Spectrum and shares are those of the first training: coordinates of different seeds have nothing to do with each
    other.
    """
    if len(parts) == 1:
        return parts[0].assign_attrs(seeds=1)
    curves = [name for name in (*CURVES, "excess") if name in parts[0]]
    seeds = xr.concat([part[curves + [f"{name}_error" for name in curves]] for part in parts], "seed")
    result = parts[0].assign({name: seeds[name].mean("seed") for name in curves})
    for name in curves:
        of_jets = (seeds[f"{name}_error"] ** 2).mean("seed")
        result[f"{name}_error"] = np.sqrt(of_jets + seeds[name].var("seed", ddof=1))
    result["bound"] = xr.concat([part["bound"] for part in parts], "seed").any("seed")
    return checked(result).assign_attrs(seeds=len(parts))


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
    means = {name: grouped(beta, grid, values) for name, values in points.items()}
    random, curves = np.random.default_rng(seed), {}
    for name, (mean, error) in means.items():
        curves[name], curves[f"{name}_error"] = ("beta", mean), ("beta", error)
    rate, lost = means["kl"], means["distortion"]
    for name, (mean, error), factor in (("D2", rate, -1.0), ("D1", lost, 1 / (power * grid**power))):
        draws = mean + error * random.normal(size=(SPLINES, len(grid)))
        slopes = np.stack([slope(grid, draw, error, logarithm=name == "D1") for draw in draws])
        curves[name] = ("beta", factor * slope(grid, mean, error, logarithm=name == "D1"))
        curves[f"{name}_error"] = ("beta", np.abs(factor) * slopes.std(0, ddof=1))
    first = [next(part for part, own in zip(parts, beta, strict=True) if own == value) for value in grid]
    spectrum = xr.concat([mean_over_jets(part["kl"]) for part in first], "beta")
    widths = {name: xr.concat([part[name] for part in first], "beta") for name in ("sigma", "rms")}
    least = {name: xr.concat([part[name] for part in first], "beta") for name in EXACT if name in first[0]}
    result = xr.Dataset(curves | {"kl_spectrum": spectrum} | widths | least, {"beta": grid}, parts[0].attrs)
    if "category_share" in first[0]:
        result = result.merge(xr.concat([category_share(part) for part in first], "beta"))
    result["bound"] = all_in_use(result["kl_spectrum"])
    return checked(result).assign_attrs(seeds=len(parts) // len(grid))


def all_in_use(spectrum: xr.DataArray) -> xr.DataArray:
    """Return whether every continuous latent carries a tenth of a nat, (beta,): D2 may be held down by their number.

    ``spectrum``: (beta, kl_term) [nat], with ``chooses`` (kl_term) where there are categories.
    """
    own = spectrum.isel(kl_term=~np.asarray(spectrum["chooses"])) if "chooses" in spectrum.coords else spectrum
    used = (own >= ACTIVE).all("kl_term") & (own.sizes["kl_term"] > 0)
    return used.drop_vars([name for name in used.coords if name != "beta"])


def grouped(beta: Array, grid: Array, values: Sequence[xr.DataArray]) -> tuple[Array, Array]:
    """Return mean and error at each beta of the grid: of jets, and with several trainings their spread."""
    mean, error = [], []
    for point in grid:
        own = [v for v, b in zip(values, beta, strict=True) if b == point]
        pairs = [of_one(v) for v in own]
        means, of_jets = np.array([mean for mean, _ in pairs]), np.mean([square for _, square in pairs])
        mean.append(means.mean())
        error.append(np.sqrt(of_jets + (means.var(ddof=1) if len(means) > 1 else 0.0)))
    return np.array(mean), np.array(error)


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
    """Add ``converged``: whether D1 and D2 agree within 10 %, or within their errors where both are near zero."""
    gap = np.abs(curves["D1"] - curves["D2"])
    return curves.assign(converged=gap <= np.maximum(AGREE * np.abs(curves["D2"]), LEAST))


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
