"""Jets on their own axes, so that what a latent says of the azimuth does not hide what it says of the jet."""

from __future__ import annotations

import numpy as np
import torch

from analysis.evaluation.chosen import choose
from inference.run import Run, RunError
from jets import Jets
from jets.preprocess import aligned, centre


def on_own_axes(run: Run, data: list[str] | None = None) -> Jets:
    """Return the held-out jets of a run of clouds, or those given, :func:`upright`.

    Raises
    ------
    RunError
        The run describes no clouds, or turns its jets itself.
    """
    if not run.recipe.model.clouds or list(run.recipe.image.steps) != ["centre"]:
        raise RunError(f"{run.path}: own axes are for clouds that are centred alone; leave out --own-axes")
    return upright(choose(run, data).jets)


def upright(jets: Jets) -> Jets:
    """Return jets about their centroid, turned and mirrored: the axis' harder end at +eta, the larger half at +phi.

    The partons of the truth, columns ``NAME_deta`` and ``NAME_dphi``, are moved with them.
    """
    cloud = torch.as_tensor(jets.constituents)
    pt = cloud[..., :1]
    centroid = ((pt * cloud[..., 1:]).sum(1) / pt.sum(1)).numpy()
    cloud, angle = aligned(centre(cloud))
    side = np.where(np.asarray((cloud[..., 0] * cloud[..., 2].sign()).sum(-1)) < 0, -1.0, 1.0).astype(np.float32)
    cloud[..., 2] *= torch.as_tensor(side)[:, None]
    cos, sin = np.cos(angle.numpy()), np.sin(angle.numpy())
    truth = dict(jets.truth)
    for name in (name.removesuffix("_deta") for name in jets.truth if name.endswith("_deta")):
        if f"{name}_dphi" in truth:
            eta, phi = (truth[f"{name}_{end}"] - centroid[:, i] for i, end in enumerate(("deta", "dphi")))
            truth |= {f"{name}_deta": cos * eta + sin * phi, f"{name}_dphi": side * (cos * phi - sin * eta)}
    return jets.with_(constituents=cloud.numpy(), truth=truth)
