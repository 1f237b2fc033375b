"""The fused distance as a torch operator: it has a fake and a backward, so it can be compiled, traced and exported."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from jets.emd.checks import check_clouds


@torch.library.custom_op("jetvae::emd", mutates_args=())
def fused(
    x: Tensor, y: Tensor, p: int, R: float, normalise: bool, tolerance: float, gradient: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Distances of B pairs of clouds by the fused kernel of their device.

    Parameters
    ----------
    x, y
        Clouds ``(B, n, 3)`` and ``(B, m, 3)``, float32, contiguous: weight, eta, phi.
    p, R, normalise, tolerance
        As in `jets.emd.emd`.
    gradient
        Whether a backward pass will follow; without it the gradients are empty.

    Returns
    -------
    tuple
        ``(B, 3)`` value, lower and upper bound; gradients of the value with respect to x and y, shaped like them.
    """
    if x.is_cuda:
        from jets.emd import cuda

        return cuda.run(x, y, p, R, normalise, tolerance, gradient)
    from jets.emd import cpu

    check_clouds(x, y, normalise)
    pairs = torch.arange(len(x)).repeat_interleave(2).reshape(-1, 2).numpy()
    out, *gradients = cpu.run(
        x.numpy(),
        y.numpy(),
        pairs,
        p=p,
        R=R,
        normalise=normalise,
        tolerance=tolerance,
        gradient=gradient,
        threads=torch.get_num_threads(),
    )
    return torch.from_numpy(out).float(), torch.from_numpy(gradients[0]), torch.from_numpy(gradients[1])


@fused.register_fake
def _(
    x: Tensor, y: Tensor, p: int, R: float, normalise: bool, tolerance: float, gradient: bool
) -> tuple[Tensor, Tensor, Tensor]:
    shapes = (x.shape, y.shape) if gradient else ((0, 0, 3), (0, 0, 3))
    return x.new_empty((x.shape[0], 3)), x.new_empty(shapes[0]), x.new_empty(shapes[1])


def _keep(ctx: Any, inputs: tuple, output: tuple[Tensor, Tensor, Tensor]) -> None:
    ctx.save_for_backward(*output[1:])


def _backward(ctx: Any, value: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    gx, gy = ctx.saved_tensors
    scale = value[:, 0, None, None]
    return scale * gx, scale * gy, None, None, None, None, None


fused.register_autograd(_backward, setup_context=_keep)
