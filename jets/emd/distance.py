"""The Energy Mover's Distance between two clouds, by any of its methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from jets.emd.checks import batch_of, check_arguments, check_clouds

METHODS = ("fused", "reference", "exact", "sinkhorn", "geomloss")


class Distance(NamedTuple):
    """A distance with its bounds; only the value carries a gradient.

    Attributes
    ----------
    value, lower, upper
        The batch's shape ``(...)``, in rad^p / R^p, or in the weights' unit (GeV) where they are not normalised.
    """

    value: Tensor
    lower: Tensor
    upper: Tensor


def emd(
    x: Tensor,
    y: Tensor,
    p: float = 1,
    R: float = 1.0,
    normalise: bool = True,
    tolerance: float = 0.02,
    method: str = "fused",
) -> Distance:
    r"""Return the Energy Mover's Distance between clouds of particles, with bounds and gradients.

    .. math::
        \mathrm{EMD}(x, y) = \min_{f_{ij} \ge 0} \sum_{ij} f_{ij} \left(\frac{\theta_{ij}}{R}\right)^p
        + \Big|\sum_i E_i - \sum_j E'_j\Big|, \qquad
        \sum_j f_{ij} \le E_i,\ \sum_i f_{ij} \le E'_j,\ \sum_{ij} f_{ij} = \min\Big(\sum_i E_i, \sum_j E'_j\Big)

    with :math:`\theta^2 = \Delta\eta^2 + \Delta\phi^2`, the azimuth difference wrapped [1]_ [2]_.

    Parameters
    ----------
    x, y
        Clouds ``(..., n, 3)`` and ``(..., m, 3)``: weight (pT in GeV, or 1), eta, phi (rad). Particles of weight zero
        are padding. Batch dimensions are broadcast.
    p
        Power of the angle; no root is taken. The fused kernel has 1 and 2.
    R
        Angle that costs as much as losing the particle, in rad.
    normalise
        Divide both weights by their sums first. Without it the distance is in the weights' unit (GeV) and the
        difference of the totals counts, which makes it a metric where 2 R is at least the largest angle.
    tolerance
        Relative width of the bounds at which the fused kernel stops; the value itself is about ten times better. Clouds
        that float32 cannot resolve, beyond \|eta\| = 1e3 or \|phi\| = 1e6, are at inf of everything, bounds 0 and inf.
    method
        "fused": the default, float32; "reference": the same algorithm in plain torch and float64; "exact": POT's
        network simplex; "sinkhorn": plain Sinkhorn at temperature `tolerance`; "geomloss": its divergence at blur
        `tolerance`.

    Returns
    -------
    Distance
        ``value``, ``lower``, ``upper`` with lower <= exact distance <= upper (NaN bounds for geomloss). Gradients
        flow to positions and weights by the envelope theorem: the transport plan for the positions, the potentials
        for the weights; padding gets none. Second derivatives are not available.

    Raises
    ------
    CloudError
        For shapes other than ``(..., n, 3)`` or that do not go together, NaN or infinity, negative weights, a cloud
        without weight when ``normalise``, or an unknown method.
    RuntimeError
        For any method but "fused" where a graph is being traced.

    References
    ----------
    .. [1] Komiske, Metodiev, Thaler, The Metric Space of Collider Events, https://arxiv.org/abs/1902.02346, eq. (1)
    .. [2] Komiske, Metodiev, Thaler, The Hidden Geometry of Particle Collisions, https://arxiv.org/abs/2004.04159

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.4, 0.0], [0.0, 0.0, 0.0]])
    >>> y = torch.tensor([[1.0, 0.0, 0.3], [1.0, 0.4, 0.0]])
    >>> round(float(emd(x, y).value), 3)
    0.15
    """
    check_arguments(x, y, p, R, tolerance, method, METHODS)
    batch = batch_of(x, y)
    one = x.expand(*batch, *x.shape[-2:]).reshape(-1, *x.shape[-2:])
    two = y.expand(*batch, *y.shape[-2:]).reshape(-1, *y.shape[-2:])
    result = _fused(one, two, p, R, normalise, tolerance) if method == "fused" else None
    if result is None:
        solve = _plain(method)
        check_clouds(one, two, normalise)
        result = solve(one, two, p, R, normalise, tolerance)
    value, lower, upper = (part.to(x.dtype).reshape(batch) for part in result)
    return Distance(value, lower.detach(), upper.detach())


def _fused(x: Tensor, y: Tensor, p: float, R: float, normalise: bool, tolerance: float) -> tuple[Tensor, ...]:
    from jets.emd.operator import fused, wants_gradient
    from jets.emd.rounding import rounded, rounding

    double = torch.float64 in (x.dtype, y.dtype)
    x, y = rounded(x, y) if double else (x.float().contiguous(), y.float().contiguous())
    bounds, _, _ = fused(x, y, int(p), float(R), normalise, tolerance, wants_gradient(x, y))
    value, lower, upper = bounds.unbind(-1)
    if not double:
        return value, lower, upper
    margin = rounding(x, y, p, R, normalise)
    return value, (lower - margin).clamp_min(0.0), upper + margin


def _plain(method: str) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    from torch.fx.experimental.proxy_tensor import get_proxy_mode

    from jets.emd import exact, reference, sinkhorn

    if get_proxy_mode() is not None:  # a graph would keep the plan of the clouds it was traced with
        raise RuntimeError(f"the distance by method {method!r} is no graph of tensor operations; only 'fused' is")
    solvers = {
        "reference": reference.solve,
        "exact": exact.solve,
        "sinkhorn": sinkhorn.solve,
        "geomloss": sinkhorn.geomloss,
    }
    return solvers[method]
