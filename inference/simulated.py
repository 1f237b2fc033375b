"""Jets that the model itself draws, and the guide's posterior of each: what calibration needs."""

from __future__ import annotations

import pyro
import torch
import xarray as xr
from torch import Tensor

from inference.folder import RunError
from inference.labels import coordinate_labels
from models import VAE
from priors.von_mises import wrapped


@torch.no_grad()
def simulated_jets(vae: VAE, jets: int, draws: int, *, seed: int = 0) -> xr.Dataset:
    """Draw latents from the prior and jets from p(x|z), then from the guide given each jet.

    Returns ``truth`` (simulation, coordinate) and ``z`` (draw, simulation, coordinate); angles relative to the centre
    of the jet's posterior, so that the cut of the circle falls where nothing lies.

    Raises
    ------
    RunError
        The likelihood or the prior cannot be drawn from.
    """
    pyro.set_rng_seed(seed)
    space = vae.latent
    try:
        with pyro.plate("jets", jets):
            z = space.sample_prior()
        x = vae.decode(space.features(z)).sample()
    except NotImplementedError as error:
        raise RunError(f"no calibration: {error}") from error
    centre, angle = space.points(vae.encode(x)), torch.tensor([unit == "rad" for unit in space.coordinate_units])

    def relative(coordinates: Tensor) -> Tensor:
        return torch.where(angle, wrapped(coordinates - centre), coordinates)

    own = torch.stack([relative(space.coordinates(vae.guide(x))) for _ in range(draws)])
    return xr.Dataset(
        {
            "truth": (("simulation", "coordinate"), relative(space.coordinates(z)).numpy()),
            "z": (("draw", "simulation", "coordinate"), own.numpy()),
        },
        coordinate_labels(space),
    )
