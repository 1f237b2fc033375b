"""What must hold for each family of the table in ``families.py``.

References: quadrature over the manifold, closed forms, scipy. Tolerances are relative; seeds are fixed.
"""

import copy
import math

import pyro
import pyro.distributions as dist
import pytest
import scipy.stats
import torch
from torch.distributions import kl_divergence
from torch.fx.experimental.proxy_tensor import make_fx

from priors import kl_per_coordinate, parse
from priors.kl import describe_kl

from .families import CASES, sphere, triangle, values

BOTH = [torch.float32, torch.float64]
DRAWS = 200_000
each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.latent)
width = pytest.mark.parametrize("which", [0, 1, 2], ids=["broad", "middling", "narrow"])


def factor_of(case, dtype=torch.float64, device="cpu"):
    torch.manual_seed(1)
    return parse(case.latent).factors[0].to(device=device, dtype=dtype)


def posterior_of(case, which, dtype=torch.float64, device="cpu"):
    factor = factor_of(case, dtype, device)
    head = torch.tensor(case.heads[which], dtype=dtype, device=device, requires_grad=True)
    return factor, head, factor.posterior(head)


def scores(factor, z):
    """Two smooth functions of a draw, ``(..., 2)``."""
    features = factor.features(z)
    line = (features * torch.linspace(1.0, 2.0, features.shape[-1]).to(features)).sum(-1)
    return torch.stack([line, line**2], -1)


@each
@width
def test_normalised(case, which):
    """Quadrature of both densities is 1 to 1e-6 (1e-4 for priors: their box is set by draws)."""
    factor, _, q = posterior_of(case, which)
    for p, tolerance in ((q, 1e-6), (factor.prior(), 2e-4)):
        if case.nodes is triangle and p is not q:
            continue  # torch's Dirichlet at alpha = 0.1: its corners lie beyond float64
        z, log_volume = case.nodes(p)
        with pyro.validation_enabled(False), torch.no_grad():
            assert float((p.log_prob(z) + log_volume).exp().sum()) == pytest.approx(1, abs=tolerance)


@each
@width
def test_draws_follow_the_density(case, which):
    """Kolmogorov-Smirnov on 20,000 draws against scipy's distribution functions, p > 1e-3; frequencies by chi2."""
    _, _, q = posterior_of(case, which)
    z = q.sample((20_000,))
    if case.statistic is None:
        counts = torch.bincount(z.argmax(-1), minlength=z.shape[-1]).numpy()
        expected = (q.probs / q.probs.sum()).detach().numpy() * 20_000
        assert scipy.stats.chisquare(counts, expected).pvalue > 1e-3
        return
    with torch.no_grad():
        numbers, cdf = case.statistic(q, z)
    assert scipy.stats.kstest(numbers.numpy(), cdf).pvalue > 1e-3


@each
@width
@pytest.mark.parametrize("dtype", BOTH, ids=["float32", "float64"])
def test_mean_rsample_gradient(case, which, dtype):
    """Against quadrature, in units of the gradient's norm: within 1 % in float64, 200,000 to 2,400,000 draws.

    Draws are added until the standard error is 0.5 %. float32, 200,000 draws: 2 % or 4 standard errors.
    """
    factor, head, q = posterior_of(case, which, dtype)
    if not q.has_rsample or "straight" in case.latent:
        pytest.skip("enumerated, or biased by design: see test_categorical.py")
    reference = exact_gradient(case, which)
    torch.manual_seed(0)
    means, batches, noise = torch.zeros_like(reference), 0, math.inf
    while batches < (12 if dtype == torch.float64 else 1) and noise > 0.005:
        heads = head.detach().expand(DRAWS, -1).clone().requires_grad_()
        sampled = scores(factor, factor.posterior(heads).rsample()).unbind(-1)
        by_draw = torch.stack([torch.autograd.grad(f.sum(), heads, retain_graph=True)[0] for f in sampled]).double()
        means, batches = means + by_draw.mean(1), batches + 1
        noise = float((by_draw.var(1).sum() / DRAWS / batches).sqrt() / reference.norm())
    error = float((means / batches - reference).norm() / reference.norm())
    assert error <= (0.01 if dtype == torch.float64 else max(0.02, 4 * noise))
    assert noise <= (0.005 if dtype == torch.float64 else 0.02)  # the power of the test


