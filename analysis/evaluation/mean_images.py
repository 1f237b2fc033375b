"""Mean images of jets that pass a cut in a window of the mass and beside it."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from jets.preprocess import WIDTH, pixelise, prepare

PIXELS, AT_ONCE = 40, 2000


def passing_images(constituents: NDArray[np.floating], found: xr.Dataset, score: str, cut: float) -> xr.Dataset:
    """Return mean images of the jets that pass, turned to their axes, and how far from the axis their pT is.

    Parameters
    ----------
    constituents
        Jets ``(N, M, 3)`` = pT [GeV], rapidity, azimuth [rad].
    found
        Of :func:`analysis.measures.hunt.hunt`.
    score, cut
        Those jets pass whose tail by this score is at most the cut.

    Returns
    -------
    xarray.Dataset
        ``image`` (where, eta, phi), the mean share of a jet's pT in each pixel [rad]; ``radius`` (where) [rad], the
        mean of the pT's distance from the axis, with ``radius_error``; ``jets`` (where); ``where``: "inside" the
        window, "beside" it. NaN where no jet passes.
    """
    passes = np.asarray(found["tail"].sel(score=score) <= cut)
    axes = {name: (np.arange(PIXELS) - PIXELS / 2 + 0.5) * w for name, w in zip(("eta", "phi"), WIDTH, strict=True)}
    distance = np.hypot(axes["eta"][:, None], axes["phi"])
    images, radii, counts = [], [], []
    for where in ("inside", "beside"):
        rows = np.flatnonzero(passes & np.asarray(found[where]))
        total, own = np.zeros((PIXELS, PIXELS)), []
        for part in np.split(rows, range(AT_ONCE, len(rows), AT_ONCE)):
            drawn = pixelise(prepare(torch.as_tensor(constituents[part])), PIXELS).double().numpy()
            total += drawn.sum(0)
            own.append((drawn * distance).sum((1, 2)))
        images.append(total / len(rows) if len(rows) else np.full_like(total, np.nan))
        each = np.concatenate(own)
        spread = each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan
        radii.append((each.mean() if len(each) else np.nan, spread))
        counts.append(len(rows))
    table = {"image": (("where", "eta", "phi"), np.stack(images)), "jets": ("where", counts)}
    table |= {name: ("where", [each[k] for each in radii]) for k, name in enumerate(("radius", "radius_error"))}
    return xr.Dataset(table, {"where": ["inside", "beside"], **axes}, {"score": score, "cut": cut})
