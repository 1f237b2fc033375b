"""Make a step fast: trace it once, take the noise out, batch it over replicas, compile it, capture it.

The step is ordinary Python over Pyro; what runs is a graph of tensor operations. Its random numbers are drawn outside
from one generator per replica, in the order in which Pyro would have drawn them, so that a traced step, a compiled one
and one replica of many see the numbers of plain eager Pyro under the same seed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.graph import CodeGen

from inference.noise import Step, WholeBatch, trace
from inference.products import is_amd, turned_round
from inference.recipe import RecipeError


class Program:
    """A step that draws its noise and runs as fast as the machine allows.

    Parameters
    ----------
    step
        Function from :func:`inference.step.make_step`.
    inputs
        Example inputs of one replica: state, constituents, rows, controls, and weights where there are any.
    generators
        One per replica.
    compiled
        Whether to compile the graph.
    shared
        Position in ``inputs`` of the tensor that replicas share (the constituents).
    whole
        Noise of the batch of which these inputs are the part of this process; None: they are all of it.

    Raises
    ------
    ValueError
        Of a shared batch: draws stay in the graph.
    """

    def __init__(
        self,
        step: Step,
        inputs: Sequence[Tensor],
        generators: Sequence[Generator],
        *,
        compiled: bool,
        shared: int,
        whole: WholeBatch | None = None,
    ) -> None:
        self.generators, self.shared, self.many = generators, shared, len(generators) > 1
        self.device = inputs[0].device
        self.reason = ""
        graph, self.noise = trace(step, inputs)
        self.whole = whole
        if whole is not None and any(draws_itself(node) for node in graph.graph.nodes):
            raise ValueError("its draws are rejection samplers, which processes cannot share")
        examples = [*inputs, *(noise.empty(self.device).zero_() for noise in self.noise)]  # they are computed with
        if self.many:
            examples = [t if i == shared else torch.stack([t] * len(generators)) for i, t in enumerate(examples)]
            graph = batched(graph, examples, shared)
        compiles = compiled and (self.device.type == "cuda" or has_compiler())
        self.run: Step = compile_graph(graph, examples) if compiles else graph

    def places(self) -> list[Tensor]:
        """Return tensors to draw the noise of a step into: ``(...)`` for one replica, ``(R, ...)`` for several."""
        return [noise.empty(self.device, *([len(self.generators)] if self.many else [])) for noise in self.noise]

    def draw(self, places: Sequence[Tensor]) -> Sequence[Tensor]:
        """Draw the noise of one step into ``places``, and return them."""
        if self.whole is not None:
            self.whole.draw(places, self.generators[0])
            return places
        for r, generator in enumerate(self.generators):
            for noise, place in zip(self.noise, places, strict=True):
                noise.draw(place[r] if self.many else place, generator)
        return places

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> Tensor:
        """Take a step; return its report ``(terms,)`` or ``(R, terms)``."""
        return self.run(*inputs, *self.draw(self.places()))


def batched(graph: GraphModule, examples: Sequence[Tensor], shared: int) -> GraphModule:
    """Return the graph for R replicas at once: every input but the shared one has a leading dimension R."""
    dims = tuple(None if i == shared else 0 for i in range(len(examples)))
    vectorised = torch.func.vmap(graph, in_dims=dims, randomness="different")
    result = make_fx(lambda *tensors: vectorised(*tensors), tracing_mode="fake", _allow_non_fake_inputs=True)(*examples)
    result.graph.set_codegen(CodeGen())
    result.recompile()
    return result


OPTIONS = {
    "cpu": {"cpp_wrapper": True, "size_asserts": False, "alignment_asserts": False},
    "cuda": {"deterministic": True},
}
"""Of inductor. On the CPU all kernels and their calls in one file of C++, which compiles in half the time; no checks of
what is the same in each step. On a GPU no choice between sums by their measured time, which changes their last bits
from one cache of compiled code to another."""


def compile_graph(graph: GraphModule, examples: Sequence[Tensor]) -> Step:
    """Return the graph compiled by inductor for the shapes of the examples, which are only looked at.

    Not by ``torch.compile``, which checks every input before every step: .3 ms for sixty small ones.
    """
    from torch._inductor import standalone_compile  # a second and 70 MB to import

    on_cpu = examples[0].device.type == "cpu"
    if on_cpu and is_amd():
        graph = turned_round(graph)
    options = {"config_patches": OPTIONS["cpu" if on_cpu else "cuda"]}
    return standalone_compile(graph, list(examples), dynamic_shapes="from_example_inputs", options=options)


class Eager:
    """The step as plain Pyro, for models that cannot be traced: same numbers, more time."""

    def __init__(self, step: Step, generators: Sequence[Generator], shared: int, reason: str) -> None:
        self.step, self.generators, self.shared, self.reason = step, generators, shared, reason

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Take a step, one replica after the other."""
        if len(self.generators) == 1:
            return self.step(*inputs)
        replicas = enumerate(self.generators)
        return torch.stack([self.alone(generator, self.view(inputs, r)) for r, generator in replicas])

    def view(self, inputs: Sequence[Tensor], replica: int) -> list[Tensor]:
        """Return the inputs of one replica."""
        return [tensor if i == self.shared else tensor[replica] for i, tensor in enumerate(inputs)]

    def alone(self, generator: Generator, inputs: Sequence[Tensor]) -> Tensor:
        """Take the step of one replica, its noise from its own generator."""
        cuda = generator.device.type == "cuda"
        with torch.random.fork_rng(devices=[generator.device] if cuda else []):
            usual = usual_generator(generator.device)
            usual.set_state(generator.get_state())
            report = self.step(*inputs)
            generator.set_state(usual.get_state())
        return report


