"""Dimension against closed forms: an exact linear model, made by hand; the command on a short training."""

import json

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

import analysis
import inference
from analysis.evaluation.resolutions import at_resolution, choices, dimension
from analysis.measures.dimension_curves import category_share, summarised
from inference.recipe import RecipeError, read
from jets import Jets
from jets.toys import gaussian_optimum
from jetvae.__main__ import main
from models import ModelConfig, build
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


@pytest.mark.parametrize(
    ("latent", "expected"),
    [("R2", set()), ("C2 x R1", {"C2"}), ("C3(posterior=relaxed)", {"C3"}), ("R1 | S1", {"M2"})],
)
def test_what_chooses(latent, expected):
    assert choices(build(ModelConfig(latent=latent, encoder=(), decoder=()), 4)) == expected


@pytest.fixture(scope="module")
def measured():
    """What measure() collects of the exact model on 20,000 points at six resolutions away from the steps."""
    torch.manual_seed(0)
    x, betas = torch.randn(20_000, 3) * SIZES, np.array([0.08, 0.15, 0.4, 0.7, 2.0, 6.0])
    rows = [at_resolution(Exact(), x, beta, draws=4).table for beta in betas]
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
        error = np.asarray(curves[f"{name}_error_jets"])
        np.testing.assert_array_less(np.abs(curves[name] - expected), 4.5 * error + 2e-4, err_msg=name)
        assert (error < 0.03 * np.maximum(1, expected)).all()
    assert bool(curves["consistent"].all())
    np.testing.assert_array_less(np.abs(curves["rate"] - optimum.kl), 4.5 * curves["rate_error_jets"] + 2e-4)
    between = -np.diff(optimum.kl) / np.diff(np.log(curves["beta"]))
    np.testing.assert_allclose(curves["D"][[0, -1]], between[[0, -1]], atol=0.02)
    np.testing.assert_array_equal(curves["bound"], curves["beta"] < SIZES.min().item())
    expected = np.sqrt(np.asarray(measured["distortion"])).mean(1)
    np.testing.assert_allclose(curves["distance"], expected)
    np.testing.assert_array_less(expected, np.sqrt(curves["distortion"]))  # Jensen
    np.testing.assert_allclose(curves["rms"] ** 2 + curves["sigma"] ** 2, 1, atol=0.03)


def test_commands(range_run, tmp_path, capsys):
    """A short training on vectors: the table, the files, equally long lists, and a report without images."""
    assert main(["dimension", str(range_run.path), "--jets", "200", "--out", str(tmp_path)]) == 0
    assert "wrote dimension.nc" in capsys.readouterr().out
    curves = xr.open_dataset(tmp_path / "dimension.nc", engine="h5netcdf")
    assert list(curves["coordinate"]) == ["R2_0", "R2_1"]
    assert curves.attrs["spectrum"].tolist() == [4, 1]
    assert {path.stem for path in tmp_path.glob("*.png")} == {
        "dimension",
        "rate_distortion",
        "switching",
        "widths",
        "hierarchy",
    }
    assert main(["summary", str(range_run.path), "--json"]) == 0
    lists = json.loads(capsys.readouterr().out)["dimension"]
    assert {len(values) for values in lists.values()} == {25}
    assert main(["report", str(range_run.path)]) == 0
    assert 'aria-labelledby="dimension-caption"' in (range_run.path / "report.html").read_text()


def test_seeds_and_mixed_runs(range_run, tmp_path):
    both = dimension([range_run, range_run], betas=[1.0, 2.0], jets=100)
    alone = dimension([range_run], betas=[1.0, 2.0], jets=100)
    np.testing.assert_allclose(both["D2_error_jets"], alone["D2_error_jets"])
    np.testing.assert_array_equal(both["D2_error_seeds"], 0)  # no spread between a run and itself
    assert np.isfinite(both["D2_error"]).all()
    assert "no_errors" not in both.attrs
    assert np.isnan(alone["D2_error"]).all(), "of one training errors are not known"
    assert "another seed" in alone.attrs["no_errors"]
    changes = {"data.files": ["toy:gaussian(spectrum=4,1, n=1000)"], "model.latent": "R2", "model.beta": 1.0}
    one = inference.train(read("vae-gaussian", changes | {"training.epochs": 1}), tmp_path / "one")
    with pytest.raises(RecipeError, match="not both"):
        dimension([range_run, one])
    with pytest.raises(RecipeError, match="at least 5 betas"):
        dimension([one])


def test_what_is_exact_is_that_of_the_jets_evaluated(range_run):
    """Of the toy that the run was trained on, where other points are given, nothing is exact."""
    sizes = range_run.jets.constituents.shape[1]
    others = Jets(np.random.default_rng(0).normal(size=(50, sizes)), np.zeros(50, int), ("others",))
    assert "exact_kl" in analysis.evaluate(range_run, at_most=50)["dimension"]
    assert "exact_kl" not in analysis.evaluate(range_run, others)["dimension"]


class Chooses(VAE):
    """Puts a jet on the first of two manifolds with probability beta / (1 + beta), on the second otherwise."""

    def __init__(self):
        nothing = nn.Identity()
        super().__init__("R1 | R1", nothing, nothing, Gaussian(1.0), Resolution(0.05, 8.0))

    def encode(self, x):
        head = x.new_zeros(len(x), self.latent.outputs)
        head[:, 0] = self.likelihood.beta.log()
        return head

    def decode(self, features):
        return self.likelihood(features[..., :2])


def test_shares_of_manifolds():
    torch.manual_seed(0)
    betas = np.array([0.1, 1.0, 4.0])
    rows = [at_resolution(Chooses(), torch.randn(40, 2), beta, draws=1).table["categories"] for beta in betas]
    first = np.repeat((betas / (1 + betas))[:, None], 40, 1)
    np.testing.assert_allclose(np.stack(rows), np.stack([first, 1 - first], -1), rtol=1e-5)


def test_shares_by_class():
    """Jets of class a have .2, those of b .8 with weights 1 and 3; a's is the plain mean."""
    values, names = np.array([[0.1, 0.3, 0.5, 0.9]]), ["a", "a", "b", "b"]
    labels = {"beta": [0.1], "category": ["M2_0"], "class_name": ("jet", names)}
    measured = xr.Dataset({"category_share": (("beta", "jet", "category"), values[..., None])}, labels)
    found = category_share(measured.assign_coords(weight=("jet", [1.0, 1.0, 1.0, 3.0])))["category_share"]
    assert found.sel({"class": "a"}).item() == pytest.approx(0.2)
    assert found.sel({"class": "b"}).item() == pytest.approx(0.8)
    assert category_share(xr.Dataset()).sizes == {}
