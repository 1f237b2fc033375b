"""The fused distance as a torch operator with a fake, a backward and a vmap: it can be compiled, traced, vectorised."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from jets.emd.checks import check_clouds


@torch.library.custom_op("jetvae::emd", mutates_args=())
def fused(
    x: Tensor, y: Tensor, p: int, R: float, normalise: bool, tolerance: float, gradient: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the distances of B pairs of clouds by the fused kernel of their device.

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

    Raises
    ------
    CloudError
        On the CPU, for NaN or infinity, negative weights, or clouds without weight that are to be normalised.
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


def wants_gradient(x: Tensor, y: Tensor) -> bool:
    """Whether a backward pass may follow."""
    return torch.is_grad_enabled() and (x.requires_grad or y.requires_grad)


@fused.register_vmap
def _(info: Any, in_dims: tuple, x: Tensor, y: Tensor, *options: Any) -> tuple[tuple[Tensor, ...], tuple]:
    """Fold the vectorised dimension of size V into the batch: ``(V, B, n, 3)`` are V B clouds."""

    def folded(cloud: Tensor, dim: int | None) -> Tensor:
        many = cloud.expand(info.batch_size, *cloud.shape) if dim is None else cloud.movedim(dim, 0)
        return many.flatten(0, 1).contiguous()

    *fixed, gradient = options
    gradient = gradient or wants_gradient(x, y)  # which the vectorised clouds did not show
    found = fused(folded(x, in_dims[0]), folded(y, in_dims[1]), *fixed, gradient)
    shape = info.batch_size, len(found[0]) // info.batch_size
    if gradient:
        return tuple(part.unflatten(0, shape) for part in found), (0, 0, 0)
    return (found[0].unflatten(0, shape), *found[1:]), (0, None, None)
