r"""How far the softmax of a Normal (``L3``) is from the Dirichlet (``D3``) that it approximates.

Weights w = softmax(z) with :math:`z\sim N(\mu,\mathrm{diag}\,\sigma^2)` on R^K have the density of :func:`log_normal`
on the simplex, so that both priors can be compared there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp, polygamma, psi
from scipy.stats import beta, gamma, norm, qmc

Array = NDArray[np.floating]

PRIORS = ("Dirichlet", "softmax-normal")
SHARES = np.linspace(0.01, 0.99, 99)
"""Weights at which densities are given."""
PURE = 0.9
"""A jet is of one mixture alone where that weight is larger."""
REPEATS, POINTS = 16, 2**12
"""Scrambled Sobol sequences, whose spread gives the errors, and points of each."""


def compare(alpha: Sequence[float], loc: Array, scale: Array) -> xr.Dataset:
    r"""Compare Dir(alpha) with the softmax of N(loc, diag scale^2), all ``(K,)``.

    ``mean`` (prior, weight); ``density`` (prior, weight, share) of each weight; ``pure`` (prior), the probability that
    one weight is above 0.9; ``total_variation``, :math:`\frac12\int|p-q|`; ``kl`` (prior) [nat] of that prior from the
    other; each but the density with its error. The Dirichlet's mean, density and KL are exact, the rest quasi-Monte
    Carlo.

    >>> found = compare([1.0, 0.25], np.array([0.693, -0.693]), np.array([1.118, 1.118]))
    >>> found["mean"].values.round(2).tolist()
    [[0.8, 0.2], [0.72, 0.28]]
    """
    a = np.asarray(alpha, float)
    z = loc + scale * norm.ppf(uniform_points(len(a)))
    log_w = log_shares(z)
    ratio = log_dirichlet(log_w, a) - log_normal(log_w, loc, scale)
    exact = {"mean": a / a.sum(), "kl": kl_of_dirichlet(a, loc, scale)}
    drawn = {"mean": np.exp(log_w), "kl": -ratio, "total_variation": np.maximum(1 - np.exp(ratio), 0)}
    drawn["pure"] = np.stack([is_pure(dirichlet_draws(a)), is_pure(log_w)], 1)
    dimensions = {"mean": ["prior", "weight"], "kl": ["prior"], "total_variation": [], "pure": ["prior"]}
    found = xr.Dataset(coords={"prior": list(PRIORS), "share": SHARES}, attrs={"alpha": a})
    for name, values in drawn.items():
        value, error = over_sequences(values)
        if name in exact:
            value, error = np.stack([exact[name], value]), np.stack([0 * error, error])
        found[name], found[f"{name}_error"] = (dimensions[name], value), (dimensions[name], error)
    both = [beta.pdf(SHARES, a[:, None], (a.sum() - a)[:, None]), densities(z, loc, scale)]
    return found.assign(density=(("prior", "weight", "share"), np.stack(both)))


def uniform_points(dimension: int) -> Array:
    """Return the scrambled Sobol sequences, one after the other, ``(REPEATS * POINTS, dimension)``."""
    return np.concatenate([qmc.Sobol(dimension, rng=seed).random(POINTS) for seed in range(REPEATS)])


def over_sequences(values: Array) -> tuple[Array, Array]:
    """Return the mean of values ``(REPEATS * POINTS, ...)`` and its error, from the spread of the sequences."""
    means = values.reshape(REPEATS, POINTS, *values.shape[1:]).mean(1)
    return means.mean(0), means.std(0, ddof=1) / REPEATS**0.5


def log_shares(z: Array) -> Array:
    """Return ln softmax of ``(..., K)``."""
    return z - logsumexp(z, axis=-1, keepdims=True)


def is_pure(log_w: Array) -> Array:
    """Return whether one of the weights ``(N, K)`` is above 0.9, ``(N,)``."""
    return np.exp(log_w).max(1) > PURE


def dirichlet_draws(alpha: Array) -> Array:
    r"""Return ln w ``(N, K)`` of Dirichlet draws, by :math:`\Gamma(a)\sim\Gamma(a+1)\,U^{1/a}`: never an underflow."""
    first, second = np.split(uniform_points(2 * len(alpha)), 2, axis=1)
    return log_shares(np.log(gamma.ppf(first, alpha + 1)) + np.log(second) / alpha)


def log_dirichlet(log_w: Array, alpha: Array) -> Array:
    """Return the log density of Dir(alpha) on the simplex at ln w ``(N, K)``."""
    return gammaln(alpha.sum()) - gammaln(alpha).sum() + (log_w * (alpha - 1)).sum(-1)


def log_normal(log_w: Array, loc: Array, scale: Array) -> Array:
    r"""Return the log density of softmax(z) on the simplex at ln w ``(N, K)``, z from N(loc, diag scale^2).

    All z = ln w + c have these weights; with the Jacobian of (w, c) to z, which is :math:`\prod_k 1/w_k`,

    .. math::
        p(w) = \prod_k\frac1{w_k} \int N(\ln w + c\,\vert\,\mu,\mathrm{diag}\,\sigma^2)\,dc
    """
    precision, off = scale**-2, log_w - loc
    total = precision.sum()
    square = (precision * off**2).sum(-1) - (precision * off).sum(-1) ** 2 / total
    constant = np.log(precision).sum() - (len(loc) - 1) * np.log(2 * np.pi) - np.log(total)
    return (constant - square) / 2 - log_w.sum(-1)


def kl_of_dirichlet(alpha: Array, loc: Array, scale: Array) -> float:
    r"""Return KL(Dir(alpha) | softmax of N(loc, diag scale^2)) [nat], from the moments of ln w under the Dirichlet.

    :math:`E\ln w_k = \psi(\alpha_k)-\psi(\alpha_0)` and
    :math:`\mathrm{cov}(\ln w_j,\ln w_k) = \delta_{jk}\psi'(\alpha_k)-\psi'(\alpha_0)`; the log densities are at most
    quadratic in ln w, and what all ln w share drops out.
    """
    expected = psi(alpha) - psi(alpha.sum())
    precision = scale**-2
    spread = (precision * (1 - precision / precision.sum()) * polygamma(1, alpha)).sum()
    at_mean = log_dirichlet(expected, alpha) - log_normal(expected, loc, scale)
    return float(at_mean + spread / 2)


def densities(z: Array, loc: Array, scale: Array) -> Array:
    r"""Return the density of each weight of softmax(z) at :data:`SHARES`, ``(K, shares)``.

    :math:`w_k=\sigma(z_k-s)` with :math:`s=\ln\sum_{j\ne k}e^{z_j}`, so that given s it is a logistic normal; the mean
    over ``z`` ``(N, K)``.
    """
    logit = np.log(SHARES) - np.log1p(-SHARES)
    found = np.empty((len(loc), len(SHARES)))
    for k in range(len(loc)):
        centre = loc[k] - logsumexp(np.delete(z, k, 1), axis=1)
        found[k] = [np.exp(-(((x - centre) / scale[k]) ** 2) / 2).mean() for x in logit]
    return found / (np.sqrt(2 * np.pi) * scale[:, None] * SHARES * (1 - SHARES))
