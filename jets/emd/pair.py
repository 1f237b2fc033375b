"""One pair of clouds from padded rows to value, bounds and gradients: what each task of the CPU kernel runs."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from jets.emd.bounds import close, dual_value, plan_gradient, round_plan, rounded_cost, slack
from jets.emd.simd import LANES, OPTIONS
from jets.emd.solver import COLDEST, LAST_SWEEPS, anneal, costs, f32, sweep

#: How often the iteration continues while the bounds are wider than asked for; the temperature is halved when it, and
#: not a lack of convergence, is what keeps them apart.
REFINEMENTS = 20
#: Padding sits this far away, on opposite sides for x and y.
FAR = f32(1e4)
#: Totals of pT that differ by less than this part count as equal; the difference widens the bounds.
BALANCED = 1e-7
#: Farther out in eta, or more radians away in azimuth, float32 resolves no jet: the distance is not computed, but inf.
WILD_ETA, WILD_PHI = 1e3, 1e6
#: Azimuths within a quarter turn of zero need no wrapping; others are first turned to the first particle.
QUARTER = 1.5707
WHOLE = 2.0 * math.pi
#: Radians by which azimuth differences can be off that need no wrapping.
WRAPPED = 2e-7


@njit(**OPTIONS)
def total_weight(cloud: np.ndarray) -> float:
    """Return the sum of the weights of one (n, 3) cloud."""
    result = 0.0
    for i in range(cloud.shape[0]):
        result += np.float64(cloud[i, 0])
    return result


@njit(**OPTIONS)
def reach(cloud: np.ndarray) -> tuple[float, float]:
    """Return the largest abs(eta) and abs(phi) of the particles of one (n, 3) cloud."""
    eta = phi = 0.0
    for i in range(cloud.shape[0]):
        if cloud[i, 0] > f32(0):
            eta = max(eta, abs(np.float64(cloud[i, 1])))
            phi = max(phi, abs(np.float64(cloud[i, 2])))
    return eta, phi


@njit(**OPTIONS)
def first_azimuth(one: np.ndarray, two: np.ndarray) -> float:
    """Return the azimuth [rad] of the first particle of one cloud, or of the other if that is empty."""
    for cloud in (one, two):
        for i in range(cloud.shape[0]):
            if cloud[i, 0] > f32(0):
                return np.float64(cloud[i, 2])
    return 0.0


@njit(**OPTIONS)
def turn(buffer: np.ndarray, cloud: np.ndarray, origin: np.ndarray, zero: float, size: int, rows: int) -> float:
    """Replace the packed azimuths by those from `zero` [rad], in [-pi, pi); return how far off [rad] they can be.

    They are reduced in float64 and rounded once, by 2^-24 of their size. Beyond a quarter turn their differences can
    need wrapping, which rounds twice more: the difference itself, below 2 pi, and 2 pi.
    """
    farthest = 0.0
    for k in range(size):
        phi = np.float64(cloud[origin[k], 2]) - zero
        phi -= WHOLE * math.floor(phi / WHOLE + 0.5)
        farthest = max(farthest, abs(phi))
        buffer[2 * rows + k] = f32(phi)
    return 2.0**-24 * farthest + (2.2e-7 if farthest > QUARTER else 0.0)


@njit(**OPTIONS)
def pack(
    cloud: np.ndarray, scale: float, extra: float, far: float, buffer: np.ndarray, origin: np.ndarray
) -> tuple[int, int]:
    """Compress a cloud to [weights | eta | phi | real], its padding dropped and its weights scaled.

    Returns the number of particles, one more when `extra`, the weight of the slack particle, is positive, and the
    padded length; `origin` maps particles to rows of `cloud`.
    """
    n = 0
    for i in range(cloud.shape[0]):
        if cloud[i, 0] > f32(0):
            origin[n] = i
            n += 1
    size = n + 1 if extra > 0.0 else n
    rows = (size + LANES - 1) // LANES * LANES
    buffer[: 4 * rows] = f32(0)
    buffer[rows + size : 2 * rows] = far
    for k in range(n):
        i = origin[k]
        buffer[k] = f32(np.float64(cloud[i, 0]) * scale)
        buffer[rows + k] = cloud[i, 1]
        buffer[2 * rows + k] = cloud[i, 2]
        buffer[3 * rows + k] = f32(1)
    if size > n:
        buffer[n] = f32(extra * scale)
    return size, rows


@njit(**OPTIONS)
def set_slack_cost(cost: np.ndarray, shape: tuple, slacks: tuple) -> None:
    """Set the cost of the slack particle, the last one of its cloud, to one: it is at distance R from everything."""
    n, m, _, columns = shape
    if slacks[0]:
        cost[(n - 1) * columns : (n - 1) * columns + m] = f32(1)
    if slacks[1]:
        for i in range(n):
            cost[i * columns + m - 1] = f32(1)


@njit(**OPTIONS)
def solve(
    clouds: tuple, shape: tuple, slacks: tuple, p: int, scale: float, tolerance: float, loose: tuple, arrays: tuple
) -> tuple[float, float, float]:
    """Return lower and upper bound and by how much to widen them; leave the plan and the potentials in `arrays`.

    `loose` is what was given up before: radians in azimuth, and the part of the weight that is not balanced.
    """
    _, _, rows, columns = shape
    kernel, duals, before, work = arrays
    marginals = (clouds[0][:rows], clouds[1][:columns])
    largest = max(costs(clouds[0], clouds[1], shape, p, scale, kernel[0]), f32(1e-12))
    set_slack_cost(kernel[0], shape, slacks)
    if slacks[0] or slacks[1]:
        largest = max(largest, f32(1))
    margin = slack(largest, scale, p, shape, loose[0]) + loose[1] * max(largest, 1.0)
    eps = anneal(marginals, kernel, duals, before, work, largest, f32(tolerance), shape)
    lower, upper, left = 0.0, 1e30, REFINEMENTS
    while left >= 0:
        before[0][:rows] = duals[0][:rows]
        before[1][:columns] = duals[1][:columns]
        close(kernel[0], duals, shape)
        lower = max(lower, dual_value(marginals, duals, shape))
        round_plan(marginals, kernel, work, shape)
        upper = min(upper, rounded_cost(kernel[0], kernel[1], work, shape))
        left -= 1
        if upper - lower <= max(tolerance * upper, margin):
            break
        if upper - lower < eps:
            eps = max(f32(0.5) * eps, COLDEST * largest)
        if left >= 0:
            duals[0][:rows] = before[0][:rows]
            duals[1][:columns] = before[1][:columns]
            sweep(marginals, kernel, duals, work, eps, LAST_SWEEPS, shape)
    return min(lower, upper), upper, margin


@njit(**OPTIONS)
def gauge(marginals: tuple, duals: tuple, shape: tuple, normalise: bool, slacks: tuple) -> tuple[float, float]:
    """Return what makes the potentials of x and of y, when added to them, derivatives by the weights given.

    Normalised weights: minus the mean. Otherwise adding pT also adds to, or takes from, the slack particle; at equal
    totals, where the distance has a kink, the choice is that scaling either cloud changes the distance alike.
    """
    (a, b), (f, g), (n, m, _, _) = marginals, duals, shape
    if slacks[0]:
        return -np.float64(f[n - 1]), np.float64(f[n - 1])
    if slacks[1]:
        return np.float64(g[m - 1]), -np.float64(g[m - 1])
    mean_x = mean_y = 0.0
    for i in range(n):
        mean_x += np.float64(a[i]) * np.float64(f[i])
    for j in range(m):
        mean_y += np.float64(b[j]) * np.float64(g[j])
    if normalise:
        return -mean_x, -mean_y
    return 0.5 * (mean_y - mean_x), 0.5 * (mean_x - mean_y)


@njit(**OPTIONS)
def unpack(
    gradient: np.ndarray, potential: np.ndarray, units: tuple, size: int, rows: int, origin: np.ndarray, out: np.ndarray
) -> None:
    """Scatter gradients of particles back to the rows of the padded cloud; padding keeps its zero."""
    shift, weight_unit, position_unit = units
    for k in range(size):
        i = origin[k]
        out[i, 0] = f32((np.float64(potential[k]) + shift) * weight_unit)
        out[i, 1] = f32(gradient[rows + k] * position_unit)
        out[i, 2] = f32(gradient[2 * rows + k] * position_unit)


@njit(**OPTIONS)
def partition(buffer: np.ndarray, size: int) -> tuple:
    """Cut a thread's scratch into matrices, potentials, scalings, packed clouds and gradients."""
    q, s = size * size, size
    kernel = (buffer[:q], buffer[q : 2 * q], buffer[2 * q : 3 * q])
    v = buffer[3 * q :]
    duals, before = (v[:s], v[s : 2 * s]), (v[2 * s : 3 * s], v[3 * s : 4 * s])
    work = (v[4 * s : 5 * s], v[5 * s : 6 * s], v[6 * s : 7 * s], v[7 * s : 8 * s])
    clouds, gradients = (v[8 * s : 12 * s], v[12 * s : 16 * s]), (v[16 * s : 19 * s], v[19 * s : 22 * s])
    return kernel, duals, before, work, clouds, gradients


