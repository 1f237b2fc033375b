"""Curves that the objective alone gives, and the errors of all, on the exact curve of a Gaussian that is missed."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.dimension_curves import summarised
from analysis.measures.dimension_errors import mean_slopes, of_training, with_errors

SIZE, BETA = 10.0, np.geomspace(0.1, 2, 61)
T = np.log(BETA)


def missed(by, wave=2.0, power=2):
    """A training of a Gaussian of size 10 that tells by sin(wave ln beta) too much, on its curve <d^2> = S^2 e^-2R."""
    told, slope = np.log(SIZE / BETA) + by * np.sin(wave * T), -1 + by * wave * np.cos(wave * T)
    left = SIZE**2 * np.exp(-2 * told)
    own, jets = ("beta", "jet"), 30
    variables = {
        "kl": ((*own, "kl_term"), np.tile(told[:, None, None], (1, jets, 1))),
        "distortion": (own, np.tile(left[:, None], jets)),
        "kl_slope": (own, np.tile(slope[:, None], jets)),
        "distortion_slope": (own, np.tile((-2 * left * slope)[:, None], jets)),
        "sigma": (("beta", "coordinate"), np.ones((len(BETA), 1))),
        "rms": (("beta", "coordinate"), np.ones((len(BETA), 1))),
    }
    return xr.Dataset(variables, {"beta": BETA, "kl_term": ["a"], "coordinate": ["a"]}, {"power": power})


def test_the_objective_gives_the_rate_to_second_order():
    """KL misses by a, the rate by a^2: halving a quarters what it misses; and it is J + J'/2 of the objective."""
    worst = {}
    for by in (0.1, 0.05):
        found = summarised(missed(by))
        worst[by] = [float(np.abs(found[name] - np.log(SIZE / BETA)).max()) for name in ("kl", "rate")]
        objective = np.asarray(found["kl"] + found["distortion"] / (2 * found["beta"] ** 2))
        slope = np.gradient(objective, T)
        np.testing.assert_allclose(found["rate"][2:-2], (objective + slope / 2)[2:-2], atol=2e-4)
    assert worst[0.1][0] == pytest.approx(0.1, rel=0.01)
    assert worst[0.1][1] < 0.02
    assert worst[0.05][1] == pytest.approx(worst[0.1][1] / 4, rel=0.1)
    found = summarised(missed(0.05))
    assert np.abs(found["D"] - 1).max() < 0.3 * np.abs(found["D2"] - 1).max()


def test_at_the_optimum_nothing_changes():
    found = summarised(missed(0.0))
    for name in ("D1", "D2", "D"):
        np.testing.assert_allclose(found[name], 1, atol=1e-9)
    np.testing.assert_allclose(found["rate"], found["kl"])
    assert all(np.abs(error).max() < 1e-9 for error in of_training(found).values())


def test_d_is_the_mean_dimension_between_the_neighbours():
    """Of a curve with a step, exactly; with one resolution there is none."""
    beta = np.array([0.5, 0.9, 1.2, 3.0])
    rate = np.maximum(0, np.log(1 / beta)) + np.maximum(0, np.log(2 / beta))
    expected = [2, 1 + np.log(2) / np.log(2.4), np.log(2 / 0.9) / np.log(3 / 0.9) + np.log(1 / 0.9) / np.log(3 / 0.9),
                np.log(2 / 1.2) / np.log(3 / 1.2)]  # fmt: skip
    np.testing.assert_allclose(mean_slopes(beta, rate), expected)
    assert np.isnan(mean_slopes(beta[:1], rate[:1])).all()


def test_errors_hold_what_training_misses():
    """What KL, D1, D2 and the distortion miss is within twice an error that knows of no truth."""
    by = 0.05
    found = summarised(missed(by))
    errors = of_training(found)
    truth = {"kl": np.log(SIZE / BETA), "D1": 1, "D2": 1, "distortion": BETA**2}
    for name, exact in truth.items():
        assert (np.abs(found[name] - exact) <= 2 * errors[name]).mean() > 0.9, name
        assert errors[name].max() < 4 * np.abs(found[name] - exact).max()


def test_what_is_missed_in_second_order():
    """Of a tenth to a third of a nat that KL misses: the rate's error, without a probe, is of the size of its miss."""
    for by in (0.1, 0.2, 0.3):
        found = summarised(missed(by))
        error = of_training(found)["rate"]
        wrong = np.abs(found["rate"] - np.log(SIZE / BETA))
        assert 0.3 < float(wrong.max() / error.max()) < 1.5
        assert (wrong <= 2 * error).mean() > 0.7


def test_no_error_without_seeds_or_probe():
    alone = with_errors(summarised(missed(0.05)))
    assert np.isnan(alone["D_error"]).all()
    assert "another seed" in alone.attrs["no_errors"]
    probed = with_errors(
        alone.assign(gain=0 * alone["kl"], **{f"{name}_change": 0 * alone["kl"] for name in ("rate", "D")})
    )
    assert "no_errors" not in probed.attrs
    assert np.isfinite(probed["D2_error"]).all()
