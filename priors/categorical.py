"""``C3``: a category, enumerated exactly, or sampled with a straight-through or relaxed gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import pyro
import pyro.distributions as dist
import torch
from torch import Tensor, nn
from torch.distributions import kl_divergence, register_kl
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical as TorchExpRelaxedCategorical

from priors.latent import Latent, checked

COLDEST = 0.02  # below, a relaxed draw's gradient is noise


class Categorical(Latent):
    r"""One of K categories as a one-hot vector, summed over exactly: a gradient without sampling noise.

    The head holds K logits; prior weights are uniform, given, or learned (started from the given ones).
    Exact KL, one number: :math:`\sum_k q_k \ln(q_k/p_k)`. The guide's site carries
    ``infer={"enumerate": "parallel"}``: our objective and Pyro's ``TraceEnum_ELBO`` sum over it, anything else draws.

    >>> Categorical(3), Categorical(2, weights=(0.9, 0.1)), Categorical(2, learn=True).prior().probs.tolist()
    (C3, C2(weights=0.9,0.1), [0.5, 0.5])

    Parameters
    ----------
    dim
        K, at least 2.
    weights
        K positive prior weights; they are normalised.
    learn
        Whether the weights are parameters.

    Raises
    ------
    ValueError
        Fewer than two categories, or not one positive weight for each.
    """

    symbol = "C"
    family: ClassVar[Any] = dist.OneHotCategorical
    kind = "category"
    posterior_name: ClassVar[str] = "enumerate"
    """What a latent string calls the way the posterior is treated."""
    infer: Any = {"enumerate": "parallel"}  # noqa: RUF012
    _logits: Tensor

    def __init__(self, dim: int, weights: Sequence[float] | None = None, learn: bool = False) -> None:
        values = (1.0,) * dim if weights is None else tuple(float(w) for w in weights)
        if dim < 2 or len(values) != dim or not all(0 < w < math.inf for w in values):
            raise ValueError(f"a category needs 2 values or more and a positive weight for each, got {dim}, {weights}")
        given = {"weights": values} if weights is not None else {}
        if not isinstance(learn, bool):
            raise ValueError(f"learn is true or false, got {learn!r}")
        super().__init__(dim, outputs=dim, options=given | ({"learn": True} if learn else {}))
        logits = torch.tensor([math.log(w / sum(values)) for w in values], dtype=torch.get_default_dtype())
        if learn:
            self._logits = nn.Parameter(logits)
        else:
            self.register_buffer("_logits", logits, persistent=False)

    def prior(self) -> dist.TorchDistribution:
        """Category with the prior weights, event shape ``(K,)``."""
        return dist.OneHotCategorical(logits=self._logits)

    def posterior(self, head: Tensor) -> dist.TorchDistribution:
        """Category with logits ``head`` ``(..., K)``."""
        return self.family(logits=head)

    def sample_posterior(self, site: str, head: Tensor) -> Any:
        """Draw the category from ``head`` ``(..., K)`` in a Pyro guide, or take its K values under enumeration.

        Raises
        ------
        ValueError
            The head holds NaN or infinity, while Pyro validates.
        """
        return pyro.sample(site, self.posterior(checked(head, site)), infer=self.infer.copy())

    def information(self, head: Tensor) -> Tensor:
        """Return the KL between the categories themselves in nats, ``(..., 1)``, whatever the training cost."""
        return kl_divergence(dist.OneHotCategorical(logits=head), dist.OneHotCategorical(logits=self._logits))[
            ..., None
        ]


class StraightThroughOneHotCategorical(dist.OneHotCategorical):
    r"""One-hot draws whose gradient is exact for decoders up to second order (ReinMax, Liu et al. 2304.08612, eq. 8).

    .. math::
        \nabla_{ReinMax} = 2 \nabla\,\mathrm{softmax}(l)\big|_{(D + p)/2} - \tfrac{1}{2} \nabla\,\mathrm{softmax}(l)

    D is the draw and p its probabilities, l their logits. The plain straight-through gradient (1308.3432), that of p
    alone, is exact up to first order only.
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Draw one-hot vectors ``(..., K)`` by the Gumbel-max trick."""
        shape = self._extended_shape(sample_shape)
        probs, logits = self.probs.expand(shape), self.logits.expand(shape)
        exponential = -torch.rand_like(probs).clamp(min=torch.finfo(probs.dtype).tiny).log()
        hard = torch.zeros_like(probs).scatter(-1, (probs / exponential).argmax(-1, keepdim=True), 1.0)
        middle = ((hard + probs) / 2).detach().log() + (logits - logits.detach())
        soft = 2 * middle.softmax(-1) - probs / 2
        return hard + (soft - soft.detach())


class StraightThroughCategorical(Categorical):
    r"""A category drawn as one-hot, with a straight-through gradient of second order (ReinMax, 2304.08612).

    One draw instead of K decoder passes; the gradient is unbiased where the log likelihood is quadratic in the
    features (a linear decoder under a normal likelihood), and biased beyond; the KL is the exact one.

    >>> StraightThroughCategorical(3)
    C3(posterior=straight-through)
    """

    family = StraightThroughOneHotCategorical
    posterior_name = "straight-through"
    infer: Any = {}  # noqa: RUF012

    def __init__(self, dim: int, weights: Sequence[float] | None = None, learn: bool = False) -> None:
        super().__init__(dim, weights, learn)
        self.options = {"posterior": self.posterior_name, **self.options}


class ExpRelaxedCategorical(TorchExpRelaxedCategorical, dist.torch_distribution.TorchDistributionMixin):
    """Logarithm of a Gumbel-softmax draw (Maddison et al. 1611.00712, appendix C.3): finite at any temperature."""


class ExpRelaxedDiscrete(ExpRelaxedCategorical):
    """The same draws, whose KL is that of the categories."""


@register_kl(ExpRelaxedDiscrete, ExpRelaxedCategorical)
@register_kl(StraightThroughOneHotCategorical, dist.OneHotCategorical)
def _kl_discrete(q: Any, p: Any) -> Tensor:
    """KL of two categories with finite logits; torch's own indexes by a mask, which a vectorised step cannot."""
    return (q.probs * (q.logits - p.logits)).sum(-1)


