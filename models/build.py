"""Build a model from the ``[model]`` table of a recipe."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator, model_validator
from torch import nn

from models.beta import Beta
from models.clouds import CloudDecoder, CloudEncoder
from models.equivariant import EquivariantVAE
from models.images import ConvolutionalDecoder, ConvolutionalEncoder
from models.likelihoods import LIKELIHOODS, METRICS, Likelihood
from models.networks import Scale, Shift, dense
from models.resolution import Resolution
from models.table import Table
from models.vae import AE, VAE, space_of
from priors import Latent, Space, parse

Width = Annotated[int, Field(ge=1, le=100_000)]


class ModelConfig(Table):
    """The ``[model]`` table: latent space, networks and likelihood."""

    kind: Literal["vae", "ae"] = Field("vae", description="vae, or ae: a plain autoencoder without prior")
    latent: str = Field("R8", description="latent space, for example 'R4 x L2(alpha=.9)'")
    architecture: Literal["dense", "convolutional"] = Field("dense", description="of the networks of images")
    encoder: tuple[Width, ...] = Field((100,), description="widths (channels) of the encoder's hidden layers")
    decoder: tuple[Width, ...] = Field((100,), description="widths (channels) of the decoder's; none: one linear layer")
    activation: Literal["selu", "relu", "elu", "gelu", "tanh"] = Field("selu", description="after each hidden layer")
    batch_norm: bool = Field(False, description="batch normalisation after each hidden layer of the encoder")
    decoder_bias: bool = Field(True, description="bias of the decoder's last layer")
    likelihood: Literal["pixels", "normal", "emd", "emd-laplace"] = Field(
        "pixels", description="of images: pixel pseudo-counts, or Normal(xhat, beta); of particle clouds: emd"
    )
    metric: Literal[
        "fused", "reference", "exact", "sinkhorn", "geomloss", "wasserstein", "sliced", "energy", "mmd", "spectral"
    ] = Field("fused", description="how the Energy Mover's Distance is computed, or the distance in its place")
    particles: int = Field(40, ge=1, le=10_000, description="particles of a decoded cloud")
    attention: int = Field(
        0, ge=0, le=100, description="blocks of self-attention in the encoder of clouds; 0: Deep Sets"
    )
    equivariant: bool = Field(
        False, description="of clouds: an azimuth that turns with the jet, in the first circle or pair of real numbers"
    )
    beta: Beta = Field(
        Beta(0.1),
        description="resolution in units of the data (emd: radians), or 1/N for N pseudo-counts; [low, high]: one "
        "model for the whole range",
    )
    beta_step: float = Field(
        0.75,
        ge=1e-3,
        le=1e3,
        description="distance in ln beta over which a model for a range can change: finer steps, more noise",
    )
    inputs: int | None = Field(None, ge=1, description="size of a data vector; the data say it")
    scale: float = Field(1.0, gt=0, description="size of a vector's entries, which the networks see divided by it")
    shift: tuple[float, ...] | None = Field(
        None, description="middle of the vectors, which is subtracted first; the data say it where it is far from 0"
    )

    @field_validator("latent")
    @classmethod
    def canonical(cls, text: str) -> str:
        """Write the latent string in its canonical form; a string that cannot be read is an error."""
        return str(parse(text))

    @model_validator(mode="after")
    def shifts_vectors(self) -> ModelConfig:
        """Assert that a shift has one entry for each of a vector's.

        Raises
        ------
        ValueError
            It has not.
        """
        if self.shift is not None and len(self.shift) != self.inputs:
            raise ValueError(f"shift has {len(self.shift)} entries, and vectors have inputs = {self.inputs}")
        return self

    @model_validator(mode="after")
    def turns_clouds(self) -> ModelConfig:
        """Assert that only a VAE of clouds is asked to turn with its jets.

        Raises
        ------
        ValueError
            Something else is.
        """
        if self.equivariant and (self.kind != "vae" or not self.clouds):
            raise ValueError("equivariant models are VAEs of clouds: kind = 'vae', likelihood = 'emd'")
        return self

    @property
    def clouds(self) -> bool:
        """Whether the data are particle clouds rather than images."""
        return self.likelihood in METRICS


KINDS = {"vae": VAE, "ae": AE}
LARGEST_MIXTURE = 100_000
"""More pseudo-inputs than any prior has; training starts them at its first jets."""


def build(config: ModelConfig, inputs: int = 1600, latent: Space | Latent | None = None) -> VAE:
    """Return the model that ``config`` describes, for vectors or images of ``inputs`` numbers or for particle clouds.

    ``config.inputs`` comes before ``inputs``; ``latent`` replaces the space that ``config.latent`` names. Initial
    weights come from torch's global generator.

    >>> build(ModelConfig(latent="R2"), inputs=1600).latent
    R2

    Raises
    ------
    ValueError
        Prior or networks cannot cover a range of resolutions; or the space has nothing that turns with a jet.
    """
    inputs = config.inputs or inputs
    space = space_of(config.latent if latent is None else latent)
    beta = config.beta
    resolution = Resolution(beta.low, beta.high, config.beta_step) if beta.is_range else None
    if resolution is not None and any(hasattr(factor, "pseudo_inputs") for factor in space.factors):
        raise ValueError(f"{space}: a prior made of posteriors has one resolution only; give one beta")
    codes = 0 if resolution is None else resolution.codes
    parts = cloud_parts(config, space, codes) if config.clouds else vector_parts(config, space, inputs, codes)
    kind = EquivariantVAE if config.equivariant else KINDS[config.kind]
    vae = kind(space, *parts, resolution)
    shape = (config.particles, 3) if config.clouds else (inputs,)
    space.connect(vae.encode, torch.zeros(1, *shape).expand(LARGEST_MIXTURE, *shape))
    vae.config = config if latent is None else config.model_copy(update={"latent": str(space)})
    return vae


def vector_parts(config: ModelConfig, space: Space, inputs: int, codes: int) -> tuple[nn.Module, nn.Module, Likelihood]:
    """Return encoder, decoder and likelihood of vectors or images."""
    encoder, decoder = NETWORKS[config.architecture](config, space, inputs, codes)
    return encoder, decoder, LIKELIHOODS[config.likelihood](config.beta.typical)


def dense_networks(config: ModelConfig, space: Space, inputs: int, codes: int) -> tuple[nn.Module, nn.Module]:
    """Return dense encoder and decoder."""
    bias, activation = config.decoder_bias, config.activation
    encoder = dense(
        inputs, config.encoder, space.outputs, activation=activation, batch_norm=config.batch_norm, codes=codes
    )
    decoder = dense(space.features_size, config.decoder, inputs, activation=activation, bias=bias, codes=codes)
    if config.scale != 1:
        encoder.insert(0, Scale(1 / config.scale))
        decoder.append(Scale(config.scale))
    if config.shift is not None:
        encoder.insert(0, Shift([-place for place in config.shift]))
        decoder.append(Shift(config.shift))
    return encoder, decoder


def convolutional_networks(config: ModelConfig, space: Space, inputs: int, codes: int) -> tuple[nn.Module, nn.Module]:
    """Return convolutional encoder and decoder; without hidden layers the decoder is one linear layer, as the dense.

    Raises
    ------
    ValueError
        ``codes``: they are not modulated by the resolution.
    """
    if codes:
        raise ValueError("convolutional networks have one resolution only; give one beta, or architecture = 'dense'")
    pixels, activation = math.isqrt(inputs), config.activation
    encoder = ConvolutionalEncoder(pixels, config.encoder, space.outputs, activation, config.batch_norm)
    if not config.decoder:
        return encoder, dense(space.features_size, (), inputs, bias=config.decoder_bias)
    return encoder, ConvolutionalDecoder(space.features_size, config.decoder, pixels, activation, config.decoder_bias)


NETWORKS = {"dense": dense_networks, "convolutional": convolutional_networks}
"""Name of an architecture -> how to make encoder and decoder of vectors and images."""


def cloud_parts(config: ModelConfig, space: Space, codes: int) -> tuple[nn.Module, nn.Module, Likelihood]:
    """Return encoder, decoder and likelihood of particle clouds."""
    encoder = CloudEncoder(config.encoder, space.outputs, config.activation, codes, config.attention)
    decoder = CloudDecoder(space.features_size, config.decoder, config.particles, config.activation, codes)
    return encoder, decoder, METRICS[config.likelihood](config.beta.typical, config.metric)


def image_vae(latent: Space | Latent | str = "L2(alpha=0.9)", *, beta: float = 0.1, pixels: int = 40) -> VAE:
    r"""Return the jet-image VAE of the authors of "Better latent spaces", with any latent space.

    Encoder: pixels - dense 100, SeLU, batch normalisation - posterior parameters. Decoder: one linear layer without
    bias from latent features to pixel logits, so that with a simplex latent each mixture component is one image
    (2104.08291, sec. 2.4).

    >>> image_vae("L2(alpha=.9)").decoder
    Layers(
      (0): Linear(in_features=2, out_features=1600, bias=False)
    )
    """
    config = ModelConfig(encoder=(100,), decoder=(), batch_norm=True, decoder_bias=False, beta=Beta(beta))
    return build(config, inputs=pixels**2, latent=space_of(latent))
