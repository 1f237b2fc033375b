"""Distances between clouds: against POT, symmetric, unmoved by order, padding and by what else is in the call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import ot
import torch

from jets.emd import METHODS, CloudError, emd, pairwise
from jets.emd.metrics import DISTANCES

from .cases import RIGHT, Entries, Random, attempt, pick, refusal

entries = Entries()


def cloud(random: Random, count: int = 1) -> np.ndarray:
    """Draw clouds ``(count, n, 3)`` of GeV or parts of one, with padding anywhere."""
    n = int(random.integers(1, 9))
    weight = random.exponential(size=(count, n)) * pick(random, (1.0, 100.0, 1e-3, 1e4))
    weight[random.random((count, n)) < 0.2] = 0
    weight[:, 0] += 1e-3
    position = random.normal(0, pick(random, (1e-3, 0.3, 2.0)), (count, n, 2))
    return np.concatenate([weight[..., None], position], -1)


def tensor(values: np.ndarray, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Return values as a tensor."""
    return torch.as_tensor(values, dtype=dtype)


def exact(x: np.ndarray, y: np.ndarray, p: float, radius: float, normalise: bool) -> float:
    """Return the distance of two clouds by POT's network simplex: an extra particle takes what is left over."""
    a, b = x[:, 0].astype(float), y[:, 0].astype(float)
    if normalise:
        a, b = a / a.sum(), b / b.sum()
    eta = x[:, None, 1] - y[None, :, 1]
    phi = (x[:, None, 2] - y[None, :, 2] + np.pi) % (2 * np.pi) - np.pi
    cost = (np.hypot(eta, phi) / radius) ** p
    rest = a.sum() - b.sum()
    if not normalise:
        a, b = np.append(a, max(0.0, -rest)), np.append(b, max(0.0, rest))
        cost = np.pad(cost, ((0, 1), (0, 1)))
    scale = a.sum()
    return float(ot.emd2(a / scale, b / b.sum(), cost)) * scale + (0 if normalise else abs(rest))


@entries(1600)
def distances(random: Random) -> str:
    """One pair: between the bounds, as POT has it, the same the other way round and in any order of particles."""
    dtype = pick(random, (torch.float32, torch.float32, torch.float64))
    x, y = tensor(cloud(random), dtype), tensor(cloud(random), dtype)
    if random.random() < 0.1:
        y = x[:, random.permutation(x.shape[1])]
    p, normalise, radius = pick(random, (1, 2)), bool(random.random() < 0.5), pick(random, (0.4, 1.0, 5.0))
    found = attempt(emd, x, y, p=p, R=radius, normalise=normalise)
    assert not isinstance(found, Exception), found
    expected = exact(x[0].numpy(), y[0].numpy(), p, radius, normalise)
    value, low, high = (float(part[0]) for part in found)
    size = max(abs(expected), 1e-9 * float(x[..., 0].sum() + y[..., 0].sum()))
    assert low <= expected * (1 + 1e-5) + 1e-6 * size, f"{expected} below {low}"
    assert expected <= high * (1 + 1e-5) + 1e-6 * size, f"{expected} above {high}"
    assert low <= value <= high
    mirrored = float(emd(y, x, p=p, R=radius, normalise=normalise).value[0])
    assert abs(mirrored - value) <= 0.02 * size + 1e-9 + (high - low)
    order = random.permutation(x.shape[1])
    again = float(emd(x[:, order], y, p=p, R=radius, normalise=normalise).value[0])
    assert abs(again - value) <= 0.02 * size + 1e-9 + (high - low)
    return RIGHT


WILD = (1e20, 1e15, 1e38, 1e7, 1e-38, 2e3)


@entries(900)
def wild_neighbours(random: Random) -> str:
    """A wild pair in the same call, or before it, changes nothing; the matrix agrees with pair by pair."""
    many = tensor(cloud(random, 5))
    alone = emd(many[:4], many[1:]).value
    wild = many.clone()
    wild[2, 0, pick(random, (0, 1, 2))] = pick(random, WILD)
    beside = attempt(emd, wild[:4], wild[1:])
    if isinstance(beside, Exception):
        return refusal(beside)
    torch.testing.assert_close(beside.value[[0, 3]], alone[[0, 3]], rtol=0, atol=0)
    assert not torch.isnan(beside.value).any()
    torch.testing.assert_close(emd(many[:4], many[1:]).value, alone, rtol=0, atol=0)
    matrix = pairwise(wild, threads=pick(random, (1, 2)))
    assert np.array_equal(matrix, matrix.T)
    assert not np.isnan(matrix).any()
    assert (np.diagonal(matrix) == 0).all()
    torch.testing.assert_close(torch.as_tensor(matrix)[0, 1], alone[0], rtol=0.03, atol=1e-6)
    return RIGHT


