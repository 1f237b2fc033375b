"""The random numbers of a step: taken out of its graph, to be drawn from a generator in the order of plain Pyro."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pyro
import torch
from torch import Generator, Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.graph import CodeGen

from inference.machine import keep_compiled
from inference.share import Share

Step = Callable[..., Tensor]

aten = torch.ops.aten
DRAWS: dict[object, Callable[..., Tensor]] = {
    aten.normal_.default: Tensor.normal_,
    aten.randn.default: Tensor.normal_,
    aten.randn_like.default: Tensor.normal_,
    aten.uniform_.default: Tensor.uniform_,
    aten.rand.default: Tensor.uniform_,
    aten.rand_like.default: Tensor.uniform_,
}
"""Random operations that are replaced by inputs -> how to draw them. Others (gamma variates) stay in the graph."""
IN_PLACE = (aten.normal_.default, aten.uniform_.default)
"""Those whose arguments after the first are those of the distribution: mean and deviation, or the two ends."""


class Noise(NamedTuple):
    """One random input of a graph."""

    fill: Callable[..., Tensor]
    arguments: tuple[float, ...]
    shape: torch.Size
    dtype: torch.dtype

    def empty(self, device: torch.device, *replicas: int) -> Tensor:
        """Return a tensor to draw it into, of so many replicas where there are several."""
        return torch.empty((*replicas, *self.shape), dtype=self.dtype, device=device)

    def draw(self, place: Tensor, generator: Generator) -> None:
        """Draw it anew, into ``place``."""
        self.fill(place, *self.arguments, generator=generator)


class WholeBatch(NamedTuple):
    """The noise of a batch that processes share: each draws all of it, and keeps that of its own jets."""

    noise: list[Noise]
    share: Share

    def draw(self, places: Sequence[Tensor], generator: Generator) -> None:
        """Draw the noise of a step; put this process' part into ``places``."""
        for noise, place in zip(self.noise, places, strict=True):
            every = noise.empty(place.device)
            noise.draw(every, generator)
            for dim in range(place.dim()):
                if every.shape[dim] != place.shape[dim]:
                    every = self.share.part(every, dim)
            place.copy_(every)


def trace(step: Step, inputs: Sequence[Tensor]) -> tuple[GraphModule, list[Noise]]:
    """Return the step as a graph whose further inputs are its noise.

    ``inputs`` are only looked at: the step runs on tensors of their shapes that hold no numbers.
    """
    keep_compiled()  # before tracing, at which torch chooses a place of its own
    devices = [inputs[0].device] if inputs[0].device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), pyro.validation_enabled(False), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing itself
        graph = make_fx(step, tracing_mode="fake", _allow_non_fake_inputs=True)(*inputs)
    noise = externalise_noise(graph)
    return graph, noise


def externalise_noise(graph: GraphModule) -> list[Noise]:
    """Replace the graph's normal and uniform draws by inputs, in order."""
    last = [node for node in graph.graph.nodes if node.op == "placeholder"][-1]
    found: list[Noise] = []
    for node in [node for node in graph.graph.nodes if node.target in DRAWS]:
        value = node.meta["val"] if "val" in node.meta else node.meta["tensor_meta"]
        with graph.graph.inserting_after(last):
            last = graph.graph.placeholder(f"noise_{len(found)}")
        last.meta["val"] = value  # a C++ wrapper asks for it
        node.replace_all_uses_with(last)
        graph.graph.erase_node(node)
        arguments = node.args[1:] if node.target in IN_PLACE else ()
        found.append(Noise(DRAWS[node.target], arguments, value.shape, value.dtype))
    graph.graph.set_codegen(CodeGen())
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return found
