"""p(x | z): how far a decoded jet may lie from the jet, at resolution beta."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pyro.distributions as dist
import torch
from pyro.distributions import TorchDistribution
from torch import Tensor, nn
from torch.distributions import constraints

from jets.emd.metrics import DISTANCES
from jets.errors import UserError


class PixelCounts(TorchDistribution):
    r"""N pseudo-counts spread over pixels with probabilities softmax(logits): a multinomial of real counts N x.

    .. math::
        \ln p(x) = -N\,\mathrm{KL}(x\,\|\,p) = N\sum_k x_k \ln\frac{p_k}{x_k}, \qquad x_k \ge 0,\ \sum_k x_k = 1

    The cross-entropy of N pseudo-counts, less the entropy of x, so that a perfect image costs nothing. The entropy
    does not depend on the parameters. It is a density with respect to :math:`e^{-N H(x)}dx`.

    Parameters
    ----------
    logits
        ``(..., K)`` unnormalised log probabilities.
    counts
        N, positive.
    """

    arg_constraints = {"logits": constraints.real_vector}  # noqa: RUF012 (the name that torch reads)
    support = constraints.simplex

    def __init__(self, logits: Tensor, counts: float | Tensor, validate_args: bool | None = None) -> None:
        self.logits, self.counts = logits, counts
        super().__init__(logits.shape[:-1], logits.shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> PixelCounts:
        """Return the distribution with the given batch shape."""
        return PixelCounts(self.logits.expand(*batch_shape, *self.event_shape), self.counts, validate_args=False)

    @property
    def mean(self) -> Tensor:
        """Pixel probabilities ``(..., K)``."""
        return self.logits.softmax(-1)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Spread ceil(N) counts over the pixels and normalise; N may be a number for each jet."""
        if torch.as_tensor(self.counts).numel() == 1:
            total = math.ceil(float(self.counts))
            return dist.Multinomial(total, logits=self.logits).sample(sample_shape) / total
        totals = torch.as_tensor(self.counts).ceil().expand(self._extended_shape(sample_shape)[:-1]).unsqueeze(-1)
        most = int(totals.max())
        pixel = dist.Categorical(logits=self.logits).sample((most, *sample_shape)).movedim(0, -1)
        counted = (torch.arange(most, device=totals.device) < totals).to(self.logits.dtype)
        return counted.new_zeros(*pixel.shape[:-1], *self.event_shape).scatter_add(-1, pixel, counted) / totals

    def log_prob(self, value: Tensor) -> Tensor:
        """Return -N KL(value || p), shape of the batch."""
        if self._validate_args:
            self._validate_sample(value)
        entropy = -(value * value.clamp(min=torch.finfo(value.dtype).tiny).log()).sum(-1)  # xlogy is four times slower
        return self.counts * ((value * self.logits.log_softmax(-1)).sum(-1) + entropy)


class UnnormalisedError(UserError, NotImplementedError):
    """Jets are to be drawn from a likelihood whose normalisation is not known."""


class EnergyMover(TorchDistribution):
    r"""Jets at an Energy Mover's Distance of about beta from a decoded jet: the metric as a likelihood.

    .. math::
        \ln p(x) = -\frac{\mathrm{EMD}(x, \hat x)^2}{2\beta^2} \ \text{(power 2)} \qquad\text{or}\qquad
        \ln p(x) = -\frac{\mathrm{EMD}(x, \hat x)}{\beta} \ \text{(power 1)}

    Not normalised (``normalised = False``): the volume of jets within a distance is not known, and taken as constant.
    Collins, 2109.10919, eq. 2.

    Parameters
    ----------
    cloud
        The decoded jet ``(..., n, 3)``: weight, eta, phi [rad].
    beta
        Resolution, in the unit of the distance: of R for normalised jets, else of the weights.
    power
        2 or 1.
    distance
        Function of two clouds in place of the Energy Mover's Distance, such as those of :mod:`jets.emd.metrics`.
    options
        Its further arguments; of :func:`jets.emd.emd`: ``R``, ``normalise``, ``tolerance``, ``method``.
    """

    arg_constraints = {}  # noqa: RUF012 (the name that torch reads)
    support = constraints.independent(constraints.real, 2)
    normalised = False

    def __init__(
        self,
        cloud: Tensor,
        beta: float | Tensor,
        power: int = 2,
        distance: Callable[..., Tensor] = DISTANCES["fused"],
        **options: Any,
    ) -> None:
        if power not in (1, 2):
            raise ValueError(f"power is 2 (Gaussian-like) or 1 (Laplace-like), got {power}")
        self.cloud, self.beta, self.power, self.distance, self.options = cloud, beta, power, distance, options
        super().__init__(cloud.shape[:-2], cloud.shape[-2:], validate_args=False)

    def expand(self, batch_shape: Any, _instance: Any = None) -> EnergyMover:
        """Return the distribution with the given batch shape."""
        cloud = self.cloud.expand(*batch_shape, *self.event_shape)
        return EnergyMover(cloud, self.beta, self.power, self.distance, **self.options)

    @property
    def mean(self) -> Tensor:
        """The decoded jet."""
        return self.cloud

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Refuse: there is no way to draw jets at a distance.

        Raises
        ------
        UnnormalisedError
            Always.
        """
        raise UnnormalisedError(
            "EnergyMover is an unnormalised likelihood: jets can be scored, not drawn, from it; the jet decoded from "
            "latents z is vae.decode(vae.latent.features(z)).mean"
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the unnormalised log likelihood of jets ``(..., m, 3)``, shape of the batch."""
        distance = self.distance(value, self.cloud, **self.options)
        return -distance / self.beta if self.power == 1 else -(distance**2) / (2 * self.beta**2)


