"""Networks between data and latent space: dense stacks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.resolution import Film, Layers

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "selu": nn.SELU,
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
}


def dense(
    inputs: int,
    hidden: Sequence[int],
    outputs: int,
    *,
    activation: str = "selu",
    batch_norm: bool = False,
    bias: bool = True,
    codes: int = 0,
) -> Layers:
    """Return linear layers of the given widths, each hidden one followed by activation and batch normalisation.

    ``(..., inputs)`` to ``(..., outputs)``; ``bias`` is that of the last layer. With ``codes``, the size of a code of
    the resolution, every hidden layer is modulated by it.

    >>> [type(layer).__name__ for layer in dense(1600, [100], 4, batch_norm=True)]
    ['Linear', 'SELU', 'BatchNorm1d', 'Linear']
    >>> [type(layer).__name__ for layer in dense(1600, [100], 4, codes=8)]
    ['Linear', 'Film', 'SELU', 'Linear']
    """
    layers: list[nn.Module] = []
    for width in hidden:
        layers.append(nn.Linear(inputs, width))
        if codes:
            layers.append(Film(codes, width))
        layers.append(ACTIVATIONS[activation]())
        if batch_norm:
            layers.append(nn.BatchNorm1d(width))
        inputs = width
    return Layers(*layers, nn.Linear(inputs, outputs, bias=bias))


class Shift(nn.Module):
    """Addition of a vector, which belongs to the recipe and not to the weights."""

    offset: Tensor

    def __init__(self, offset: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("offset", torch.tensor(offset, dtype=torch.get_default_dtype()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return x ``(..., K)`` plus the offset ``(K,)``."""
        return x + self.offset


class Scale(nn.Module):
    """Multiplication by a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Return x times the factor."""
        return self.factor * x
