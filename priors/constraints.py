"""The support of an angle, beside those of :mod:`torch.distributions.constraints`, and that of a coordinate."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.distributions import Transform, TransformedDistribution, biject_to, constraints, transform_to
from torch.distributions.transforms import identity_transform


class _Circular(constraints.Constraint):
    """An angle in rad: any real number; numbers a full turn apart are one point of the circle."""

    def check(self, value: Any) -> Tensor:
        """Return which of the angles ``value`` ``(...)`` are numbers, as for real ones."""
        return constraints.real.check(value)


circular = _Circular()
"""Support of distributions on the circle, NumPyro's ``constraints.circular``.

Unlike NumPyro's it has no edges at -pi and pi, where a sampler would stop: densities are periodic, and the map from
the reals is the identity.

>>> from priors import VonMises
>>> VonMises(2).prior().base_dist.support, biject_to(circular) == biject_to(constraints.real)
(Circular(), True)
"""


@biject_to.register(circular)
@transform_to.register(circular)
def _identity(constraint: constraints.Constraint) -> Transform:
    return identity_transform


def coordinate_support(distribution: Any) -> Any:
    """Return the constraint on one coordinate of a distribution, or on its whole event where that does not split.

    >>> import pyro.distributions as dist
    >>> coordinate_support(dist.Normal(0.0, 1.0).expand([2]).to_event(1))
    Real()
    """
    support = distribution.support
    while hasattr(support, "base_constraint"):  # of independent coordinates, of a mixture of them
        support = support.base_constraint
    return support


def unwrap(distribution: Any) -> Any:
    """Return the innermost distribution beneath ``to_event``, ``expand`` and ``mask``."""
    while hasattr(distribution, "base_dist") and not isinstance(distribution, TransformedDistribution):
        distribution = distribution.base_dist
    return distribution