class Likelihood(nn.Module):
    r"""p(x | z) at resolution ``beta``, a buffer: a schedule moves it, and it is no part of the weights.

    .. math:: -\ln p(x|z) = \frac{D(x, \hat x)}{c\,\beta^p} + n(\beta)

    with the distortion D, its ``power`` p, c = p, and a normaliser n. ``beta`` is one number, or ``(B,)``.
    """

    beta: Tensor
    power = 2

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.register_buffer("beta", torch.tensor(float(beta)), persistent=False)

    def normaliser(self, x: Tensor) -> Tensor:
        """Return the part n of -ln p(x | z) that depends on beta alone [nat], shape of beta."""
        return torch.zeros_like(self.beta)

    def distortion(self, reconstruction: Tensor, x: Tensor) -> Tensor:
        """Return D ``(B,)`` from -ln p(x | z) ``(B,)``: the squared distance, or the distance where the power is 1."""
        return (reconstruction - self.normaliser(x)) * self.power * self.beta**self.power


class Pixels(Likelihood):
    r"""Pixel cross-entropy with :math:`N = 1/\beta` pseudo-counts, beta = Dillon's beta_KL.

    Minus the ELBO is then :math:`N\,(\mathrm{KL}(x\|\hat x) + \beta_{KL}\,\mathrm{KL}(q\|p))`, the authors' loss
    times N (2104.08291, eq. 6). The distortion is KL(x || xhat).
    """

    power = 1

    def forward(self, output: Tensor) -> PixelCounts:
        """Return p(x | z) from decoder outputs ``(..., K)``, the pixels' log probabilities up to a constant."""
        return PixelCounts(output, 1 / self.beta)


class Gaussian(Likelihood):
    r"""Euclidean data smeared by beta: :math:`x \sim N(\hat x, \beta)`, :math:`-\ln p = d^2/2\beta^2 + const`."""

    def forward(self, output: Tensor) -> dist.TorchDistribution:
        """Return p(x | z) from decoder outputs ``(..., K)``, the mean."""
        return dist.Normal(output, self.beta.unsqueeze(-1)).to_event(1)

    def normaliser(self, x: Tensor) -> Tensor:
        """Return K ln(beta sqrt(2 pi)) of vectors x ``(B, K)``."""
        return x.shape[-1] * (self.beta * math.sqrt(2 * math.pi)).log()


class Metric(Likelihood):
    r"""Clouds at an Energy Mover's Distance of beta: :math:`-\ln p = \mathrm{EMD}^2/2\beta^2` (see EnergyMover)."""

    def __init__(self, beta: float, metric: str = "fused") -> None:
        super().__init__(beta)
        self.metric = metric

    def forward(self, output: Tensor) -> EnergyMover:
        """Return p(x | z) from a decoded cloud ``(..., n, 3)``; beta in radians (R = 1, normalised jets)."""
        return EnergyMover(output, self.beta, self.power, DISTANCES[self.metric])


class LaplaceMetric(Metric):
    r"""The same with :math:`-\ln p = \mathrm{EMD}/\beta`."""

    power = 1


METRICS: dict[str, type[Metric]] = {"emd": Metric, "emd-laplace": LaplaceMetric}
"""Name in a recipe -> likelihood of particle clouds."""
LIKELIHOODS: dict[str, type[Likelihood]] = {"pixels": Pixels, "normal": Gaussian}
"""Name in a recipe -> likelihood of images."""
