# ruff: noqa: ANN001, ANN202 (Triton functions have no annotations but tl.constexpr)
"""The fused kernel on CUDA, in Triton: one program per pair, cost, kernel and potentials in its registers.

The algorithm and its constants are those of `jets.emd.solver` and `jets.emd.bounds`. Clouds are padded to a power of
two. Values are not checked for NaN or negative weights here, for that would stop the stream: a cloud without weight
gives NaN.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from jets.emd import solver
from jets.emd.rounding import turned, widened

LOG2_STRIDE = tl.constexpr(math.log2(solver.STRIDE))
SWEEPS, LAST_SWEEPS, SMOOTHING = (tl.constexpr(n) for n in (solver.SWEEPS, solver.LAST_SWEEPS, solver.SMOOTHING))
LEAST, MOST = (tl.constexpr(factor) for factor in solver.EFFORT)
OVERSHOOT = tl.constexpr(float(solver.RELAXATION) - 1)
COLDEST, TINY, SMALL, CLAMP = (
    tl.constexpr(float(number)) for number in (solver.COLDEST, solver.TINY, solver.SMALL, solver.CLAMP)
)
REFINEMENTS = tl.constexpr(20)
FAR = tl.constexpr(1e4)
BIG = tl.constexpr(1e30)
LOG2_E, LN_2 = tl.constexpr(1.4426950408889634), tl.constexpr(0.6931471805599453)
TURN = tl.constexpr(6.283185307179586)
#: Flags of particles.
PADDING, REAL, SLACK = tl.constexpr(0), tl.constexpr(1), tl.constexpr(2)


@triton.jit
def _wrapped(phi):
    return phi - TURN * tl.floor(phi * (1 / TURN) + 0.5)


@triton.jit
def _gibbs(cost, f, g, eps):
    exponent = tl.minimum((f[:, None] + g[None, :] - cost) * (LOG2_E / eps), 50.0)
    return tl.where(exponent > -50.0, tl.exp2(exponent), 0.0)


@triton.jit
def _kernels(cost, turned_cost, b, f, g, eps):
    """Return K ``(N, M)`` and its transpose: then all sums run down the first axis, mostly within a thread."""
    return _gibbs(cost, f, g, eps) * b[None, :], _gibbs(turned_cost, g, f, eps) * b[:, None]


@triton.jit
def _update(v, sums, goal, overshoot):
    now = v * sums
    ahead = overshoot * (goal - now)
    more = (goal + now + ahead + SMALL) / (goal + now - ahead + SMALL)
    return tl.maximum(tl.minimum(goal / (sums + TINY) * more, CLAMP), 1 / CLAMP)


@triton.jit
def _sweep(cost, turned_cost, a, b, f, g, eps, sweeps):
    K, turned_K = _kernels(cost, turned_cost, b, f, g, eps)
    u = _update(tl.full(a.shape, 1.0, tl.float32), tl.sum(turned_K, 0), a, 0.0)
    v = tl.full(b.shape, 1.0, tl.float32)
    for k in range(sweeps):
        overshoot = tl.where(k < sweeps - SMOOTHING, OVERSHOOT, 0.0)
        v = _update(v, tl.sum(K * u[:, None], 0), b, overshoot)
        u = _update(u, tl.sum(turned_K * v[:, None], 0), a, overshoot)
    return u, v


@triton.jit
def _round(K, turned_K, a, b, u, v):
    now = v * tl.sum(K * u[:, None], 0)
    v = v * tl.minimum(b / (now + TINY), 1.0)
    sums = tl.sum(turned_K * v[:, None], 0)
    u = u * tl.minimum(a / (u * sums + TINY), 1.0)
    rows = tl.maximum(a - u * sums, 0.0)
    columns = tl.maximum(b - v * tl.sum(K * u[:, None], 0), 0.0)
    return u, v, rows / (tl.sum(rows, 0) + TINY), columns


@triton.jit
def _emd(
    x,
    y,
    flags_x,
    flags_y,
    bounds,
    gradient_x,
    gradient_y,
    scale,
    tolerance,
    few,
    many,
    P: tl.constexpr,
    N: tl.constexpr,
    M: tl.constexpr,
    GRADIENT: tl.constexpr,
):
    """Solve one pair of packed clouds (B, N, 3), (B, M, 3); leave potentials and position gradients behind."""
    pair = tl.program_id(0)
    i, j = tl.arange(0, N), tl.arange(0, M)
    at_x, at_y = pair * N * 3 + i * 3, pair * M * 3 + j * 3
    kind_x, kind_y = tl.load(flags_x + pair * N + i), tl.load(flags_y + pair * M + j)
    a, b = tl.load(x + at_x), tl.load(y + at_y)
    eta_x, eta_y = tl.load(x + at_x + 1), tl.load(y + at_y + 1)
    phi_x, phi_y = tl.load(x + at_x + 2), tl.load(y + at_y + 2)
    d_eta = eta_x[:, None] - eta_y[None, :]
    d_phi = _wrapped(phi_x[:, None] - phi_y[None, :])
    square = d_eta * d_eta + d_phi * d_phi
    cost = scale * (tl.sqrt(square) if P == 1 else square)
    both = (kind_x != PADDING)[:, None] & (kind_y != PADDING)[None, :]
    slack = (kind_x == SLACK)[:, None] | (kind_y == SLACK)[None, :]
    cost = tl.where(both, tl.where(slack, 1.0, cost), FAR)
    turned_cost = tl.trans(cost)
    largest = tl.maximum(tl.max(tl.max(tl.where(both, cost, 0.0), 1), 0), 1e-12)
    wrap = 2e-7 * scale if P == 1 else 4e-7 * tl.sqrt(scale * largest)
    count = tl.sum((kind_x != PADDING).to(tl.float32), 0) + tl.sum((kind_y != PADDING).to(tl.float32), 0)
    margin = (16.0 + 0.25 * count) * 5.9604645e-8 * largest + wrap

    eps, steps = largest * 0.25, 1
    f_in, g_in = a * 0.0, b * 0.0
    u, v = _sweep(cost, turned_cost, a, b, f_in, g_in, eps, few)
    f, g = f_in + eps * LN_2 * tl.log2(u), g_in + eps * LN_2 * tl.log2(v)
    rise_f, rise_g = f_in, g_in  # slopes in eps. A name that is given another's last value is not carried by Triton 3.6
    while steps > 0:
        plan = _gibbs(cost, f_in, g_in, eps) * b[None, :] * u[:, None] * v[None, :]
        value = tl.sum(tl.sum(plan * tl.where(both, cost, 0.0), 0), 0)
        ratio = tl.maximum(eps / tl.maximum(tolerance * value, COLDEST * largest), 1.0)
        steps = tl.ceil(tl.log2(ratio) / LOG2_STRIDE - 0.05).to(tl.int32)
        if steps > 0:
            fall = eps * (tl.exp2(-tl.log2(ratio) / steps) - 1.0)
            f_in, g_in = f + fall * rise_f, g + fall * rise_g
            f_in, g_in = tl.where(kind_x != PADDING, f_in, 0.0), tl.where(kind_y != PADDING, g_in, 0.0)
            eps += fall
            u, v = _sweep(cost, turned_cost, a, b, f_in, g_in, eps, tl.where(steps <= 2, many, few))
            new_f, new_g = f_in + eps * LN_2 * tl.log2(u), g_in + eps * LN_2 * tl.log2(v)
            rise_f, rise_g = (new_f - f) / fall, (new_g - g) / fall
            f, g = new_f, new_g

    lower, upper, left = largest * 0.0, largest * 0.0 + BIG, REFINEMENTS + 1
    closed_f, closed_g, row_gap, column_gap = f, g, f * 0.0, g * 0.0
    scaled_u, scaled_v = u, v
    while left > 0:
        centred = f - tl.sum(tl.where(i == 0, f, 0.0), 0)
        closed_g = tl.min(tl.where((kind_x != PADDING)[:, None], cost - centred[:, None], BIG), 0)
        closed_f = tl.min(tl.where((kind_y != PADDING)[:, None], turned_cost - closed_g[:, None], BIG), 0)
        dual = tl.sum(a * tl.where(kind_x != PADDING, closed_f, 0.0), 0) + tl.sum(
            b * tl.where(kind_y != PADDING, closed_g, 0.0), 0
        )
        lower = tl.maximum(lower, dual)
        K, turned_K = _kernels(cost, turned_cost, b, f_in, g_in, eps)
        scaled_u, scaled_v, row_gap, column_gap = _round(K, turned_K, a, b, u, v)
        plan = K * scaled_u[:, None] * scaled_v[None, :] + row_gap[:, None] * column_gap[None, :]
        upper = tl.minimum(upper, tl.sum(tl.sum(plan * tl.where(both, cost, 0.0), 0), 0))
        left = tl.where(upper - lower <= tl.maximum(tolerance * upper, margin), 0, left - 1)
        if left > 0:
            f_in, g_in = tl.where(kind_x != PADDING, f, 0.0), tl.where(kind_y != PADDING, g, 0.0)
            eps = tl.where(upper - lower < eps, tl.maximum(0.5 * eps, COLDEST * largest), eps)
            u, v = _sweep(cost, turned_cost, a, b, f_in, g_in, eps, LAST_SWEEPS)
            f, g = f_in + eps * LN_2 * tl.log2(u), g_in + eps * LN_2 * tl.log2(v)

    lower = tl.minimum(lower, upper)
    tl.store(bounds + pair * 3, lower + (upper - lower) / 3)
    tl.store(bounds + pair * 3 + 1, tl.maximum(lower - margin, 0.0))
    tl.store(bounds + pair * 3 + 2, upper + margin)
    if GRADIENT:
        plan = _gibbs(cost, f_in, g_in, eps) * b[None, :] * scaled_u[:, None] * scaled_v[None, :]
        plan = tl.where(both & (slack == 0), plan + row_gap[:, None] * column_gap[None, :], 0.0)
        force = scale * scale * plan / (cost + 1e-20) if P == 1 else 2 * scale * plan
        tl.store(gradient_x + at_x, tl.where(kind_x != PADDING, closed_f, 0.0))
        tl.store(gradient_y + at_y, tl.where(kind_y != PADDING, closed_g, 0.0))
        tl.store(gradient_x + at_x + 1, tl.sum(force * d_eta, 1))
        tl.store(gradient_y + at_y + 1, -tl.sum(force * d_eta, 0))
        tl.store(gradient_x + at_x + 2, tl.sum(force * d_phi, 1))
        tl.store(gradient_y + at_y + 2, -tl.sum(force * d_phi, 0))


def _pack(cloud: Tensor, unit: Tensor, extra: Tensor | None) -> tuple[Tensor, Tensor]:
    """Scale weights, append the slack particle, pad to a power of two; return the cloud and its particles' flags."""
    weight = torch.where(cloud[..., 0] > 0, cloud[..., 0].double() / unit[:, None], 0.0).float()
    packed = torch.cat((weight[..., None], torch.where(weight[..., None] > 0, cloud[..., 1:], 0.0)), -1)
    flags = (weight > 0).to(torch.int32)
    if extra is not None:
        share = (extra / unit).float()[:, None]
        packed = torch.cat((packed, torch.nn.functional.pad(share, (0, 2))[:, None]), 1)
        flags = torch.cat((flags, 2 * (share > 0).to(torch.int32)), 1)
    more = max(triton.next_power_of_2(packed.shape[1]), 16) - packed.shape[1]
    return torch.nn.functional.pad(packed, (0, 0, 0, more)).contiguous(), torch.nn.functional.pad(flags, (0, more))


