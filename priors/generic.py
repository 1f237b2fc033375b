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
from torch.distributions import Distribution

from priors.holding import modules_in, moved
from priors.kumaraswamy import as_ours
from priors.latent import Latent, checked, describe_support
from priors.matching import TRIALS, DimensionError, MismatchError, assert_affordable, assert_matched, assert_tails
from priors.parameters import bounds_of, parameter_constraints, parameter_shapes, start_of, unconstrained


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
    constraint by :func:`torch.distributions.biject_to` within :data:`priors.parameters.BOUNDS`. The KL is exact where
    torch or Pyro register one, else by Monte Carlo; :meth:`priors.Space.describe` says which.

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
        On making a factor: the posterior has neither, or a parameter whose constraint involves another one, or cannot
        be weighed by the prior (:func:`priors.matching.assert_matched`).
    DimensionError
        On making a factor: the prior's event shape does not fit the dimension.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__") in (__name__, Latent.__module__):
        frame = frame.f_back
    attributes = {
        "symbol": name,
        "family": staticmethod(as_ours(posterior)),
        "template": staticmethod(lambda: as_ours(prior)),
        "chosen_kind": kind,
        "chosen_features": staticmethod(features) if features else None,
        "__module__": frame.f_globals.get("__name__", "__main__"),
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
        for distribution in (self.family, self.template()):
            assert_affordable(self.symbol, distribution)
        shapes = parameter_shapes(constraints, dim)
        chosen = self.chosen_features
        size = dim if chosen is None else chosen(torch.zeros(1, dim)).shape[-1]
        super().__init__(dim, outputs=sum(shape.numel() for shape in shapes.values()), features=size)
        self.transforms = {key: (shapes[key], unconstrained(constraint)) for key, constraint in constraints.items()}
        self.bounds = {key: bounds_of(key, constraint) for key, constraint in constraints.items()}
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
        with self._reasons(), torch.random.fork_rng(devices=[]), torch.no_grad(), pyro.validation_enabled(False):
            torch.manual_seed(0)
            self.prior()
            posterior = self.posterior(torch.randn(TRIALS, self.outputs))
            self.point(posterior)
            assert_matched(self.symbol, self.prior(), posterior)
            assert_tails(self.symbol, self.prior(), self.posterior(torch.zeros(1, self.outputs)))

    @contextmanager
    def _reasons(self) -> Iterator[None]:
        """Say in one line what a distribution does that a factor cannot."""
        try:
            yield
        except (MismatchError, DimensionError):
            raise
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
        DimensionError
            The given prior is of another dimension.
        """
        made = self._prior
        made = moved(made, self._anchor) if isinstance(made, Distribution) else made()
        made = made if isinstance(made, TorchDistributionMixin) else Flow(made)
        if made.event_shape == () and made.batch_shape in ((), (self.dim,)):
            made = made.expand([self.dim]).to_event(1)
        if made.event_shape != (self.dim,) or made.batch_shape != ():
            shapes = f"batch shape {tuple(made.batch_shape)} and event shape {tuple(made.event_shape)}"
            raise DimensionError(f"{self.symbol}: a prior with {shapes} does not fit dimension {self.dim}")
        return made

    def posterior(self, head: Tensor) -> Any:
        """Return q(z|x), event shape ``(d,)``, from ``head`` ``(..., outputs)``."""
        pieces = head.split([shape.numel() for shape, _ in self.transforms.values()], dim=-1)
        parameters = {}
        for (key, (shape, transform)), piece in zip(self.transforms.items(), pieces, strict=True):
            unbounded = piece.reshape((*head.shape[:-1], *shape)) + getattr(self, f"start_{key}")
            bounds = self.bounds[key]
            parameters[key] = transform(unbounded if bounds is None else unbounded.clamp(*bounds))
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


class Flow(ZukoToPyro):
    """A flow from outside Pyro, such as zuko's: a distribution that draws and has a ``log_prob``, as Pyro's are."""

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw without gradients, ``(*sample_shape, d)``."""
        return self.dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw with gradients, ``(*sample_shape, d)``."""
        return self.dist.rsample(sample_shape)


def kind_of(distribution: Any) -> str:
    """Return ``category`` for one-hot vectors, ``simplex`` for weights, ``angle`` on the circle, else ``real``."""
    names = {"OneHot": "category", "Simplex": "simplex", "Circular": "angle"}
    return names.get(describe_support(distribution), "real")
