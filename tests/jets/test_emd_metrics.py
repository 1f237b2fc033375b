"""The other distances against scipy, POT and closed forms; their gradients against finite differences."""

import math

import numpy as np
import ot
import pytest
import scipy.stats
import torch

from jets.emd import CloudError, emd
from jets.emd.examples import unrelated
from jets.emd.metrics import METRICS, energy, mmd, sliced, spectral, wasserstein, wasserstein_1d


@pytest.fixture(scope="module")
def pair():
    return tuple(torch.from_numpy(cloud).double() for cloud in unrelated(12, 4))


def weights(cloud):
    return (cloud[..., 0] / cloud[..., 0].sum(-1, keepdim=True)).numpy()


def turned(cloud, angle, mirror=1.0, shift=0.0):
    c, s = math.cos(angle), math.sin(angle)
    eta, phi = cloud[..., 1], mirror * cloud[..., 2]
    return torch.stack((cloud[..., 0], c * eta - s * phi + shift, s * eta + c * phi - shift), -1)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_the_line_against_pot(p):
    random = np.random.default_rng(0)
    x, y, a, b = random.normal(size=7), random.normal(size=9), random.random(7), random.random(9)
    a, b = a / a.sum(), b / b.sum()
    found = wasserstein_1d(*map(torch.from_numpy, (x, y, a, b)), p)
    assert float(found) == pytest.approx(ot.wasserstein_1d(x, y, a, b, p=p), rel=1e-9)
    if p == 1:
        assert float(found) == pytest.approx(scipy.stats.wasserstein_distance(x, y, a, b), rel=1e-9)


@pytest.mark.parametrize("p", [1, 2])
def test_sliced_against_pot(pair, p):
    x, y = pair
    found = sliced(x, y, p=p, directions=16)
    angle = np.arange(16) * np.pi / 16
    axes = np.stack((np.cos(angle), np.sin(angle)))
    for k in range(4):
        truth = ot.sliced_wasserstein_distance(
            x[k, :, 1:].numpy(), y[k, :, 1:].numpy(), weights(x)[k], weights(y)[k], p=p, projections=axes
        )
        assert float(found[k]) == pytest.approx(truth, rel=1e-9)
    if p == 1:
        assert (found <= emd(x, y, method="exact").value).all()


def test_wasserstein_against_the_programme(pair):
    truth = emd(*pair, p=2, method="exact").value.sqrt()
    torch.testing.assert_close(wasserstein(*pair), truth, rtol=0.01, atol=0)


def test_energy_on_a_line_against_scipy(pair):
    x, y = (cloud * torch.tensor([1.0, 1.0, 0.0]) for cloud in pair)
    for k in range(4):
        truth = scipy.stats.energy_distance(x[k, :, 1], y[k, :, 1], weights(x)[k], weights(y)[k]) ** 2
        assert float(energy(x, y)[k]) == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize(("metric", "truth"), [(energy, 2 * 0.5), (mmd, 2 - 2 * math.exp(-0.5 * (0.5 / 0.1) ** 2))])
def test_discrepancies_of_two_particles(metric, truth):
    x, y = torch.tensor([[30.0, 0.0, 0.0]]), torch.tensor([[7.0, 0.3, -0.4]])
    assert float(metric(x, y)) == pytest.approx(truth, rel=1e-6)


def test_spectral_against_pot(pair):
    x, y = pair
    for k in range(4):
        spectra = [np.linalg.norm(cloud[k, :, None, 1:] - cloud[k, None, :, 1:], axis=-1).ravel() for cloud in (x, y)]
        shares = [np.outer(weights(cloud)[k], weights(cloud)[k]).ravel() for cloud in (x, y)]
        assert float(spectral(x, y)[k]) == pytest.approx(ot.wasserstein_1d(*spectra, *shares, p=2), rel=1e-8)


def test_spectral_sees_no_rotation_mirror_or_shift(pair):
    x, y = pair
    torch.testing.assert_close(spectral(x, y), spectral(turned(x, 0.7, mirror=-1.0, shift=0.3), y))
    assert float(spectral(x, turned(x, 1.0)).max()) < 1e-12
    assert float(sliced(x, turned(x, 1.0)).min()) > 1e-3


@pytest.mark.parametrize("moved", [1e-1, 1e-3, 1e-4])
def test_spectral_of_near_copies_in_single_precision(pair, moved):
    """A difference of squares a hundred thousand times as large: in float32 nothing would be left."""
    x, _ = pair
    y = x.clone()
    y[..., 1:] += moved * torch.randn(y[..., 1:].shape, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(spectral(x.float(), y.float()).double(), spectral(x, y), rtol=1e-3, atol=0)


@pytest.mark.parametrize("name", METRICS)
def test_what_every_distance_must_do(pair, name):
    metric, (x, y) = METRICS[name], pair
    value = metric(x, y)
    assert value.shape == (4,)
    assert (value > 0).all()
    loose = {"rtol": 1e-3, "atol": 1e-6}
    torch.testing.assert_close(value, metric(y, x), **loose)
    assert float(metric(x, x.flip(1)).abs().max()) < 2e-3 * float(value.min())
    padded = torch.cat((x, torch.tensor([0.0, 5.0, -2.0], dtype=x.dtype).expand(4, 3, 3)), 1).requires_grad_()
    torch.testing.assert_close(metric(padded, y), value, **loose)
    gradient = torch.autograd.grad(metric(padded, y).sum(), padded)[0]
    assert torch.isfinite(gradient).all()
    assert not gradient[:, 12:].any()
    with pytest.raises(ValueError, match="negative weight"):
        metric(-x, y)


@pytest.mark.parametrize("argument", ["x", "y"])
@pytest.mark.parametrize("name", METRICS)
def test_bad_clouds_are_named(pair, name, argument):
    x, y = (cloud.clone() for cloud in pair)
    (x if argument == "x" else y)[2, 5, 1] = math.nan
    with pytest.raises(CloudError, match=rf"^{argument}\[2\] holds NaN"):
        METRICS[name](x, y)


@pytest.mark.parametrize("name", METRICS)
def test_one_cloud_is_held_against_several(pair, name):
    """As many clouds in both, or one; other numbers have no pairs."""
    x, y = pair
    torch.testing.assert_close(METRICS[name](x[:1], y), METRICS[name](x[:1].expand_as(x), y), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(METRICS[name](x[0], y), METRICS[name](x[:1].expand_as(x), y), rtol=1e-6, atol=1e-9)
    with pytest.raises(CloudError, match="expected as many clouds in both, or one"):
        METRICS[name](x[:2], y[:3])


@pytest.mark.parametrize("name", [name for name in METRICS if name not in ("emd", "wasserstein")])
def test_gradients_by_finite_differences(name):
    """Random clouds, for jets' rounded angles tie, and a tie is a kink of the sliced distance."""
    torch.manual_seed(0)
    x, y = (torch.rand(2, n, 3, dtype=torch.float64, requires_grad=True) for n in (6, 5))
    assert torch.autograd.gradcheck(METRICS[name], (x, y), eps=1e-7, atol=1e-5, rtol=1e-3)


def test_gradient_at_the_same_jet_is_finite(pair):
    x = pair[0].clone().requires_grad_()
    for metric in METRICS.values():
        assert torch.isfinite(torch.autograd.grad(metric(x, pair[0]).sum(), x)[0]).all()
