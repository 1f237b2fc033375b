"""Convolutional networks between jet images and latent space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from models.networks import ACTIVATIONS


class ConvolutionalEncoder(nn.Module):
    r"""Convolutions that halve the image, then one linear layer: ``(B, pixels**2)`` to ``(B, outputs)``.

    Pixels enter as :math:`\sqrt{K x_k}`: they spread over five orders of magnitude.

    >>> import torch
    >>> ConvolutionalEncoder(40, [8, 16], 4)(torch.rand(3, 1600)).shape
    torch.Size([3, 4])
    """

    def __init__(
        self, pixels: int, channels: Sequence[int], outputs: int, activation: str = "selu", batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.pixels = pixels
        layers: list[nn.Module] = []
        for before, after in pairwise((1, *channels)):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), ACTIVATIONS[activation]()]
            layers += [nn.BatchNorm2d(after)] if batch_norm else []
        self.convolutions = nn.Sequential(*layers)
        self.head = nn.Linear((1, *channels)[-1] * smallest_side(pixels, channels) ** 2, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, outputs)`` of images ``(B, pixels**2)``."""
        image = (x * x.shape[-1]).sqrt().unflatten(-1, (1, self.pixels, self.pixels))
        return self.head(self.convolutions(image).flatten(-3))


class ConvolutionalDecoder(nn.Module):
    """One linear layer, then transposed convolutions that double the image.

    ``(..., features)`` to ``(..., pixels**2)``; ``channels`` from the smallest image on.

    >>> import torch
    >>> ConvolutionalDecoder(2, [16, 8], 40)(torch.rand(5, 3, 2)).shape
    torch.Size([5, 3, 1600])
    """

    def __init__(
        self, features: int, channels: Sequence[int], pixels: int, activation: str = "selu", bias: bool = True
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.shape = (channels[0], *[smallest_side(pixels, channels)] * 2)
        layers: list[nn.Module] = [nn.Linear(features, channels[0] * self.shape[1] ** 2), nn.Unflatten(-1, self.shape)]
        for before, after in pairwise((*channels, 1)):
            layers += [ACTIVATIONS[activation](), nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
        if not bias:
            layers[-1] = nn.ConvTranspose2d(channels[-1], 1, 4, stride=2, padding=1, bias=False)
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Return ``(..., pixels**2)`` of features ``(..., features)``."""
        image = self.layers(features.reshape(-1, features.shape[-1]))
        image = image[..., 0, : self.pixels, : self.pixels]  # an odd image grew by a pixel
        return image.reshape(*features.shape[:-1], -1)


def smallest_side(pixels: int, channels: Sequence[int]) -> int:
    """Return the side of the image after one halving for each of ``channels``, rounded up each time.

    >>> smallest_side(40, [8, 16]), smallest_side(25, [8])
    (10, 13)
    """
    for _ in channels:
        pixels = (pixels + 1) // 2
    return pixels