def usual_generator(device: torch.device) -> Generator:
    """Return torch's own generator of a device."""
    if device.type != "cuda":
        return torch.default_generator
    return torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]


def draws_itself(node: Node) -> bool:
    """Whether an operation of a graph draws random numbers."""
    return torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())


def has_compiler() -> bool:
    """Whether there is a C++ compiler for the CPU."""
    return any(shutil.which(name) for name in ("g++", "clang++", "c++"))


def make_program(
    step: Step,
    inputs: Sequence[Tensor],
    generators: Sequence[Generator],
    *,
    compiled: bool,
    shared: int,
    whole: WholeBatch | None = None,
) -> Program | CapturedProgram | Eager:
    """Return the fastest program that the model and the machine allow; its ``reason`` says why, if it is eager.

    Raises
    ------
    RecipeError
        The batch is to be shared among processes, and the model cannot be traced.
    """
    try:
        program = Program(step, inputs, generators, compiled=compiled, shared=shared, whole=whole)
    except Exception as error:  # whatever a user's model does that a graph cannot hold
        if whole is not None:
            raise RecipeError(f"the model cannot be trained by several processes: {cause(error)}") from error
        return Eager(step, generators, shared, f"the model cannot be traced ({cause(error)}); training eagerly")
    return CapturedProgram(program) if program.device.type == "cuda" else program


def cause(error: Exception) -> str:
    """Return in a line what kept a model from being traced."""
    name, *lines = [type(error).__name__, *str(error).strip().splitlines()]
    if "DataDependent" in name:
        return "a tensor's value decides what is computed next, as by .item(), float() or if"
    return f"{name}: {lines[0]}" if lines else name


class CapturedProgram:
    """A program as one CUDA graph: a step costs one launch and the draws of its noise."""

    WARM_UP = 3

    def __init__(self, program: Program) -> None:
        self.program, self.reason = program, ""
        self.graph: torch.cuda.CUDAGraph | None = None

    @torch.no_grad()
    def __call__(self, *inputs: Tensor) -> Tensor:
        """Take a step; the first call captures it. The state and constituents must stay where they are in memory."""
        if self.graph is None:
            self.capture(inputs)
        assert self.graph is not None
        for static, new in zip(self.moving, inputs[self.program.shared + 1 :], strict=True):
            static.copy_(new)
        self.program.draw(self.places)
        self.graph.replay()
        return self.report.clone()

    def capture(self, inputs: Sequence[Tensor]) -> None:
        """Warm up on a side stream and record one step; put back the state and the generators."""
        program, device = self.program, self.program.device
        fixed, moving = inputs[: program.shared + 1], inputs[program.shared + 1 :]
        self.moving, self.places = [tensor.clone() for tensor in moving], program.places()
        for noise, place in zip(program.noise, self.places, strict=True):
            noise.draw(place, Generator(device))
        before = [tensor.clone() for tensor in fixed[:-1]]
        with torch.random.fork_rng(devices=[device]):  # draws that stay in the graph are from torch's own
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(self.WARM_UP):
                    program.run(*fixed, *self.moving, *self.places)
            torch.cuda.current_stream().wait_stream(stream)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):  # another thread sends jets ahead
                self.report = program.run(*fixed, *self.moving, *self.places)
        for tensor, old in zip(fixed[:-1], before, strict=True):
            tensor.copy_(old)
