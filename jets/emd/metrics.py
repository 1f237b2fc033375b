"""Other distances between clouds of particles, each with its gradient.

All take clouds ``(..., n, 3)`` and ``(..., m, 3)`` of weight, eta, phi [rad] with zero-weight padding, normalise the
weights, and return one value per pair, ``(...)``. Unlike `jets.emd.emd` they treat the azimuth as a plane coordinate:
centre jets on their axis first. ``docs/emd.md`` says what each costs and sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode

from jets.emd.checks import batch_of, check_arguments, check_clouds
from jets.emd.distance import METHODS, emd


def _split(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return normalised weights and positions of both; padding is cut off from every gradient.

    Values are looked at where there are some: a graph is traced on tensors that hold none.
    """
    check_arguments(x, y, 1, 1.0, 0.5, "fused", ("fused",))
    batch = batch_of(x, y)
    x, y = x.expand(*batch, *x.shape[-2:]), y.expand(*batch, *y.shape[-2:])
    if get_proxy_mode() is None:
        check_clouds(x, y, True)
    parts = []
    for cloud in (x, y):
        real = cloud[..., 0] > 0
        weight = torch.where(real, cloud[..., 0], 0.0)
        parts += [weight / weight.sum(-1, keepdim=True), torch.where(real[..., None], cloud[..., 1:], 0.0)]
    return parts[0], parts[2], parts[1], parts[3]


def _root(square: Tensor) -> Tensor:
    """Return the square root whose gradient at zero is zero."""
    positive = square > 0
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)


def _angles(x: Tensor, y: Tensor) -> Tensor:
    """Return distances ``(..., n, m)`` between positions."""
    return _root((x[..., :, None, :] - y[..., None, :, :]).square().sum(-1))


def wasserstein_1d(x: Tensor, y: Tensor, a: Tensor, b: Tensor, p: int = 1) -> Tensor:
    r"""Return the Wasserstein distance on a line, to the power p, in closed form.

    .. math:: W_p^p = \int_0^1 \big| F^{-1}(q) - G^{-1}(q) \big|^p \, dq

    Parameters
    ----------
    x, y
        Positions ``(..., n)`` and ``(..., m)``.
    a, b
        Their weights, of the same shapes, each summing to one.
    p
        Power of the distance.

    Returns
    -------
    Tensor
        ``(...)`` in the positions' unit to the power p.

    References
    ----------
    .. [1] Peyre, Cuturi, Computational Optimal Transport, https://arxiv.org/abs/1803.00567, eq. (2.36)

    Examples
    --------
    >>> even = torch.full((2,), 0.5)
    >>> wasserstein_1d(torch.tensor([0.0, 2.0]), torch.tensor([3.0, 1.0]), even, even)
    tensor(1.)
    """
    (x, a), (y, b) = _sorted(x, a), _sorted(y, b)
    above_x, above_y = a.cumsum(-1), b.cumsum(-1)
    levels = torch.cat((above_x, above_y), -1).sort(-1).values
    widths = torch.diff(levels, prepend=torch.zeros_like(levels[..., :1]))
    middle = (levels - widths / 2).detach()
    gap = _quantile(x, above_x, middle) - _quantile(y, above_y, middle)
    return (widths * gap.abs() ** p).sum(-1)


