"""What a step minimises: minus the ELBO with its weights, or minus the importance-weighted bound."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from inference.importance import iwae
from inference.lower_bound import ELBO, elbo
from inference.recipe import TrainingConfig
from models import VAE


class Controls(NamedTuple):
    """Numbers that a schedule moves from step to step; scalars on the device."""

    lr: Tensor
    beta: Tensor
    kl_weight: Tensor
    capacity: Tensor


def loss(
    vae: VAE, x: Tensor, controls: Controls, config: TrainingConfig, weight: Tensor | None = None
) -> tuple[Tensor, ELBO]:
    r"""Return the scalar to minimise for jets x ``(B, K)``, and their ELBO.

    Weights ``(B,)``, of mean one over the training jets and of either sign, make it :math:`\frac1B\sum_i w_i\ell_i`:
    divided by the number of jets, not by the batch's own sum of weights, it is right in expectation whatever the batch.
    Free bits and capacity act on the weighted mean KL of a batch, as they do without weights.
    """
    if vae.resolution is None:
        return loss_at_one_beta(vae, x, controls, config, weight)
    value, bound = loss_of_each_jet(vae, x, controls, config)
    return vae.resolution.balanced(value if weight is None else weight * value, vae.likelihood.beta), bound


def mean_of_jets(values: Tensor, weight: Tensor | None = None) -> Tensor:
    r"""Return :math:`\frac1B\sum_i w_i v_i` of values ``(B,)`` or ``(B, n)``; weights ``(B,)`` are one by default.

    >>> mean_of_jets(torch.tensor([1.0, 5.0]), torch.tensor([1.5, 0.5]))
    tensor(2.)
    """
    if weight is not None:
        values = values * (weight if values.dim() == 1 else weight.unsqueeze(-1))
    return values.mean() if values.dim() == 1 else values.mean(0)


def loss_of_each_jet(vae: VAE, x: Tensor, controls: Controls, config: TrainingConfig) -> tuple[Tensor, ELBO]:
    r"""Return what each jet x ``(B, K)``, at its own beta, adds to the loss, ``(B,)``, and their ELBO.

    .. math:: -E_q \ln p(x|z) - n(\beta) + w\,KL

    without the likelihood's normaliser n, which would only add a constant of each beta, and may be negative.
    """
    bound = elbo(vae.model, vae.guide, x)
    if config.objective == "iwae":
        value = -iwae(vae.model, vae.guide, x, config.particles)
    else:
        value = bound.reconstruction + controls.kl_weight * bound.total_kl
    return value - vae.likelihood.normaliser(x), bound


def loss_at_one_beta(
    vae: VAE, x: Tensor, controls: Controls, config: TrainingConfig, weight: Tensor | None = None
) -> tuple[Tensor, ELBO]:
    r"""Return the loss where all jets have one beta, and their ELBO.

    .. math::
        \langle -E_q \ln p(x|z)\rangle + w\,\Bigl|\sum_i \max(\lambda, \langle KL_i\rangle) - C\Bigr|

    with KL weight w, free bits :math:`\lambda` [nat] for each coordinate (Kingma et al. 1606.04934, eq. 15) and
    capacity C [nat] (Burgess et al. 1804.03599, eq. 8; no modulus where the recipe schedules none); or minus the
    importance-weighted bound. Means over jets are weighted.
    """
    bound = elbo(vae.model, vae.guide, x)
    if config.objective == "iwae":
        return -mean_of_jets(iwae(vae.model, vae.guide, x, config.particles), weight), bound
    kl = torch.cat([mean_of_jets(value, weight) for value in bound.kl.values()])
    total = kl.clamp(min=config.free_bits).sum() if config.free_bits else kl.sum()
    if config.capacity is not None:
        total = (total - controls.capacity).abs()
    return mean_of_jets(bound.reconstruction, weight) + controls.kl_weight * total, bound
