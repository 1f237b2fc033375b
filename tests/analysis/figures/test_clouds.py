"""Clouds decoded along latents."""

import numpy as np
import xarray as xr

from analysis.figures.clouds import cloud_traversals


def test_only_informed_paths_are_drawn():
    kl = {"kl_term": ["R1_0", "S1_0", "C2"], "factor": ("kl_term", ["R1", "S1", "C2"])}
    kl |= {"coordinate_name": ("kl_term", ["R1_0", "S1_0", ""])}
    steps = {
        "step": ["R1_0 = 1", "S1_0 = 0", "C2_0", "C2_1"],
        "path": ("step", ["R1_0", "S1_0", "C2", "C2"]),
        "factor": ("step", ["R1", "S1", "C2", "C2"]),
        "coordinate_name": ("step", ["R1_0", "S1_0", "", ""]),
    }
    groups = {
        "information": xr.Dataset({"kl": (("jet", "kl_term"), [[0.0, 1.0, 2.0]])}, kl),
        "traversals": xr.Dataset({"cloud": (("step", "particle", "column"), np.full((4, 2, 3), 0.1))}, steps),
    }
    axes = cloud_traversals(xr.DataTree.from_dict(groups)).axes
    assert [panel.get_title() for panel in axes] == ["0", "1", "0"]