def _weight_gradients(
    a: Tensor, b: Tensor, f: Tensor, g: Tensor, totals: tuple[Tensor, Tensor], slack: bool
) -> tuple[Tensor, Tensor]:
    """Turn potentials into derivatives with respect to the weights given: see `jets.emd.pair.gauge`."""
    mean_x, mean_y = (a * f).sum(1, keepdim=True), (b * g).sum(1, keepdim=True)
    if not slack:
        return (f - mean_x) / totals[0][:, None], (g - mean_y) / totals[1][:, None]
    end_x, end_y = a.shape[1] - 1, b.shape[1] - 1
    shift = torch.where(
        a[:, end_x:] > 0, -f[:, end_x:], torch.where(b[:, end_y:] > 0, g[:, end_y:], (mean_y - mean_x) / 2)
    )
    return f + shift, g - shift


def run(
    x: Tensor, y: Tensor, p: int, R: float, normalise: bool, tolerance: float, gradient: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve B pairs ``(B, n, 3)``, ``(B, m, 3)``; arguments and results are those of `jets.emd.operator.fused`."""
    x, y, off, wild = turned(x, y)
    totals = x[..., 0].clamp_min(0).double().sum(1), y[..., 0].clamp_min(0).double().sum(1)
    excess = None if normalise else totals[0] - totals[1]
    if excess is not None:
        excess = torch.where(excess.abs() > 1e-7 * torch.maximum(*totals), excess, 0.0)
    units = totals if normalise else (torch.maximum(*totals),) * 2
    one, flags_x = _pack(x, units[0], None if excess is None else torch.relu(-excess))
    two, flags_y = _pack(y, units[1], None if excess is None else torch.relu(excess))
    bounds, gx, gy = x.new_empty((len(x), 3)), torch.zeros_like(one), torch.zeros_like(two)
    effort = min(max((0.02 / tolerance) ** 0.5, solver.EFFORT[0]), solver.EFFORT[1])
    few, many = int(solver.SWEEPS * effort), int(solver.LAST_SWEEPS * effort)
    size = max(one.shape[1], two.shape[1])
    _emd[(len(x),)](
        one, two, flags_x, flags_y, bounds, gx, gy, 1.0 / R**p, tolerance, few, many,
        P=p, N=one.shape[1], M=two.shape[1], GRADIENT=gradient, num_warps=2 if size <= 32 else 4 if size <= 64 else 16,
    )  # fmt: skip
    if normalise:
        unit = torch.ones_like(totals[0])
    else:
        unit = units[0]
        bounds = torch.where(unit[:, None] > 0, bounds, 0.0)
    apart = totals[0] - totals[1]
    ignored = torch.zeros_like(apart) if excess is None else (apart - excess).abs() / units[0].clamp_min(1e-300)
    bounds = widened(bounds.double(), x, y, 1.0 / R**p, p, (off, ignored)) * unit[:, None]
    unknown = zip((math.inf, 0.0, math.inf), bounds.unbind(-1), strict=True)
    bounds = torch.stack([torch.where(wild, limit, b) for limit, b in unknown], -1).float()
    if not gradient:
        return bounds, x.new_empty((0, 0, 3)), y.new_empty((0, 0, 3))
    n, m = x.shape[1], y.shape[1]
    ends = (n, m) if normalise else (n + 1, m + 1)
    df, dg = _weight_gradients(
        one[:, : ends[0], 0], two[:, : ends[1], 0], gx[:, : ends[0], 0], gy[:, : ends[1], 0], totals, not normalise
    )
    results = []
    for cloud, weight, position in ((x, df[:, :n], gx[:, :n]), (y, dg[:, :m], gy[:, :m])):
        whole = torch.cat((weight[..., None], position[..., 1:] * unit[:, None, None]), -1)
        kept = (cloud[..., :1] > 0) & ~wild[:, None, None]
        results.append(torch.where(kept, whole, 0.0).float())
    return bounds, results[0], results[1]
