"""The annealed, over-relaxed Sinkhorn iteration of the fused kernel, for one pair of clouds.

The entropic transport problem [1] is solved at a falling temperature. At each temperature the potentials are absorbed
into the kernel [2], so that the scalings u, v start at one and neither under- nor overflow; over-relaxation [4] and
the extrapolation of the potentials in the temperature then save most of the sweeps. Nothing here needs to be exact:
`jets.emd.bounds` turns whatever plan and potentials come out into rigorous bounds.

A cloud is one float32 buffer ``[weights | eta | phi | 1 if real else 0]``, each part padded to `rows` (or `columns`), a
multiple of sixteen. ``shape`` is always (n, m, rows, columns): real particles, then padded ones.

References
----------
.. [1] Cuturi, Sinkhorn distances, https://arxiv.org/abs/1306.0895
.. [2] Schmitzer, Stabilized sparse scaling algorithms, https://arxiv.org/abs/1610.06519, algorithm 2
.. [3] Altschuler, Weed, Rigollet, Near-linear time approximation, https://arxiv.org/abs/1705.09634, algorithm 2
.. [4] Thibault et al., Overrelaxed Sinkhorn-Knopp, https://arxiv.org/abs/1711.01851
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types

from jets.emd.simd import (
    FLOAT,
    INT,
    LANES,
    OPTIONS,
    broadcast,
    exp2,
    floor,
    greatest,
    intrinsic,
    larger,
    load,
    root,
    smaller,
    splat,
    store,
    total,
    transpose,
)

f32 = np.float32
#: Added to divisors; the square of either, and their product, is a normal float32, for LLVM merges divisions.
TINY, SMALL = f32(1e-24), f32(1e-12)
CLAMP = f32(1e18)
LOG2_E = f32(math.log2(math.e))
LN_2 = f32(math.log(2.0))
TURN = f32(2.0 * math.pi)

#: Found by a scan over pairs of jets (benchmarks/emd.py): temperature ratio of two steps, sweeps of a step and of the
#: last two, over-relaxation and the sweeps without it that end a step.
STRIDE, SWEEPS, LAST_SWEEPS, RELAXATION, SMOOTHING = f32(3.0), 24, 32, f32(1.9), 3
#: Sweeps grow with the square root of the accuracy asked for, within these factors of the numbers above.
EFFORT = (0.3, 2.0)
#: The lowest temperature, as a part of the largest cost, at which float32 still resolves cost / temperature.
COLDEST = f32(4e-6)


@intrinsic
def _bits(typing: Any, number: Any) -> Any:
    """Read a float32's bits as an int32."""
    return types.int32(types.float32), lambda context, builder, sig, args: builder.bitcast(args[0], INT)


@intrinsic
def _from_bits(typing: Any, number: Any) -> Any:
    """Read an int32's bits as a float32."""
    return types.float32(types.int32), lambda context, builder, sig, args: builder.bitcast(args[0], FLOAT)


@njit(**OPTIONS)
def _log2(x: float) -> float:
    """Binary logarithm of a positive normal float32 to 1e-6, without a branch, so that loops over it vectorise."""
    bits = _bits(x)
    exponent = np.int32((bits - np.int32(0x3F3504F3)) >> np.int32(23))
    mantissa = _from_bits(np.int32(bits - np.int32(exponent << np.int32(23))))
    s = (mantissa - f32(1)) / (mantissa + f32(1))
    z = s * s
    series = f32(2.8853901) + z * (f32(0.96179669) + z * (f32(0.57707983) + z * f32(0.41198996)))
    return np.float32(exponent) + series * s


@njit(**OPTIONS)
def displacement(eta: Any, phi: Any, y: np.ndarray, columns: int, j: int) -> Any:
    """Return eta - eta_j and phi - phi_j of sixteen particles of y, the azimuth wrapped to [-pi, pi)."""
    d_phi = phi - load(y, 2 * columns + j)
    turns = floor(d_phi * splat(f32(1) / TURN) + splat(f32(0.5)))
    return eta - load(y, columns + j), d_phi - splat(TURN) * turns


