"""The bounds hold the exact distance of POT in float64, whatever was rounded; no pair leaves anything behind."""

import math

import numpy as np
import pytest
import torch

from jets.emd import emd, pairwise

DOUBLE, SINGLE = torch.float64, torch.float32


def azimuths(kind, random, shape):
    """Return azimuths [rad]: in [0, 2 pi) on both sides of zero, whole turns away, all around, or far from zero."""
    return {
        "split": lambda: random.uniform(-0.02, 0.02, shape) % (2 * np.pi),
        "turns": lambda: random.normal(0, 0.3, shape) + 2 * np.pi * random.integers(-1000, 1000, shape),
        "around": lambda: random.uniform(-np.pi, np.pi, shape),
        "offset": lambda: random.normal(2.5, 0.01, shape),
    }[kind]()


def pairs(kind, n, random, count=25):
    """Return two samples of clouds ``(count, n, 3)`` in float64; of kind "equal" totals differ by 1e-7 or less."""

    def cloud(kind):
        eta = random.normal(4 if kind == "offset" else 0, 0.01 if kind in ("split", "offset") else 0.3, (count, n))
        return np.stack([500 * random.random((count, n)), eta, azimuths(kind, random, (count, n))], -1)

    if kind != "equal":
        return cloud(kind), cloud(kind)
    x = cloud("around")
    y = x[:, ::-1].copy()
    y[..., 0] *= 1 + random.uniform(-1e-7, 1e-7, (count, 1))
    return x, y


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE])
@pytest.mark.parametrize("kind", ["split", "turns", "around", "offset", "equal"])
def test_the_exact_distance_is_within_the_bounds(kind, dtype):
    """400 pairs of each kind and precision, of 1 to 20 particles, normalised or not, p = 1 and 2."""
    random, outside = np.random.default_rng(15), 0
    for n in (1, 2, 3, 20):
        x, y = (torch.tensor(cloud, dtype=dtype) for cloud in pairs(kind, n, random))
        for p in (1, 2):
            for normalise in (True, False):
                distance = emd(x, y, p=p, normalise=normalise)
                exact = emd(x.double(), y.double(), p=p, normalise=normalise, method="exact").value
                outside += int(((exact < distance.lower.double()) | (exact > distance.upper.double())).sum())
                if kind != "equal":
                    torch.testing.assert_close(distance.value.double(), exact, rtol=0.05, atol=1e-4)
    assert outside == 0


def test_turns_and_large_offsets_change_nothing():
    """Two particles at 0.3 and 0.4 rad make 0.5 (a 3-4-5 triangle), also where azimuths are turns away."""
    for turns in (0, 1, -3, 1000):
        y = torch.tensor([[1.0, 0.3, 0.4 + 2 * math.pi * turns]], dtype=DOUBLE)
        assert float(emd(torch.zeros(1, 3, dtype=DOUBLE) + torch.tensor([1.0, 0, 0]), y).value) == pytest.approx(
            0.5, rel=1e-6
        )


WILD = [[1.0, 2e19, 0.0], [1.0, 1e5, 0.0], [1.0, 0.0, 3e38], [1.0, 3e38, 3e38]]


@pytest.mark.parametrize("wild", WILD)
@pytest.mark.parametrize("normalise", [True, False])
def test_a_wild_pair_is_at_infinity_and_leaves_nothing_behind(wild, normalise):
    good = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.3, 0.4]])
    before = emd(*good, normalise=normalise)
    cloud = torch.tensor([wild], requires_grad=True)
    distance = emd(cloud, -cloud.detach() * torch.tensor([-1.0, 1.0, 1.0]), normalise=normalise)
    assert [float(number.detach()) for number in distance] == [math.inf, 0.0, math.inf]
    after = emd(*good, normalise=normalise)
    assert float(after.value) == pytest.approx(0.5, rel=1e-5)
    assert before == after


def test_a_wild_jet_spoils_only_its_own_row():
    good = np.random.default_rng(0).random((6, 4, 3), np.float32)
    bad = good.copy()
    bad[0, 0, 1] = 3e19
    for threads in (1, 2):
        matrix = pairwise(bad, threads=threads)
        np.testing.assert_array_equal(matrix[1:, 1:], pairwise(good)[1:, 1:])
        assert np.isinf(matrix[0, 1:]).all()
    single = good.copy()
    single[0, 0] = [0.0, 3e19, 3e19]  # padding may lie anywhere
    assert np.isfinite(pairwise(single)).all()


def test_scratch_full_of_nan_changes_nothing():
    """What an earlier pair leaves in a thread's working memory is never read."""
    from jets.emd import cpu

    x, y = (torch.rand(6, 20, 3, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    expected = [emd(x, y, normalise=normalise) for normalise in (True, False)]
    for normalise, before in zip((True, False), expected, strict=True):
        cpu._scratch.get(21)[0].fill(np.nan)
        assert all(torch.equal(*both) for both in zip(emd(x, y, normalise=normalise), before, strict=True))
