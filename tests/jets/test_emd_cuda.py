"""The Triton kernel: the same numbers as the CPU's, under Triton's interpreter or on a GPU."""

import math
import os

import numpy as np
import pytest
import torch

os.environ.setdefault("TRITON_INTERPRET", "0" if torch.cuda.is_available() else "1")
triton = pytest.importorskip("triton", exc_type=ImportError)

from jets.emd import cpu, cuda, emd  # noqa: E402
from jets.emd.examples import PAIRS  # noqa: E402

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CASES = [(1, True), (1, False), (2, True), (2, False)]


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize(("p", "normalise"), CASES)
def test_same_numbers_as_the_cpu(kind, p, normalise):
    x, y = (torch.from_numpy(cloud) for cloud in PAIRS[kind](20, 4))
    x[1, 12:, 0] = 0
    y[:, 3, 0] = 0
    y[3, :, 0] *= x[3, :, 0].sum() / y[3, :, 0].sum()
    pairs = torch.arange(4).repeat_interleave(2).reshape(-1, 2).numpy()
    options = {"p": p, "R": 0.8, "normalise": normalise, "tolerance": 0.05, "gradient": True}
    bounds, gx, gy = cpu.run(x.numpy(), y.numpy(), pairs, **options)
    unit = 1.0 if normalise else float(x[..., 0].sum(1).max())
    found, dx, dy = cuda.run(x.to(DEVICE), y.to(DEVICE), *options.values())
    torch.testing.assert_close(found.cpu() / unit, torch.from_numpy(bounds).float() / unit, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(dx.cpu(), torch.from_numpy(gx), rtol=1e-2, atol=1e-4 * float(dx.abs().max()))
    torch.testing.assert_close(dy.cpu(), torch.from_numpy(gy), rtol=1e-2, atol=1e-4 * float(dy.abs().max()))


@pytest.mark.parametrize(("p", "normalise"), CASES)
def test_turned_and_wild_clouds(p, normalise):
    """Azimuths in [0, 2 pi), nearly equal totals, and a pair that float32 does not resolve: as on the CPU."""
    random = np.random.default_rng(0)
    shape = (6, 3)
    x, y = (
        np.stack(
            [random.random(shape), random.normal(0, 0.01, shape), random.uniform(-0.02, 0.02, shape) % 6.2831853], -1
        )
        for _ in range(2)
    )
    y[1] = x[1, ::-1] * [1 + 6e-8, 1, 1]
    one, two = (torch.tensor(cloud, dtype=torch.float32) for cloud in (x, y))
    exact = emd(one.double(), two.double(), p=p, normalise=normalise, method="exact").value
    one[5, 0, 1] = 2e19
    options = (p, 1.0, normalise, 0.02, True)
    found, gx, gy = (result.cpu().double() for result in cuda.run(one.to(DEVICE), two.to(DEVICE), *options))
    assert found[5].tolist() == [math.inf, 0.0, math.inf]
    assert not gx[5].any()
    assert not gy[5].any()
    assert gx.isfinite().all()
    assert (found[:5, 1] <= exact[:5]).all()
    assert (found[:5, 2] >= exact[:5]).all()
    torch.testing.assert_close(found[:5, 0], exact[:5], rtol=0.05, atol=1e-5)