@njit(**OPTIONS)
def solve_pairs(
    x: np.ndarray, y: np.ndarray, pairs: np.ndarray, options: tuple, scratch: tuple, out: np.ndarray, gradients: tuple
) -> None:
    """Solve x[pairs[k, 0]] against y[pairs[k, 1]] for every k into out[k] = (value, lower, upper)."""
    p, scale, normalise, tolerance, wants_gradient = options
    buffer, origins, capacity = scratch
    kernel, duals, before, work, clouds, positions = partition(buffer, capacity)
    for k in range(pairs.shape[0]):
        one, two = x[pairs[k, 0]], y[pairs[k, 1]]
        total_x, total_y = total_weight(one), total_weight(two)
        unit = max(total_x, total_y)
        if unit <= 0.0:
            out[k] = 0.0
            continue
        (eta_x, phi_x), (eta_y, phi_y) = reach(one), reach(two)
        if max(eta_x, eta_y) > WILD_ETA or max(phi_x, phi_y) > WILD_PHI:
            out[k, 0], out[k, 1], out[k, 2] = math.inf, 0.0, math.inf
            continue
        apart = 0.0 if normalise else total_x - total_y
        excess = 0.0 if abs(apart) <= BALANCED * unit else apart
        ignored = abs(apart - excess) / unit
        scale_x, scale_y = (1.0 / total_x, 1.0 / total_y) if normalise else (1.0 / unit, 1.0 / unit)
        unit = 1.0 if normalise else unit
        slacks = (excess < 0.0, excess > 0.0)
        n, rows = pack(one, scale_x, -excess, FAR, clouds[0], origins[0])
        m, columns = pack(two, scale_y, excess, -FAR, clouds[1], origins[1])
        shape = (n, m, rows, columns)
        blur = WRAPPED
        if max(phi_x, phi_y) > QUARTER:
            zero = first_azimuth(one, two)
            blur += turn(clouds[0], one, origins[0], zero, n - slacks[0], rows)
            blur += turn(clouds[1], two, origins[1], zero, m - slacks[1], columns)
        arrays = (kernel, duals, before, work)
        lower, upper, margin = solve(clouds, shape, slacks, p, scale, tolerance, (blur, ignored), arrays)
        out[k, 0] = unit * (lower + (upper - lower) / 3.0)
        out[k, 1] = unit * max(lower - margin, 0.0)
        out[k, 2] = unit * (upper + margin)
        if wants_gradient:
            u, v, s, t = work
            if slacks[0]:
                u[n - 1] = s[n - 1] = f32(0)
            if slacks[1]:
                v[m - 1] = t[m - 1] = f32(0)
            plan_gradient(clouds, kernel, work, p, scale, shape, positions)
            shifts = gauge((clouds[0], clouds[1]), duals, shape, normalise, slacks)
            factors = (scale_x, scale_y) if normalise else (1.0, 1.0)
            n, m = n - slacks[0], m - slacks[1]
            unpack(positions[0], duals[0], (shifts[0], factors[0], unit), n, rows, origins[0], gradients[0][k])
            unpack(positions[1], duals[1], (shifts[1], factors[1], unit), m, columns, origins[1], gradients[1][k])
