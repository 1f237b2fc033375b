"""Rigorous bounds on the distance, and its gradient, from any approximate plan and potentials.

Above, the cost of a feasible plan: the approximate plan scaled down onto its marginals plus a rank-one fill of what is
missing [1]. Below, the value of feasible dual potentials: those closed by two c-transforms [2]. Both hold whatever
the iteration did; only float32 rounding, which `slack` bounds, stands between them and a proof.

References
----------
.. [1] Altschuler, Weed, Rigollet, Near-linear time approximation, https://arxiv.org/abs/1705.09634, algorithm 2
.. [2] Peyre, Cuturi, Computational Optimal Transport, https://arxiv.org/abs/1803.00567, section 5.3
"""

from __future__ import annotations

import numpy as np
from numba import njit

from jets.emd.simd import LANES, OPTIONS, broadcast, larger, least, load, smaller, splat, store, total
from jets.emd.solver import TINY, displacement, f32, product


@njit(**OPTIONS)
def slack(largest: float, scale: float, p: int, shape: tuple, blur: float) -> float:
    """Return how far float32 rounding can carry either bound across the exact distance, for total weight one.

    A sum of n products in four to thirty-two chains, two c-transforms and the marginals' rounding add up to at most
    (16 + (n + m) / 4) units of rounding (2^-24) of the largest cost; `blur` [rad], by which the wrapped azimuths can be
    off, adds its own.
    """
    wrap = blur * scale if p == 1 else 2.0 * blur * (scale * largest) ** 0.5 + blur * blur * scale
    return (16.0 + 0.25 * (shape[0] + shape[1])) * 2.0**-24 * largest + wrap


@njit(**OPTIONS)
def close(cost: np.ndarray, duals: tuple, shape: tuple) -> None:
    """Make potentials feasible for the dual: g_j = min_i (C_ij - f_i), then f_i = min_j (C_ij - g_j), in place.

    The gauge is fixed first, f_0 = 0, so that the potentials are of the size of the cost and round like it.
    """
    n, m, _, columns = shape
    f, g = duals
    origin = f[0]
    for i in range(n):
        f[i] -= origin
    for j in range(0, columns, LANES):
        lowest = splat(f32(1e30))
        for i in range(n):
            lowest = smaller(lowest, load(cost, i * columns + j) - broadcast(f, i))
        store(g, j, lowest)
    for j in range(m, columns):
        g[j] = f32(0)
    for i in range(n):
        lowest = splat(f32(1e30))
        for j in range(0, columns, LANES):
            lowest = smaller(lowest, load(cost, i * columns + j) - load(g, j))
        f[i] = least(lowest)


@njit(**OPTIONS)
def dual_value(marginals: tuple, duals: tuple, shape: tuple) -> float:
    """Return the value of the dual, sum_i a_i f_i + sum_j b_j g_j, for weights of total one."""
    (a, b), (f, g) = marginals, duals
    result = 0.0
    for i in range(shape[0]):
        result += np.float64(a[i]) * np.float64(f[i])
    for j in range(shape[1]):
        result += np.float64(b[j]) * np.float64(g[j])
    return result


@njit(**OPTIONS)
def _scale_down(u: np.ndarray, sums: np.ndarray, a: np.ndarray, size: int) -> float:
    """Scale u down where u * sums exceeds the marginal a; leave the deficit in `sums` and return its total."""
    one, tiny, nothing = splat(f32(1)), splat(TINY), splat(f32(0))
    missing = nothing
    for i in range(0, size, LANES):
        goal = load(a, i)
        now = load(u, i) * load(sums, i)
        factor = smaller(one, goal / (now + tiny))
        store(u, i, load(u, i) * factor)
        deficit = larger(nothing, goal - now * factor)
        store(sums, i, deficit)
        missing = missing + deficit
    return total(missing)


@njit(**OPTIONS)
def round_plan(marginals: tuple, kernel: tuple, work: tuple, shape: tuple) -> None:
    """Make P_ij = u_i K_ij v_j + s_i t_j a feasible plan: scale (u, v) down, leave the rank-one fill in (s, t)."""
    _, _, rows, columns = shape
    (a, b), (_, K, transposed), (u, v, s, t) = marginals, kernel, work
    product(K, u, rows, columns, t)
    _scale_down(v, t, b, columns)
    product(transposed, v, columns, rows, s)
    missing = _scale_down(u, s, a, rows)
    product(K, u, rows, columns, t)
    _scale_down(v, t, b, columns)
    share = f32(1) / (missing + TINY)
    for i in range(rows):
        s[i] *= share


@njit(**OPTIONS)
def rounded_cost(cost: np.ndarray, K: np.ndarray, work: tuple, shape: tuple) -> float:
    """Return the cost <P, C> of the rounded plan, for weights of total one."""
    n, _, _, columns = shape
    u, v, s, t = work
    result = 0.0
    for i in range(n):
        row, scale, fill = splat(f32(0)), broadcast(u, i), broadcast(s, i)
        for j in range(0, columns, LANES):
            k = i * columns + j
            row = row + (scale * load(K, k) * load(v, j) + fill * load(t, j)) * load(cost, k)
        result += np.float64(total(row))
    return result


@njit(**OPTIONS)
def plan_gradient(
    clouds: tuple, kernel: tuple, work: tuple, p: int, scale: float, shape: tuple, gradients: tuple
) -> None:
    """Fill the gradient of <P, C> with respect to the positions, the rounded plan P held fixed (envelope theorem).

    For p = 1 it is ``sum_j P_ij (x_i - y_j) / |x_i - y_j|``, for p = 2 it is ``sum_j 2 P_ij (x_i - y_j)``.
    """
    n, _, rows, columns = shape
    (x, y), (cost, K, _), (u, v, s, t), (gx, gy) = clouds, kernel, work, gradients
    tiny, factor = splat(f32(1e-20)), splat(scale * scale if p == 1 else f32(2) * scale)
    for j in range(columns, 3 * columns, LANES):
        store(gy, j, splat(f32(0)))
    for i in range(n):
        eta, phi, row, fill = broadcast(x, rows + i), broadcast(x, 2 * rows + i), broadcast(u, i), broadcast(s, i)
        sum_eta = sum_phi = splat(f32(0))
        for j in range(0, columns, LANES):
            k = i * columns + j
            force = (row * load(K, k) * load(v, j) + fill * load(t, j)) * factor
            if p == 1:
                force = force / (load(cost, k) + tiny)
            d_eta, d_phi = displacement(eta, phi, y, columns, j)
            sum_eta = sum_eta + force * d_eta
            sum_phi = sum_phi + force * d_phi
            store(gy, columns + j, load(gy, columns + j) - force * d_eta)
            store(gy, 2 * columns + j, load(gy, 2 * columns + j) - force * d_phi)
        gx[rows + i] = total(sum_eta)
        gx[2 * rows + i] = total(sum_phi)
