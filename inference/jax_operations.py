"""ATen operations in JAX: what :mod:`inference.to_jax` makes of the nodes of a traced graph."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch

import jets.emd.operator  # noqa: F401 (defines the operator that is called back)

Array = Any


def split(x: Array, sizes: int | Sequence[int], dim: int = 0) -> list[Array]:
    """Cut along a dimension into pieces of one size or of the given sizes."""
    count = x.shape[dim]
    lengths = [min(sizes, count - i) for i in range(0, count, sizes)] if isinstance(sizes, int) else sizes
    return jnp.split(x, np.cumsum(lengths)[:-1], axis=dim)


def expand(x: Array, size: Sequence[int], **_: Any) -> Array:
    """Broadcast; -1 keeps a dimension."""
    own = (1,) * (len(size) - x.ndim) + x.shape
    return jnp.broadcast_to(x, [o if s == -1 else s for s, o in zip(size, own, strict=True)])


def pad(x: Array, widths: Sequence[int], value: float = 0.0) -> Array:
    """Pad the last dimensions, given from the last one on."""
    pairs = [(widths[i], widths[i + 1]) for i in range(0, len(widths), 2)][::-1]
    return jnp.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs, constant_values=value)


def elu(x: Array, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Array:
    """SELU and ELU; the exponential of the unused branch must not overflow, or its gradient is NaN."""
    return scale * jnp.where(x > 0, x, alpha * jnp.expm1(jnp.minimum(x, 0) * input_scale))


def sliced(x: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Array:
    """Slice along one dimension."""
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def batch_norm(x: Array, weight: Array, bias: Array, mean: Array, var: Array, *options: Any, **_: Any) -> list[Array]:
    """Normalise by running moments, channels along dimension 1; ``options`` end with epsilon."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    scaled = (x - mean.reshape(shape)) / jnp.sqrt(var.reshape(shape) + options[-1])
    return [scaled * weight.reshape(shape) + bias.reshape(shape)]


