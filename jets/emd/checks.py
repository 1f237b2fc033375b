"""What a cloud must be, said to whoever gives something else."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jets.errors import UserError


class CloudError(UserError):
    """Clouds or options for which no distance is defined; the message says what was expected."""


def check_arguments(
    x: Tensor, y: Tensor, p: float, R: float, tolerance: float, method: str, methods: tuple[str, ...]
) -> None:
    """Refuse arguments that no values of the clouds could make right.

    Parameters
    ----------
    x, y
        Clouds ``(..., n, 3)`` and ``(..., m, 3)``: only type, shape and dtype are read.
    p, R, tolerance, method
        As in :func:`jets.emd.emd`.
    methods
        Names that ``method`` may be.

    Raises
    ------
    CloudError
        One line that names the argument.
    """
    for name, cloud in (("x", x), ("y", y)):
        if not isinstance(cloud, Tensor):
            raise CloudError(f"{name} is of type {type(cloud).__name__}; give torch tensors, torch.from_numpy({name})")
        if cloud.ndim < 2 or cloud.shape[-1] != 3 or cloud.shape[-2] == 0:
            raise CloudError(
                f"{name} has shape {tuple(cloud.shape)}; expected (..., n, 3) with n >= 1 and columns weight, eta, phi"
            )
        if not cloud.is_floating_point():
            raise CloudError(f"{name} has dtype {cloud.dtype}; expected a floating-point tensor")
    if not isinstance(method, str) or method not in methods:
        raise CloudError(f"method is {method!r}; expected one of {', '.join(methods)}")
    if not all(isinstance(number, Real) for number in (p, R, tolerance)):
        raise CloudError(f"p = {p!r}, R = {R!r}, tolerance = {tolerance!r}; expected numbers")
    if method in ("fused", "geomloss") and p not in (1, 2):
        raise CloudError(f"p is {p}; method {method!r} has p = 1 and p = 2, 'reference' and 'exact' any p > 0")
    if not (0 < p < math.inf and 1e-6 <= R <= 1e3 and 0 < tolerance < 1):
        raise CloudError(
            f"p = {p}, R = {R}, tolerance = {tolerance}; expected p > 0, R > 0 (from 1e-6 to 1e3), 0 < tolerance < 1"
        )


def check_clouds(x: Tensor, y: Tensor, normalise: bool) -> None:
    """Refuse values that are not clouds of particles ``(..., n, 3)``: weight, eta, phi [rad].

    In numpy, for waking torch's threads would cost more than the checks; clouds on a CUDA device are looked at there,
    and fetched only to say what is wrong.

    Raises
    ------
    CloudError
        One line that names the argument and its first bad cloud.
    """
    if x.is_cuda and y.is_cuda and not bool(torch.stack([_any_bad(x, normalise), _any_bad(y, normalise)]).any()):
        return
    for name, tensor in (("x", x), ("y", y)):
        cloud = tensor.detach().reshape(-1, *tensor.shape[-2:]).cpu().numpy()
        weight = cloud[..., 0]
        total = weight.sum(1, dtype=np.float64)
        if not np.isfinite(cloud).all():
            row = int(np.flatnonzero(~np.isfinite(cloud).all((1, 2)))[0])
            raise CloudError(f"{name}[{row}] holds NaN or infinity; padding needs weight 0 and finite positions")
        if weight.min(initial=0.0) < 0:
            row = int(np.flatnonzero((weight < 0).any(1))[0])
            raise CloudError(f"{name}[{row}] has a negative weight; weights are pT >= 0, and 0 for padding")
        if normalise and (total <= 0).any():
            row = int(np.flatnonzero(total <= 0)[0])
            raise CloudError(
                f"{name}[{row}] has total weight 0 and cannot be normalised; drop it, or use normalise=False, where "
                "the distance to an empty cloud is the other cloud's total weight"
            )


def _any_bad(clouds: Tensor, normalise: bool) -> Tensor:
    """Return on their device whether any of clouds ``(..., n, 3)`` is one that :func:`check_clouds` refuses."""
    weight = clouds.detach()[..., 0]
    bad = ~clouds.detach().isfinite().all() | (weight < 0).any()
    return bad | (weight.double().sum(-1) <= 0).any() if normalise else bad


def batch_of(x: Tensor, y: Tensor) -> torch.Size:
    """Return the common batch shape of clouds ``(..., n, 3)`` and ``(..., m, 3)``.

    Raises
    ------
    CloudError
        They have none.
    """
    try:
        return torch.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except RuntimeError:
        raise CloudError(
            f"x and y have shapes {tuple(x.shape)} and {tuple(y.shape)}; expected as many clouds in both, or one"
        ) from None


def single_precision(values: Any, name: str) -> Tensor:
    """Return clouds, a tensor or what numpy makes an array of, as a contiguous float32 tensor.

    Raises
    ------
    CloudError
        They are no real numbers.
    """
    if not isinstance(values, Tensor):
        try:
            values = np.asarray(values)
        except (TypeError, ValueError) as error:
            raise CloudError(f"{name} is no array of numbers ({error})") from error
        if values.dtype.kind not in "fiu":
            raise CloudError(f"{name} is of type {values.dtype}; expected real numbers (N, n, 3)")
        with np.errstate(over="ignore"):
            values = torch.from_numpy(np.require(values, np.float32, ["C", "W"]))
    if values.is_complex():
        raise CloudError(f"{name} has dtype {values.dtype}; expected real numbers (N, n, 3)")
    return values.float().contiguous()
