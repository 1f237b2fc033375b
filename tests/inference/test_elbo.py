"""The objective against Pyro's own bounds, values by hand, and the importance-weighted bound."""

import math

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro.infer import RenyiELBO, Trace_ELBO, TraceEnum_ELBO
from torch.distributions import Normal

import models
from inference import elbo
from inference.importance import iwae
from inference.objective import Controls, loss
from inference.recipe import RecipeError, TrainingConfig
from models import ModelConfig, build

SMALL = {"encoder": (16,), "decoder": (16,), "likelihood": "normal", "beta": 0.5}


@pytest.fixture
def x():
    return torch.randn(11, 6, generator=torch.Generator().manual_seed(0))


def small(latent, seed=1):
    torch.manual_seed(seed)
    return build(ModelConfig(latent=latent, **SMALL), inputs=6)


def compare_means(ours, theirs, sigmas=4.5):
    """Equal within 4.5 standard errors: by chance once in 150,000."""
    ours, theirs = torch.stack(ours), torch.stack(theirs)
    error = (ours.var(0) / len(ours) + theirs.var(0) / len(theirs)).sqrt()
    assert (abs(ours.mean(0) - theirs.mean(0)) <= sigmas * error + 1e-6).all()


@pytest.mark.parametrize("latent", ["C3", "C2 x R2", "C2 x C3 x R1", "R1 | R2", "(R1 | S1) x R1"])
def test_enumeration_agrees_with_trace_enum(x, latent):
    """Value and gradient of the exact sum over categories, on average over the draws of the rest."""
    vae = small(latent)
    parameters = list(vae.parameters())
    theirs = TraceEnum_ELBO(max_plate_nesting=1)
    values, gradients = ([], []), ([], [])
    for k, bound in enumerate(
        [lambda: -elbo(vae.model, vae.guide, x).elbo.sum(), lambda: theirs.differentiable_loss(vae.model, vae.guide, x)]
    ):
        for _ in range(1 if latent == "C3" else 80):
            value = bound()
            values[k].append(value.detach())
            parts = torch.autograd.grad(value, parameters, allow_unused=True)
            gradients[k].append(torch.stack([p.sum() for p in parts if p is not None]))
    if latent == "C3":  # nothing is drawn: equal to rounding
        torch.testing.assert_close(values[0], values[1])
        torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-3)
    else:
        compare_means(*values)
        compare_means(*gradients)


def test_enumeration_by_hand(x):
    """q(c|x) [ln p(x|c) - ln q(c|x)/p(c)], summed over c with matrices."""
    vae = small("C3")
    q = vae.encoder(x).softmax(-1)
    log_p = torch.stack([vae.decode(torch.eye(3)[c].expand(len(x), 3)).log_prob(x) for c in range(3)], -1)
    expected = (q * (log_p - (q * 3).log())).sum(-1)
    torch.testing.assert_close(elbo(vae.model, vae.guide, x).elbo, expected)


def test_superposition_charges_only_the_chosen_manifold(x):
    vae = small("R1 | R2")
    with torch.no_grad():
        last = vae.encoder[-1]
        last.weight[:2], last.bias[:2] = 0.0, torch.tensor([50.0, -50.0])  # certain of R1
    bound = elbo(vae.model, vae.guide, x)
    assert bound.kl["z_M2_R2"].abs().max() == 0
    assert (bound.kl["z_M2_R1"] > 0).all()
    torch.testing.assert_close(bound.kl["z_M2"].squeeze(-1), torch.full((len(x),), math.log(2)))


@pytest.mark.parametrize("particles", [1, 5])
def test_iwae_agrees_with_renyi(x, particles):
    vae = small("R2")
    renyi = RenyiELBO(alpha=0, num_particles=particles, vectorize_particles=True, max_plate_nesting=1)
    # Pyro sums the log weights of the batch before averaging over particles; one jet at a time is the same thing
    one = x[:1]
    ours = [iwae(vae.model, vae.guide, one, particles).sum().detach() for _ in range(400)]
    theirs = [torch.tensor(-renyi.loss(vae.model, vae.guide, one)) for _ in range(400)]
    compare_means(ours, theirs)


