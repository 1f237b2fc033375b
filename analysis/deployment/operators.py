"""Operators that ONNX lacks, or that onnxruntime evaluates with few digits, in terms of those that it has."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

SHIFT = 8
"""Steps of the recurrence that takes a positive argument to where Stirling's series holds to 1e-9."""
SMALL = 0.03
"""Below, the inverse hyperbolic sine is its series: the logarithm has no digits there."""
HALF_LOG_TAU = math.log(math.tau) / 2
COARSE = round(HALF_LOG_TAU * 1024) / 1024
"""The part of it that single precision, in which constants are written, holds exactly."""
DOUBLE = 11
"""float64 among ONNX' types."""


def translations() -> dict[Any, Callable[..., Any]]:
    """Return torch's operator -> what stands for it in ONNX, as ``torch.onnx.export`` takes it."""
    import onnxscript

    op: Any = onnxscript.opset20

    def wide(x: Any) -> Any:
        return op.Cast(x, to=DOUBLE)

    def number(value: float) -> Any:
        return wide(op.Constant(value_float=value))

    def steps(x: Any) -> list[Any]:
        return [op.Add(x, wide(op.Constant(value_float=float(i)))) for i in range(SHIFT)]

    def total(terms: list[Any]) -> Any:
        result = terms[0]
        for term in terms[1:]:
            result = op.Add(result, term)
        return result

    def series(power: Any, square: Any, coefficients: list[tuple[float, float]]) -> Any:
        """Sum coefficients times rising odd or even powers of 1/z, each a fraction of two exact floats."""
        terms = []
        for above, below in coefficients:
            terms.append(op.Mul(power, op.Div(number(above), number(below))))
            power = op.Mul(power, square)
        return total(terms)

    def lgamma(self: Any) -> Any:
        r"""Return :math:`\ln\Gamma(x)`, x > 0: Stirling at x + 8, less the logarithms of the steps."""
        x = wide(self)
        z = op.Add(x, number(SHIFT))
        inverse = op.Reciprocal(z)
        half_log_tau = op.Add(number(COARSE), number(HALF_LOG_TAU - COARSE))
        tail = series(inverse, op.Mul(inverse, inverse), [(1, 12), (-1, 360), (1, 1260), (-1, 1680)])
        main = op.Sub(op.Mul(op.Sub(z, number(0.5)), op.Log(z)), z)
        found = op.Sub(total([main, half_log_tau, tail]), total([op.Log(step) for step in steps(x)]))
        return op.CastLike(found, self)

    def digamma(self: Any) -> Any:
        r"""Return :math:`\psi(x)`, x > 0: the series at x + 8, less the inverse steps."""
        x = wide(self)
        z = op.Add(x, number(SHIFT))
        inverse = op.Reciprocal(z)
        square = op.Mul(inverse, inverse)
        tail = series(square, square, [(-1, 12), (1, 120), (-1, 252), (1, 240)])
        main = op.Sub(op.Log(z), op.Mul(number(0.5), inverse))
        found = op.Sub(total([main, tail]), total([op.Reciprocal(step) for step in steps(x)]))
        return op.CastLike(found, self)

    def hypot(self: Any, other: Any) -> Any:
        r"""Return :math:`\sqrt{a^2 + b^2}`."""
        return op.Sqrt(op.Add(op.Mul(self, self), op.Mul(other, other)))

    def asinh(self: Any) -> Any:
        """Return the inverse hyperbolic sine, by its series near zero."""
        square = op.Mul(self, self)
        cubic = op.Mul(self, op.Mul(square, op.CastLike(op.Constant(value_float=-1 / 6), self)))
        fifth = op.Mul(self, op.Mul(op.Mul(square, square), op.CastLike(op.Constant(value_float=3 / 40), self)))
        near = op.Add(self, op.Add(cubic, fifth))
        small = op.Less(op.Abs(self), op.CastLike(op.Constant(value_float=SMALL), self))
        return op.Where(small, near, op.Asinh(self))

    aten = torch.ops.aten
    return {
        aten.lgamma.default: lgamma,
        aten.digamma.default: digamma,
        aten.special_digamma.default: digamma,
        aten.hypot.default: hypot,
        aten.asinh.default: asinh,
    }
