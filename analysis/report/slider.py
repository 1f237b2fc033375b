"""What a slider on the page shows: jets decoded along each latent."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.colors import LogNorm
from PIL import Image

from analysis.figures.style import DARKEST, IMAGE_MAP
from analysis.measures.paths import informed_paths, step_title
from analysis.report.page import Widget, png_uri
from analysis.store import Missing, array, names


def slides(tree: xr.DataTree) -> tuple[Widget, dict[str, float]]:
    """Return the slider, and path -> how much of a jet's pT moves between its ends (0 to 1).

    Raises
    ------
    Missing
        Nothing was decoded along latents.
    """
    if "slides" not in tree:
        raise Missing("no jets are decoded along latents: the data are vectors, or the evaluation is an old one")
    return of_images(tree) if "image" in tree["slides"] else of_clouds(tree)


def of_images(tree: xr.DataTree) -> tuple[Widget, dict[str, float]]:
    """Return the slider of images: each step a small PNG of logarithmic colour."""
    images = array(tree, "slides/image")
    norm = LogNorm(DARKEST, max(float(images.max()), 2 * DARKEST))
    paths, changes = [], {}
    for path, steps in informed_paths(tree, images).items():
        pixels = np.asarray(images.isel(step=steps))
        paths.append(labels_of(path, images, steps) | {"images": [png(norm(picture.T[::-1])) for picture in pixels]})
        share = pixels / pixels.sum((1, 2), keepdims=True)
        changes[path] = largest_change(share.reshape(len(share), -1))
    average = array(tree, "images/average")
    extent = [half_width(average[axis]) for axis in ("eta", "phi")]
    return Widget("slider", {"extent": extent, "paths": paths, "unit": "pT share of a pixel, logarithmic"}), changes


def of_clouds(tree: xr.DataTree) -> tuple[Widget, dict[str, float]]:
    """Return the slider of clouds: each step a list of (share of pT, eta, phi)."""
    clouds = array(tree, "slides/cloud")
    reach = 1.1 * float(abs(clouds.isel(column=slice(1, None))).max())
    paths, changes = [], {}
    for path, steps in informed_paths(tree, clouds).items():
        particles = np.asarray(clouds.isel(step=steps), float)
        paths.append(labels_of(path, clouds, steps) | {"clouds": np.round(particles, 3).tolist()})
        grid = np.stack([smeared(cloud, reach) for cloud in particles])
        changes[path] = largest_change(grid)
    return Widget("slider", {"extent": [reach, reach], "paths": paths, "unit": "area: share of pT"}), changes


def labels_of(path: str, slides: xr.DataArray, steps: np.ndarray) -> dict[str, Any]:
    """Return name and labels of a path; it starts in its middle."""
    known = names(slides.isel(step=steps), "step")
    return {"name": path, "steps": [step_title(path, step) for step in known], "start": len(known) // 2}


def largest_change(shares: np.ndarray) -> float:
    """Return the largest part of pT that lies elsewhere than at the first step, from shares ``(steps, cells)``."""
    return float(np.abs(shares - shares[0]).sum(1).max() / 2)


def smeared(cloud: np.ndarray, reach: float, cells: int = 16) -> np.ndarray:
    """Return the share of pT in each cell of a grid that ends at ``reach`` [rad], ``(cells^2,)``."""
    w, eta, phi = cloud.T
    edges = np.linspace(-reach, reach, cells + 1)
    return np.histogram2d(eta, phi, bins=[edges, edges], weights=w / w.sum())[0].ravel()


def half_width(axis: xr.DataArray) -> float:
    """Return the outer edge of the pixels along an axis."""
    return float(axis[-1] + (axis[1] - axis[0]) / 2)


def png(values: np.ndarray) -> str:
    """Return values from 0 to 1 ``(rows, columns)``, in the colours of images, as a data URI."""
    index = (np.clip(np.ma.filled(values, 0.0), 0, 1) * 255).astype(np.uint8)
    picture = Image.fromarray(index, mode="P")
    picture.putpalette((mpl.colormaps[IMAGE_MAP](range(256), bytes=True)[:, :3]).tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "png", optimize=True)
    return png_uri(buffer.getvalue())