def exact_gradient(case, which):
    """Gradient of the mean scores in the encoder's outputs, ``(2, outputs)``, by quadrature."""
    factor, head, q = posterior_of(case, which)
    z, log_volume = case.nodes(q)
    with pyro.validation_enabled(False):
        weight = (q.log_prob(z) + log_volume).exp()
    means = (scores(factor, z) * weight[:, None]).sum(0)
    return torch.stack([torch.autograd.grad(f, head, retain_graph=True)[0] for f in means])


@each
@width
@pytest.mark.parametrize("dtype", BOTH, ids=["float32", "float64"])
def test_kl(case, which, dtype):
    """Closed forms: quadrature to 1e-6 (float32: 1e-4). Monte Carlo: 100,000 draws, 5 standard errors."""
    factor, _, q = posterior_of(case, which, dtype)
    _, _, exact_q = posterior_of(case, which)
    z, log_volume = case.nodes(exact_q)
    with pyro.validation_enabled(False), torch.no_grad():
        log_q = exact_q.log_prob(z)
        log_ratio = torch.where(log_q > -60, log_q - factor_of(case).prior().log_prob(z), 0)
        reference = float(((log_q + log_volume).exp() * log_ratio).sum())
    torch.manual_seed(0)
    draws = q.sample((100_000,))
    kl = kl_per_coordinate(q, factor.prior(), draws).sum(-1).detach().double()
    if describe_kl(q, factor.prior()) == "exact":
        tolerance = 1e-6 if dtype == torch.float64 else 1e-4
        assert float(kl) == pytest.approx(reference, rel=tolerance, abs=tolerance)
    else:
        assert float(kl.mean()) == pytest.approx(reference, abs=5 * float(kl.std()) / 316 + 1e-4)


@each
@pytest.mark.parametrize("dtype", BOTH, ids=["float32", "float64"])
@pytest.mark.parametrize("size", [0.0, 1e-6, 1.0, 30.0])
def test_finite_at_the_edges(case, dtype, size, device):
    """Draws, log_prob, KL, features and all their gradients stay finite for encoder outputs from 0 to 30."""
    factor = factor_of(case, dtype, device)
    signs = torch.tensor([1.0, -1.0]).repeat(factor.outputs)[: factor.outputs].to(device, dtype)
    head = (size * torch.stack([signs, -signs, signs.abs()])).requires_grad_()
    q, p = factor.posterior(head), factor.prior()
    z = q.rsample() if q.has_rsample else q.sample()
    point = factor.point(q)
    total = q.log_prob(z.detach()).sum() + p.log_prob(z).sum() + factor.features(z).sum() + point.sum()
    (total + kl_per_coordinate(q, p, z).sum()).backward()
    assert torch.isfinite(total)
    assert torch.isfinite(head.grad).all()
    assert point.device.type == torch.device(device).type
    assert all(torch.isfinite(w.grad).all() for w in factor.parameters() if w.grad is not None)


@each
@pytest.mark.parametrize("dtype", BOTH, ids=["float32", "float64"])
def test_shapes(case, dtype, device):
    """Batch, event and sample shapes, expand, decoder features and reported coordinates."""
    factor = factor_of(case, dtype, device)
    head = torch.zeros(5, 4, factor.outputs, dtype=dtype, device=device) + 0.3
    q, p = factor.posterior(head), factor.prior()
    assert (p.batch_shape, q.batch_shape, q.event_shape) == ((), (5, 4), p.event_shape)
    wide = q.expand(torch.Size([3, 5, 4]))
    z = wide.sample((2,))
    assert z.shape == (2, 3, 5, 4, *q.event_shape)
    drawn_in = torch.float64 if case.latent.startswith("D") else dtype  # tiny weights underflow in float32
    assert (z.dtype, z.device.type) == (drawn_in, torch.device(device).type)
    assert factor.features(z).dtype == factor.coordinates(z).dtype == wide.log_prob(z).dtype == dtype
    assert wide.log_prob(z).shape == p.expand(torch.Size([4])).log_prob(z).shape == (2, 3, 5, 4)
    assert not torch.equal(z[0], z[1])
    assert factor.features(z).shape == (2, 3, 5, 4, factor.features_size)
    assert factor.coordinates(z).shape == (2, 3, 5, 4, factor.coordinate_count)
    assert factor.point(q).shape == (5, 4, factor.coordinate_count)
    assert p.sample((7,)).shape == (7, *q.event_shape)
    torch.testing.assert_close(wide.log_prob(z)[0, 0], q.log_prob(z[0, 0]))


