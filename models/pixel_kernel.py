"""Pixels against softmax(logits) on the CPU: divergence and gradient while a row lies in the innermost cache."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor
from torch.nn.functional import pad

from jets.emd import simd
from jets.emd.simd import LANES, OPTIONS, exp2, greatest, larger, load, log, splat, store, total
from jets.kernels import cached, fingerprint

LOG2E = np.float32(1 / math.log(2))
TINY, LOWEST = np.float32(1.2e-38), np.float32(-3e38)


@njit(**OPTIONS)
def row(logits: np.ndarray, x: np.ndarray, gradient: np.ndarray, start: int, stop: int) -> float:
    """Return -KL(x || softmax(logits)) of one row, and write its gradient with respect to the logits."""
    top = splat(LOWEST)
    for k in range(start, stop, LANES):
        top = larger(top, load(logits, k))
    largest = greatest(top)
    shift, scale, tiny, zero = splat(largest), splat(LOG2E), splat(TINY), splat(np.float32(0))
    norm = product = mass = entropy = zero
    for k in range(start, stop, LANES):
        value, above = load(x, k), load(logits, k) - shift
        weight = exp2(above * scale)
        norm, mass = norm + weight, mass + value
        product, entropy = product + value * above, entropy + value * log(larger(value, tiny))
        store(gradient, k, weight)
    share = splat(total(mass) / total(norm))
    for k in range(start, stop, LANES):
        store(gradient, k, load(x, k) - load(gradient, k) * share)
    return total(product) - total(mass) * np.float32(math.log(total(norm))) - total(entropy)


def _cached(version: int) -> Any:
    """Return `row` for all rows of flat arrays, cached on disk under a version."""

    def rows(logits: np.ndarray, x: np.ndarray, out: np.ndarray, gradient: np.ndarray) -> int:
        size = len(logits) // len(out)
        for i in range(len(out)):
            out[i] = row(logits, x, gradient, i * size, (i + 1) * size)
        return version

    return cached(rows, nogil=True)


_rows = _cached(fingerprint(Path(__file__), Path(simd.__file__)))


@torch.library.custom_op("jetvae::pixel_divergence", mutates_args=())
def pixel_divergence(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    r"""Return :math:`-\mathrm{KL}(x\|p)` with p = softmax(logits), and its gradient :math:`x - p\sum_k x_k`.

    Float32 logits and x ``(B, K)`` on the CPU to ``(B,)`` [nat] and ``(B, K)``. The rows pass through memory three
    times (logits and x in, gradient out) where the same written with tensors takes a dozen passes. Accurate to 1e-6;
    a row with a number that is not finite gives one that is not.
    """
    (count, width), spare = logits.shape, -logits.shape[1] % LANES
    if spare:
        logits, x = pad(logits, (0, spare), value=float(LOWEST)), pad(x, (0, spare))
    out, gradient = logits.new_empty(count), torch.empty_like(logits, memory_format=torch.contiguous_format)
    flat = (tensor.contiguous().view(-1).numpy() for tensor in (logits, x))
    _rows(*flat, out.numpy(), gradient.view(-1).numpy())
    return out, gradient[:, :width].contiguous()


@pixel_divergence.register_fake
def _(logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    return logits.new_empty(logits.shape[0]), torch.empty_like(logits, memory_format=torch.contiguous_format)


def _keep(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(output[1])


def _backward(ctx: Any, value: Tensor, _: Tensor) -> tuple[Tensor, None]:
    return value[:, None] * ctx.saved_tensors[0], None


pixel_divergence.register_autograd(_backward, setup_context=_keep)


@pixel_divergence.register_vmap
def _(info: Any, in_dims: tuple[int | None, ...], logits: Tensor, x: Tensor) -> tuple[Any, Any]:
    batch = [
        tensor.expand(info.batch_size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
        for tensor, dim in zip((logits, x), in_dims, strict=True)
    ]
    out, gradient = pixel_divergence(*(tensor.flatten(0, 1) for tensor in batch))
    return (out.view(info.batch_size, -1), gradient.view(batch[0].shape)), (0, 0)
