"""Priors of torch as distributions of NumPyro: its own of the same name and density, or the traced density."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import torch
from pyro.distributions import constraints
from torch import Tensor

from inference.folder import RunError
from inference.to_jax import to_jax
from priors.constraints import coordinate_support, unwrap

Array = Any
SAME = 1e-4
"""Largest difference of log densities [nat] of one distribution in the two libraries."""


def translated(prior: Any) -> dist.Distribution:
    """Return a prior of one event, without batch dimensions and not validated, as a distribution of NumPyro.

    Raises
    ------
    RunError
        It lies on something that NumPyro's samplers do not have.
    """
    if coordinate_support(prior) is constraints.sphere:
        return uniform_direction(prior)
    own = of_the_same_name(prior)
    return Traced(prior) if own is None else own


def uniform_direction(prior: Any) -> dist.Distribution:
    """Return the uniform distribution on the unit sphere, as a projected normal without a centre."""
    log_p = prior.log_prob(prior.sample(torch.Size([8])))
    if float(log_p.max() - log_p.min()) > SAME:
        raise RunError(f"{type(prior).__name__}: a prior on the sphere that is not uniform has no NumPyro model")
    return dist.ProjectedNormal(jnp.zeros(prior.event_shape))


def of_the_same_name(prior: Any) -> dist.Distribution | None:
    """Return NumPyro's distribution of this name and these parameters, if it has this density at ten draws."""
    base = unwrap(prior)
    named = next((getattr(dist, each.__name__) for each in type(base).__mro__ if hasattr(dist, each.__name__)), None)
    wanted = set(base.arg_constraints)
    if named is None or not wanted or wanted != set(named.arg_constraints):
        return None
    try:
        own = named(**{name: as_array(getattr(base, name)) for name in wanted})
    except TypeError:  # NumPyro's takes something beside the parameters
        return None
    shape = tuple(prior.event_shape)
    own = own.expand(shape[: len(shape) - own.event_dim]).to_event(len(shape) - own.event_dim)
    drawn = prior.sample(torch.Size([10]))
    difference = np.abs(np.asarray(own.log_prob(as_array(drawn))) - as_array(prior.log_prob(drawn)))
    return own if bool((difference < SAME).all()) else None


def as_array(tensor: Tensor) -> Array:
    """Return a tensor of torch as an array."""
    return tensor.detach().cpu().numpy()


class Traced(dist.Distribution):
    """A distribution of torch whose density is traced into JAX; torch draws from it, from JAX's key.

    Parameters
    ----------
    prior
        One event without batch dimensions.

    Raises
    ------
    RunError
        NumPyro has no such support.
    UntranslatedError
        The density holds an operation that has no translation.
    """

    def __init__(self, prior: Any) -> None:
        self._prior, self._inner = prior, support_of(prior)
        self._density = to_jax(lambda value: prior.log_prob(value), prior.sample())
        super().__init__(batch_shape=(), event_shape=tuple(prior.event_shape))

    @dist.constraints.dependent_property
    def support(self) -> Any:
        """That of the prior."""
        return dist.constraints.independent(self._inner, self.event_dim - self._inner.event_dim)

    def log_prob(self, value: Array) -> Array:
        """Return the log densities ``(...)`` of values ``(..., *event_shape)``."""
        shape = jnp.shape(value)[: jnp.ndim(value) - self.event_dim]
        flat = jnp.reshape(value, (-1, *self.event_shape))
        return jnp.reshape(jax.vmap(self._density)(flat), shape)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        """Draw values ``(*sample_shape, *event_shape)``."""
        return torch_draw(self._draw, key, (*sample_shape, *self.event_shape))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return self._prior.sample(torch.Size(shape[: len(shape) - self.event_dim]))


SUPPORTS: dict[str, Callable[[Any], Any]] = {
    "_Real": lambda _: dist.constraints.real,
    "_Circular": lambda _: dist.constraints.circular,
    "_Simplex": lambda _: dist.constraints.simplex,
    "_GreaterThan": lambda given: dist.constraints.greater_than(float(given.lower_bound)),
    "_GreaterThanEq": lambda given: dist.constraints.greater_than_eq(float(given.lower_bound)),
    "_LessThan": lambda given: dist.constraints.less_than(float(given.upper_bound)),
    "_Interval": lambda given: dist.constraints.interval(float(given.lower_bound), float(given.upper_bound)),
}
"""Constraint of torch -> that of NumPyro."""


def support_of(prior: Any) -> Any:
    """Return NumPyro's constraint on one coordinate of a prior, or on its whole event where that does not split."""
    given = coordinate_support(prior)
    if type(given).__name__ not in SUPPORTS:
        raise RunError(f"{type(prior).__name__}: NumPyro has no support like {given}")
    return SUPPORTS[type(given).__name__](given)


def torch_draw(draw: Callable[..., Tensor], key: Array, shape: tuple[int, ...], *inputs: Array) -> Array:
    """Return float32 draws of torch ``shape`` with a seed made of JAX's key; under jit and vmap too."""

    def call(seed: Array, *inputs: Array) -> Array:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seed))
            return as_array(draw(shape, *inputs)).astype(np.float32)

    seed = jax.random.bits(key, (), jnp.uint32)
    return jax.pure_callback(call, jax.ShapeDtypeStruct(shape, jnp.float32), seed, *inputs, vmap_method="sequential")
