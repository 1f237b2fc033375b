"""What the distance must not depend on, what it must say to bad input, and how it behaves as a torch operator."""

import math
import re
import threading

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from jets.emd import METHODS, emd
from jets.emd.checks import _any_bad
from jets.emd.examples import smeared, unrelated

BOUNDED = ("fused", "reference", "exact", "sinkhorn")
SHARP = ("fused", "reference", "exact")


@pytest.fixture(scope="module")
def pair():
    x, y = (torch.from_numpy(cloud) for cloud in unrelated(24, 6))
    return x, y


def distance_and_gradients(x, y, **options):
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    distance = emd(x, y, **options)
    return distance.value.detach(), *torch.autograd.grad(distance.value.sum(), (x, y))


def assert_same(one, two, rtol=2e-4):
    """Equal up to what another order of float32 sums does to an iteration stopped early."""
    torch.testing.assert_close(one, two, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("normalise", [True, False])
def test_padding_changes_nothing_and_gets_no_gradient(pair, method, normalise):
    x, y = pair
    junk = torch.tensor([0.0, 3.0, -2.0]).expand(6, 9, 3)
    wide = torch.cat((x[:, :5], junk, x[:, 5:], junk), 1)
    keep = torch.cat((torch.arange(5), torch.arange(14, 33)))
    value, gx, gy = distance_and_gradients(x, y, method=method, normalise=normalise)
    padded, wide_gx, padded_gy = distance_and_gradients(wide, y, method=method, normalise=normalise)
    assert_same(value, padded)
    assert_same(gx, wide_gx[:, keep], rtol=1e-2)
    assert_same(gy, padded_gy, rtol=1e-2)
    dead = torch.ones(wide.shape[1], dtype=torch.bool)
    dead[keep] = False
    assert not wide_gx[:, dead].any()


@pytest.mark.parametrize("method", METHODS)
def test_order_and_batch_change_nothing(pair, method):
    x, y = pair
    value = emd(x, y, method=method).value
    assert_same(value, emd(x[:, torch.randperm(24)], y.flip(1), method=method).value, rtol=2e-3)
    assert_same(value[2], emd(x[2], y[2], method=method).value)
    assert_same(value, emd(x[:, None], y[None], method=method).value.diagonal())


@pytest.mark.parametrize("method", METHODS)
def test_azimuth_is_wrapped(pair, method):
    x, y = pair
    turn = torch.tensor([0.0, 0.0, 2 * math.pi])
    half = torch.tensor([0.0, 0.0, math.pi])
    value, gx, _ = distance_and_gradients(x, y, method=method)
    turned, turned_gx, _ = distance_and_gradients(x + turn, y, method=method)
    assert_same(value, turned, rtol=2e-3)
    across = torch.where(((x + half)[..., 2:] > math.pi) & (torch.arange(3) == 2), x + half - turn, x + half)
    assert_same(value, emd(across, y + half, method=method).value, rtol=2e-3)
    assert torch.nn.functional.cosine_similarity(gx[..., 1:].flatten(), turned_gx[..., 1:].flatten(), 0) > 0.99


@pytest.mark.parametrize("method", SHARP)
@pytest.mark.parametrize("normalise", [True, False])
def test_a_jet_is_at_no_distance_from_itself(pair, method, normalise):
    x, _ = pair
    unit = 1.0 if normalise else float(x[..., 0].sum(1).max())
    distance = emd(x, x.clone(), method=method, normalise=normalise)
    assert float(distance.value.max()) < 1e-5 * unit
    assert (distance.lower <= 1e-12).all()
    doubled = torch.cat((x, x), 1) * torch.tensor([0.5, 1.0, 1.0])
    assert float(emd(x, doubled, method=method, normalise=normalise).value.max()) < 1e-5 * unit


@pytest.mark.parametrize("method", SHARP)
@pytest.mark.parametrize("p", [1, 2])
def test_single_particles(method, p):
    x = torch.tensor([[[30.0, 0.1, 3.1]], [[20.0, 0.0, 0.0]]])
    y = torch.tensor([[[50.0, 0.1, -3.1]], [[20.0, 0.3, 0.4]]])
    angle = torch.tensor([2 * math.pi - 6.2, 0.5])
    assert_same(emd(x, y, p=p, method=method).value, angle**p)
    whole = emd(x, y, p=p, R=0.8, normalise=False, method=method).value
    assert_same(whole, torch.tensor([30.0, 20.0]) * (angle / 0.8) ** p + torch.tensor([20.0, 0.0]))


@pytest.mark.parametrize("method", SHARP)
def test_a_jet_without_weight(pair, method):
    x, y = pair
    empty = x * torch.tensor([0.0, 1.0, 1.0])
    assert_same(emd(empty, y, normalise=False, method=method).value, y[..., 0].sum(1))
    assert_same(emd(empty, empty, normalise=False, method=method).value, torch.zeros(6))
    _, gx, gy = distance_and_gradients(empty, y, normalise=False, method=method)
    assert not gx.any()
    assert_same(gy, torch.tensor([1.0, 0.0, 0.0]).expand_as(gy))
    with pytest.raises(ValueError, match=r"total weight 0"):
        emd(empty, y, method=method)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("normalise", [True, False])
def test_light_particles_and_units(pair, scale, normalise):
    x, y = pair
    x, y = x * torch.tensor([scale, 1, 1]), y * torch.tensor([scale, 1, 1])
    x[:, ::2, 0] *= 1e-6
    truth = emd(x.double(), y.double(), method="exact", normalise=normalise)
    distance = emd(x, y, normalise=normalise)
    assert (distance.lower <= truth.value).all()
    assert (distance.upper >= truth.value).all()
    torch.testing.assert_close(distance.value.double(), truth.value, rtol=5e-3, atol=0)


@pytest.mark.parametrize("size", [1e-4, 1e-2, 1.0, 3.0])
def test_bounds_hold_at_every_angle(pair, size):
    x, y = (cloud * torch.tensor([1.0, size, size]) for cloud in pair)
    truth = emd(x.double(), y.double(), method="exact")
    distance = emd(x, y)
    assert (distance.lower <= truth.value).all()
    assert (distance.upper >= truth.value).all()
    torch.testing.assert_close(distance.value.double(), truth.value, rtol=5e-3, atol=1e-7)


def bad(column, value):
    cloud = torch.rand(2, 5, 3)
    cloud[1, 3, column] = value
    return cloud


GOOD = torch.rand(2, 5, 3)
BAD = [
    ((bad(0, -1.0), GOOD), {}, "x[1] has a negative weight"),
    ((GOOD, bad(0, math.nan)), {}, "y[1] holds NaN"),
    ((bad(2, math.inf), GOOD), {}, "x[1] holds NaN or infinity"),
    ((torch.rand(2, 5, 4), GOOD), {}, "x has shape (2, 5, 4); expected"),
    ((torch.rand(3), GOOD), {}, "x has shape (3,); expected"),
    ((torch.rand(2, 0, 3), GOOD), {}, "n >= 1"),
    ((GOOD.int(), GOOD), {}, "dtype torch.int32"),
    ((GOOD, GOOD.numpy()), {}, "y is of type ndarray; give torch tensors"),
    ((GOOD, GOOD), {"method": "magic"}, "expected one of fused"),
    ((GOOD, GOOD), {"p": 3}, "has p = 1 and p = 2"),
    ((GOOD, GOOD), {"R": 0.0}, "expected p > 0, R > 0"),
    ((GOOD, GOOD), {"tolerance": 0.0}, "0 < tolerance < 1"),
    ((GOOD, GOOD), {"R": "1"}, "R = '1', tolerance = 0.02; expected numbers"),
    ((GOOD, GOOD), {"p": None}, "p = None"),
    ((GOOD, GOOD), {"method": ["fused"]}, "expected one of fused"),
    ((GOOD, torch.rand(3, 5, 3)), {}, "shapes (2, 5, 3) and (3, 5, 3); expected as many clouds in both, or one"),
]


@pytest.mark.parametrize(("clouds", "options", "message"), BAD)
def test_bad_input_is_one_clear_error(clouds, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        emd(*clouds, **options)


def training_step(scale, x, y):
    moved = torch.cat((x[..., :1] ** scale[0], x[..., 1:] * scale[1]), -1)
    loss = emd(moved, y).value.square().mean()
    return loss, torch.autograd.grad(loss, scale)[0]


def test_the_check_on_a_device_refuses_what_the_host_s_does():
    """That of clouds on a GPU, here on the CPU."""
    for row, number in ((0, -1.0), (0, math.nan), (1, math.inf), (2, math.nan)):
        assert _any_bad(bad(row, number), normalise=False)
    assert not _any_bad(GOOD, normalise=True)
    empty = GOOD.clone()
    empty[1, :, 0] = 0
    assert _any_bad(empty, normalise=True)
    assert not _any_bad(empty, normalise=False)


def test_a_training_step_can_be_traced_and_compiled(pair):
    scale = torch.tensor([0.9, 1.1], requires_grad=True)
    loss, gradient = training_step(scale, *pair)
    traced = make_fx(training_step)(scale, *pair)
    torch.testing.assert_close(traced(scale, *pair), (loss, gradient))
    compiled = torch.compile(lambda s, x, y: emd(s[1] * x, y).value.sum(), backend="aot_eager", fullgraph=True)
    expected = emd(scale[1] * pair[0], pair[1]).value.sum()
    torch.testing.assert_close(compiled(scale, *pair), expected)
    torch.testing.assert_close(
        torch.autograd.grad(compiled(scale, *pair), scale)[0], torch.autograd.grad(expected, scale)[0]
    )


@pytest.mark.parametrize("method", [method for method in METHODS if method != "fused"])
def test_what_leaves_the_graph_cannot_be_traced(pair, method):
    """A graph would keep the plan of the clouds it was traced with."""
    with pytest.raises(RuntimeError, match=f"method '{method}' is no graph"):
        make_fx(lambda x, y: emd(x, y, method=method).value)(*pair)


@pytest.mark.parametrize("dims", [(0, 0), (1, 0), (0, None), (None, 1)])
def test_vectorised_distances_are_those_of_each(pair, dims):
    """Two batches of four pairs, stacked along a dimension or, where that is None, one cloud batch for both."""
    many = [torch.stack((cloud[:4], cloud[2:])) for cloud in pair]
    one, two = many[0][0] if dims[0] is None else many[0], many[1][0] if dims[1] is None else many[1]
    one, two = one.requires_grad_(), two.requires_grad_()
    value = torch.vmap(lambda x, y: emd(x, y).value, in_dims=dims)(
        *(cloud.transpose(0, dim or 0) for cloud, dim in zip((one, two), dims, strict=True))
    )
    expected = emd(one, two).value
    torch.testing.assert_close(value, expected, rtol=0, atol=0)
    gradients = [torch.autograd.grad(each.square().sum(), (one, two)) for each in (value, expected)]
    torch.testing.assert_close(*gradients)


def test_the_operator_passes_torch_s_own_check(pair):
    x, y = (cloud.clone().requires_grad_() for cloud in pair)
    tests = ("test_schema", "test_faketensor", "test_autograd_registration")
    torch.library.opcheck(torch.ops.jetvae.emd.default, (x, y, 1, 1.0, True, 0.02, True), test_utils=tests)


def test_threads_change_nothing():
    x, y = (torch.from_numpy(cloud) for cloud in smeared(20, 100))
    before, results = torch.get_num_threads(), []
    alone = emd(x, y).value
    try:
        torch.set_num_threads(2)
        callers = [threading.Thread(target=lambda: results.append(emd(x, y).value)) for _ in range(3)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    finally:
        torch.set_num_threads(before)
    assert len(results) == 3
    assert all(torch.equal(result, alone) for result in results)


@pytest.mark.parametrize("method", BOUNDED)
def test_double_precision_in_double_precision_out(pair, method):
    x, y = (cloud.double() for cloud in pair)
    distance = emd(x, y, method=method)
    assert distance.value.dtype == distance.lower.dtype == torch.float64
    assert (distance.lower <= distance.upper).all()


def _child(queue):
    x, y = (torch.from_numpy(cloud) for cloud in smeared(20, 40))
    torch.set_num_threads(2)
    queue.put(float(emd(x, y).value.sum()))


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:os.fork.. was called:RuntimeWarning")  # by JAX, where another test imported it
def test_a_forked_process_has_its_own_threads():
    import multiprocessing

    before = torch.get_num_threads()
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    try:
        _child(queue)
        here = queue.get()
        child = context.Process(target=_child, args=(queue,))
        child.start()
        child.join(60)
        assert child.exitcode == 0
        assert queue.get() == here
    finally:
        torch.set_num_threads(before)
