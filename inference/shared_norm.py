"""Batch normalisation of a batch that is shared among processes: by the moments of all of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from inference.share import Share


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
