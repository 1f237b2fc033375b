"""Reference posteriors p(z | x) of single jets by NUTS.

The trained decoder is carried over to JAX and sampled by NumPyro, all chains of many jets in one vectorised program;
what cannot be carried over goes to Pyro's own NUTS, one chain at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from inference.data import data_for
from inference.folder import RunError
from inference.joint import Joint
from inference.labels import coordinate_labels
from inference.run import Run
from jets.notes import LOG
from jets.processes import cores
from jets.progress import Progress
from models import VAE

WARM_UP, DEPTH, TOGETHER = 300, 7, 16
"""Steps of adaptation; deepest tree (127 steps); jets in one program."""
PRIOR_DRAWS = 1000
"""Draws of the prior beside them."""
NATS = {"units": "nat"}


class Draws(NamedTuple):
    """Draws of B jets.

    Attributes
    ----------
    u
        Unconstrained reals ``(B, chains, draws, n)``.
    combination
        Number of the combination of categories, ``(B, chains, draws)``.
    diverging
        Whether its trajectory, or one of those up to the next draw that is kept, diverged, likewise.
    steps
        Leapfrog steps, likewise.
    energy, log_density
        Hamiltonian and log density of the unconstrained reals [nat], up to a constant of the jet, likewise; of Pyro's
        sampler none.
    acceptance
        Mean probability of acceptance along the trajectory, likewise.
    """

    u: NDArray[np.floating]
    combination: NDArray[np.integer]
    diverging: NDArray[np.bool_]
    steps: NDArray[np.integer]
    energy: NDArray[np.floating] | None = None
    log_density: NDArray[np.floating] | None = None
    acceptance: NDArray[np.floating] | None = None


class Effort(NamedTuple):
    """How hard to sample: chains, draws of each that are kept, steps of adaptation, every how many-th step is kept."""

    chains: int = 4
    draws: int = 1000
    warm_up: int = WARM_UP
    thin: int = 1
    acceptance: float = 0.8
    """Mean probability of acceptance that the step is adapted to; larger means smaller steps, fewer divergences."""


def sample(
    vae: VAE,
    x: Tensor,
    *,
    chains: int = 4,
    draws: int = 1000,
    warm_up: int = WARM_UP,
    thin: int = 1,
    acceptance: float = 0.8,
    seed: int = 0,
    by_pyro_too: bool = True,
) -> xr.DataTree:
    """Return NUTS draws of p(z|x) for jets x ``(B, ...)``, and as many of the guide.

    Groups ``posterior_nuts`` and ``posterior_guide``, z (chain, draw, jet, coordinate); ``sample_stats_nuts``,
    diverging, n_steps and tree_depth (chain, draw, jet), where NumPyro sampled also energy and lp [nat] and
    acceptance_rate; ``prior``, z (chain, draw, coordinate); ``observed_data``, x (jet, ...); attribute ``sampler``.
    Chains start at 1.5 times the guide's width about its centre. Every ``thin``-th step is kept.

    Raises
    ------
    RunError
        There is no posterior to sample (see :class:`inference.joint.Joint`); or JAX cannot take the model, and not
        ``by_pyro_too``.
    """
    from inference.to_jax import UntranslatedError, to_jax

    joint, effort = Joint(vae), Effort(chains, draws, warm_up, thin, acceptance)
    pyro.set_rng_seed(seed)
    with torch.no_grad(), pyro.validation_enabled(False):
        centre, width = joint.centre_and_width(x)
        try:
            compiled = to_jax(joint, centre[0], x[0])
            sampler, found = "numpyro", by_numpyro(compiled, x, centre, width, effort, seed)
        except UntranslatedError as error:
            if not by_pyro_too:
                raise RunError(f"{error}; Pyro's sampler would take hours, and says no energies") from error
            LOG.warning("%s; sampling with Pyro, one chain at a time", error)
            sampler, found = "pyro", by_pyro(joint, x, centre, width, effort)
        tree = labelled(joint, found, x)
    tree.attrs["sampler"] = sampler
    return tree


def sample_run(
    run: Run,
    *,
    jets: int | NDArray[np.integer] = 64,
    chains: int = 4,
    draws: int = 1000,
    warm_up: int = WARM_UP,
    thin: int = 1,
    acceptance: float = 0.8,
    beta: float | None = None,
    seed: int = 0,
    by_pyro_too: bool = True,
) -> xr.DataTree:
    """Return NUTS draws of ``jets`` test jets of a run, evenly spaced, at resolution ``beta``; times on standard error.

    ``jets`` may also be their numbers in the sample. As :func:`sample`, with these numbers as coordinate ``jet``;
    attributes ``beta`` and ``digest``.

    Raises
    ------
    RunError
        ``beta`` is given and the run has one resolution alone; or as :func:`sample`.
    """
    index = evenly_or_these(run.split.test, jets)
    x = data_for(run.jets[index], run.recipe, torch.device("cpu"))[torch.arange(len(index))]
    with run.at(beta) as vae:
        effort = Effort(chains, draws, warm_up, thin, acceptance)
        tree = sample(vae, x, **effort._asdict(), seed=seed, by_pyro_too=by_pyro_too)
        tree.attrs |= {"beta": float(vae.likelihood.beta), "digest": run.digest}
    for name, node in tree.children.items():
        if "jet" in node.dims:
            tree[name] = xr.DataTree(node.to_dataset().assign_coords(jet=index))
    return tree


def evenly_or_these(known: NDArray[np.integer], jets: int | NDArray[np.integer]) -> NDArray[np.integer]:
    """Return so many of the known numbers, evenly spaced, or those that are given.

    >>> evenly_or_these(np.arange(10), 2), evenly_or_these(np.arange(10), np.array([3]))
    (array([0, 5]), array([3]))
    """
    if not isinstance(jets, int):
        return jets
    return known[np.arange(min(jets, len(known))) * len(known) // min(jets, len(known))]


def by_numpyro(
    log_joint: Callable[..., Any],
    x: Tensor,
    centre: Tensor,
    width: Tensor,
    effort: Effort,
    seed: int,
) -> Draws:
    """Sample all jets, TOGETHER at a time, on all cores."""
    import jax

    size, chains = min(TOGETHER, len(x)), effort.chains
    rows = np.arange(-(-len(x) // size) * size) % len(x)  # the last block is filled up: one program fits all
    keys = jax.random.split(jax.random.PRNGKey(seed), len(rows) * chains)
    start = time.perf_counter()

    def inputs(first: int) -> tuple[Any, ...]:
        mine = rows[first : first + size].repeat(chains)
        return keys[first * chains : (first + size) * chains], *(t.numpy()[mine] for t in (x, centre, width))

    program = jax.jit(jax.vmap(chain_program(log_joint, effort))).lower(*inputs(0)).compile()
    compiled = time.perf_counter()
    with ThreadPoolExecutor(cores()) as pool, Progress(len(x), "NUTS") as progress:
        parts = []
        for part in pool.map(lambda first: list(map(np.asarray, program(*inputs(first)))), range(0, len(rows), size)):
            parts.append(part)
            progress.update(min(size * len(parts), len(x)))
    counts = f"{len(x)} jets x {chains} chains x {effort.draws} draws"
    LOG.info("compiled in %.1f s; %s in %.1f s", compiled - start, counts, time.perf_counter() - compiled)
    joined = (np.concatenate(part).reshape(len(rows), chains, *part[0].shape[1:]) for part in zip(*parts, strict=True))
    return Draws(*(part[: len(x)] for part in joined))


def chain_program(log_joint: Callable[..., Any], effort: Effort) -> Callable[..., Any]:
    """Return one chain as a function (key, x, centre, width) -> Draws, without the leading dimensions.

    It moves in units of the guide's width about the guide's centre, in which the posterior is nearly a unit ball.
    """
    import jax
    from numpyro.infer import NUTS

    def chain(key: Any, x: Any, centre: Any, width: Any) -> Any:
        def potential(v: Any) -> Any:
            return -jax.scipy.special.logsumexp(log_joint(centre + width * v, x))

        kernel = NUTS(
            potential_fn=potential, max_tree_depth=DEPTH, dense_mass=True, target_accept_prob=effort.acceptance
        )
        key, start, choice = jax.random.split(key, 3)
        state = kernel.init(key, effort.warm_up, 1.5 * jax.random.normal(start, centre.shape), (), {})

        def step(state: Any, key: Any) -> Any:
            state = kernel.sample(state, (), {})
            u = centre + width * state.z
            combination = jax.random.categorical(key, log_joint(u, x))
            said = (state.diverging, state.num_steps, state.energy, -state.potential_energy, state.accept_prob)
            return state, (u, combination, *said)

        # adaptation and draws in one loop, which compiles faster than two
        steps = effort.warm_up + effort.draws * effort.thin
        kept = jax.lax.scan(step, state, jax.random.split(choice, steps))[1]
        u, combination, diverging, *others = (part[effort.warm_up :] for part in kept)
        first = [part[:: effort.thin] for part in (u, combination, *others)]
        return *first[:2], diverging.reshape(-1, effort.thin).any(1), *first[2:]

    return chain


def by_pyro(joint: Joint, x: Tensor, centre: Tensor, width: Tensor, effort: Effort) -> Draws:
    """Sample with Pyro's NUTS: any model, slowly."""
    from pyro.infer import MCMC, NUTS

    chains, draws, warm_up, thin, acceptance = effort
    shape = (len(x), chains, draws)
    found = Draws(np.zeros((*shape, joint.size)), np.zeros(shape, int), np.zeros(shape, bool), np.zeros(shape, int))
    for jet in range(len(x)):

        def potential(v: dict[str, Tensor], jet: int = jet) -> Tensor:
            return -joint(centre[jet] + width[jet] * v["v"], x[jet]).logsumexp(0)

        for chain in range(chains):
            kernel = NUTS(potential_fn=potential, max_tree_depth=DEPTH, target_accept_prob=acceptance)
            start = {"v": 1.5 * torch.randn(joint.size)}
            with torch.enable_grad():
                sampler = MCMC(kernel, draws * thin, warm_up, initial_params=start, disable_progbar=True)
                sampler.run()
            u = centre[jet] + width[jet] * sampler.get_samples()["v"][::thin]
            logits = torch.stack([joint(each, x[jet]) for each in u])
            found.u[jet, chain] = u.numpy()
            found.combination[jet, chain] = torch.distributions.Categorical(logits=logits).sample().numpy()
            diverged = np.asarray(sampler.diagnostics()["divergences"]["chain 0"], int) // thin
            found.diverging[jet, chain, diverged] = True
    return found