@njit(**OPTIONS)
def costs(x: np.ndarray, y: np.ndarray, shape: tuple, p: int, scale: float, cost: np.ndarray) -> float:
    """Fill the ground cost ``scale |x_i - y_j|^p`` and return its largest entry among real particles."""
    n, _, rows, columns = shape
    largest = nothing = splat(f32(0))
    for i in range(rows):
        eta, phi = broadcast(x, rows + i), broadcast(x, 2 * rows + i)
        for j in range(0, columns, LANES):
            d_eta, d_phi = displacement(eta, phi, y, columns, j)
            square = larger(d_eta * d_eta + d_phi * d_phi, nothing)
            value = (root(square) if p == 1 else square) * splat(scale)
            store(cost, i * columns + j, value)
            if i < n:
                largest = larger(largest, value * load(y, 3 * columns + j))
    return greatest(largest)


@njit(**OPTIONS)
def gibbs(cost: np.ndarray, duals: tuple, b: np.ndarray, eps: float, shape: tuple, K: np.ndarray) -> None:
    """Fill K_ij = b_j exp((f_i + g_j - C_ij) / eps): the kernel with the potentials absorbed."""
    _, _, rows, columns = shape
    f, g = duals
    scale = splat(LOG2_E / eps)
    for i in range(rows):
        potential = broadcast(f, i)
        for j in range(0, columns, LANES):
            exponent = (potential + load(g, j) - load(cost, i * columns + j)) * scale
            store(K, i * columns + j, exp2(exponent) * load(b, j))


@njit(**OPTIONS)
def _product_four(K: np.ndarray, u: np.ndarray, rows: int, columns: int, j: int, out: np.ndarray) -> None:
    s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = splat(f32(0))
    for i in range(0, rows, 2):
        w, k = broadcast(u, i), i * columns + j
        s0 = s0 + w * load(K, k)
        s1 = s1 + w * load(K, k + LANES)
        s2 = s2 + w * load(K, k + 2 * LANES)
        s3 = s3 + w * load(K, k + 3 * LANES)
        w, k = broadcast(u, i + 1), k + columns
        t0 = t0 + w * load(K, k)
        t1 = t1 + w * load(K, k + LANES)
        t2 = t2 + w * load(K, k + 2 * LANES)
        t3 = t3 + w * load(K, k + 3 * LANES)
    store(out, j, s0 + t0)
    store(out, j + LANES, s1 + t1)
    store(out, j + 2 * LANES, s2 + t2)
    store(out, j + 3 * LANES, s3 + t3)


@njit(**OPTIONS)
def _product_one(K: np.ndarray, u: np.ndarray, rows: int, columns: int, j: int, out: np.ndarray) -> None:
    s0 = s1 = s2 = s3 = splat(f32(0))
    for i in range(0, rows, 4):
        k = i * columns + j
        s0 = s0 + broadcast(u, i) * load(K, k)
        s1 = s1 + broadcast(u, i + 1) * load(K, k + columns)
        s2 = s2 + broadcast(u, i + 2) * load(K, k + 2 * columns)
        s3 = s3 + broadcast(u, i + 3) * load(K, k + 3 * columns)
    store(out, j, (s0 + s1) + (s2 + s3))


@njit(**OPTIONS)
def product(K: np.ndarray, u: np.ndarray, rows: int, columns: int, out: np.ndarray) -> None:
    """Fill out_j = sum_i u_i K_ij, in blocks of columns whose sums stay in registers over all rows."""
    j = 0
    while j + 4 * LANES <= columns:
        _product_four(K, u, rows, columns, j, out)
        j += 4 * LANES
    while j < columns:
        _product_one(K, u, rows, columns, j, out)
        j += LANES


@njit(**OPTIONS)
def update(v: np.ndarray, sums: np.ndarray, b: np.ndarray, size: int, relaxation: float) -> None:
    """Scale v so that v * sums meets the marginal b, overshooting by a bounded factor.

    With the ratio r = b / (v sums) and h = relaxation - 1 this is v <- v r (1 + h q) / (1 - h q) with
    q = (r - 1) / (r + 1): near convergence the over-relaxation v r^relaxation of [4], far from it a factor of
    (1 + h) / (1 - h) at most.
    """
    tiny, small, h = splat(TINY), splat(SMALL), splat(relaxation - f32(1))
    low, high = splat(f32(1) / CLAMP), splat(CLAMP)
    for j in range(0, size, LANES):
        goal, s = load(b, j), load(sums, j)
        now = load(v, j) * s
        ahead = h * (goal - now)
        more = (goal + now + ahead + small) / (goal + now - ahead + small)
        store(v, j, larger(low, smaller(high, goal / (s + tiny) * more)))


