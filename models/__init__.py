"""Networks, likelihoods, and the VAE that joins them to a latent space as a Pyro model and guide.

>>> import models
>>> vae = models.image_vae("R4 x L2(alpha=.9)", beta=0.1)
>>> vae.latent
R4 x L2(alpha=0.9)
"""

from models.beta import Beta
from models.build import ModelConfig, build, image_vae
from models.likelihoods import LIKELIHOODS, EnergyMover, Gaussian, PixelCounts, Pixels
from models.networks import dense
from models.vae import AE, VAE

__all__ = [
    "AE",
    "LIKELIHOODS",
    "VAE",
    "Beta",
    "EnergyMover",
    "Gaussian",
    "ModelConfig",
    "PixelCounts",
    "Pixels",
    "build",
    "dense",
    "image_vae",
]