def labelled(joint: Joint, found: Draws, x: Tensor) -> xr.DataTree:
    """Return the draws, and as many of the guide, with names."""
    space, dims = joint.space, ("chain", "draw", "jet")
    u, combination = torch.as_tensor(np.array(found.u)), torch.as_tensor(np.array(found.combination))
    z = joint.coordinates(u.float(), combination.long()).permute(1, 2, 0, 3)
    count = min(1000, found.u.shape[1] * found.u.shape[2])
    guide = torch.stack([space.coordinates(joint.vae.guide(x)) for _ in range(count)])[None]
    names = coordinate_labels(space)
    with pyro.plate("draws", PRIOR_DRAWS):
        prior = space.coordinates(space.sample_prior())[None]
    own = tuple(f"x_dim_{i}" for i in range(x.dim() - 1))
    stats = {name: (dims, value.transpose(1, 2, 0), units) for name, (value, units) in statistics(found).items()}
    return xr.DataTree.from_dict(
        {
            "posterior_nuts": xr.Dataset({"z": ((*dims, "coordinate"), z.numpy())}, names),
            "posterior_guide": xr.Dataset({"z": ((*dims, "coordinate"), guide.numpy())}, names),
            "sample_stats_nuts": xr.Dataset(stats),
            "prior": xr.Dataset({"z": (("chain", "draw", "coordinate"), prior.numpy())}, names),
            "observed_data": xr.Dataset({"x": (("jet", *own), x.numpy())}),
        }
    )


def statistics(found: Draws) -> dict[str, tuple[NDArray[Any], dict[str, str]]]:
    """Return what the sampler says of each draw, ``(B, chains, draws)``, and attributes, by the names of ArviZ."""
    depth = np.ceil(np.log2(np.asarray(found.steps) + 1)).astype(int)
    known: dict[str, tuple[Any, dict[str, str]]] = {
        "diverging": (found.diverging, {}),
        "n_steps": (found.steps, {}),
        "tree_depth": (depth, {}),
        "energy": (found.energy, NATS),
        "lp": (found.log_density, NATS),
        "acceptance_rate": (found.acceptance, {}),
    }
    return {name: (np.asarray(value), units) for name, (value, units) in known.items() if value is not None}
