"""Dimension against closed forms: an exact linear model, made by hand; grids against their own curve."""

import json

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import inference
from analysis.figures import dimension as dimension_figures
from analysis.alignment import alignment
from analysis.evaluation.resolutions import at_resolution, dimension, main
from analysis.measures.dimension_curves import bootstrap_weights, checked, from_grid, sizes, summarised
from analysis.figures.hysteresis import passes
from analysis.figures.latent_map import main as latent_map
from analysis.report.run_page import main as report
from analysis.measures.summary import main as summary
from inference.recipe import RecipeError, read
from jets.toys import gaussian_optimum
from models.likelihoods import Gaussian
from models.resolution import Resolution
from models.vae import VAE

SIZES = torch.tensor([4.0, 1.0, 0.25])


class Exact(VAE):
    """The optimum for a Gaussian of these sizes along the axes (Tipping & Bishop, J. R. Stat. Soc. B 61 (1999) 611)."""

    def __init__(self):
        nothing = nn.Identity()
        super().__init__("R3", nothing, nothing, Gaussian(1.0), Resolution(0.05, 8.0))

    def gain(self):
        ratio = self.likelihood.beta.unsqueeze(-1) / SIZES
        return SIZES * (1 - ratio**2).clamp(min=1e-12).sqrt(), ratio.clamp(max=1)

    def encode(self, x):
        weight, width = self.gain()
        return torch.cat([x * weight / SIZES**2, 2 * width.log()], -1)

    def decode(self, features):
        return self.likelihood(features * self.gain()[0])


@pytest.fixture(scope="module")
def measured():
    """What measure() collects of the exact model on 20,000 points at six resolutions away from the steps."""
    torch.manual_seed(0)
    x, betas = torch.randn(20_000, 3) * SIZES, np.array([0.08, 0.15, 0.4, 0.7, 2.0, 6.0])
    rows = [at_resolution(Exact(), x, beta, draws=4) for beta in betas]
    table = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    own = ("beta", "jet")
    return xr.Dataset(
        {name: (own, table[name]) for name in ("distortion", "kl_slope", "distortion_slope")}
        | {"kl": ((*own, "kl_term"), table["kl"])}
        | {"sigma": (("beta", "coordinate"), table["width"].mean(1))}
        | {"rms": (("beta", "coordinate"), np.sqrt((table["centre"] ** 2).mean(1)))},
        {"beta": betas, "kl_term": ["a", "b", "c"], "coordinate": ["a", "b", "c"]},
        {"power": 2},
    )


def test_curves_are_exact(measured):
    """Within 4.5 of their own errors of reverse water-filling; the errors themselves are a per cent."""
    curves = summarised(measured)
    optimum = gaussian_optimum(SIZES.numpy(), curves["beta"])
    count = (SIZES.numpy() > np.asarray(curves["beta"])[:, None]).sum(1)
    for name, expected in (("kl", optimum.kl), ("distortion", optimum.distortion), ("D1", count), ("D2", count)):
        error = np.asarray(curves[f"{name}_error"])
        np.testing.assert_array_less(np.abs(curves[name] - expected), 4.5 * error + 2e-4, err_msg=name)
        assert (error < 0.03 * np.maximum(1, expected)).all()
    assert bool(curves["converged"].all())
    expected = np.sqrt(np.asarray(measured["distortion"])).mean(1)
    np.testing.assert_allclose(curves["distance"], expected)
    np.testing.assert_array_less(expected, np.sqrt(curves["distortion"]))  # Jensen
    np.testing.assert_allclose(curves["rms"] ** 2 + curves["sigma"] ** 2, 1, atol=0.03)


def test_bootstrap_is_the_standard_error():
    values = np.random.default_rng(0).normal(size=500)
    spread = (bootstrap_weights(500, 1) @ values).std(ddof=1)
    assert spread == pytest.approx(values.std() / np.sqrt(500), rel=0.2)  # 200 resamplings: 5 %


def test_sizes_are_standard_deviations():
    beta = np.geomspace(0.05, 8, 25)
    kl = np.maximum(0, np.log(SIZES.numpy() / beta[:, None]))
    found = sizes(xr.Dataset({"kl_spectrum": (("beta", "kl_term"), kl)}, {"beta": beta, "kl_term": list("abc")}))
    np.testing.assert_allclose(found, SIZES, rtol=1e-6)


def grid(count=14, noise=0.02):
    """Trainings of a two-dimensional Gaussian of size 4: KL = 2 ln(4/beta), each with an error of its own."""
    random, parts = np.random.default_rng(0), []
    for beta in np.geomspace(0.1, 2, count):
        kl = 2 * np.log(4 / beta) + noise * random.normal() + 0.1 * random.normal(size=(1, 400, 1))
        distortion = 2 * beta**2 * (1 + noise * random.normal() + 0.1 * random.normal(size=(1, 400)))
        variables = {"kl": (("beta", "jet", "kl_term"), kl), "distortion": (("beta", "jet"), distortion)}
        variables |= {name: (("beta", "coordinate"), np.ones((1, 1))) for name in ("sigma", "rms")}
        parts.append(xr.Dataset(variables, {"beta": [beta], "kl_term": ["a"], "coordinate": ["a"]}, {"power": 2}))
    return parts