def wasserstein_2_1d(x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
    r"""Return the same for p = 2 of positions that are sorted, with one search in place of a common list of levels.

    .. math:: W_2^2 = \sum_i a_i x_i^2 + \sum_j b_j y_j^2 - 2 \sum_i x_i \big( H(A_i) - H(A_{i-1}) \big), \qquad
              H(q) = \int_0^q G^{-1}(q') \, dq'

    with A the sums of the weights of x up to each. In float64, and normalised there, for the difference of squares may
    be small.
    """
    x, y, a, b = (tensor.double() for tensor in (x, y, a, b))
    a, b = a / a.sum(-1, keepdim=True), b / b.sum(-1, keepdim=True)
    above_x, above_y, whole = a.cumsum(-1), b.cumsum(-1), (b * y).cumsum(-1)
    k = torch.searchsorted(above_y.detach(), above_x.detach()).clamp_max(y.shape[-1] - 1)
    integral = whole.gather(-1, k) - y.gather(-1, k) * (above_y.gather(-1, k) - above_x)
    moved = torch.diff(integral, prepend=torch.zeros_like(integral[..., :1]))
    return ((a * x - 2 * moved) * x).sum(-1) + (b * y * y).sum(-1)


def _sorted(position: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    position, order = position.sort(-1)
    return position, weight.gather(-1, order)


def _quantile(position: Tensor, above: Tensor, level: Tensor) -> Tensor:
    index = torch.searchsorted(above.detach().contiguous(), level.contiguous())
    return position.gather(-1, index.clamp_max(position.shape[-1] - 1))


def wasserstein(x: Tensor, y: Tensor, tolerance: float = 0.01) -> Tensor:
    r"""Return the 2-Wasserstein distance in rad, the root of the EMD with p = 2 [1]_.

    .. math:: W_2 = \Big( \min_f \sum_{ij} f_{ij} \theta_{ij}^2 \Big)^{1/2}

    Parameters
    ----------
    x, y
        Clouds ``(..., n, 3)`` and ``(..., m, 3)``: weight, eta, phi [rad].
    tolerance
        As in `jets.emd.emd`.

    Raises
    ------
    CloudError
        For shapes other than these, NaN or infinity, negative weights, or a cloud without weight.

    References
    ----------
    .. [1] Peyre, Cuturi, Computational Optimal Transport, https://arxiv.org/abs/1803.00567, section 2.4
    """
    return _root(emd(x, y, p=2, tolerance=tolerance).value)


def sliced(x: Tensor, y: Tensor, p: int = 1, directions: int = 32) -> Tensor:
    r"""Return the sliced Wasserstein distance in rad: the mean over directions of that between projections.

    .. math:: SW_p = \Big( \frac{1}{K} \sum_k W_p^p(u_k \cdot x, u_k \cdot y) \Big)^{1/p}, \qquad
              u_k = (\cos \tfrac{\pi k}{K}, \sin \tfrac{\pi k}{K})

    For p = 1 it is at most the EMD and, for two points, 2 / pi of it [1]_.

    Parameters
    ----------
    x, y
        Clouds ``(..., n, 3)`` and ``(..., m, 3)``: weight, eta, phi [rad].
    p
        Power of the distance.
    directions
        Number K of directions.

    Raises
    ------
    CloudError
        For shapes other than these, NaN or infinity, negative weights, or a cloud without weight.

    References
    ----------
    .. [1] Bonneel et al., Sliced and Radon Wasserstein barycenters, https://doi.org/10.1007/s10851-014-0506-3
    """
    a, b, at_x, at_y = _split(x, y)
    angle = torch.arange(directions, dtype=x.dtype, device=x.device) * (math.pi / directions)
    axes = torch.stack((angle.cos(), angle.sin()))
    on_x, on_y = (at_x @ axes).mT, (at_y @ axes).mT
    a, b = a[..., None, :].expand_as(on_x), b[..., None, :].expand_as(on_y)
    power = wasserstein_1d(on_x, on_y, a, b, p).mean(-1)
    return power if p == 1 else _root(power) if p == 2 else power ** (1 / p)


def energy(x: Tensor, y: Tensor) -> Tensor:
    r"""Return the energy distance in rad: the maximum mean discrepancy of the kernel ``-|x - y|`` [1]_.

    .. math:: 2 \sum_{ij} a_i b_j |x_i - y_j| - \sum_{ii'} a_i a_{i'} |x_i - x_{i'}|
              - \sum_{jj'} b_j b_{j'} |y_j - y_{j'}|

    Parameters
    ----------
    x, y
        Clouds ``(..., n, 3)`` and ``(..., m, 3)``: weight, eta, phi [rad].

    Raises
    ------
    CloudError
        For shapes other than these, NaN or infinity, negative weights, or a cloud without weight.

    References
    ----------
    .. [1] Szekely, Rizzo, Energy statistics, https://doi.org/10.1016/j.jspi.2013.03.018
    """
    return _discrepancy(x, y, lambda theta: -theta)


def mmd(x: Tensor, y: Tensor, scale: float = 0.1) -> Tensor:
    r"""Return the squared maximum mean discrepancy of the kernel exp(-theta^2 / (2 scale^2)) [1]_; it has no unit.

    Parameters
    ----------
    x, y
        Clouds ``(..., n, 3)`` and ``(..., m, 3)``: weight, eta, phi [rad].
    scale
        Width of the kernel, rad.

    Raises
    ------
    CloudError
        For shapes other than these, NaN or infinity, negative weights, or a cloud without weight.

    References
    ----------
    .. [1] Gretton et al., A Kernel Two-Sample Test, https://jmlr.org/papers/v13/gretton12a.html
    """
    return _discrepancy(x, y, lambda theta: torch.exp(-theta.square() / (2 * scale**2)))


def _discrepancy(x: Tensor, y: Tensor, kernel: Callable[[Tensor], Tensor]) -> Tensor:
    a, b, at_x, at_y = _split(x, y)

    def mean(weight: Tensor, other: Tensor, one: Tensor, two: Tensor) -> Tensor:
        return (weight[..., :, None] * other[..., None, :] * kernel(_angles(one, two))).sum((-1, -2))

    return mean(a, a, at_x, at_x) + mean(b, b, at_y, at_y) - 2 * mean(a, b, at_x, at_y)


def spectral(x: Tensor, y: Tensor, p: int = 2) -> Tensor:
    r"""Return the spectral EMD in rad^p: the Wasserstein distance of the spectra of pairwise angles, to the power p.

    .. math:: s(\omega) = \sum_{ij} E_i E_j \, \delta(\omega - \theta_{ij}), \qquad
              \mathrm{SEMD}_p = \int_0^1 \big| S_x^{-1}(q) - S_y^{-1}(q) \big|^p \, dq

    Jets that are rotated, moved or mirrored have the same spectrum: the distance does not see where a jet is [1]_.

    Parameters
    ----------
    x, y
        Clouds ``(..., n, 3)`` and ``(..., m, 3)``: weight, eta, phi [rad].
    p
        Power of the distance.

    Raises
    ------
    CloudError
        For shapes other than these, NaN or infinity, negative weights, or a cloud without weight.

    References
    ----------
    .. [1] Larkoski, Thaler, A spectral metric for collider geometry, https://arxiv.org/abs/2305.03751, eq. (9)
    """
    a, b, at_x, at_y = _split(x, y)
    (one, weight), (two, other) = _spectrum(at_x, a), _spectrum(at_y, b)
    if p != 2:
        return wasserstein_1d(one, two, weight, other, p)
    return wasserstein_2_1d(one, two, weight, other).clamp_min(0.0).to(x.dtype)


def _spectrum(position: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the angles of all pairs, each once, in order, and their weights, ``(..., n (n - 1) / 2 + 1)`` each.

    The first is the angle of the particles with themselves.
    """
    i, j = torch.triu_indices(weight.shape[-1], weight.shape[-1], 1, device=weight.device)
    square = (position.index_select(-2, i) - position.index_select(-2, j)).square().sum(-1)
    angle, pair = _sorted(_root(square), 2 * weight.index_select(-1, i) * weight.index_select(-1, j))
    own = weight.square().sum(-1, keepdim=True)
    return torch.cat((torch.zeros_like(own), angle), -1), torch.cat((own, pair), -1)


#: Every distance between clouds by its name.
METRICS: dict[str, Callable[..., Tensor]] = {
    "emd": lambda x, y, **options: emd(x, y, **options).value,
    "wasserstein": wasserstein,
    "sliced": sliced,
    "energy": energy,
    "mmd": mmd,
    "spectral": spectral,
}

#: What a likelihood can measure with, by its name in recipes: the Energy Mover's Distance by each of its methods, and
#: the other distances, roots of those that are squares.
DISTANCES: dict[str, Callable[..., Tensor]] = {
    **{method: partial(METRICS["emd"], method=method) for method in METHODS},
    "wasserstein": wasserstein,
    "sliced": sliced,
    "energy": energy,
    "mmd": lambda x, y: _root(mmd(x, y)),
    "spectral": lambda x, y: _root(spectral(x, y)),
}
