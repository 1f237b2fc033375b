"""Images: the invariances that preprocessing promises, and pixels against numpy's histogram."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from jets.preprocess import WIDTH, centre, flip, pixelise, prepare, rotate, summed_in_steps, turn


@pytest.fixture(scope="module")
def constituents(sample):
    return torch.as_tensor(sample.constituents[::10]).double()


def turned(constituents, angle):
    pt, eta, phi = constituents.unbind(-1)
    cos, sin = np.cos(angle), np.sin(angle)
    return torch.stack([pt, cos * eta - sin * phi, sin * eta + cos * phi], -1)


MOVES = {
    "translated": lambda c: torch.cat([c[..., :1], torch.where(c[..., :1] > 0, c[..., 1:] + 0.07, 0.0)], -1),
    "rotated": lambda c: turned(c, 1.1),
    "reflected": lambda c: c * c.new_tensor([1.0, -1.0, 1.0]),
    "rescaled": lambda c: c * c.new_tensor([3.0, 1.0, 1.0]),
    "reordered": lambda c: c.flip(-2),
    "padded": lambda c: torch.nn.functional.pad(c, (0, 0, 0, 5)),
}


@pytest.mark.parametrize("move", MOVES)
def test_prepared_image_is_invariant(constituents, move):
    before = pixelise(prepare(constituents))
    after = pixelise(prepare(MOVES[move](constituents)))
    # in float64 only a constituent within rounding of a pixel's edge could change pixel
    assert (before - after).abs().sum((-1, -2)).max() < 1e-9


def test_random_turns_are_uniform_and_rigid():
    """4,000 copies of two particles at a right angle: lengths and angle stay, direction and handedness are fair."""
    torch.manual_seed(0)
    pair = torch.tensor([[1.0, 0.3, 0.0], [1.0, 0.0, 0.2]])
    first, second = turn(pair.expand(4000, 2, 3))[..., 1:].unbind(1)
    torch.testing.assert_close(first.norm(dim=-1), torch.full((4000,), 0.3))
    torch.testing.assert_close((first * second).sum(-1), torch.zeros(4000), atol=1e-7, rtol=0)
    direction = torch.atan2(first[:, 1], first[:, 0]).numpy()
    assert kstest(direction, "uniform", args=(-np.pi, 2 * np.pi)).pvalue > 1e-3
    left = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] > 0).float().mean()
    assert abs(left - 0.5) < 4 * 0.5 / 4000**0.5


ALONE = {"centre": "translated", "flip": "reflected", "rotate": "rotated"}


@pytest.mark.parametrize(("step", "move"), ALONE.items())
def test_each_step_alone_undoes_its_move(constituents, step, move):
    """An axis has no head: rotated jets may stand upside down."""
    before, after = (pixelise(prepare(c, [step])) for c in (constituents, MOVES[move](constituents)))
    turned_over = before.flip(-1, -2) if step == "rotate" else before
    off = torch.minimum((before - after).abs().sum((-1, -2)), (turned_over - after).abs().sum((-1, -2)))
    assert off.max() < 1e-9
    assert (pixelise(constituents) - pixelise(MOVES[move](constituents))).abs().sum((-1, -2)).median() > 0.1


def test_steps_do_what_they_say(constituents):
    pt, eta, phi = centre(constituents).unbind(-1)
    assert (pt * eta).sum(-1).abs().max() < 1e-9
    assert (pt * phi).sum(-1).abs().max() < 1e-9
    pt, eta, phi = rotate(centre(constituents)).unbind(-1)
    assert (pt * eta * phi).sum(-1).abs().max() < 1e-9
    assert ((pt * phi * phi).sum(-1) >= (pt * eta * eta).sum(-1)).all()
    pt, eta, phi = flip(constituents).unbind(-1)
    assert ((pt * eta.sign()).sum(-1) >= 0).all()
    assert ((pt * phi.sign()).sum(-1) >= 0).all()


def test_pixels_equal_numpy_histogram(constituents):
    images = pixelise(constituents).numpy()
    edges = [np.arange(41) * step - 20 * step for step in WIDTH]
    for jet, image in zip(constituents.numpy(), images, strict=True):
        expected = np.histogram2d(jet[:, 1], jet[:, 2], bins=edges, weights=jet[:, 0])[0]
        np.testing.assert_allclose(image, expected / expected.sum(), atol=1e-12)


def test_constituents_in_one_pixel_are_summed():
    image = pixelise(torch.tensor([[[1.0, 0.01, 0.01], [2.0, 0.011, 0.012], [1.0, 0.3, 0.3]]]))
    assert image.max() == 0.75


def test_whole_steps_add_up_to_the_same_image():
    """What is done on CUDA, here on the CPU: the same sums to rounding, in any order, vectorised, and NaN stays NaN."""
    random = torch.Generator().manual_seed(0)
    weight, index = torch.rand(50, 30, generator=random), torch.randint(0, 8, (50, 30), generator=random)
    weight = weight / weight.sum(-1, keepdim=True)
    expected = torch.zeros(50, 8).scatter_add_(-1, index, weight)
    found = summed_in_steps(weight, index, 8)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    order = torch.randperm(30, generator=random)
    assert torch.equal(found, summed_in_steps(weight[:, order], index[:, order], 8))
    assert torch.equal(found, torch.vmap(lambda w, i: summed_in_steps(w, i, 8))(weight, index))
    weight[3, 0] = float("nan")
    bad = summed_in_steps(weight, index, 8)
    assert bad[3].isnan().all()
    assert torch.equal(bad[4:], found[4:])


def test_jet_outside_gives_an_empty_image():
    assert pixelise(torch.tensor([[[1.0, 5.0, 0.0]]])).sum() == 0


def test_unknown_step():
    with pytest.raises(ValueError, match="unknown preprocessing steps"):
        prepare(torch.zeros(1, 2, 3), ["squash"])
