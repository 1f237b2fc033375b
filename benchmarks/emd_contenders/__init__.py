"""The solvers that are timed against each other, the settings to scan, and how this process is kept on one core."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import geomloss
import numpy as np
import ot
import torch

from jets.emd import emd
from jets.emd.examples import PAIRS

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def pin(cores: int) -> None:
    """Keep this process, and every thread pool of every library, on that many cores."""
    if CORES:
        os.sched_setaffinity(0, CORES[-cores:])


pin(1)

Solver = Callable[..., tuple[np.ndarray, object]]


class Peer(NamedTuple):
    """A solver, the grid of settings to scan (from fast to slow), and the error it must reach."""

    solve: Solver
    grid: dict[str, list]
    limit: float


Clouds = np.ndarray | torch.Tensor
"""Arrays, or tensors that are on the device where they shall be worked on."""


def normalised(cloud: np.ndarray) -> np.ndarray:
    cloud = cloud.copy()
    cloud[..., 0] /= cloud[..., 0].sum(-1, keepdims=True)
    return cloud


def leaves(x: Clouds, y: Clouds) -> list[torch.Tensor]:
    return [torch.as_tensor(cloud).clone().requires_grad_() for cloud in (x, y)]


def ours(x: Clouds, y: Clouds, tolerance: float, gradient: bool = True) -> tuple[np.ndarray, object]:
    one, two = leaves(x, y)
    if not gradient:
        with torch.no_grad():
            return emd(one, two, tolerance=tolerance).value.cpu().numpy(), None
    value = emd(one, two, tolerance=tolerance).value
    return value.detach().cpu().numpy(), torch.autograd.grad(value.sum(), (one, two))


def with_geomloss(x: Clouds, y: Clouds, blur: float, scaling: float, debias: bool) -> tuple[np.ndarray, object]:
    one, two = leaves(x, y)
    loss = geomloss.SamplesLoss("sinkhorn", p=1, blur=blur, scaling=scaling, debias=debias, backend="tensorized")
    value = loss(one[..., 0], one[..., 1:], two[..., 0], two[..., 1:])
    return value.detach().cpu().numpy(), torch.autograd.grad(value.sum(), (one, two))


def with_pot_batch(x: Clouds, y: Clouds, reg: float, iterations: int, method: str) -> tuple[np.ndarray, object]:
    one, two = leaves(x, y)
    cost = ((one[:, :, None, 1:] - two[:, None, :, 1:]).square().sum(-1) + 1e-20).sqrt()
    with torch.no_grad():
        plan = ot.solve_batch(
            cost, reg, one[..., 0], two[..., 0], max_iter=iterations, tol=1e-6, method=method, grad="detach"
        ).plan
    value = (plan * cost).sum((1, 2))
    return value.detach().cpu().numpy(), torch.autograd.grad(value.sum(), (one, two), allow_unused=True)


_compiled: dict = {}


def with_ott(
    x: np.ndarray, y: np.ndarray, epsilon: float, iterations: int, momentum: float
) -> tuple[np.ndarray, object]:
    import jax
    import jax.numpy as jnp
    from ott.geometry import geometry
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import acceleration, sinkhorn

    def single(one: jax.Array, two: jax.Array) -> tuple:
        cost = jnp.sqrt(((one[:, None, 1:] - two[None, :, 1:]) ** 2).sum(-1) + 1e-20)
        solver = sinkhorn.Sinkhorn(
            max_iterations=iterations,
            threshold=1e-4,
            momentum=acceleration.Momentum(value=momentum),
        )
        problem = linear_problem.LinearProblem(geometry.Geometry(cost, epsilon=epsilon), one[:, 0], two[:, 0])
        result = solver(problem)
        return result.reg_ot_cost, jax.lax.stop_gradient((result.matrix * cost).sum())

    key = (epsilon, iterations, momentum)
    if key not in _compiled:
        _compiled[key] = jax.jit(jax.vmap(jax.value_and_grad(single, argnums=(0, 1), has_aux=True)))
    (_, value), gradient = jax.block_until_ready(_compiled[key](x, y))
    return np.asarray(value), gradient


def exact(x: np.ndarray, y: np.ndarray, gradient: bool = True) -> tuple[np.ndarray, object]:
    values, gradients = [], []
    for one, two in zip(x.astype(float), y.astype(float), strict=True):
        delta = one[:, None, 1:] - two[None, :, 1:]
        cost = np.sqrt((delta**2).sum(-1))
        a, b = (cloud[:, 0] / cloud[:, 0].sum() for cloud in (one, two))
        plan, log = ot.emd(a, b, cost, log=True)
        values.append(log["cost"])
        if gradient:
            force = (plan / np.maximum(cost, 1e-300))[..., None] * delta
            gradients.append((force.sum(1), -force.sum(0), log["u"], log["v"]))
    return np.array(values), gradients


PEERS = {
    "exact, value and gradient (POT)": Peer(exact, {"gradient": [True]}, 1e-6),
    "exact, value only (POT)": Peer(exact, {"gradient": [False]}, 1e-6),
    "geomloss": Peer(
        with_geomloss,
        {
            "blur": [0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003],
            "scaling": [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99],
            "debias": [True, False],
        },
        0.01,
    ),
    "POT batched Sinkhorn": Peer(
        with_pot_batch,
        {"reg": [0.03, 0.01, 0.003, 0.001], "iterations": [50, 200, 1000], "method": ["sinkhorn", "log_sinkhorn"]},
        0.05,
    ),
    "OTT-JAX": Peer(
        with_ott,
        {"epsilon": [0.03, 0.01, 0.003, 0.001], "iterations": [50, 200, 1000], "momentum": [1.0, 1.5]},
        0.05,
    ),
}
QUICK: dict[str, dict[str, list]] = {
    "geomloss": {"blur": [0.003, 0.001], "scaling": [0.8, 0.9], "debias": [True]},
    "POT batched Sinkhorn": {"reg": [0.01, 0.003], "iterations": [200], "method": ["sinkhorn"]},
    "OTT-JAX": {"epsilon": [0.01, 0.003], "iterations": [200], "momentum": [1.5]},
}


def warm_up() -> None:
    """Keep to one thread; compile, and say how long that takes."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", module="ot")
    x, y = PAIRS["unrelated"](32, 2)
    start = time.perf_counter()
    ours(x, y, 0.02)
    print(f"first call, compiling or reading the cache: {time.perf_counter() - start:.1f} s")