def test_grid_of_runs():
    curves = from_grid(grid())
    # d^2 = 2 beta^2 (1 + e), e of width 0.1 in a training and 0.02 among them: <d> = sqrt(2) beta (1 - 0.1^2 / 8)
    np.testing.assert_allclose(curves["distance"] / curves["beta"], np.sqrt(2) * (1 - 0.01 / 8), rtol=0.04)
    assert curves["D2"].values == pytest.approx(2, abs=0.15)
    assert curves["D1"].values == pytest.approx(2, abs=0.3)


def test_not_converged_is_said():
    curves = xr.Dataset({"D1": ("beta", [1.0, 1.2, 0.02]), "D2": ("beta", [1.05, 1.0, 0.0])}, {"beta": [1, 2, 3]})
    assert checked(curves)["converged"].values.tolist() == [True, False, True]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    changes = {"data.files": ["toy:gaussian(spectrum=4,1, n=3000)"], "model.latent": "R2 x S1"}
    recipe = read("vae-gaussian", changes | {"model.beta": [0.5, 8], "training.epochs": 3})
    return inference.train(recipe, tmp_path_factory.mktemp("run") / "run")


def test_commands(run, tmp_path, capsys):
    """A short training on vectors: the table, the files, equally long lists, and a report without images."""
    main([str(run.path), "--jets", "200", "--out", str(tmp_path)])
    assert "wrote dimension.nc" in capsys.readouterr().out
    curves = xr.open_dataset(tmp_path / "dimension.nc", engine="h5netcdf")
    assert list(curves["coordinate"]) == ["R2_0", "R2_1"]
    assert curves.attrs["spectrum"].tolist() == [4, 1]
    assert {path.stem for path in tmp_path.glob("*.png")} == set(dimension_figures.FIGURES)
    summary([str(run.path), "--json"])
    lists = json.loads(capsys.readouterr().out)["dimension"]
    assert {len(values) for values in lists.values()} == {25}
    report([str(run.path)])
    assert 'aria-labelledby="dimension-caption"' in (run.path / "report.html").read_text()


def test_seeds_and_mixed_runs(run, tmp_path):
    both = dimension([run, run], betas=[1.0, 2.0], jets=100)
    alone = dimension([run], betas=[1.0, 2.0], jets=100)
    np.testing.assert_allclose(both["D2_error"], alone["D2_error"])  # no spread between a run and itself
    changes = {"data.files": ["toy:gaussian(spectrum=4,1, n=1000)"], "model.latent": "R2", "model.beta": 1.0}
    one = inference.train(read("vae-gaussian", changes | {"training.epochs": 1}), tmp_path / "one")
    with pytest.raises(RecipeError, match="not both"):
        dimension([run, one])
    with pytest.raises(RecipeError, match="at least 5 betas"):
        dimension([one])


def test_map_of_a_latent_space(run, tmp_path, capsys):
    latent_map([str(run.path), str(run.path), "--beta", "1", "--out", str(tmp_path / "map.png")])
    assert "S1_0" in capsys.readouterr().out
    assert (tmp_path / "map.png").stat().st_size > 10_000


def turned(angle):
    """A tree whose two latents are the axes of a Gaussian of sizes 3, 1, 0.1 turned by an angle in the first plane."""
    axes = np.random.default_rng(0).normal(size=(5000, 3)) * [3, 1, 0.1]
    c, s = np.cos(angle), np.sin(angle)
    points = axes / [3, 1, 0.1] @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 0]])
    kl = np.broadcast_to([1.0, 2.0, 0.0], (5000, 3))
    columns = {f"axis_{i}": ("jet", axes[:, i]) for i in range(3)}
    groups = {
        "guide_params": xr.Dataset({"point": (("jet", "coordinate"), points)}),
        "information": xr.Dataset({"kl": (("jet", "kl_term"), kl)}),
        "constant_data": xr.Dataset(columns),
    }
    return xr.DataTree.from_dict(groups)


@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_alignment(angle):
    """Correlation is the cosine of the angle; the larger axis has less KL here, so the order is reversed."""
    found = alignment(turned(angle))
    np.testing.assert_allclose(found.correlation[:2], np.cos(angle), atol=0.03)
    assert np.isnan(found.correlation[2])
    assert found.order == pytest.approx(-1)


def test_passes_of_an_annealed_training():
    """KL = ln(8/beta) on the way down, 0.5 more on the way up: three passes, told apart."""
    t = np.linspace(0, 3, 3000, endpoint=False)
    up = (t >= 1) & (t < 2)
    beta = 8 * (1 / 16) ** np.where(up, 2 - t, t % 1)
    kl = np.log(8 / beta) + 0.5 * up
    columns = {"kl_R1_0": kl / 2, "kl_R1_1": kl / 2, "kl_weight": np.ones(3000), "beta": beta}
    found = passes(xr.Dataset({name: ("step", value) for name, value in columns.items()}), np.array([1.0, 2.0, 4.0]))
    expected = np.log(8 / np.array([1.0, 2.0, 4.0])) + np.array([[0], [0.5], [0]])
    np.testing.assert_allclose(found, expected, atol=0.02)
