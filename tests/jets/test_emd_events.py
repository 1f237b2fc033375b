"""Events of any length by the signatures of EnergyFlow and Wasserstein: their numbers (versions 1.4.0 and 1.1.0)."""

import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import jets
from jets.emd import CloudError, events
from jets.emd import emd as between_clouds
from jets.emd.wasserstein import EMD, EMDYPhi, PairwiseEMD, PairwiseEMDYPhi

A = [
    [[40.233, 0.454, 0.044], [15.504, -0.221, -0.314], [26.527, 0.299, 0.654], [11.089, 0.109, -0.493]],
    [
        [22.299, -0.195, -0.285],
        [23.818, 0.221, -0.025],
        [5.054, -0.236, 0.164],
        [44.143, 0.332, -0.657],
        [29.139, -0.103, -0.392],
        [40.771, -0.069, -0.516],
        [10.869, 0.008, -0.015],
    ],
    [[19.078, -0.158, -0.437], [6.6, -0.542, 0.09]],
]
B = [
    [
        [22.127, -0.881, 0.026],
        [29.985, 0.035, -1.591],
        [7.8, -0.187, -0.205],
        [8.019, 0.77, -0.945],
        [6.644, 0.59, -0.879],
    ],
    [[12.488, 0.455, 1.945], [28.827, 0.514, 0.676], [6.988, 0.673, -0.485]],
]
WIDE = [[[1, 0.2, 0.1], [2, -0.3, 6.1], [1, 0, 3.5]], [[3, 0, 0.02], [1, 0.4, 0.3]]]
THREE = [
    [[14.055, -0.161, -0.003, -0.223], [33.237, -0.027, 0.669, -0.258], [35.957, -0.63, -0.918, -0.102]],
    [
        [35.026, -0.361, -0.26, 0.08],
        [3.189, -0.19, 0.05, 0.951],
        [12.543, 0.24, -0.788, 0.867],
        [1.953, 0.174, -0.471, 0.454],
    ],
]
THEIRS = {
    "default": [
        [103.14988286147607, 77.65309759061793],
        [154.56215258132232, 177.9365701082316],
        [62.68026672567976, 52.13114871352902],
    ],
    "itself": [
        [0, 125.80708986391626, 75.08666266782174],
        [125.80708986391626, 0, 154.15172424282946],
        [75.08666266782174, 154.15172424282946, 0],
    ],
    "norm": [
        [1.185870450678514, 0.8787605324703848],
        [0.8214077781170253, 1.3335189289715699],
        [0.8088009612835406, 1.4413300384334637],
    ],
    "beta 2": [
        [680.3368213062498, 232.27743086874992],
        [375.93251918749974, 552.9202021062499],
        [108.42756527499999, 240.77762243749996],
    ],
    "beta .5": [
        [1.0552356805246466, 0.8725012529617562],
        [0.8703606911942208, 1.1153554447767016],
        [0.8668710687739062, 1.1878359585223746],
    ],
    "gdim": [[50.916058, 49.57333], [124.255933, 137.417206], [53.537254, 41.678224]],
    "mask": [[49.7182030541182, 55.737], [84.6332244775159, 91.179], [14.925365405330263, 19.078]],
    "wide": [[0, 3.903775831088187], [3.903775831088187, 0]],
    "periodic": [[0, 0.9526728605912029], [0.9526728605912029, 0]],
    "three": [[0, 52.79663700212395], [52.79663700212395, 0]],
}
CASES = {
    "default": ((A, B), {}),
    "itself": ((A,), {}),
    "norm": ((A, B), {"norm": True}),
    "beta 2": ((A, B), {"R": 0.4, "beta": 2.0}),
    "beta .5": ((A, B), {"beta": 0.5, "norm": True}),
    "gdim": ((A, B), {"gdim": 1}),
    "mask": ((A, B), {"R": 0.5, "mask": True}),
    "wide": ((WIDE,), {"norm": True}),
    "periodic": ((WIDE,), {"norm": True, "periodic_phi": True}),
    "three": ((THREE,), {"R": 2.0}),
}
BOUNDED = [name for name in CASES if name not in ("beta .5", "gdim", "three")]


