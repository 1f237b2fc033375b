"""A family of a user's own, from a prior and a posterior distribution."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pyro
import torch
from pyro.contrib.zuko import ZukoToPyro
from pyro.distributions.torch_distribution import TorchDistributionMixin
from torch import Tensor, nn
from torch.distributions import Distribution, biject_to, transform_to
from torch.distributions.constraints import Constraint

from priors.holding import modules_in, moved
from priors.kl import kl_per_coordinate
from priors.latent import Latent, checked, describe_support

TRIALS, MOST_OF = 256, 0.95
"""Draws with which a factor is tried, and the share of them that must be sound: tails may round to an edge."""
ALTERNATIVES = (("logits", "probs"), ("scale_tril", "covariance_matrix", "precision_matrix"))


def from_distributions(
    name: str,
    *,
    prior: Any,
    posterior: Any,
    kind: str | None = None,
    features: Callable[[Tensor], Tensor] | None = None,
) -> type[Latent]:
    """Return a family of latent factors; called with a dimension it gives a factor.

    The encoder head holds one unconstrained real for every number in ``posterior.arg_constraints``, taken to its
    constraint by :func:`torch.distributions.biject_to`. The KL is exact where torch or Pyro register one, else by Monte
    Carlo; :meth:`priors.Space.describe` says which.

    >>> import pyro.distributions as dist
    >>> Heavy = from_distributions("heavy", prior=dist.StudentT(3.0), posterior=dist.StudentT)
    >>> Heavy(2).describe("z")["kl"], Heavy(2).posterior(torch.zeros(5, 6)).event_shape
    ('Monte Carlo', torch.Size([2]))

    Parameters
    ----------
    name
        Start of the label and of the Pyro site, ``z_heavy2``.
    prior
        A distribution of one coordinate (repeated) or of all d, or what returns one when called without arguments: a
        function, a module such as a zuko flow. Its modules become the factor's own parameters.
    posterior
        Class with reparametrised draws or enumerable support, or a ``functools.partial`` of one.
    kind
        ``real`` by default, ``angle``, ``simplex`` or ``category`` where the support says so.
    features
        What the decoder sees of z ``(..., d)``; z itself by default.

    Raises
    ------
    TypeError
        On making a factor: the posterior has neither, or a parameter whose constraint involves another one, or draws
        outside the prior's support.
    ValueError
        On making a factor: the prior's event shape does not fit the dimension.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"] in (__name__, Latent.__module__):
        frame = frame.f_back
    attributes = {
        "symbol": name,
        "family": posterior,
        "template": staticmethod(lambda: prior),
        "chosen_kind": kind,
        "chosen_features": staticmethod(features) if features else None,
        "__module__": frame.f_globals["__name__"],
        "__doc__": f"Family {name!r} of a user.",
    }
    return type(name, (Generic,), attributes)