def convolution(
    x: Array,
    weight: Array,
    bias: Array | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Array:
    """Convolve, or transposed convolve, with torch's conventions."""
    axes = "DHW"[3 - len(stride) :]
    layout = ("NC" + axes, ("IO" if transposed else "OI") + axes, "NC" + axes)
    pairs, scale = [(p, p) for p in padding], [1] * len(stride)
    if transposed:
        weight = jnp.flip(weight, range(2, weight.ndim))
        kernel = [(k - 1) * d for k, d in zip(weight.shape[2:], dilation, strict=True)]
        pairs = [(k - p, k - p + o) for k, p, o in zip(kernel, padding, output_padding, strict=True)]
        stride, scale = [1] * len(stride), list(stride)
    result = jax.lax.conv_general_dilated(
        x,
        weight,
        stride,
        pairs,
        lhs_dilation=scale,
        rhs_dilation=dilation,
        dimension_numbers=layout,
        feature_group_count=groups,
    )
    return result if bias is None else result + bias.reshape((1, -1) + (1,) * len(stride))


def upsample(x: Array, size: Sequence[int], *_: Any) -> Array:
    """Repeat each pixel."""
    for axis, wanted in zip(range(x.ndim - len(size), x.ndim), size, strict=True):
        x = jnp.repeat(x, wanted // x.shape[axis], axis)
    return x


def energy_mover(x: Array, y: Array, p: int, R: float, normalise: bool, tolerance: float, _: bool) -> list[Array]:
    """Return the fused kernel's distances ``(B, 3)`` with their gradient; batches of batches in one call."""

    def solve(x: Array, y: Array) -> tuple[np.ndarray, ...]:
        flat = [np.ascontiguousarray(c, np.float32).reshape(-1, *np.shape(c)[-2:]) for c in (x, y)]
        out = torch.ops.jetvae.emd(*map(torch.tensor, flat), p, R, normalise, tolerance, True)
        return tuple(part.numpy().reshape(np.shape(x)[:-2] + part.shape[1:]) for part in out)

    def call(x: Array, y: Array) -> Any:
        shapes = tuple(jax.ShapeDtypeStruct(s, jnp.float32) for s in ((x.shape[0], 3), x.shape, y.shape))
        return jax.pure_callback(solve, shapes, x, y, vmap_method="broadcast_all")

    @jax.custom_vjp
    def distance(x: Array, y: Array) -> Array:
        return call(x, y)[0]

    def forward(x: Array, y: Array) -> tuple[Array, tuple[Array, Array]]:
        out, dx, dy = call(x, y)
        return out, (dx, dy)

    def backward(slopes: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
        scale = gradient[:, 0, None, None]
        return scale * slopes[0], scale * slopes[1]

    distance.defvjp(forward, backward)
    return [distance(x, y)]


def same(x: Array, *_: Any, **__: Any) -> Array:
    """Return the input: copies, views of other precision, detached values."""
    return x


def reduced(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return a reduction ``(x, dims=None, keepdim=False)``."""

    def call(x: Array, dims: Any = None, keepdim: bool = False, **_: Any) -> Array:
        return function(x, axis=tuple(dims) if isinstance(dims, list | tuple) else dims, keepdims=keepdim)

    return call


OPERATIONS: dict[str, Callable[..., Any]] = {
    "abs": jnp.abs,
    "add": lambda x, y, alpha=1: x + alpha * y,
    "addmm": lambda bias, x, y: bias + x @ y,
    "alias": same,
    "amax": reduced(jnp.max),
    "arange": lambda *a, **_: jnp.arange(*a),
    "asinh": jnp.arcsinh,
    "atan2": jnp.arctan2,
    "bmm": jnp.matmul,
    "cat": lambda xs, dim=0: jnp.concatenate(xs, dim),
    "clamp": lambda x, low=None, high=None: jnp.clip(x, low, high),
    "clamp_min": lambda x, low: jnp.maximum(x, low),
    "clone": same,
    "constant_pad_nd": pad,
    "convolution": convolution,
    "cos": jnp.cos,
    "cumprod": lambda x, dim, **_: jnp.cumprod(x, dim),
    "cumsum": lambda x, dim, **_: jnp.cumsum(x, dim),
    "detach": same,
    "div": jnp.divide,
    "elu": elu,
    "emd": energy_mover,
    "exp": jnp.exp,
    "expand": expand,
    "expm1": jnp.expm1,
    "full_like": lambda x, value, **_: jnp.full_like(x, value),
    "gelu": lambda x, approximate="none": jax.nn.gelu(x, approximate == "tanh"),
    "getitem": operator.getitem,
    "gt": operator.gt,
    "hypot": jnp.hypot,
    "lgamma": jax.scipy.special.gammaln,
    "lift_fresh_copy": same,
    "log": jnp.log,
    "log1p": jnp.log1p,
    "log_sigmoid_forward": lambda x: [jax.nn.log_sigmoid(x)],
    "logsumexp": reduced(jax.scipy.special.logsumexp),
    "lt": operator.lt,
    "maximum": jnp.maximum,
    "mean": reduced(jnp.mean),
    "minimum": jnp.minimum,
    "mm": jnp.matmul,
    "mul": jnp.multiply,
    "native_batch_norm": batch_norm,
    "_native_batch_norm_legit_no_training": batch_norm,
    "cudnn_batch_norm": batch_norm,
    "neg": jnp.negative,
    "new_ones": lambda x, size, **_: jnp.ones(size, x.dtype),
    "new_zeros": lambda x, size, **_: jnp.zeros(size, x.dtype),
    "ones_like": lambda x, **_: jnp.ones_like(x),
    "permute": lambda x, dims: jnp.transpose(x, dims),
    "pow": jnp.power,
    "reciprocal": jnp.reciprocal,
    "relu": jax.nn.relu,
    "round": jnp.round,
    "rsqrt": jax.lax.rsqrt,
    "rsub": lambda x, y, alpha=1: y - alpha * x,
    "select": lambda x, dim, index: jnp.take(x, index, dim),
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "sin": jnp.sin,
    "sinh": jnp.sinh,
    "slice": sliced,
    "_softmax": lambda x, dim, _: jax.nn.softmax(x, dim),
    "_log_softmax": lambda x, dim, _: jax.nn.log_softmax(x, dim),
    "softplus": lambda x, beta=1, threshold=20: jax.nn.softplus(beta * x) / beta,
    "split": split,
    "split_with_sizes": split,
    "sqrt": jnp.sqrt,
    "squeeze": lambda x, dim=None: jnp.squeeze(x, tuple(dim) if isinstance(dim, list) else dim),
    "stack": lambda xs, dim=0: jnp.stack(xs, dim),
    "sub": lambda x, y, alpha=1: x - alpha * y,
    "sum": reduced(jnp.sum),
    "t": jnp.transpose,
    "tanh": jnp.tanh,
    "_to_copy": same,
    "transpose": lambda x, a, b: jnp.swapaxes(x, a, b),
    "unbind": lambda x, dim=0: [jnp.take(x, i, dim) for i in range(x.shape[dim])],
    "unsqueeze": jnp.expand_dims,
    "_unsafe_view": jnp.reshape,
    "upsample_nearest2d": upsample,
    "view": jnp.reshape,
    "where": jnp.where,
    "xlogy": jax.scipy.special.xlogy,
    "zeros_like": lambda x, **_: jnp.zeros_like(x),
}
"""ATen operation -> the same in JAX."""