@pytest.mark.parametrize("name", CASES)
def test_exact_is_theirs(name):
    lists, options = CASES[name]
    for threads in (1, 3):
        found = events.emds(*lists, **options, n_jobs=threads)
        np.testing.assert_allclose(found, THEIRS[name], rtol=1e-9, atol=1e-9)
        assert found.dtype == np.float64


@pytest.mark.parametrize("name", BOUNDED)
def test_bounded_is_near(name):
    lists, options = CASES[name]
    found = events.emds(*lists, **options, tolerance=0.002)
    np.testing.assert_allclose(found, THEIRS[name], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", [name for name in CASES if name != "itself"])
def test_one_pair_and_its_flow(name):
    (first, *other), options = CASES[name]
    one, two = first[0], other[0][-1] if other else first[-1]
    value, flow = events.emd(one, two, **options, return_flow=True)
    assert value == events.emd(one, two, **options) == pytest.approx(THEIRS[name][0][-1], rel=1e-9)
    if name in ("mask", "gdim", "three"):
        return
    x, y = np.asarray(one), np.asarray(two)
    if options.get("norm"):
        np.testing.assert_allclose(flow.sum(1), x[:, 0] / x[:, 0].sum(), rtol=1e-9)
        np.testing.assert_allclose(flow.sum(0), y[:, 0] / y[:, 0].sum(), rtol=1e-9)
    else:
        assert flow.shape == (4, 3 + 1)
        np.testing.assert_allclose(flow.sum(1), x[:, 0], rtol=1e-9)
        np.testing.assert_allclose(flow.sum(0)[:3], y[:, 0], rtol=1e-9)


def test_jets_with_padding_are_the_clouds_of_the_tensor_distance():
    clouds = jets.load("sample:qcd", "sample:top")[np.r_[:6, 10000:10006]].constituents
    one, two = clouds[:6], clouds[6:]
    exact = between_clouds(*(torch.from_numpy(c.astype(float)) for c in (one, two)), normalise=False, method="exact")
    pairs = [events.emd(x, y) for x, y in zip(one, two, strict=True)]
    np.testing.assert_allclose(pairs, exact.value, rtol=1e-9)
    matrix = events.emds(one, two)
    np.testing.assert_allclose(np.diag(matrix), exact.value, rtol=1e-9)
    ragged = [[event[event[:, 0] > 0] for event in half] for half in (one, two)]
    np.testing.assert_allclose(events.emds(*ragged), matrix, rtol=1e-12)
    near = events.emds(*ragged, tolerance=0.02, verbose=1)
    assert np.abs(near / matrix - 1).mean() < 0.002


def test_azimuths_far_apart_are_not_wrapped_unless_asked():
    """Also by the kernel that wraps all azimuths: it sees them smaller."""
    pair = [[[1, 0, -4]], [[1, 0, 4]]]
    assert events.emds(pair, norm=True)[0, 1] == pytest.approx(8)
    assert events.emds(pair, norm=True, tolerance=0.01)[0, 1] == pytest.approx(8, rel=1e-5)
    for tolerance in (0, 0.01):
        near = events.emds(pair, norm=True, periodic_phi=True, tolerance=tolerance)[0, 1]
        assert near == pytest.approx(8 - 2 * np.pi, rel=1e-5)


def test_events_without_particles():
    """Their distance is the other's weight; theirs stops with an error code."""
    nothing, padding = np.zeros((0, 3)), np.zeros((2, 3))
    for tolerance in (0, 0.02):
        found = events.emds([nothing, padding, [[3, 1, 1]]], tolerance=tolerance)
        np.testing.assert_allclose(found, [[0, 0, 3], [0, 0, 3], [3, 3, 0]], atol=1e-6)
    assert events.emds([], [[[1, 0, 0]]]).shape == (0, 1)
    assert events.emds([[[1, 0, 0]]]).tolist() == [[0]]


def test_objects():
    x, y = np.asarray(A[0]), np.asarray(B[0])
    distance = EMD(R=0.5, beta=2.0)
    assert distance(x[:, 0], x[:, 1:], y[:, 0], y[:, 1:]) == pytest.approx(442.17564563599996, rel=1e-9)
    assert distance.emd() == pytest.approx(442.17564563599996, rel=1e-9)
    np.testing.assert_allclose(distance.flows()[3], [0, 11.089, 0, 0, 0, 0], atol=1e-9)
    angles = np.sqrt(((x[:, None, 1:] - y[None, :, 1:]) ** 2).sum(-1))
    assert EMD(R=0.5, beta=2.0, norm=True)(x[:, 0], y[:, 0], angles) == pytest.approx(1.185870450678514, rel=1e-9)
    one, two = (np.asarray(event) for event in WIDE)
    assert EMDYPhi(norm=True)(one[:, 0], one[:, 1:], two[:, 0], two[:, 1:]) == pytest.approx(0.9526728605912029)
    pairs = PairwiseEMD()
    pairs(A, B)
    np.testing.assert_allclose(pairs.emds(), THEIRS["default"], rtol=1e-9)
    assert pairs.emd(0, 1) == pytest.approx(77.65309759061793, rel=1e-9)
    periodic = PairwiseEMDYPhi(norm=True)
    periodic(WIDE)
    np.testing.assert_allclose(periodic.emds(), THEIRS["periodic"], rtol=1e-9)


REFUSALS = {
    "events0\\[1\\] holds NaN": lambda: events.emds([[[1, 0, 0]], [[1, np.nan, 0]]]),
    "events1\\[0\\] has a negative weight": lambda: events.emds([[[1, 0, 0]]], [[[-1, 0, 0]]]),
    "events0\\[0\\] has shape \\(3,\\)": lambda: events.emds([[1, 0, 0]]),
    "events0\\[0\\] is no array": lambda: events.emds([[["a", "b"]]]),
    "events0\\[0\\] has 3 columns; expected a weight and 3": lambda: events.emds([[[1, 0, 0]]], gdim=3),
    "events0\\[0\\] has no weight": lambda: events.emds([np.zeros((2, 3))], norm=True),
    "gdim = 1 leaves out": lambda: events.emds([[[1, 0, 0]]], gdim=1, periodic_phi=True),
    "gdim is 0": lambda: events.emds([[[1, 0, 0]]], gdim=0),
    "R = 0": lambda: events.emds([[[1, 0, 0]]], R=0),
    "n_jobs is 0": lambda: events.emds([[[1, 0, 0]]], n_jobs=0),
    "tolerance > 0 is for": lambda: events.emds([[[1, 0, 0]]], beta=0.5, tolerance=0.02),
    "tolerance = -1": lambda: events.emds(A, tolerance=-1),
    "dists has shape": lambda: events.emd([1, 1], [1], dists=[[1]]),
    "gave up": lambda: events.emd(A[1], B[0], n_iter_max=1),
    "weights0, coords0": lambda: EMD()([1]),
}


@pytest.mark.filterwarnings("ignore:numItermax reached")
@pytest.mark.parametrize("message", REFUSALS)
def test_refusals(message):
    with pytest.raises(CloudError, match=message):
        REFUSALS[message]()


def test_any_order_of_imports():
    code = "import jetvae, jets.emd.events; import ot; print(jetvae.emds is jets.emd.events.emds, jetvae.emd.__name__)"
    for order in (code, "import ot; " + code, "import torch; from jets.emd import emd; " + code):
        done = subprocess.run([sys.executable, "-c", order], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["True", "emd"]


def test_after_an_error_the_rows_that_have_not_begun_are_given_up(monkeypatch):
    """As after Ctrl-C: a large matrix does not go on to its end."""
    begun, one = [], [[1.0, 0, 0]]

    def failing(*_):
        begun.append(1)
        if len(begun) == 1:
            raise KeyboardInterrupt
        time.sleep(0.02)
        return 0.0, None

    monkeypatch.setattr(events, "solved", failing)
    with pytest.raises(KeyboardInterrupt):
        events.emds([one] * 1000, [one], n_jobs=1)  # 20 s, if it went on
    assert len(begun) < 900