def spoilt(random: Random) -> tuple[Any, Any, dict[str, Any]]:
    """Return clouds and options of which something is wrong."""
    x, y, options = cloud(random), cloud(random), {}
    bad = x.copy()
    bad[0, 0, pick(random, (0, 1, 2))] = pick(random, (np.nan, np.inf, -np.inf))
    kinds: tuple[Any, ...] = (
        lambda: (tensor(bad), tensor(y), {}),
        lambda: (tensor(-x), tensor(y), {}),
        lambda: (tensor(x * [0, 1, 1]), tensor(y), {"normalise": True}),
        lambda: (x, y, {}),
        lambda: (tensor(x)[..., :2], tensor(y), {}),
        lambda: (tensor(x)[:, :0], tensor(y), {}),
        lambda: (tensor(x)[0, 0], tensor(y), {}),
        lambda: (tensor(x).long(), tensor(y), {}),
        lambda: (tensor(x).to(torch.complex64), tensor(y), {}),
        lambda: (tensor(cloud(random, 2)), tensor(cloud(random, 3)), {}),
        lambda: (None, tensor(y), {}),
        lambda: (tensor(x), tensor(y), {"p": pick(random, (0, -1, 3, 1.5, math.nan, math.inf, None, "1"))}),
        lambda: (tensor(x), tensor(y), {"R": pick(random, (0, -1, math.nan, math.inf, 1e9, None, "1"))}),
        lambda: (tensor(x), tensor(y), {"tolerance": pick(random, (0, -1, 1, 2, math.nan, math.inf, None, "x"))}),
        lambda: (tensor(x), tensor(y), {"method": pick(random, ("", "x", None, 3, "Fused", ["fused"]))}),
    )
    one, two, more = pick(random, kinds)()
    return one, two, options | more


@entries(900)
def clouds_that_are_none(random: Random) -> str:
    """What is no cloud, and options that mean nothing, are refused by name."""
    x, y, options = spoilt(random)
    found = attempt(emd, x, y, **options)
    assert isinstance(found, CloudError), f"{found!r} {options}"
    return refusal(found, "x", "y", *options)


@entries(500)
def matrices_that_are_none(random: Random) -> str:
    """The same of the matrix of all pairs."""
    x, y, options = spoilt(random)
    found = attempt(pairwise, x, **options) if random.random() < 0.5 else attempt(pairwise, x, y, **options)
    if isinstance(found, np.ndarray):
        assert not np.isnan(found).any()
        return RIGHT
    return refusal(found, "x", "y", *options)


@entries(700)
def other_distances(random: Random) -> str:
    """Every distance by its name: zero from itself, symmetric, not negative, and refusing the same clouds."""
    name = pick(random, list(DISTANCES))
    measure = DISTANCES[name]
    x, y = tensor(cloud(random)), tensor(cloud(random))
    if random.random() < 0.3:
        bad, _, options = spoilt(random)
        if options or not isinstance(bad, torch.Tensor):
            return RIGHT
        found = attempt(measure, bad, y)
        if isinstance(found, torch.Tensor):
            assert bad.shape[0] == 2 or torch.isfinite(found).all(), f"{name}: {found}"
            return RIGHT
        return refusal(found, "x", "y", "method", "weight", "shape")
    there, back = measure(x, y), measure(y, x)
    assert torch.isfinite(there).all(), f"{name}: {there}"
    scale = float(x[..., 1:].abs().max() + y[..., 1:].abs().max()) + 1e-6
    assert (there >= -1e-5 * scale).all(), f"{name}: {there}"
    if name != "reference":
        torch.testing.assert_close(there, back, rtol=0.05, atol=2e-3 * scale**2 + 1e-4)
    assert METHODS
    return RIGHT
