"""The table of families that every test of a family runs over: a new family is one row in CASES.

A row holds three encoder outputs, the quadrature of its manifold and, where scipy knows it, an exact distribution
function. The tests themselves are in ``test_families.py``.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.stats
import torch


class Case(NamedTuple):
    """One family."""

    latent: str
    heads: list
    """Encoder outputs of a broad, a middling and a narrow posterior."""
    nodes: Callable
    """Distribution -> points of the manifold ``(N, event)`` and the log of their volumes ``(N,)``, for quadrature."""
    statistic: Callable | None = None
    """Posterior, draws -> one number a draw and its exact distribution function; None of a category."""


# Quadrature ------------------------------------------------------------------------------------------------------


def flat(d):
    """Trapezoid rule in a box of 9 standard deviations."""

    def nodes(p):
        draws = p.sample((4000,)).detach().double()
        count = 2001 if d == 1 else 301
        axes = [
            torch.linspace(-9, 9, count, dtype=torch.float64) * s + m
            for m, s in zip(draws.mean(0), draws.std(0), strict=True)
        ]
        points = torch.cartesian_prod(*axes).reshape(-1, d)
        return points, torch.full((len(points),), sum(math.log(axis[1] - axis[0]) for axis in axes)).double()

    return nodes


def circle(p):
    """Equal steps in the angle, over 40 standard deviations where that is less than a turn."""
    base = p.base_dist
    half = min(math.pi, 40 / math.sqrt(float(base.concentration.detach().max()) + 1e-9))
    offset = torch.linspace(-1, 1, 4001, dtype=torch.float64)[:-1] * half
    return (base.loc.detach() + offset[:, None]), torch.full((4000,), math.log(half / 2000), dtype=torch.float64)


def sphere(p):
    """Gauss-Legendre in the polar angle; across it the cross-polytope, exact for polynomials of degree 3."""
    concentration = float(p.concentration.detach()) if hasattr(p, "concentration") else 0.0
    loc = p.loc.detach() if hasattr(p, "loc") else torch.eye(p.event_shape[0], dtype=torch.float64)[0]
    m = len(loc)
    x, w = (torch.tensor(a) for a in np.polynomial.legendre.leggauss(400))
    top = min(math.pi, 40 / math.sqrt(concentration + 1e-9))
    theta, w = (x + 1) / 2 * top, w / 2 * top
    basis = torch.linalg.qr(torch.cat([loc[:, None], torch.eye(m, dtype=loc.dtype)], 1))[0][:, 1:m].T
    tangents = torch.cat([basis, -basis])
    points = theta.cos()[:, None, None] * loc + theta.sin()[:, None, None] * tangents
    area = math.log(2) + (m - 1) / 2 * math.log(math.pi) - math.lgamma((m - 1) / 2) - math.log(2 * (m - 1))
    return points.reshape(-1, m), (w.log() + (m - 2) * theta.sin().log() + area).repeat_interleave(2 * (m - 1))


def hyperboloid(p):
    """The tangent plane at the centre, moved there by hand; d^dz = z_0 (sinh r / r)^(d-1) d^dv."""
    scale = p.scale.detach()
    axis = torch.linspace(-9, 9, 401, dtype=torch.float64)
    v = torch.cartesian_prod(axis, axis) * scale
    r = v.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    w, w0 = v * r.sinh() / r, r.cosh()
    rapidity = p.loc.detach().norm().clamp(min=1e-12)
    direction = p.loc.detach() / rapidity
    along = (w * direction).sum(-1, keepdim=True)
    z = w + direction * (along * (rapidity.cosh() - 1) + w0 * rapidity.sinh())
    z0 = (1 + (z**2).sum(-1)).sqrt()
    return z, (z0 * r.sinh()[:, 0] / r[:, 0]).log() + (2 * (axis[1] - axis[0]).log() + scale.log().sum())


def values(p):
    """The one-hot vectors, each of volume one."""
    points = torch.eye(p.event_shape[-1], dtype=torch.float64)
    return points, torch.zeros(len(points), dtype=torch.float64)


def segment(p):
    """Two weights, through their log odds: ds = s (1 - s) dt, and the site's value is ln s."""
    t = torch.linspace(-1, 1, 20001, dtype=torch.float64) * 60 / float(p.temperature)
    points = torch.stack([t, -t], -1).sigmoid().log().clamp(min=-700)
    return points, torch.full((len(t),), float((t[1] - t[0]).log()), dtype=torch.float64)


def triangle(p):
    """Three weights by breaking a stick twice, each break through its log odds, which reach into the corners."""
    a1, a2, a3 = p.concentration.detach()
    (t, dt), (v, dv) = log_odds(a1, a2 + a3), log_odds(a2, a3)
    t, v = (grid.reshape(-1) for grid in torch.meshgrid(t, v, indexing="ij"))
    log = torch.nn.functional.logsigmoid
    points = torch.stack([log(t), log(-t) + log(v), log(-t) + log(-v)], -1).clamp(min=-690).exp()
    return points, log(t) + 2 * log(-t) + log(v) + log(-v) + (dt * dv).log()