@njit(**OPTIONS)
def absorb(f: np.ndarray, u: np.ndarray, eps: float, size: int) -> None:
    """Add eps ln u to the potential f."""
    for i in range(size):
        f[i] += eps * LN_2 * _log2(u[i])


@njit(**OPTIONS)
def remember(f: np.ndarray, before: np.ndarray, size: int) -> None:
    """Keep the potential of the first step; what an earlier pair left in the scratch is not read."""
    for i in range(size):
        before[i] = f[i]


@njit(**OPTIONS)
def extrapolate(f: np.ndarray, before: np.ndarray, ratio: float, size: int) -> None:
    """Continue the potential linearly in the temperature, and remember it for the next step."""
    for i in range(size):
        now = f[i]
        f[i] = now + ratio * (now - before[i])
        before[i] = now


@njit(**OPTIONS)
def plan_cost(cost: np.ndarray, K: np.ndarray, scalings: tuple, shape: tuple) -> float:
    """Return the cost <P, C> of the plan P_ij = u_i K_ij v_j."""
    n, _, _, columns = shape
    u, v = scalings
    result = splat(f32(0))
    for i in range(n):
        row = splat(f32(0))
        for j in range(0, columns, LANES):
            row = row + load(K, i * columns + j) * load(v, j) * load(cost, i * columns + j)
        result = result + row * broadcast(u, i)
    return total(result)


@njit(**OPTIONS)
def sweep(marginals: tuple, kernel: tuple, duals: tuple, work: tuple, eps: float, sweeps: int, shape: tuple) -> None:
    """Iterate at one temperature from the potentials `duals`, and leave the improved potentials there."""
    n, m, rows, columns = shape
    (a, b), (cost, K, transposed), (f, g), (u, v, s, t) = marginals, kernel, duals, work
    gibbs(cost, duals, b, eps, shape, K)
    transpose(K, transposed, rows, columns)
    u[:rows] = f32(1)
    v[:columns] = f32(1)
    product(transposed, v, columns, rows, s)
    update(u, s, a, rows, f32(1))
    for k in range(sweeps):
        relaxation = RELAXATION if k < sweeps - SMOOTHING else f32(1)
        product(K, u, rows, columns, t)
        update(v, t, b, columns, relaxation)
        product(transposed, v, columns, rows, s)
        update(u, s, a, rows, relaxation)
    absorb(f, u, eps, n)
    absorb(g, v, eps, m)


@njit(**OPTIONS)
def effort(sharpness: float) -> tuple[int, int]:
    """Return the sweeps of a step and of the last two."""
    factor = min(max(math.sqrt(0.02 / sharpness), EFFORT[0]), EFFORT[1])
    return int(SWEEPS * factor), int(LAST_SWEEPS * factor)


@njit(**OPTIONS)
def anneal(
    marginals: tuple,
    kernel: tuple,
    duals: tuple,
    before: tuple,
    work: tuple,
    largest: float,
    sharpness: float,
    shape: tuple,
) -> np.float32:
    """Lower the temperature from a quarter of the largest cost to `sharpness` times the value; return the last one."""
    _, _, rows, columns = shape
    (f, g), (f_before, g_before) = duals, before
    f[:rows] = f32(0)
    g[:columns] = f32(0)
    few, many = effort(sharpness)
    last, eps, steps = f32(0), largest * f32(0.25), 1
    sweep(marginals, kernel, duals, work, eps, few, shape)
    remember(f, f_before, rows)
    remember(g, g_before, columns)
    while steps > 0:
        value = plan_cost(kernel[0], kernel[1], work[:2], shape)
        ratio = eps / max(sharpness * value, COLDEST * largest)
        steps = math.ceil(math.log(max(ratio, f32(1.0))) / math.log(STRIDE) - f32(0.05))
        if steps > 0:
            now = eps * ratio ** (f32(-1) / f32(steps))
            if last > f32(0):
                extrapolate(f, f_before, (now - eps) / (eps - last), rows)
                extrapolate(g, g_before, (now - eps) / (eps - last), columns)
            last, eps = eps, now
            sweep(marginals, kernel, duals, work, eps, many if steps <= 2 else few, shape)
    return eps
