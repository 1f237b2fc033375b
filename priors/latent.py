"""One factor of a latent space: a prior, a posterior family, an encoder head and decoder features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pyro
import torch
from torch import Tensor, nn
from torch.distributions import TransformedDistribution

from priors.constraints import coordinate_support, unwrap
from priors.kl import describe_kl
from priors.lookup import user_address
from priors.text import format_options

UNITS = {"angle": "rad"}
"""Kind of coordinate -> its unit; other kinds are pure numbers."""


class Latent(nn.Module):
    r"""A latent factor z with prior p(z) and amortised posterior q(z | x).

    A family is a subclass that names its letter and posterior class and says how to build the two
    distributions; everything else (sites, strings, products, the ELBO, the analysis) follows:

    >>> import pyro.distributions as dist
    >>> class Laplace(Latent):
    ...     symbol, family = "Laplace", dist.Laplace
    ...     def __init__(self, dim):
    ...         super().__init__(dim, outputs=2 * dim)
    ...     def prior(self):
    ...         return dist.Laplace(0.0, 1.0).expand([self.dim]).to_event(1)
    ...     def posterior(self, head):
    ...         loc, log_scale = head.chunk(2, dim=-1)
    ...         return dist.Laplace(loc, log_scale.exp()).to_event(1)
    >>> Laplace(2).label, Laplace(2).outputs, Laplace(2).features_size
    ('Laplace2', 4, 2)

    :meth:`from_distributions` writes such a class from a prior and a posterior distribution.

    Parameters
    ----------
    dim
        Dimension written in the latent string (``4`` in ``R4``).
    outputs
        Width of the encoder head: number of unconstrained reals per jet.
    features
        Number of decoder inputs; default ``dim``.
    options
        What else the latent string needs to rebuild the factor (``alpha`` of ``D3(alpha=1,.25,.1)``).

    Raises
    ------
    ValueError
        ``dim`` is not a whole number of at least 1.
    """

    symbol: ClassVar[str]
    """Letter of the family in a latent string, and start of its label."""
    family: ClassVar[Any]
    """Class of the posterior, a Pyro distribution (before ``to_event``)."""
    kind: ClassVar[str] = "real"
    """What a coordinate is: ``real``, ``angle``, ``direction``, ``simplex`` or ``category``."""

    _anchor: Tensor

    def __init__(
        self, dim: int, *, outputs: int, features: int | None = None, options: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        if not isinstance(dim, int) or isinstance(dim, bool) or dim < 1:
            raise ValueError(f"{type(self).__name__} needs a whole dimension >= 1, got {dim!r}")
        self.dim = dim
        self.outputs = outputs
        self.features_size = dim if features is None else features
        self.options = options or {}
        self.register_buffer("_anchor", torch.zeros(()), persistent=False)

    # What a family defines -------------------------------------------------------------------------------------

    def prior(self) -> Any:
        """Return p(z), a Pyro distribution with batch shape () and the whole factor as its event."""
        raise NotImplementedError

    def posterior(self, head: Tensor) -> Any:
        """Return q(z | x), batch shape ``(...)``, from encoder outputs ``(..., outputs)``."""
        raise NotImplementedError

    def features(self, z: Any) -> Tensor:
        """Return the smooth functions of z that the decoder sees, ``(..., features_size)``."""
        return z

    def coordinates(self, z: Any) -> Tensor:
        """Return z in the coordinates that a reader wants (an angle, simplex weights), ``(..., n)``."""
        return z

    def point(self, posterior: Any) -> Tensor:
        """Return the posterior's centre in the same coordinates, ``(..., n)``."""
        return self.coordinates(posterior.mean)

    def information(self, head: Tensor) -> Tensor | None:
        """Return the KL to report in nats, ``(..., n)``, where the KL of training is not it; else None.

        A relaxed category costs more in training than ln K, the largest information that a category holds.
        """
        return None

    def narrowed(self, head: Tensor, width: Tensor) -> Tensor:
        """Return the head ``(..., outputs)`` of a posterior narrower by about ``width`` ``(..., 1)``, from 0 to 1.

        Where a model covers a range of resolutions, posteriors start narrow at the fine end. The head as it is, for
        families that do not say how.
        """
        return head

    def anneal(self, progress: float) -> None:
        """Follow a schedule of training, ``progress`` from 0 to 1, called before each epoch; by default none."""

    def connect(self, encode: Callable[[Tensor], Tensor], inputs: Tensor) -> None:
        """Take the encoder and inputs ``(N, ...)`` to start from, for a prior that is made of posteriors.

        ``encode`` maps inputs ``(N, ...)`` to this factor's heads ``(N, outputs)``. By default nothing is taken.
        """

    @staticmethod
    def from_distributions(name: str, *, prior: Any, posterior: Any, **reported: Any) -> type[Latent]:
        """Return a family made of a prior and a posterior; see :func:`priors.generic.from_distributions`.

        >>> import pyro.distributions as dist
        >>> Heavy = Latent.from_distributions("laplace", prior=dist.Laplace(0.0, 1.0), posterior=dist.Laplace)
        >>> Heavy(2).outputs, Heavy(2).label
        (4, 'laplace2')
        """
        from priors.generic import from_distributions

        return from_distributions(name, prior=prior, posterior=posterior, **reported)

    # What a family inherits ------------------------------------------------------------------------------------

    @property
    def coordinate_count(self) -> int:
        """Number of reported coordinates."""
        return self.dim

    @property
    def coordinate_labels(self) -> tuple[str, ...]:
        """Name of each coordinate, behind the factor's label: ``0``, ``1``, ..."""
        return tuple(map(str, range(self.coordinate_count)))

    @property
    def coordinate_kinds(self) -> tuple[str, ...]:
        """Kind of each reported coordinate."""
        return (self.kind,) * self.coordinate_count

    @property
    def coordinate_units(self) -> tuple[str, ...]:
        """Unit of each reported coordinate: ``rad`` of an angle, ``""`` of a pure number."""
        return tuple(UNITS.get(kind, "") for kind in self.coordinate_kinds)

    @property
    def coordinate_factors(self) -> tuple[str, ...]:
        """Label of the factor that each reported coordinate belongs to: this one's."""
        return (self.label,) * self.coordinate_count

    @property
    def label(self) -> str:
        """Short name without options; it names the Pyro site, ``z_<label>``."""
        return f"{self.symbol}{self.dim}"

    def sample_prior(self, site: str) -> Any:
        """Draw the factor from its prior in a Pyro model, at the sample site of that name."""
        return pyro.sample(site, self.prior())

    def sample_posterior(self, site: str, head: Tensor) -> Any:
        """Draw the factor from its posterior, given ``head`` ``(..., outputs)``, in a Pyro guide.

        Raises
        ------
        ValueError
            The head holds NaN or infinity, while Pyro validates.
        """
        return pyro.sample(site, self.posterior(checked(head, site)))

    def describe_sites(self, site: str) -> list[dict[str, Any]]:
        """Return the rows of :meth:`priors.Space.describe`: one for each Pyro site."""
        return [self.describe(site)]

    def describe(self, site: str) -> dict[str, Any]:
        """Return the row of one site: coordinates, kind, support, prior, posterior, KL and sizes."""
        # not at zero, where a posterior may be its prior, and have a KL that it has nowhere else
        heads = torch.linspace(0.1, 0.5, self.outputs).to(self._anchor).unsqueeze(0)
        prior, posterior = self.prior(), self.posterior(heads)
        return {
            "site": site,
            "factor": str(self),
            "coordinates": self.coordinate_count,
            "kind": self.kind,
            "support": describe_support(posterior),
            "prior": describe_distribution(prior),
            "posterior": type(unwrap(posterior)).__name__.removesuffix("Distribution"),
            "kl": describe_kl(posterior, prior),
            "encoder_outputs": self.outputs,
            "decoder_features": self.features_size,
        }

    def __mul__(self, other: Any) -> Any:
        from priors.space import Space

        return Space(self) * other

    def __or__(self, other: Any) -> Any:
        from priors.space import Space

        return Space(self) | other

    def __str__(self) -> str:
        address, options = user_address(type(self)), format_options(self.options)
        if address is None:
            return self.label + options
        return f"{address}({', '.join([str(self.dim), *filter(None, [options[1:-1]])])})"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Latent) and str(self) == str(other)

    # Modules are collected by identity: two equal factors of one product keep their own parameters.
    __hash__ = nn.Module.__hash__


