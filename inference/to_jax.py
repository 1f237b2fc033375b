"""A torch function as a JAX function: its graph, traced once, operation by operation.

Whatever network or likelihood the function holds, its trace is made of a few dozen ATen operations, which
:data:`OPERATIONS` gives in JAX. Distances of particle clouds call back to the fused kernel.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyro
import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg

import jets.emd.operator  # noqa: F401 (defines the operator that is called back)

Array = Any


class UntranslatedError(ValueError):
    """The function holds operations that have no translation; the message names them."""


def to_jax(function: Callable[..., Any], *examples: Tensor) -> Callable[..., Any]:
    """Return ``function`` of tensors as a function of JAX arrays of the same shapes as ``examples``.

    Parameters and buffers become constants. Batches go through :func:`jax.vmap`.

    >>> f = to_jax(lambda x: torch.nn.functional.selu(x).sum(-1), torch.zeros(3))
    >>> round(float(f(np.array([1.0, -1.0, 0.0], np.float32))), 4)
    -0.0606

    Raises
    ------
    UntranslatedError
        An operation is missing in :data:`OPERATIONS`.
    """
    graph = traced(function, examples)
    constants = folded(graph)
    missing = {name_of(n.target) for n in graph.graph.nodes if n.op == "call_function" and n not in constants}
    missing -= set(OPERATIONS)
    if missing:
        raise UntranslatedError(f"no JAX translation of {', '.join(sorted(missing))}; add it to inference.to_jax")
    arrays = {node: as_array(value) for node, value in constants.items()}
    return lambda *inputs: interpreted(graph, arrays, inputs)


def traced(function: Callable[..., Any], examples: Sequence[Tensor]) -> GraphModule:
    """Return the graph of a function of tensors, without its gradient."""
    with pyro.validation_enabled(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing itself
        graph = make_fx(function)(*examples)
    graph.graph.eliminate_dead_code()
    return graph


def folded(graph: GraphModule) -> dict[Node, Any]:
    """Return the value of every node that does not depend on the inputs."""
    constants: dict[Node, Any] = {}
    for node in graph.graph.nodes:
        if node.op == "get_attr":
            constants[node] = getattr(graph, node.target).detach()
        elif node.op == "call_function" and all(each in constants for each in node.all_input_nodes):
            arguments, options = map_arg((node.args, node.kwargs), constants.__getitem__)
            constants[node] = node.target(*arguments, **options)
    return constants


def as_array(value: Any) -> Any:
    """Return tensors as NumPy arrays, in lists and tuples too."""
    if isinstance(value, list | tuple):
        return [as_array(part) for part in value]
    return value.cpu().numpy() if isinstance(value, Tensor) else value


def interpreted(graph: GraphModule, constants: Mapping[Node, Any], inputs: Sequence[Array]) -> Any:
    """Run a graph on JAX arrays."""
    values, rest = dict(constants), iter(inputs)
    for node in graph.graph.nodes:
        if node.op == "placeholder":
            values[node] = next(rest)
        elif node.op == "output":
            return map_arg(node.args[0], values.__getitem__)
        elif node not in constants:
            arguments, options = map_arg((node.args, node.kwargs), values.__getitem__)
            values[node] = OPERATIONS[name_of(node.target)](*arguments, **options)
    raise AssertionError("a graph ends with its output")


def name_of(target: Any) -> str:
    """Return the name of an operation without namespace and overload."""
    return target._schema.name.split("::")[1] if hasattr(target, "_schema") else target.__name__


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
