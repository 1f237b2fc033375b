"""Narrow matrix products of a compiled step, turned round where the library is slow at them.

Intel's MKL, which torch calls for products on the CPU, is slow on AMD cores at a product with fewer than sixteen
columns, as between few latents and many pixels. The gradient of a decoder's first weights, ``(1600 x 256) (256 x 4)``,
takes 0.78 ms in one thread, and as the transpose of ``(4 x 256) (256 x 1600)`` 0.14 ms. What is turned depends on
shapes and on the maker of the CPU alone, not on timings: a training can be repeated to the last digit on its machine.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

from inference.machine import cpu

aten = torch.ops.aten

NARROW = range(2, 16)
"""Columns at which MKL is slow; a single one is a product with a vector, sixteen fill its registers."""
TALL, LARGE = 4, 2**16
"""Rows in units of columns, and multiplications, from which turning round pays."""


def is_amd() -> bool:
    """Whether the cores are AMD's; False where that is unknown."""
    return "AuthenticAMD" in cpu()


def turned_round(graph: GraphModule) -> GraphModule:
    """Return the graph, changed in place: narrow products a b are (b^T a^T)^T."""
    for node in list(graph.graph.nodes):
        if node.target in (aten.mm.default, aten.addmm.default) and is_slow(node):
            with graph.graph.inserting_before(node):
                new = turned(graph, node)
            node.replace_all_uses_with(new)
            graph.graph.erase_node(node)
    graph.recompile()
    return graph


def is_slow(node: Node) -> bool:
    """Whether a node is a narrow product of float32 matrices on the CPU, large enough to care."""
    left, right = (argument.meta["val"] for argument in node.args[-2:])  # type: ignore[union-attr]
    (rows, inner), columns = left.shape, right.shape[1]
    fits = columns in NARROW and rows >= TALL * columns and rows * inner * columns >= LARGE
    return fits and left.device.type == "cpu" and left.dtype == torch.float32 and not node.kwargs


def turned(graph: GraphModule, node: Node) -> Node:
    """Return the product of a node the other way round, inserted into the graph; it lies in memory as the old one."""
    *bias, a, b = node.args
    left, right, out = (each.meta["val"] for each in (a, b, node))  # type: ignore[union-attr]
    sides = [call(graph, aten.t.default, value.t(), each) for each, value in ((b, right), (a, left))]
    product = call(graph, aten.mm.default, left.new_empty(out.shape[::-1]), *sides)
    back = call(graph, aten.t.default, left.new_empty(out.shape[::-1]).t(), product)
    if bias:
        back = call(graph, aten.add.Tensor, left.new_empty(out.shape[::-1]).t(), back, bias[0])
    return call(graph, aten.clone.default, out, back, memory_format=torch.contiguous_format)


def call(graph: GraphModule, target: Any, value: Tensor, *args: Any, **kwargs: Any) -> Node:
    """Return a new call in a graph, whose result has the form of ``value``."""
    node = graph.graph.call_function(target, args, kwargs)
    node.meta["val"] = value
    return node
