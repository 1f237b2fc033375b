"""One module as ONNX, TorchScript and ``torch.export``: all outputs, or as many as the operators allow."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pyro
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from analysis.deployment.answer import BOUND, ENCODER, LIKELIHOOD, OUTPUTS, PRIOR, Answer
from analysis.deployment.operators import translations

OPSET = 20
"""Version of ONNX' set of operators."""
PLAIN = {"aten", "prims", "prim", "_operator", "builtins", "math", "torch"}
"""Where operators come from that every torch has."""
NOISY = ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")
Make = Callable[[Sequence[str]], Any]


class Refused(Exception):
    """An operator forbids an export; the message names it."""


class Made(NamedTuple):
    """What could be made.

    Attributes
    ----------
    content
        The program; None where not even the encoder could be exported.
    outputs
        The outputs that it has.
    left_out
        Output -> which operator forbids it.
    """

    content: Any
    outputs: tuple[str, ...]
    left_out: dict[str, str]


def as_far_as_possible(make: Make, outputs: Sequence[str] = OUTPUTS) -> Made:
    """Make all ``outputs``, or those of the encoder, the KL and the likelihood that can be made."""
    try:
        return Made(make(outputs), tuple(outputs), {})
    except Refused as refused:
        forbidden = str(refused)
    made, kept = None, list(ENCODER)
    left_out: dict[str, str] = {}
    for part in (PRIOR, LIKELIHOOD):
        if set(part) <= set(outputs):
            try:
                made, kept = make([*kept, *part]), [*kept, *part]
            except Refused as refused:
                left_out |= dict.fromkeys(part, str(refused))
    if made is None:
        try:
            made = make(ENCODER)
        except Refused as refused:
            return Made(None, (), dict.fromkeys(outputs, str(refused)))
    if set(BOUND) & set(outputs):
        left_out |= dict.fromkeys(BOUND, next(iter(left_out.values()), forbidden))
    return Made(made, tuple(kept), left_out)


def exported_program(answer: Answer, example: Tensor) -> Any:
    """Return the module as a program of plain operators, for any number of jets (and of constituents).

    Raises
    ------
    Refused
        It has an operator that is not torch's own, or one that cannot be traced.
    """
    example = example.contiguous()  # the strides of a part of a sample would become a condition
    with tracing(), OwnOperators():
        answer(example)
    sizes = {0: torch.export.Dim("jets")} | ({1: torch.export.Dim("constituents")} if example.dim() == 3 else {})
    with tracing():
        program = torch.export.export(answer, (example,), dynamic_shapes=(sizes,), strict=False)
    graphs = [module.graph for module in program.graph_module.modules() if isinstance(module, torch.fx.GraphModule)]
    for node in (node for graph in graphs for node in graph.nodes):
        if node.op == "call_function" and owner(node.target) not in PLAIN:
            raise Refused(f"operator {node.target} is not torch's own")
    return program


def script(answer: Answer, example: Tensor) -> Any:
    """Return the module as TorchScript whose result is one table ``(B, columns)``, its ``columns`` an attribute.

    Raises
    ------
    Refused
        It has an operator that is not torch's own, or one that cannot be traced.
    """
    table = Table(answer)
    with tracing():
        traced = torch.jit.trace(table, (example,), check_trace=False)
        found = torch.jit.script(Named(traced, [column.name for column in answer.columns()]))
    for kind in sorted({node.kind() for node in traced.inlined_graph.nodes()}):
        if kind.split("::")[0] not in PLAIN or kind == "prim::PythonOp":
            raise Refused(f"operator {kind} is not torch's own")
    return found


def onnx_program(program: Any, outputs: Sequence[str]) -> Any:
    """Return an exported program as ONNX, opset 20.

    Raises
    ------
    Refused
        ONNX lacks an operator.
    """
    with tracing():
        return torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            optimize=False,  # it takes additions of tiny numbers, which keep roots and logarithms finite, for none
            opset_version=OPSET,
            input_names=["constituents"],
            output_names=list(outputs),
            custom_translation_table=translations(),
        )


class OwnOperators(TorchDispatchMode):
    """Run code, and refuse the first operator that is not torch's own: found in a moment, where tracing takes long."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call an operator.

        Raises
        ------
        Refused
            It is not torch's own.
        """
        if owner(func) not in PLAIN:
            raise Refused(f"operator {func} is not torch's own")
        return func(*args, **(kwargs or {}))


class Table(nn.Module):
    """All outputs of a module side by side."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, constituents: Tensor) -> Tensor:
        """Return ``(B, columns)`` of constituents ``(B, M, 3)`` or vectors ``(B, K)``."""
        found = self.answer(constituents)
        return torch.cat([each.unsqueeze(-1) if each.dim() == 1 else each for each in found.values()], -1)


class Named(nn.Module):
    """A table with the names of its columns."""

    def __init__(self, table: Any, columns: list[str]) -> None:
        super().__init__()
        self.table, self.columns = table, columns

    def forward(self, constituents: Tensor) -> Tensor:
        """Return ``(B, columns)``."""
        return self.table(constituents)


def owner(target: Any) -> str:
    """Return the library of an operator of a graph: ``aten``, ``jetvae``, ...

    >>> owner(torch.ops.aten.add.Tensor)
    'aten'
    """
    if isinstance(target, torch._ops.HigherOrderOperator):  # torch's own blocks, such as one without autocast
        return "torch"
    return str(getattr(target, "namespace", "") or getattr(target, "__module__", "")).split(".")[0]


@contextmanager
def tracing() -> Iterator[None]:
    """Trace quietly; what a tracer cannot do is :class:`Refused`, with the operator's name."""
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with torch.no_grad(), pyro.validation_enabled(False), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Refused:
        raise
    except Exception as error:  # tracers raise anything
        raise Refused(named(str(error)) or type(error).__name__) from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def named(message: str) -> str:
    """Return which operator a tracer's message names, else its first line.

    >>> named("No ONNX function found for <OpOverload(op='prims.lgamma', overload='default')>. ...")
    'ONNX has no operator prims.lgamma'
    """
    found = re.search(r"No ONNX function found for <OpOverload\(op='([\w.:]+)'", message)
    return f"ONNX has no operator {found[1]}" if found else next(iter(message.strip().splitlines()), "")
