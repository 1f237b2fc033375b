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


def test_a_long_path_is_thinned_and_far_soft_particles_do_not_shrink_the_rest():
    """Every second of eight angles, in a row no longer than the five steps of a real coordinate."""
    kl = {"kl_term": ["S1_0"], "factor": ("kl_term", ["S1"]), "coordinate_name": ("kl_term", ["S1_0"])}
    number = [f"S1_0 = {step}" for step in range(8)]
    labels = {name: ("step", [value] * 8) for name, value in (("path", "S1_0"), ("factor", "S1"))}
    labels |= {"step": number, "coordinate_name": ("step", ["S1_0"] * 8)}
    cloud = np.tile([[0.999, 0.1, 0.1], [0.001, 5.0, 5.0]], (8, 1, 1))
    points = {"coordinate": ["S1_0"], "unit": ("coordinate", ["rad"])}
    groups = {
        "information": xr.Dataset({"kl": (("jet", "kl_term"), [[2.0]])}, kl),
        "traversals": xr.Dataset({"cloud": (("step", "particle", "column"), cloud)}, labels),
        "guide_params": xr.Dataset({"point": (("jet", "coordinate"), [[0.0]])}, points),
    }
    axes = cloud_traversals(xr.DataTree.from_dict(groups)).axes
    assert [panel.get_title() for panel in axes] == ["0", "2", "4", "6"]
    assert axes[0].get_ylabel() == "S1_0 [rad]"
    np.testing.assert_allclose(axes[0].get_xlim(), (-0.11, 0.11))
