"""What sharing costs: known excesses, errors against repeated samples, weights, and when a loss is claimed."""

import numpy as np
import pytest
import xarray as xr

from analysis.measures.probing import objective
from analysis.measures.shared_dimensions import compared, losing
from analysis.studies.shared import shared
from tests.analysis.measures.test_level_differences import training

SHARE = {"qcd": 2 / 3, "w": 1 / 3}
ENTROPY = np.log(3) - 2 / 3 * np.log(2)


def measured(nats=(0.0, 0.0), jets=400, seeds=3, own=0.05, **options):
    """Trainings of both classes together, which need ``nats`` more for each, and of each alone."""
    both, alone = [], {"qcd": [], "w": []}
    for seed in range(seeds):
        parts = []
        for k, name in enumerate(SHARE):
            mixed = training((1.0, 0.5), jets=jets, seed=100 * seed + k, own=own, events=False, **options)
            mixed["kl"] = mixed["kl"] + nats[k]
            parts.append(mixed.assign_coords(class_name=("jet", [name] * jets)))
            other = training((1.0, 0.5), jets=jets, seed=100 * seed + 50 + k, own=own, events=False, **options)
            alone[name].append(other)
        joined = xr.concat(parts, "jet", data_vars="minimal")
        both.append(joined.assign_attrs(parts[0].attrs | {"latent": "R2 x (R0 | R1)"}))
    return both, alone


def found(*nats, **options):
    return compared(*measured(nats or (0.0, 0.0), **options), SHARE)


def test_known_excess():
    result = found(0.3, 0.9, own=1e-6)
    np.testing.assert_allclose(result["excess"].sel({"class": "qcd"}), 0.3, atol=1e-4)
    np.testing.assert_allclose(result["excess"].sel({"class": "w"}), 0.9, atol=1e-4)
    np.testing.assert_allclose(result["total"], 0.5, atol=1e-4)
    assert result.attrs["entropy"] == pytest.approx(ENTROPY)
    np.testing.assert_allclose(result["D2"].sel(model="mixed"), result["D2"].sel(model="alone"), atol=1e-4)


def test_errors_are_those_of_other_jets():
    """The spread over 300 samples of jets, one training each, against the error that each sample states."""
    totals, stated, excess, stated_excess = [], [], [], []
    for repeat in range(300):
        random = np.random.default_rng(repeat)
        both, alone = measured(jets=60, seeds=1)
        for each in (both[0], alone["qcd"][0], alone["w"][0]):
            each["kl"] = each["kl"] + xr.DataArray(random.normal(size=each.sizes["jet"]), dims="jet")
        result = compared(both, alone, SHARE).isel(beta=3)
        totals.append(float(result["total"]))
        stated.append(float(result["total_error"]))
        excess.append(float(result["excess"][1]))
        stated_excess.append(float(result["excess_error"][1]))
    # the jets' common factor is the same in all repeats: only what was added here varies
    added = np.sqrt(2 * (4 / 9 + 1 / 9) / 60)
    assert np.std(totals) == pytest.approx(added, rel=0.15)
    assert np.mean(stated) >= added
    assert np.std(excess) == pytest.approx(np.sqrt(2 / 60), rel=0.15)
    assert np.mean(stated_excess) >= np.sqrt(2 / 60)


def test_the_spread_of_trainings_is_in_the_error():
    both, alone = measured(seeds=3)
    for off, each in zip((-0.6, 0.0, 0.6), both, strict=True):
        each["kl"] = each["kl"] + off
    result = compared(both, alone, SHARE)
    assert (result["total_error"] > 0.6 / np.sqrt(3)).all()
    assert (found(seeds=1)["total_error"] < 0.6 / np.sqrt(3)).any()


def test_jets_count_by_their_weights():
    both, alone = measured(seeds=1)
    weights = np.where(np.arange(800) % 2, 2.0, 0.5)
    heavy = both[0].assign_coords(weight=("jet", weights))
    result = compared([heavy], alone, SHARE).isel(beta=0)
    rows = np.flatnonzero(both[0]["class_name"] == "w")
    of_jets = np.asarray(objective(both[0]).isel(beta=0))[rows]
    own = float(objective(alone["w"][0]).isel(beta=0).mean())
    assert float(result["excess"][1]) == pytest.approx(np.average(of_jets, weights=weights[rows]) - own)


def test_when_a_loss_is_claimed():
    assert not len(losing(found(ENTROPY - 0.2, ENTROPY - 0.2, own=0.01)))
    result = found(ENTROPY + 1.5, ENTROPY + 1.5, own=0.01)
    lost = losing(result)
    assert len(lost) >= 3
    single = result.copy(deep=True)
    single["total"][:] = 0.0
    single["total"][[4, 5, 9]] = 50.0
    assert not len(losing(single))
    single["total"][6] = 50.0
    np.testing.assert_allclose(losing(single), single["beta"][4:7])


def test_what_is_said():
    part = shared(found(0.1, 0.2, own=0.01, noise=0.02))
    start = "R2 x (R0 | R1) on qcd and w: 3 trainings each, 400 qcd jets and 400 w jets held out."
    assert part.reading.startswith(start)
    assert "No loss by sharing is seen down to" in part.reading
    assert "to say the class takes up to 0.64." in part.reading
    assert len(part.figure.axes) == 2
    loss = shared(found(2.0, 2.5, own=0.01, noise=0.02)).reading
    assert "Sharing loses nats from" in loss
    assert "of which the class explains no more than 0.64" in loss
    unsure = found(0.0, 0.0)
    unsure["total_error"][:] = 1.0
    assert "Nothing can be said" in shared(unsure).reading
    assert "one training, of unknown spread, each" in shared(found(seeds=1)).reading