class Generic(Latent):
    """Base of the families that :func:`from_distributions` makes; d is the dimension.

    Raises
    ------
    TypeError, ValueError
        The two distributions do not make a factor; see :func:`from_distributions`.
    """

    template: ClassVar[Any]
    chosen_kind: ClassVar[str | None] = None
    chosen_features: ClassVar[Any] = None

    def __init__(self, dim: int) -> None:
        constraints = parameter_constraints(self.symbol, self.family)
        shapes = parameter_shapes(constraints, dim)
        chosen = self.chosen_features
        size = dim if chosen is None else chosen(torch.zeros(1, dim)).shape[-1]
        super().__init__(dim, outputs=sum(shape.numel() for shape in shapes.values()), features=size)
        self.transforms = {key: (shapes[key], unconstrained(constraint)) for key, constraint in constraints.items()}
        self._prior = copy.deepcopy(self.template())
        for key, (shape, transform) in self.transforms.items():
            self.register_buffer(f"start_{key}", start_of(self._prior, self.family, key, shape, transform), False)
        self.modules_of_prior = nn.ModuleList(modules_in(self._prior))
        self.infer = self._estimator()
        self._try()

    def _estimator(self) -> Any:
        """Return how Pyro is to treat the site: reparametrised, or enumerated."""
        with self._reasons():
            posterior = self.posterior(torch.zeros(1, self.outputs))
        self.kind = self.chosen_kind or kind_of(posterior)  # type: ignore[misc]
        if posterior.has_rsample:
            return {}
        if posterior.has_enumerate_support and posterior.event_shape == (self.dim,) and self.kind == "category":
            return {"enumerate": "parallel"}
        raise TypeError(
            f"{self.symbol}: {getattr(self.family, '__name__', self.family)} has neither reparametrised draws nor an "
            "enumerable one-hot support, so no gradient would reach the encoder"
        )

    def _try(self) -> None:
        """Draw from posteriors and weigh the draws by the prior, before an encoder does."""
        self.prior()
        with self._reasons(), torch.random.fork_rng(devices=[]), torch.no_grad(), pyro.validation_enabled(False):
            torch.manual_seed(0)
            posterior = self.posterior(torch.randn(TRIALS, self.outputs))
            self.point(posterior)
            inside, finite = weighed(self.prior(), posterior)
        if inside < MOST_OF:
            raise TypeError(
                f"{self.symbol}: {1 - inside:.0%} of the posterior's draws lie outside the prior's support, where the "
                "KL is infinite; fix what moves it, as functools.partial(dist.Pareto, scale=1.0) does"
            )
        if finite < MOST_OF:
            raise TypeError(f"{self.symbol}: the densities of {1 - finite:.0%} of the posterior's draws are not finite")

    @contextmanager
    def _reasons(self) -> Iterator[None]:
        """Say in one line what a distribution does that a factor cannot."""
        try:
            yield
        except Exception as error:
            needed = "a factor needs draws, log_prob and mean" if isinstance(error, NotImplementedError) else ""
            said = next(iter(str(error).strip().splitlines()), needed)
            raise TypeError(
                f"{self.symbol}: these distributions make no factor of dimension {self.dim}: "
                + ": ".join(filter(None, [type(error).__name__, said]))
            ) from error

    def prior(self) -> Any:
        """Return p(z), event shape ``(d,)``.

        Raises
        ------
        ValueError
            The given prior is of another dimension.
        """
        made = self._prior
        made = moved(made, self._anchor) if isinstance(made, Distribution) else made()
        made = made if isinstance(made, TorchDistributionMixin) else Flow(made)
        if made.event_shape == () and made.batch_shape in ((), (self.dim,)):
            made = made.expand([self.dim]).to_event(1)
        if made.event_shape != (self.dim,) or made.batch_shape != ():
            shapes = f"batch shape {tuple(made.batch_shape)} and event shape {tuple(made.event_shape)}"
            raise ValueError(f"{self.symbol}: a prior with {shapes} does not fit dimension {self.dim}")
        return made

    def posterior(self, head: Tensor) -> Any:
        """Return q(z|x), event shape ``(d,)``, from ``head`` ``(..., outputs)``."""
        pieces = head.split([shape.numel() for shape, _ in self.transforms.values()], dim=-1)
        parameters = {
            key: transform(piece.reshape((*head.shape[:-1], *shape)) + getattr(self, f"start_{key}"))
            for (key, (shape, transform)), piece in zip(self.transforms.items(), pieces, strict=True)
        }
        made = self.family(**parameters)
        return made.to_event(1) if made.event_shape == () else made

    def sample_posterior(self, site: str, head: Tensor) -> Any:
        """Draw the factor ``(..., d)`` from ``head`` ``(..., outputs)`` in a Pyro guide.

        Raises
        ------
        ValueError
            The head holds NaN or infinity, while Pyro validates.
        """
        return pyro.sample(site, self.posterior(checked(head, site)), infer=self.infer.copy())

    def features(self, z: Tensor) -> Tensor:
        """Return what the decoder sees, ``(..., features_size)``."""
        return z if self.chosen_features is None else self.chosen_features(z)

    def point(self, posterior: Any) -> Tensor:
        """Return the mean, or the location of a posterior without one, ``(..., d)``."""
        mean = posterior.mean
        loc = getattr(getattr(posterior, "base_dist", posterior), "loc", mean)
        return torch.where(mean.isfinite(), mean, loc)


def weighed(prior: Any, posterior: Any) -> tuple[float, float]:
    """Return the share of a posterior's draws inside the prior's support, and of those with finite densities."""
    z = posterior.rsample() if posterior.has_rsample else posterior.sample()
    try:
        inside = prior.support.check(z)
    except (AttributeError, NotImplementedError):  # of a flow from elsewhere
        inside = torch.ones(())
    nats = kl_per_coordinate(posterior, prior, z).sum(-1) + prior.log_prob(z) + posterior.log_prob(z)
    return float(inside.float().mean()), float(nats.isfinite().float().mean())


class Flow(ZukoToPyro):
    """A flow from outside Pyro, such as zuko's: a distribution that draws and has a ``log_prob``, as Pyro's are."""

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw without gradients, ``(*sample_shape, d)``."""
        return self.dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw with gradients, ``(*sample_shape, d)``."""
        return self.dist.rsample(sample_shape)


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


def kind_of(distribution: Any) -> str:
    """Return ``category`` for one-hot vectors, ``simplex`` for weights, ``angle`` on the circle, else ``real``."""
    names = {"OneHot": "category", "Simplex": "simplex", "Circular": "angle"}
    return names.get(describe_support(distribution), "real")