def checked(head: Tensor, site: str) -> Tensor:
    """Return ``head`` ``(..., outputs)`` after asserting that it is finite, while Pyro's validation is on.

    Raises
    ------
    ValueError
        The encoder's output for ``site`` holds NaN or infinity.
    """
    if torch.distributions.Distribution._validate_args and not torch.isfinite(head).all():
        bad = (~torch.isfinite(head)).sum().item()
        raise ValueError(f"site {site}: the encoder returned {bad} NaN or infinite values; lower the learning rate")
    return head


def describe_distribution(distribution: Any) -> str:
    """Return one line on a distribution and its parameters, of which long ones are given by their shape.

    >>> import pyro.distributions as dist
    >>> describe_distribution(dist.Normal(torch.zeros(2), torch.tensor([1.0, 2.0])).to_event(1))
    'Normal(loc=0, scale(2,))'
    >>> describe_distribution(dist.LogNormal(0.0, 1.0))
    'LogNormal(loc=0, scale=1)'
    """
    base = unwrap(distribution)
    parts = []
    for name in getattr(base, "arg_constraints", {}):
        value = getattr(base, name) if isinstance(base, TransformedDistribution) else base.__dict__.get(name)
        if isinstance(value, Tensor):
            values = value.detach().unique()
            parts.append(f"{name}={values.item():g}" if len(values) == 1 else f"{name}{tuple(value.shape)}")
    return f"{type(base).__name__.removesuffix('Distribution')}({', '.join(parts)})"


def describe_support(distribution: Any) -> str:
    """Return the name of the support of one coordinate: ``Real``, ``Circular``, ``Simplex``, ..."""
    return str(coordinate_support(distribution)).removesuffix("()")
