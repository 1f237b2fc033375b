"""The parameters of a user's posterior: their constraints, shapes, starts, and what they are kept within."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import biject_to, constraints, transform_to
from torch.distributions.constraints import Constraint

from priors.constraints import circular

ALTERNATIVES = (("logits", "probs"), ("scale_tril", "covariance_matrix", "precision_matrix"))
SCALES = (1e-10, 1e10)
BOUNDS = {"concentration": (0.3, 1e3), "alpha": (0.3, 1e3), "df": (0.5, 1e3)}
"""Start of a positive parameter's name -> what it is kept within; any other is kept within :data:`SCALES`.

Below a concentration of 0.3 float32 draws round to the edges of their support, where ln q - ln p is wrong; below 0.5
degrees of freedom their squares overflow.
"""
STEEPEST = 12.0
"""Largest logit of one number (of a continuous Bernoulli): beyond, its draws end at the edges in float32."""


def bounds_of(key: str, constraint: Constraint) -> tuple[float, float] | None:
    """Return the range of the unconstrained reals that a parameter is made of; None of one that is any real.

    >>> [round(bound, 2) for bound in bounds_of("scale", constraints.positive)]
    [-23.03, 23.03]
    >>> bounds_of("loc", constraints.real)
    """
    if key == "logits" and constraint is constraints.real:
        return -STEEPEST, STEEPEST
    base = constraint
    while hasattr(base, "base_constraint"):
        base = base.base_constraint
    if base is constraints.real or base is circular:
        return None
    named = (edges for name, edges in BOUNDS.items() if base is constraints.positive and key.startswith(name))
    low, high = next(named, SCALES)
    return math.log(low), math.log(high)


def parameter_constraints(symbol: str, family: Any) -> dict[str, Constraint]:
    """Return the constraint of each parameter, one of each set of alternatives (logits rather than probs).

    >>> parameter_constraints("heavy", torch.distributions.Laplace)
    {'loc': Real(), 'scale': GreaterThan(lower_bound=0.0)}

    Raises
    ------
    TypeError
        ``family`` is no distribution class, or the constraint of a parameter involves another one.
    """
    declared = getattr(getattr(family, "func", family), "arg_constraints", None)
    if not isinstance(declared, dict):
        raise TypeError(
            f"{symbol}: the posterior must be a distribution class with fixed arg_constraints, got {family!r}"
        )
    dropped = {other for first, *others in ALTERNATIVES if first in declared for other in others}
    given = getattr(family, "keywords", {})
    kept = {key: constraint for key, constraint in declared.items() if key not in dropped and key not in given}
    for key, constraint in kept.items():
        try:
            unconstrained(constraint)
        except NotImplementedError as error:
            raise TypeError(f"{symbol}: the constraint of {key} depends on other parameters: {constraint}") from error
    return kept


def unconstrained(constraint: Constraint) -> Any:
    """Return the map from the reals to the constraint, one to one where torch has one."""
    try:
        return biject_to(constraint)
    except NotImplementedError:
        return transform_to(constraint)


def parameter_shapes(constraints: dict[str, Constraint], dim: int) -> dict[str, torch.Size]:
    """Return the unconstrained shape of each parameter of a factor of ``dim`` coordinates.

    That is ``(dim,)``, or what the event of a joint distribution demands:

    >>> parameter_shapes(parameter_constraints("mvn", torch.distributions.MultivariateNormal), 2)
    {'loc': torch.Size([2]), 'scale_tril': torch.Size([2, 2])}
    """
    joint = any(constraint.event_dim for constraint in constraints.values())
    sizes = {key: (dim,) * constraint.event_dim if joint else (dim,) for key, constraint in constraints.items()}
    return {key: torch.Size(unconstrained(constraints[key]).inverse_shape(size)) for key, size in sizes.items()}


def start_of(prior: Any, family: Any, key: str, shape: torch.Size, transform: Any) -> Tensor:
    """Return the unconstrained parameter of the posterior at which training starts: the prior's, of the same family.

    A heavy tail (``df`` of Student's t) thus starts as heavy as the prior's, not at whatever zero maps to.
    """
    zero = torch.zeros(shape)
    value = getattr(prior, key, None) if isinstance(prior, getattr(family, "func", family)) else None
    if not isinstance(value, Tensor) or transform.bijective is False or value.dim() > len(shape):
        return zero
    start = transform.inv(value.detach().to(zero.dtype))
    fits = start.shape in (torch.Size(), shape) and bool(start.isfinite().all())
    return start.expand(shape).clone() if fits else zero
