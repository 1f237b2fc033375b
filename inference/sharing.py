"""What a training among several processes asks of its model: what sees a whole batch sees that of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from inference.recipe import Recipe, RecipeError
from inference.records import RunError
from inference.share import Share
from models import VAE


def share_batches(share: Share, recipes: Sequence[Recipe], vaes: Sequence[VAE], size: int) -> None:
    """Share a training among processes: what sees the whole batch sees that of all of them.

    Raises
    ------
    RecipeError
        Several runs; a batch that cannot be divided; terms of the loss that see the whole batch at once.
    RunError
        The processes do not begin with the same weights.
    """
    if share.of == 1:
        return
    training = recipes[0].training
    if len(recipes) > 1:
        raise RecipeError("under torchrun one run is trained at a time: one --latent, --beta and seed, no restarts")
    if size % share.of:
        raise RecipeError(f"a batch of {size} jets cannot be divided among {share.of} processes; change --batch-size")
    if training.free_bits or training.capacity is not None:
        raise RecipeError("free_bits and capacity act on the KL of a whole batch; train with one process")
    sums = [float(parameter.detach().double().sum()) for parameter in vaes[0].parameters()]
    if share.any(share.first(lambda: sums) != sums):
        raise RunError("the processes do not begin with the same weights; run the same version of torch in all")
    share_norms(vaes[0], share)
    if vaes[0].resolution is not None:
        vaes[0].resolution.total = share.total


class Total(torch.autograd.Function):
    """Sum over processes; what each passes back is summed too, for all of them used the sum."""

    @staticmethod
    def forward(context: Any, tensor: Tensor, share: Share) -> Tensor:
        """Return the sum."""
        context.share = share
        return share.total(tensor)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the sum of the gradients."""
        return context.share.total(gradient.contiguous()), None


def share_norms(model: nn.Module, share: Share) -> None:
    """Let the layers of batch normalisation of a model, in training, take the moments of all processes' jets."""
    for layer in model.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.forward = partial(normalised, layer, share)  # type: ignore[method-assign]


def normalised(layer: nn.modules.batchnorm._BatchNorm, share: Share, x: Tensor) -> Tensor:
    r"""Return :math:`\gamma\,(x - \mu)/\sqrt{\sigma^2 + \epsilon} + \beta` of x ``(B, C, ...)``.

    Ioffe & Szegedy 1502.03167, algorithm 1, with mean and variance of the whole batch.
    """
    if not layer.training:
        return type(layer).forward(layer, x)
    dims = [dim for dim in range(x.dim()) if dim != 1]
    count = share.of * x.numel() // x.shape[1]
    mean, square = Total.apply(torch.stack([x.sum(dims), (x * x).sum(dims)]), share) / count
    variance = (square - mean * mean).clamp(min=0)
    if layer.running_mean is not None and layer.running_var is not None and layer.num_batches_tracked is not None:
        with torch.no_grad():
            layer.num_batches_tracked.add_(1)
            moved = layer.momentum if layer.momentum is not None else 1.0 / layer.num_batches_tracked
            layer.running_mean.lerp_(mean, moved)
            layer.running_var.lerp_(variance * (count / (count - 1)), moved)
    wide = [-1 if dim == 1 else 1 for dim in range(x.dim())]
    weight, bias = (1.0, 0.0) if layer.weight is None else (layer.weight.view(wide), layer.bias.view(wide))
    return (x - mean.view(wide)) * (variance.view(wide) + layer.eps).rsqrt() * weight + bias
