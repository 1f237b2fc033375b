"""The passes of an annealed training."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.annealing import passes
from jets.errors import UserError


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


@pytest.mark.parametrize("count", [0, 2])
def test_a_training_of_fewer_steps_than_passes_is_refused(count):
    columns = dict.fromkeys(("kl_R1_0", "beta"), ("step", np.ones(count)))
    with pytest.raises(UserError, match=f"steps of training: {count}; .* three passes"):
        passes(xr.Dataset(columns), np.array([1.0]))
