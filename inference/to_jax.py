"""A torch function as a JAX function: its graph, traced once, operation by operation.

Whatever network or likelihood the function holds, its trace is made of a few dozen ATen operations, which
:data:`inference.jax_operations.OPERATIONS` gives in JAX. Distances of particle clouds call back to the fused kernel.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyro
import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg

from inference.jax_operations import OPERATIONS

Array = Any


class UntranslatedError(ValueError):
    """The function holds operations that have no translation; the message names them."""


def to_jax(function: Callable[..., Any], *examples: Tensor) -> Callable[..., Any]:
    """Return ``function`` of tensors as a function of JAX arrays of the same shapes as ``examples``.

    Parameters and buffers become constants. Batches go through :func:`jax.vmap`.

    >>> import numpy as np
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
        raise UntranslatedError(
            f"no JAX translation of {', '.join(sorted(missing))}; add it to inference.jax_operations"
        )
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
