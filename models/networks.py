"""Networks between data and latent space: dense stacks."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

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
) -> nn.Sequential:
    """Return linear layers of the given widths, each hidden one followed by activation and batch normalisation.

    ``(..., inputs)`` to ``(..., outputs)``; ``bias`` is that of the last layer.

    >>> [type(layer).__name__ for layer in dense(1600, [100], 4, batch_norm=True)]
    ['Linear', 'SELU', 'BatchNorm1d', 'Linear']
    """
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), ACTIVATIONS[activation]()]
        if batch_norm:
            layers.append(nn.BatchNorm1d(width))
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs, bias=bias))
