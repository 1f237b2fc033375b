"""Narrow products turned round: the same numbers, and only where it pays."""

from __future__ import annotations

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from inference import program
from inference.products import aten, is_slow, turned_round


def graph_of(function, *inputs):
    return make_fx(function, tracing_mode="fake", _allow_non_fake_inputs=True)(*inputs)


def products(graph):
    return [node for node in graph.graph.nodes if node.target in (aten.mm.default, aten.addmm.default)]


SHAPES = [(1600, 256, 4), (256, 1600, 2), (1024, 100, 15), (64, 1600, 8)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("layout", ["plain", "left turned", "right turned", "bias"])
def test_turned_products_are_the_same(shape, layout):
    """With either factor transposed in memory, and with a bias: equal to rounding, and laid out as before."""
    m, k, n = shape
    a = torch.randn(k, m).T if layout == "left turned" else torch.randn(m, k)
    b = torch.randn(n, k).T if layout == "right turned" else torch.randn(k, n)
    bias = torch.randn(n)

    def function(a, b, bias):
        product = torch.addmm(bias, a, b) if layout == "bias" else a @ b
        return product.view(-1) * 2  # a view of how it lies in memory

    graph = graph_of(function, a, b, bias)
    assert [is_slow(node) for node in products(graph)] == [True]
    expected = function(a.double(), b.double(), bias.double())
    changed = turned_round(graph)
    assert [tuple(node.meta["val"].shape) for node in products(changed)] == [(n, m)]
    scale = float(expected.abs().max())
    torch.testing.assert_close(changed(a, b, bias).double(), expected, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("shape", [(1600, 256, 1), (1600, 256, 16), (8, 4096, 4), (64, 64, 4), (4, 256, 1600)], ids=str)
def test_other_products_are_left_alone(shape):
    m, k, n = shape
    graph = graph_of(torch.mm, torch.randn(m, k), torch.randn(k, n))
    assert [is_slow(node) for node in products(graph)] == [False]
    code = graph.code
    assert turned_round(graph).code == code


def test_double_precision_is_left_alone():
    graph = graph_of(torch.mm, torch.randn(1600, 256).double(), torch.randn(256, 4).double())
    assert [is_slow(node) for node in products(graph)] == [False]


@pytest.mark.slow
@pytest.mark.skipif(not program.has_compiler(), reason="no C++ compiler")
def test_compiled_products_are_the_same(monkeypatch):
    """On any CPU: what inductor makes of the changed graph is what the function says."""
    monkeypatch.setattr(program, "is_amd", lambda: True)
    x, w, bias, g = torch.randn(256, 1600), torch.randn(4, 1600), torch.randn(4), torch.randn(256, 1600)

    def function(x, w, bias, g):
        z = torch.addmm(bias, x, w.T)
        return torch.cat([z.flatten(), (g @ w.T).flatten(), (g.T @ z).flatten()])

    graph = graph_of(function, x, w, bias, g)
    assert [is_slow(node) for node in products(graph)] == [True] * 3
    found = program.compile_graph(graph, [x, w, bias, g])(x, w, bias, g)
    expected = function(*(each.double() for each in (x, w, bias, g)))
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5 * float(expected.abs().max()))
