"""A trained model as a NumPyro model: sites, priors and likelihood in JAX, for any kernel, guide or SVI of NumPyro."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pyro
import torch
from numpyro.infer.reparam import CircularReparam, ProjectedNormalReparam
from torch import Tensor

from inference.joint import Joint
from inference.numpyro_priors import Array, torch_draw, translated
from inference.to_jax import to_jax
from models import VAE


def numpyro_model(vae: VAE, x: Tensor) -> Callable[..., Any]:
    r"""Return a trained model as a NumPyro model ``model(x=None, n=1)`` of jets x ``(B, ...)``, or of n that it draws.

    .. math::
        z_i \sim p(z_i), \qquad x \sim \sum_c p(c)\, p(x | z, c)

    Plate ``jets``; sites ``z_R4``, ``z_S1``, ``z_M2_R1``, ... as those of the Pyro model, and ``x``. Categories are
    summed over: the deterministic site ``z_C2``, or ``z_M2`` of a superposition, is p(c | x, z) ``(B, K)``. Latents of
    a manifold that a jet is not on follow their prior. Where jets are observed, angles carry
    :class:`~numpyro.infer.reparam.CircularReparam`, directions
    :class:`~numpyro.infer.reparam.ProjectedNormalReparam`. The networks are constants, at the resolution that the
    model has now.

    Parameters
    ----------
    vae
        A trained model on the CPU.
    x
        A jet ``(...)`` of the shape that the model will be given.

    Raises
    ------
    RunError
        There is no posterior to sample (see :class:`inference.joint.Joint`), or a prior has no translation.
    UntranslatedError
        The decoder holds an operation that has no translation.
    """
    joint = Joint(vae)
    sites = [f"z_{label}_{inner}" if inner else f"z_{label}" for label, inner, _ in joint.leaves]
    with torch.no_grad(), pyro.validation_enabled(False):
        priors = {site: translated(prior) for site, prior in zip(sites, joint.priors, strict=True)}
        values = [prior.sample() for prior in joint.priors]
        given = jax.vmap(to_jax(lambda *parts: joint.given(list(parts[1:]), parts[0]), x, *values))
    rows = {f"z_{label}": table.numpy() for label, table in joint.one_hot.items()}
    shape, observed = tuple(x.shape), reparametrised(priors)

    def model(x: Array | None = None, n: int = 1) -> Array:
        config = {} if x is None else observed  # drawn, a site is itself
        with numpyro.handlers.reparam(config=config), numpyro.plate("jets", n if x is None else len(x)):
            z = [numpyro.sample(site, prior) for site, prior in priors.items()]
            drawn = numpyro.sample("x", Decoded(z, given, joint, shape), obs=x)
            chosen = jax.nn.softmax(given(drawn, *z), -1)
            for site, table in rows.items():
                numpyro.deterministic(site, chosen @ table)
        return drawn

    return model


def reparametrised(priors: Mapping[str, Any]) -> dict[str, Any]:
    """Return site -> how NumPyro samples it, for angles and directions."""
    found: dict[str, Any] = {}
    for site, prior in priors.items():
        support = prior.support
        support = getattr(support, "base_constraint", support)
        if support is dist.constraints.circular:
            found[site] = CircularReparam()
        elif support is dist.constraints.sphere:
            found[site] = ProjectedNormalReparam()
    return found


class Decoded(dist.Distribution):
    r"""The jets that latents decode to, :math:`\ln p(x|z) = \ln \sum_k p(k)\, p(x|z, k)` over combinations k.

    Parameters
    ----------
    z
        A value of every continuous factor, each ``(B, ...)``.
    given
        (x, \*z) -> ln p(x, k | z) ``(B, K)``.
    joint
        The model in torch, which draws jets.
    shape
        Of a jet.
    """

    def __init__(self, z: Sequence[Array], given: Callable[..., Array], joint: Joint, shape: tuple[int, ...]) -> None:
        self._z, self._given, self._joint = list(z), given, joint
        super().__init__(batch_shape=jnp.shape(z[0])[:1], event_shape=shape)

    @dist.constraints.dependent_property
    def support(self) -> Any:
        """Real numbers, whatever the jets are."""
        return dist.constraints.independent(dist.constraints.real, self.event_dim)

    def log_prob(self, value: Array) -> Array:
        """Return ln p(x | z) ``(B,)`` of jets ``(B, ...)``."""
        return jax.scipy.special.logsumexp(self._given(value, *self._z), -1)

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Array:
        """Draw jets ``(*sample_shape, B, ...)`` in torch."""
        return torch_draw(self._draw, key, (*sample_shape, *self.batch_shape, *self.event_shape), *self._z)

    def _draw(self, shape: tuple[int, ...], *z: Array) -> Tensor:
        joint = self._joint
        lead = shape[: -len(self.event_shape)]
        row = torch.distributions.Categorical(logits=joint.log_weight).sample(torch.Size(lead))
        values = [torch.tensor(np.asarray(each)).expand(*lead, *each.shape[1:]) for each in z]
        one_hot = {label: table[row] for label, table in joint.one_hot.items()}
        return joint.vae.decode(joint.space.features(joint.nested(values, one_hot))).sample()