class RelaxedCategorical(Categorical):
    r"""A category relaxed to the simplex by Gumbel-softmax noise (Jang et al. 1611.01144, Maddison et al. 1611.00712).

    The site's value is the logarithm of the weights, of which the decoder sees the exponential. KL by Monte Carlo
    between the relaxed densities: at any temperature a larger cost than the category's own, which
    :meth:`information` returns, so that training stops short of the information that a category would take up. With
    ``kl=discrete`` (Jang's choice) the cost is the category's own: no bound on ln p(x) of the relaxed model, but in
    the limit of low temperatures that of the category.

    >>> relaxed = RelaxedCategorical(3, temperature=(1, 0.3))
    >>> relaxed.anneal(1.0); relaxed, round(float(relaxed.temperature), 3)
    (C3(posterior=relaxed,temperature=1,0.3), 0.3)

    Parameters
    ----------
    temperature
        One temperature, or those at the start and the end of training.
    kl
        ``relaxed`` or ``discrete``.

    Raises
    ------
    ValueError
        Not one or two temperatures of at least 0.02; another ``kl``; and as :class:`Categorical`.
    """

    family = ExpRelaxedCategorical
    families: ClassVar[dict[str, Any]] = {"relaxed": ExpRelaxedCategorical, "discrete": ExpRelaxedDiscrete}
    posterior_name = "relaxed"
    temperature: Tensor
    infer: Any = {}  # noqa: RUF012

    def __init__(
        self,
        dim: int,
        weights: Sequence[float] | None = None,
        learn: bool = False,
        temperature: float | Sequence[float] = 0.5,
        kl: str = "relaxed",
    ) -> None:
        values = (temperature,) if isinstance(temperature, int | float) else tuple(temperature)
        values = tuple(float(t) for t in values)
        if len(values) not in (1, 2) or not all(COLDEST <= t < math.inf for t in values):
            raise ValueError(f"temperature is one number or two (start, end), at least {COLDEST}, got {temperature}")
        if kl not in self.families:
            raise ValueError(f"kl is one of {', '.join(self.families)}; got {kl!r}")
        super().__init__(dim, weights, learn)
        own = {"posterior": self.posterior_name, "temperature": values} | ({"kl": kl} if kl != "relaxed" else {})
        self.options, self.drawn = own | self.options, self.families[kl]
        self.register_buffer("temperature", torch.tensor(values[0]))

    def anneal(self, progress: float) -> None:
        r"""Set the temperature :math:`\tau = \tau_0 (\tau_1/\tau_0)^p` at ``progress`` p of training, from 0 to 1."""
        start, end = self.options["temperature"][0], self.options["temperature"][-1]
        self.temperature.fill_(start * (end / start) ** progress)

    def prior(self) -> dist.TorchDistribution:
        """Relaxed category with the prior weights at the same temperature, event shape ``(K,)``."""
        return ExpRelaxedCategorical(self.temperature, logits=self._logits)

    def posterior(self, head: Tensor) -> dist.TorchDistribution:
        """Relaxed category with logits ``head`` ``(..., K)``."""
        return self.drawn(self.temperature, logits=head)

    def features(self, z: Tensor) -> Tensor:
        """Return the weights ``(..., K)``."""
        return z.exp()

    def coordinates(self, z: Tensor) -> Tensor:
        """Return the weights ``(..., K)``."""
        return z.exp()

    def point(self, posterior: Any) -> Tensor:
        """Return the probabilities ``(..., K)``."""
        return posterior.probs


POSTERIORS: dict[str, type[Categorical]] = {
    family.posterior_name: family for family in (Categorical, StraightThroughCategorical, RelaxedCategorical)
}


def categorical(dim: int, posterior: str = "enumerate", method: str | None = None, **options: Any) -> Categorical:
    """Build a category by the name of its posterior, as a latent string does.

    ``method`` is the option's name in runs of before; ``straight_through`` was written so.

    >>> categorical(3, posterior="relaxed", temperature=0.3), categorical(3, method="straight_through")
    (C3(posterior=relaxed,temperature=0.3), C3(posterior=straight-through))

    Raises
    ------
    ValueError
        The posterior is none of ``enumerate``, ``straight-through``, ``relaxed``.
    """
    name = posterior if method is None else str(method).replace("_", "-")
    if name not in POSTERIORS:
        raise ValueError(f"the posterior of C{dim} is one of {', '.join(POSTERIORS)}; got {name!r}")
    return POSTERIORS[name](dim, **options)