@each
def test_traced_with_fresh_noise(case, device):
    """One trace of loss and gradient serves every step: no data-dependent control flow, new draws on each call."""
    factor = factor_of(case, torch.float32, device)

    def step(head):
        q, p = factor.posterior(head), factor.prior()
        z = q.rsample() if q.has_rsample else q.enumerate_support(expand=False)
        loss = (factor.features(z) ** 2).sum() + kl_per_coordinate(q, p, z).sum()
        return loss, torch.autograd.grad(loss, head)[0]

    head = torch.full((6, factor.outputs), 0.2, device=device).requires_grad_()
    with pyro.validation_enabled(False):
        graph = make_fx(step)(head)
        (first, gradient), (second, _) = graph(head), graph(head)
        torch.manual_seed(3)
        traced = graph(head)[0].detach()
        torch.manual_seed(3)
        assert float(traced) == pytest.approx(float(step(head)[0].detach()), rel=1e-5)
    assert torch.isfinite(gradient).all()
    unit_features = case.nodes is sphere or case.nodes is values or case.latent.startswith("S1")
    assert unit_features or not torch.equal(first, second)


@each
def test_state_dict_round_trip(case):
    """Parameters and buffers restore the prior, also in a factor built anew."""
    trained = factor_of(case)
    with torch.no_grad():
        for weight in trained.parameters():
            weight += torch.rand_like(weight)
    torch.manual_seed(5)
    fresh = parse(case.latent).factors[0].double()
    fresh.load_state_dict(copy.deepcopy(trained.state_dict()), strict=True)
    z = trained.prior().sample((9,))
    torch.testing.assert_close(fresh.prior().log_prob(z), trained.prior().log_prob(z))


@each
def test_nan_from_the_encoder_names_the_site(case):
    factor = parse(case.latent).factors[0]
    head = torch.full((3, factor.outputs), float("nan"))
    with pytest.raises(ValueError, match="site z_X: the encoder returned"):
        factor.sample_posterior("z_X", head)


@pytest.mark.parametrize(
    ("ours", "peer"),
    [
        (lambda f: parse("S1").factors[0].family(0.3, f), lambda f: dist.VonMises(0.3, f)),
        (
            lambda f: parse("S2(posterior=vmf)").factors[0].family(torch.tensor([0.0, 0.6, 0.8]), f),
            lambda f: dist.VonMises3D(torch.tensor([0.0, 0.6, 0.8]) * f),
        ),
    ],
    ids=["von Mises", "von Mises-Fisher"],
)
@pytest.mark.parametrize("concentration", [0.1, 1.0, 20.0])
def test_log_prob_agrees_with_pyro(ours, peer, concentration):
    q = ours(torch.tensor(concentration))
    z = q.sample((50,))
    torch.testing.assert_close(q.log_prob(z), peer(torch.tensor(concentration)).log_prob(z), rtol=1e-4, atol=1e-4)


def test_von_mises_kl_has_its_own_closed_form_for_any_pair():
    family = parse("S1").factors[0].family
    q, p = family(0.4, torch.tensor(3.0).double()), family(-1.0, torch.tensor(2.0).double())
    z = torch.linspace(-math.pi, math.pi, 2001, dtype=torch.float64)[:-1]
    reference = (q.log_prob(z).exp() * (q.log_prob(z) - p.log_prob(z))).mean() * 2 * math.pi
    assert float(kl_divergence(q, p)) == pytest.approx(float(reference), rel=1e-9)