def test_iwae_gradients_agree(x):
    """DReG, the plain gradient and Pyro's RenyiELBO on average; DReG has the smaller variance for the encoder."""
    vae = small("R2")
    one, parameters = x[:1], list(vae.parameters())
    bounds = {
        "dreg": lambda: iwae(vae.model, vae.guide, one, 8).sum(),
        "plain": lambda: iwae(vae.model, vae.guide, one, 8, dreg=False).sum(),
    }
    gradients = {
        name: [torch.cat([g.reshape(-1) for g in torch.autograd.grad(bound(), parameters)]) for _ in range(250)]
        for name, bound in bounds.items()
    }
    renyi = RenyiELBO(alpha=0, num_particles=8, vectorize_particles=True, max_plate_nesting=1)
    gradients["renyi"] = [-pyro_gradient(renyi, vae, one) for _ in range(250)]
    sums = {name: [torch.stack([g.sum(), g[:112].sum()]) for g in values] for name, values in gradients.items()}
    compare_means(sums["dreg"], sums["renyi"])
    compare_means(sums["plain"], sums["renyi"])
    encoder = {name: torch.stack(values)[:, :112].var(0).sum() for name, values in gradients.items()}
    assert encoder["dreg"] < 0.7 * encoder["plain"]


def pyro_gradient(bound, vae, x):
    """Return the gradient of one of Pyro's losses, which wants the parameters in its store."""
    pyro.clear_param_store()

    def model(x):
        pyro.module("vae", vae)
        return vae.model(x)

    vae.zero_grad()
    bound.loss_and_grads(model, vae.guide, x)
    pyro.clear_param_store()
    return torch.cat([parameter.grad.reshape(-1) for parameter in vae.parameters()])


def test_gradient_agrees_with_trace_elbo(x):
    """Trace_ELBO scores draws where ours takes the KL in closed form: the same gradient on average."""
    vae = small("R2 x L3")
    parameters = list(vae.parameters())
    ours, theirs = [], []
    for _ in range(250):
        gradient = torch.autograd.grad(-elbo(vae.model, vae.guide, x).elbo.sum(), parameters)
        ours.append(torch.stack([g.sum() for g in gradient]))
        plain = pyro_gradient(Trace_ELBO(), vae, x)
        theirs.append(torch.stack([g.sum() for g in plain.split([p.numel() for p in parameters])]))
    compare_means(ours, theirs)


def test_more_particles_are_tighter_and_reach_log_p():
    """A linear-Gaussian model, whose evidence is known: z ~ N(0,1), x = z + N(0, beta)."""
    vae = build(ModelConfig(latent="R1", encoder=(), decoder=(), likelihood="normal", beta=0.5), inputs=1).double()
    with torch.no_grad():
        vae.decoder[0].weight.fill_(1.0)
        vae.decoder[0].bias.fill_(0.0)
        vae.encoder[0].weight.copy_(torch.tensor([[0.5], [0.0]]))
        vae.encoder[0].bias.copy_(torch.tensor([0.0, math.log(0.4)]))
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    exact = Normal(0, math.sqrt(1 + 0.25)).log_prob(x[:, 0])
    torch.manual_seed(0)
    with torch.no_grad():
        one = torch.stack([iwae(vae.model, vae.guide, x, 1) for _ in range(500)])
        many = torch.stack([iwae(vae.model, vae.guide, x, 4000) for _ in range(20)])
        plain = elbo(vae.model, vae.guide, x.expand(-1, 1))
    assert (one.mean(0) < exact).all()
    assert (abs(many.mean(0) - exact) < 5 * many.std(0) / 20**0.5 + 1e-3).all()
    assert plain.elbo.shape == (9,)


def test_free_bits_capacity_and_weight(x):
    vae = small("R3")
    controls = Controls(*torch.tensor([1e-3, 0.5, 0.7, 2.0]))
    torch.manual_seed(3)
    bound = elbo(vae.model, vae.guide, x)
    kl = bound.kl["z_R3"].mean(0)
    for changes, expected in [
        ({}, 0.7 * kl.sum()),
        ({"free_bits": 0.3}, 0.7 * kl.clamp(min=0.3).sum()),
        ({"capacity": 2.0}, 0.7 * (kl.sum() - 2.0).abs()),
    ]:
        torch.manual_seed(3)
        value, _ = loss(vae, x, controls, TrainingConfig(**changes))
        torch.testing.assert_close(value, bound.reconstruction.mean() + expected)


def test_nan_from_the_encoder_names_the_site(x):
    vae = models.image_vae("R2")
    with pytest.raises(ValueError, match="z_R2"):
        elbo(vae.model, vae.guide, torch.full((3, 1600), math.nan))


def test_draws_without_gradient_are_refused(x):
    """With a closed-form KL and no rsample the likelihood's gradient would silently be zero."""
    vae = small("C3")
    with pytest.raises(RecipeError, match=r"z_C3.*straight-through"):
        iwae(vae.model, vae.guide, x, 4)

    def guide(x):
        with pyro.plate("jets", len(x)):
            pyro.sample("z", dist.Poisson(torch.ones(len(x))))

    def model(x):
        with pyro.plate("jets", len(x)):
            pyro.sample("x", dist.Normal(pyro.sample("z", dist.Poisson(1.0)), 1.0), obs=x[:, 0])

    with pytest.raises(RecipeError, match="site z"):
        elbo(model, guide, x)
