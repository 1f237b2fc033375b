"""Sixteen float32 numbers that numba treats as one: the vocabulary in which the fused kernel is written.

Numba leaves vectorisation to LLVM's loop vectoriser, which gives up on loops that mix loads and stores of several
arrays. Here a `Vector` is an LLVM ``<16 x float>``: one AVX-512 register, two AVX2 registers or four NEON registers,
chosen by LLVM. All arrays are one-dimensional, contiguous and float32; they need no alignment, but are faster at
64 bytes.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

#: Typed loosely, for a type checker cannot see that intrinsics take their arguments without the typing context.
intrinsic: Any = extending.intrinsic

LANES = 16
FLOAT, INT = ir.FloatType(), ir.IntType(32)
VECTOR, INTS = ir.VectorType(FLOAT, LANES), ir.VectorType(INT, LANES)
FAST = ("fast",)
#: Options of every compiled function of this package.
OPTIONS: dict[str, Any] = {"fastmath": True, "error_model": "numpy", "nogil": True}


class VectorType(types.Type):
    """The numba type of sixteen float32 numbers."""

    def __init__(self) -> None:
        super().__init__(name="Vector16xFloat32")


vector = VectorType()
scalar, index = types.float32, types.int64


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    """Declare to numba that a Vector is a plain LLVM vector."""

    def __init__(self, manager: Any, front_end_type: Any) -> None:
        super().__init__(manager, front_end_type, VECTOR)


def _constant(value: float) -> ir.Constant:
    return ir.Constant(VECTOR, [float(np.float32(value))] * LANES)


def _splat(builder: Any, number: Any) -> Any:
    undefined = ir.Constant(VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(INT, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(INTS, [0] * LANES))


def _call(builder: Any, name: str, result: Any, arguments: list[Any], **options: Any) -> Any:
    declared = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, declared, name), arguments, **options)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, start: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [start]), VECTOR.as_pointer())


@intrinsic
def load(typing: Any, array: Any, start: Any) -> Any:
    """Return ``array[start : start + 16]``."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = builder.load(_pointer(context, builder, signature.args[0], *arguments))
        loaded.align = 4
        return loaded

    return vector(array, index), emit


@intrinsic
def store(typing: Any, array: Any, start: Any, value: Any) -> Any:
    """Set ``array[start : start + 16] = value``."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        stored = builder.store(arguments[2], _pointer(context, builder, signature.args[0], *arguments[:2]))
        stored.align = 4
        return context.get_dummy_value()

    return types.void(array, index, vector), emit


@intrinsic
def splat(typing: Any, number: Any) -> Any:
    """Return sixteen copies of one number."""
    return vector(scalar), lambda context, builder, signature, arguments: _splat(builder, arguments[0])


@intrinsic
def broadcast(typing: Any, array: Any, position: Any) -> Any:
    """Return sixteen copies of ``array[position]``."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return _splat(builder, builder.load(builder.gep(data, [arguments[1]])))

    return vector(array, index), emit


def _define_operator(function: Any, method: str) -> None:
    @type_callable(function)
    def type_operator(context: Any) -> Any:
        return lambda left, right: vector if left == vector and right == vector else None

    @lower_builtin(function, VectorType, VectorType)
    def lower_operator(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, method)(*arguments, flags=FAST)


_define_operator(operator.add, "fadd")
_define_operator(operator.sub, "fsub")
_define_operator(operator.mul, "fmul")
_define_operator(operator.truediv, "fdiv")