def log_odds(a, b):
    """Range and spacing that cover the log odds of a Beta(a, b)."""
    spread = 9 * (torch.polygamma(1, a) + torch.polygamma(1, b)).sqrt()
    centre = torch.digamma(a) - torch.digamma(b)
    t = torch.linspace(
        float(centre - spread.maximum(40 / a)), float(centre + spread.maximum(40 / b)), 801, dtype=a.dtype
    )
    return t, t[1] - t[0]


# Exact distribution functions ----------------------------------------------------------------------------------------


def normal(q, z):
    """The first coordinate, in standard deviations."""
    return ((z - q.base_dist.loc) / q.base_dist.scale)[..., 0], scipy.stats.norm.cdf


def von_mises(q, z):
    """The angle to the mean direction."""
    base = q.base_dist
    return torch.remainder(z - base.loc + math.pi, 2 * math.pi)[..., 0] - math.pi, scipy.stats.vonmises(
        float(base.concentration[0])
    ).cdf


def power_spherical(q, z):
    """(1 + cosine to the mean direction)/2, Beta distributed."""
    k = q.event_shape[0] - 1
    return (1 + (q.loc * z).sum(-1)) / 2, scipy.stats.beta(k / 2 + float(q.concentration), k / 2).cdf


def von_mises_fisher(q, z):
    """The angle to the mean direction, its density summed by trapezoids."""
    gap, k = ((z - q.loc) ** 2).sum(-1) / 2, q.event_shape[0] - 1
    x = np.linspace(0, min(np.pi, 40 / math.sqrt(float(q.concentration))), 100_001)
    density = np.exp(-2 * float(q.concentration) * np.sin(x / 2) ** 2) * np.sin(x) ** (k - 1)
    cdf = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return 2 * torch.asin((gap / 2).sqrt().clamp(max=1)), lambda t: np.interp(t, x, cdf / cdf[-1])


def dirichlet(q, z):
    """The first weight, Beta distributed."""
    alpha = q.concentration
    return z[..., 0], scipy.stats.beta(float(alpha[0]), float(alpha[1:].sum())).cdf


def wrapped_normal(q, z):
    """Hyperbolic distance from the centre, over the (single) width: Rayleigh distributed in the plane."""
    rapidity = q.loc.norm()
    centre = q.loc / rapidity * rapidity.sinh()
    gap = ((z - centre) ** 2).sum(-1) - ((1 + (z**2).sum(-1)).sqrt() - rapidity.cosh()) ** 2
    return 2 * torch.asinh(gap.clamp(min=0).sqrt() / 2) / q.scale[0], scipy.stats.rayleigh.cdf


SPHERE2 = [[0.03, -0.01, 0.02], [0.2, -0.1, 0.25], [4.0, -7.0, 5.0]]
SPHERE3 = [[0.03, -0.01, 0.02, 0.0], [0.2, -0.1, 0.25, 0.1], [4.0, -7.0, 5.0, 1.0]]
PLANE = [[0.3, -0.4, 3.0, 2.0], [0.3, -0.4, -1.0, -0.5], [1.0, 2.0, -9.0, -10.0]]
CASES = [
    Case("R1", [[0.3, 5.0], [0.3, -0.5], [2.0, -14.0]], flat(1), normal),
    Case("L2(alpha=.9)", PLANE, flat(2), normal),
    Case("D3(alpha=1,.25,.1)", [[-3.0, -2.0, -1.0], [0.0, 1.0, 2.0], [300.0, 200.0, 100.0]], triangle, dirichlet),
    Case("S1", [[0.03, 0.0], [-0.2, 0.1], [-8.0, 6.0]], circle, von_mises),
    Case("S1(concentration=2)", [[0.03, 0.0], [-0.2, 0.1], [-8.0, 6.0]], circle, von_mises),
    Case("S1(posterior=power)", [[0.03, 0.0], [-0.2, 0.1], [-8.0, 6.0]], sphere, power_spherical),
    Case("S2", SPHERE2, sphere, power_spherical),
    Case("S3", SPHERE3, sphere, power_spherical),
    Case("S1(posterior=vmf)", [[0.03, 0.0], [-0.2, 0.1], [-8.0, 6.0]], sphere, von_mises_fisher),
    Case("S2(posterior=vmf)", SPHERE2, sphere, von_mises_fisher),
    Case("S3(posterior=vmf)", SPHERE3, sphere, von_mises_fisher),
    Case("C3", [[0.0, 0.1, -0.1], [1.0, 0.0, -1.0], [9.0, 0.0, -9.0]], values),
    Case("C3(weights=.6,.3,.1,learn=true)", [[0.0, 0.1, -0.1], [1.0, 0.0, -1.0], [9.0, 0.0, -9.0]], values),
    Case("C3(posterior=straight-through)", [[0.0, 0.1, -0.1], [1.0, 0.0, -1.0], [9.0, 0.0, -9.0]], values),
    Case("C2(posterior=relaxed,temperature=.7)", [[0.0, 0.1], [0.5, -0.5], [3.0, -3.0]], segment),
    Case("G2:3", PLANE, flat(2), normal),
    Case("G2:3(apart=4)", PLANE, flat(2), normal),
    Case("V2:4", PLANE, flat(2), normal),
    Case("H2", [[0.3, -0.4, 1.0, 1.0], [0.3, -0.4, -1.0, -1.0], [2.0, 3.0, -8.0, -8.0]], hyperboloid, wrapped_normal),
]
