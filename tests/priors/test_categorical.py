"""Enumerated, straight-through and relaxed categories on one small model whose gradient is known by hand."""

import math

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import Predictive, TraceEnum_ELBO

from priors import LatentStringError, kl_per_coordinate, parse

LOGITS = torch.tensor([[0.5, -0.2, 0.1], [-1.0, 0.3, 2.0]], dtype=torch.float64)
MEANS = torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64)
JETS = torch.tensor([0.2, 1.7], dtype=torch.float64)
METHODS = [
    "C3(weights=.5,.3,.2)",
    "C3(weights=.5,.3,.2,posterior=straight-through)",
    "C3(weights=.5,.3,.2,posterior=relaxed)",
]


def pair(space, head):
    def model(x):
        with pyro.plate("jets", len(x)):
            z = space.sample_prior()
            pyro.sample("x", dist.Normal(space.features(z) @ MEANS, 0.7), obs=x)

    def guide(x):
        with pyro.plate("jets", len(x)):
            space.sample_posterior(head)

    return model, guide


def test_enumerated_gradient_is_the_exact_one():
    r"""By hand: dL/dh_j = q_j (r_j - sum_k q_k r_k), r_k = ln p(x|k) + ln p_k - ln q_k."""
    space = parse(METHODS[0]).double()
    head = LOGITS.clone().requires_grad_()
    loss = TraceEnum_ELBO(max_plate_nesting=1).differentiable_loss(*pair(space, head), JETS)
    loss.backward()
    q = LOGITS.softmax(-1)
    log_prior = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log()
    r = dist.Normal(MEANS, 0.7).log_prob(JETS[:, None]) + log_prior - q.log()
    mean = (q * r).sum(-1, keepdim=True)
    torch.testing.assert_close(loss.detach(), -mean.sum(), rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(head.grad, -q * (r - mean), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("latent", METHODS)
def test_reports_show_the_discrete_kl(latent):
    """The report's nats are sum q ln(q/p) for all three methods, never above ln(1 / smallest weight)."""
    space = parse(latent).double()
    q, p = LOGITS.softmax(-1), torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    by_hand = (q * (q / p).log()).sum(-1, keepdim=True)
    torch.testing.assert_close(space.information(LOGITS)["C3"], by_hand, rtol=1e-6, atol=1e-8)


def test_relaxed_category_pays_more_in_training_than_it_tells():
    factor = parse("C3(posterior=relaxed,temperature=.5)").factors[0].double()
    head = torch.tensor([6.0, 0.0, 0.0], dtype=torch.float64)
    torch.manual_seed(0)
    q = factor.posterior(head)
    draws = q.sample((100_000,))
    paid = float(kl_per_coordinate(q, factor.prior(), draws).mean())
    told = float(factor.information(head))
    total = 1 + 2 * math.exp(-6)
    assert told == pytest.approx(math.log(3) - math.log(total) - 2 * 6 * math.exp(-6) / total)  # ln 3 - entropy
    assert paid > 1.5 * told


@pytest.mark.parametrize("temperature", [0.02, 0.1, 0.5])
def test_relaxed_category_is_finite_in_float32_when_cold(temperature):
    factor = parse(f"C3(posterior=relaxed,temperature={temperature})").factors[0]
    head = torch.tensor([20.0, 0.0, -20.0]).expand(10_000, -1).clone().requires_grad_()
    torch.manual_seed(0)
    q = factor.posterior(head)
    z = q.rsample()
    kl = kl_per_coordinate(q, factor.prior(), z)
    (kl.sum() + factor.features(z).sum()).backward()
    assert torch.isfinite(kl).all()
    assert torch.isfinite(head.grad).all()


def slope(function, q):
    """The gradient of the exact mean of a function of the category ``(K,)`` in the logits ``(K,)`` of q."""
    head = q.clone().requires_grad_()
    (head.softmax(-1) @ function(torch.eye(3, dtype=torch.float64))).backward()
    return head.grad


@pytest.mark.parametrize("function", [lambda z: z @ MEANS, lambda z: (z @ MEANS - 0.3) ** 2 / 0.98])
def test_straight_through_gradient_is_right_up_to_second_order(function):
    """One-hot draws; the mean gradient of 200,000 is the exact one within 5 errors, linear or quadratic."""
    factor = parse("C3(posterior=straight-through)").factors[0].double()
    head = LOGITS[0].expand(200_000, -1).clone().requires_grad_()
    torch.manual_seed(0)
    z = factor.posterior(head).rsample()
    assert set(z.detach().unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(z.detach().mean(0), LOGITS[0].softmax(-1), atol=0.01, rtol=0)
    function(z).sum().backward()
    error = head.grad.std(0) / len(head) ** 0.5
    assert ((head.grad.mean(0) - slope(function, LOGITS[0])).abs() < 5 * error + 1e-9).all()


@pytest.mark.parametrize("head", [[200.0, 0.0, -200.0], [0.0, 0.0, 0.0], [-90.0, 90.0, 0.0]])
def test_straight_through_gradient_is_finite(head):
    z = parse("C3(posterior=straight-through)").factors[0]
    h = torch.tensor(head).expand(1000, -1).clone().requires_grad_()
    (z.posterior(h).rsample() ** 2).sum().backward()
    assert torch.isfinite(h.grad).all()


def test_temperature_follows_the_schedule_and_the_state():
    space = parse("R1 x C3(posterior=relaxed,temperature=1,.25)")
    for progress, expected in ((0.0, 1.0), (0.5, 0.5), (1.0, 0.25)):
        space.anneal(progress)
        assert float(space.factors[1].temperature) == pytest.approx(expected)
    again = parse(str(space))
    again.load_state_dict(space.state_dict())
    assert float(again.factors[1].temperature) == pytest.approx(0.25)


def test_learned_weights_move_to_the_truth():
    """Gradient of -KL in the prior weights vanishes where they equal the mean posterior."""
    factor = parse("C2(weights=.9,.1,learn=true)").factors[0].double()
    q = torch.tensor([[0.3, 0.7], [0.5, 0.5]], dtype=torch.float64)
    optimiser = torch.optim.SGD(factor.parameters(), lr=1.0)
    for _ in range(200):
        optimiser.zero_grad()
        factor.information(q.log()).mean().backward()
        optimiser.step()
    torch.testing.assert_close(factor.prior().probs.detach(), q.mean(0), atol=1e-6, rtol=0)


def test_categories_are_drawn_where_nothing_enumerates():
    space = parse("C3")
    model, guide = pair(space.double(), LOGITS)
    draws = Predictive(model, guide=guide, num_samples=2000, return_sites=["z_C3"], parallel=True)(JETS)["z_C3"]
    torch.testing.assert_close(draws.mean(0).squeeze(), LOGITS.softmax(-1), atol=0.05, rtol=0)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("C3(method=relaxed,temperature=1,0.3)", "C3(posterior=relaxed,temperature=1,0.3)"),
        ("C2(weights=0.9,0.1,method=straight_through)", "C2(posterior=straight-through,weights=0.9,0.1)"),
        ("C3(method=enumerate)", "C3"),
        ("C3(posterior=enumerate)", "C3"),
    ],
)
def test_what_runs_of_before_are_called(before, now):
    assert str(parse(before)) == now
    assert str(parse(now)) == now


def test_relaxed_category_may_pay_what_it_tells():
    """With kl=discrete the cost of training is the category's own KL, at any temperature."""
    factor = parse("C3(weights=.5,.3,.2,posterior=relaxed,temperature=.1,kl=discrete)").factors[0].double()
    q = factor.posterior(LOGITS)
    paid = kl_per_coordinate(q, factor.prior(), q.sample())
    torch.testing.assert_close(paid, factor.information(LOGITS), rtol=1e-6, atol=1e-8)
    assert str(factor) == "C3(posterior=relaxed,temperature=0.1,kl=discrete,weights=0.5,0.3,0.2)"


@pytest.mark.parametrize(
    "options",
    ["posterior=relaxed,kl=magic", "kl=discrete", "relaxed=0.5", "bogus=1", "temperature=.5", "posterior=gumbel"],
)
def test_a_category_refuses_what_it_does_not_know(options):
    with pytest.raises(LatentStringError):
        parse(f"C3({options})")