def _extreme(comparison: str) -> Any:
    @intrinsic
    def operation(typing: Any, left: Any, right: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.select(builder.fcmp_ordered(comparison, *arguments, flags=FAST), *arguments)

        return vector(vector, vector), emit

    return operation


smaller, larger = _extreme("<"), _extreme(">")


def _unary(name: str) -> Any:
    @intrinsic
    def operation(typing: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _call(builder, f"llvm.{name}.v{LANES}f32", VECTOR, list(arguments), fastmath=FAST)

        return vector(vector), emit

    return operation


root, floor = _unary("sqrt"), _unary("floor")


@intrinsic
def total(typing: Any, value: Any) -> Any:
    """Return the sum of the sixteen numbers."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = ir.Constant(FLOAT, 0.0)
        return _call(builder, f"llvm.vector.reduce.fadd.v{LANES}f32", FLOAT, [start, arguments[0]], fastmath=FAST)

    return scalar(vector), emit


def _reduction(name: str) -> Any:
    @intrinsic
    def operation(typing: Any, value: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _call(builder, f"llvm.vector.reduce.{name}.v{LANES}f32", FLOAT, list(arguments), fastmath=FAST)

        return scalar(vector), emit

    return operation


least, greatest = _reduction("fmin"), _reduction("fmax")


@intrinsic
def exp2(typing: Any, exponent: Any) -> Any:
    """Return 2 to the power of each number, to 3e-7; below 2^-60 it is zero, above 2^50 it stays there.

    The cut keeps products of a plan's entries out of the denormal range, where arithmetic is a hundred times slower.
    """
    coefficients = (1.33335581e-3, 9.61812911e-3, 5.55041087e-2, 2.40226507e-1, 6.93147181e-1, 1.0)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        ceiling = _constant(50.0)
        x = builder.select(builder.fcmp_ordered("<", arguments[0], ceiling, flags=FAST), arguments[0], ceiling)
        alive = builder.fcmp_ordered(">", x, _constant(-60.0), flags=FAST)
        x = builder.select(alive, x, _constant(0.0))
        whole = _call(builder, f"llvm.floor.v{LANES}f32", VECTOR, [builder.fadd(x, _constant(0.5))])
        rest = builder.fsub(x, whole, flags=FAST)
        power = _constant(coefficients[0])
        for coefficient in coefficients[1:]:
            power = builder.fadd(builder.fmul(power, rest, flags=FAST), _constant(coefficient), flags=FAST)
        bits = builder.shl(builder.fptosi(whole, INTS), ir.Constant(INTS, [23] * LANES))
        scaled = builder.bitcast(builder.add(builder.bitcast(power, INTS), bits), VECTOR)
        return builder.select(alive, scaled, _constant(0.0))

    return vector(vector), emit


@intrinsic
def transpose_block(typing: Any, source: Any, start: Any, stride: Any, target: Any, first: Any, step: Any) -> Any:
    """Copy the 16 x 16 block at `start` (rows `stride` apart) of `source`, transposed, to `first` of `target`."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        origin, stride, goal, step = arguments[1], arguments[2], arguments[4], arguments[5]
        rows = []
        for row in range(LANES):
            at = builder.add(origin, builder.mul(stride, ir.Constant(ir.IntType(64), row)))
            rows.append(builder.load(_pointer(context, builder, signature.args[0], arguments[0], at)))
            rows[-1].align = 4
        for half in (8, 4, 2, 1):
            rows = _exchange(builder, rows, half)
        for row in range(LANES):
            at = builder.add(goal, builder.mul(step, ir.Constant(ir.IntType(64), row)))
            builder.store(rows[row], _pointer(context, builder, signature.args[3], arguments[3], at)).align = 4
        return context.get_dummy_value()

    return types.void(source, index, index, target, index, index), emit


def _exchange(builder: Any, rows: list[Any], half: int) -> list[Any]:
    """Swap the off-diagonal `half` x `half` blocks of every pair of block rows: one of log2(16) steps."""
    lanes = np.arange(LANES)
    upper = np.where(lanes & half, LANES + (lanes ^ half), lanes)
    lower = np.where(lanes & half, LANES + lanes, lanes ^ half)
    result = list(rows)
    for row in range(LANES):
        if not row & half:
            for target, lane in ((row, upper), (row + half, lower)):
                mask = ir.Constant(INTS, [int(k) for k in lane])
                result[target] = builder.shuffle_vector(rows[row], rows[row + half], mask)
    return result


@njit(**OPTIONS)
def transpose(source: np.ndarray, target: np.ndarray, rows: int, columns: int) -> None:
    """Write the transpose of a (rows, columns) matrix; both are multiples of sixteen."""
    for i in range(0, rows, LANES):
        for j in range(0, columns, LANES):
            transpose_block(source, i * columns + j, columns, target, j * rows + i, rows)
