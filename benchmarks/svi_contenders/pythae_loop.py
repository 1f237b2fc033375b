"""The trainer of pythae 0.1, with its VAE; runs in an environment of its own."""

from __future__ import annotations

import logging
import tempfile

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor

from benchmarks.svi_contenders.task import ADAM_BETAS, COUNTS, LR, START, Task
from benchmarks.svi_contenders.torch_loop import Networks, loss, make, normal_kl


class Encoder(BaseEncoder):
    """Encoder as pythae wants it."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.layers = networks.encoder

    def forward(self, x: Tensor) -> ModelOutput:
        """Return location and log variance."""
        loc, log_variance = self.layers(x).chunk(2, -1)
        return ModelOutput(embedding=loc, log_covariance=log_variance)


class Decoder(BaseDecoder):
    """Decoder as pythae wants it."""

    def __init__(self, networks: Networks) -> None:
        super().__init__()
        self.layers, self.features = networks.decoder, networks.features

    def forward(self, z: Tensor) -> ModelOutput:
        """Return pixel logits."""
        return ModelOutput(reconstruction=self.layers(self.features(z)))


class PixelVAE(VAE):
    """pythae's VAE with the task's loss instead of squared differences."""

    scale = 1.0

    def loss_function(self, recon_x: Tensor, x: Tensor, mu: Tensor, log_var: Tensor, z: Tensor) -> tuple[Tensor, ...]:
        """Return loss, reconstruction and KL."""
        reconstruction = -COUNTS * (x * recon_x.log_softmax(-1)).sum(-1)
        kl = normal_kl(mu, log_var, self.scale)
        return (reconstruction + kl).mean(), reconstruction.mean(), kl.mean()


class Pythae:
    """Its trainer, epoch by epoch."""

    def __init__(self, task: Task) -> None:
        logging.getLogger("pythae").setLevel(logging.ERROR)
        self.task, self.x, self.networks = task, torch.tensor(task.images), make(task)
        config = VAEConfig(input_dim=(self.x.shape[1],), latent_dim=task.latents)
        vae = PixelVAE(config, Encoder(self.networks), Decoder(self.networks))
        vae.scale = task.prior_scale
        training = BaseTrainerConfig(
            output_dir=tempfile.mkdtemp(dir=task.folder),
            per_device_train_batch_size=task.batch,
            learning_rate=LR,
            optimizer_cls="Adam",
            optimizer_params={"betas": ADAM_BETAS},
            no_cuda=True,
        )
        data = BaseDataset(self.x, torch.zeros(len(self.x)))
        self.trainer = BaseTrainer(vae, data, training_config=training)
        self.trainer.prepare_training()
        self.count = 0

    def start_loss(self) -> float:
        """Return the loss at the initial weights."""
        with torch.no_grad():
            return loss(self.networks, self.x[:START], self.task.prior_scale).item()

    def epoch(self) -> float:
        """Train one epoch; return its mean loss."""
        self.count += 1
        return float(self.trainer.train_step(self.count))
