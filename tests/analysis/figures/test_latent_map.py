"""Latent spaces side by side, by the command."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from analysis.figures.latent_map import column_title, draw_points, unit_of
from jetvae.__main__ import main


def test_map_of_a_latent_space(range_run, tmp_path, capsys):
    out, run = tmp_path / "map.png", str(range_run.path)
    assert main(["draw", "latents", run, run, "--beta", "1", "--out", str(out)]) == 0
    assert "S1_0" in capsys.readouterr().out
    assert out.stat().st_size > 10_000


def test_one_coordinate_is_drawn_against_itself():
    points = xr.DataArray(
        np.arange(3.0)[:, None], {"coordinate": ["S1_0"], "kind": ("coordinate", ["angle"])}, ("jet", "coordinate")
    )
    groups = {"guide_params": {"point": points}, "posterior": {"z": points.expand_dims(chain=[0], draw=[0])}}
    axes = Figure().subplots()
    draw_points(axes, xr.DataTree.from_dict({name: xr.Dataset(group) for name, group in groups.items()}), None)
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), np.repeat(np.arange(3.0), 2).reshape(3, 2))
    assert axes.get_xlabel() == axes.get_ylabel() == "S1_0 [rad]"


def test_an_autoencoder_has_no_resolution_and_units_of_its_own():
    ae, vae = (xr.DataTree(xr.Dataset(attrs={"kind": kind, "latent": "R3", "beta": 0.1})) for kind in ("ae", "vae"))
    assert column_title(ae) == "autoencoder, R3"
    assert column_title(vae) == r"VAE, R3, $\beta$ = 0.1"
    assert [unit_of(tree, kind) for tree in (ae, vae) for kind in ("real", "angle", "simplex")] == [
        " [arbitrary]",
        " [rad]",
        "",
        " [widths of prior]",
        " [rad]",
        "",
    ]
