"""A model with wider networks that computes the same: a start for a longer training which only room can improve."""

from __future__ import annotations

import torch
from torch import nn

from models.build import ModelConfig, build
from models.resolution import Film
from models.vae import VAE

FACTOR = 2
"""By how much hidden layers widen."""


def wide(config: ModelConfig) -> ModelConfig:
    """Return the table of a model whose dense hidden layers are twice as wide.

    Of clouds the layer of the particles stays, which the sums over particles follow; convolutional networks stay.

    >>> wide(ModelConfig(encoder=(8, 8))).encoder, wide(ModelConfig(encoder=(8, 8), likelihood="emd")).encoder
    ((16, 16), (8, 16))
    """
    if config.architecture == "convolutional":
        return config
    kept = 1 if config.clouds else 0
    encoder = (*config.encoder[:kept], *(FACTOR * width for width in config.encoder[kept:]))
    return config.model_copy(update={"encoder": encoder, "decoder": tuple(FACTOR * width for width in config.decoder)})


def widened(vae: VAE, inputs: int = 1600) -> VAE:
    """Return a copy of a model made by :func:`models.build`, its networks wider (:func:`wide`), of the same function.

    New units see what the old ones see, by initial weights of their own, and nothing sees them yet: weights out of
    them are zero, and move (Chen, Goodfellow & Shlens 1511.05641, in a simpler way). ``inputs`` as in ``build``.
    """
    assert vae.config is not None
    large = build(wide(vae.config), inputs)
    films = {id(module.linear) for module in vae.modules() if isinstance(module, Film)}
    with torch.no_grad():
        for old, new in zip(vae.modules(), large.modules(), strict=True):
            if id(old) in films:
                copy_film(old, new)
            else:
                copy(old, new)
    return large.train(vae.training)


def copy(old: nn.Module, new: nn.Module) -> None:
    """Copy a module's own parameters and buffers into the first rows and columns of those of a wider one."""
    known = dict(new.named_parameters(recurse=False)) | dict(new.named_buffers(recurse=False))
    for name, value in [*old.named_parameters(recurse=False), *old.named_buffers(recurse=False)]:
        known[name][tuple(map(slice, value.shape))] = value
    if isinstance(old, nn.Linear):
        assert isinstance(new, nn.Linear)
        new.weight[: old.out_features, old.in_features :] = 0


def copy_film(old: nn.Module, new: nn.Module) -> None:
    """Copy the linear layer of a modulation: scales of all features, then shifts; new features are not modulated."""
    for name, value in old.named_parameters():
        whole, part = new.get_parameter(name), value.unflatten(0, (2, -1))
        whole.unflatten(0, (2, -1))[:, : part.shape[1]] = part
