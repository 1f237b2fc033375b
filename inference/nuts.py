"""Reference posteriors p(z | x) of single jets by NUTS.

The trained decoder is carried over to JAX and sampled by NumPyro, all chains of many jets in one vectorised program;
what cannot be carried over goes to Pyro's own NUTS, one chain at a time.
"""

from __future__ import annotations

import os
import sys
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
from inference.joint import Joint
from inference.labels import coordinate_labels
from inference.run import Run
from models import VAE

WARM_UP, DEPTH, TOGETHER = 300, 7, 16
"""Steps of adaptation; deepest tree (127 steps); jets in one program."""


class Draws(NamedTuple):
    """Draws of B jets.

    Attributes
    ----------
    u
        Unconstrained reals ``(B, chains, draws, n)``.
    combination
        Number of the combination of categories, ``(B, chains, draws)``.
    diverging
        Whether the trajectory diverged, likewise.
    steps
        Leapfrog steps, likewise.
    """

    u: NDArray[np.floating]
    combination: NDArray[np.integer]
    diverging: NDArray[np.bool_]
    steps: NDArray[np.integer]


def sample(
    vae: VAE,
    x: Tensor,
    *,
    chains: int = 4,
    draws: int = 1000,
    warm_up: int = WARM_UP,
    seed: int = 0,
    quiet: bool = True,
) -> xr.DataTree:
    """Return NUTS draws of p(z|x) for jets x ``(B, ...)``, and as many of the guide.

    Groups ``posterior_nuts`` and ``posterior_guide``, z (chain, draw, jet, coordinate), and ``sample_stats_nuts``,
    diverging and n_steps (chain, draw, jet); attribute ``sampler``. Chains start at 1.5 times the guide's width about
    its centre.

    Raises
    ------
    RunError
        There is no posterior to sample (see :class:`inference.joint.Joint`).
    """
    from inference.to_jax import UntranslatedError, to_jax

    joint = Joint(vae)
    pyro.set_rng_seed(seed)
    with torch.no_grad(), pyro.validation_enabled(False):
        centre, width = joint.centre_and_width(x)
        try:
            compiled = to_jax(joint, centre[0], x[0])
            sampler, found = "numpyro", by_numpyro(compiled, x, centre, width, chains, draws, warm_up, seed, quiet)
        except UntranslatedError as error:
            print(f"note: {error}; sampling with Pyro, one chain at a time", file=sys.stderr)
            sampler, found = "pyro", by_pyro(joint, x, centre, width, chains, draws, warm_up)
        tree = labelled(joint, found, x)
    tree.attrs["sampler"] = sampler
    return tree


def sample_run(
    run: Run,
    *,
    jets: int = 64,
    chains: int = 4,
    draws: int = 1000,
    warm_up: int = WARM_UP,
    beta: float | None = None,
    seed: int = 0,
) -> xr.DataTree:
    """Return NUTS draws of ``jets`` test jets of a run, evenly spaced, at resolution ``beta``; times on standard error.

    As :func:`sample`, with the jets' numbers in the sample as coordinate ``jet``; attributes ``beta`` and ``digest``.

    Raises
    ------
    RunError
        ``beta`` is given and the run has one resolution alone; or there is no posterior to sample.
    """
    test = run.split.test
    index = test[np.arange(min(jets, len(test))) * len(test) // min(jets, len(test))]
    x = data_for(run.jets[index], run.recipe, torch.device("cpu"))[torch.arange(len(index))]
    with run.at(beta) as vae:
        tree = sample(vae, x, chains=chains, draws=draws, warm_up=warm_up, seed=seed, quiet=False)
        tree.attrs |= {"beta": float(vae.likelihood.beta), "digest": run.digest}
    for name, node in tree.children.items():
        tree[name] = xr.DataTree(node.to_dataset().assign_coords(jet=index))
    return tree


def by_numpyro(
    log_joint: Callable[..., Any],
    x: Tensor,
    centre: Tensor,
    width: Tensor,
    chains: int,
    draws: int,
    warm_up: int,
    seed: int,
    quiet: bool,
) -> Draws:
    """Sample all jets, TOGETHER at a time, on all cores."""
    import jax

    size = min(TOGETHER, len(x))
    rows = np.arange(-(-len(x) // size) * size) % len(x)  # the last block is filled up: one program fits all
    keys = jax.random.split(jax.random.PRNGKey(seed), len(rows) * chains)
    start = time.perf_counter()

    def inputs(first: int) -> tuple[Any, ...]:
        mine = rows[first : first + size].repeat(chains)
        return keys[first * chains : (first + size) * chains], *(t.numpy()[mine] for t in (x, centre, width))

    program = jax.jit(jax.vmap(chain_program(log_joint, warm_up, draws))).lower(*inputs(0)).compile()
    compiled = time.perf_counter()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        parts = list(pool.map(lambda first: list(map(np.asarray, program(*inputs(first)))), range(0, len(rows), size)))
    if not quiet:
        counts = f"{len(x)} jets x {chains} chains x {draws} draws"
        print(
            f"compiled in {compiled - start:.1f} s; {counts} in {time.perf_counter() - compiled:.1f} s", file=sys.stderr
        )
    joined = (np.concatenate(part).reshape(len(rows), chains, *part[0].shape[1:]) for part in zip(*parts, strict=True))
    return Draws(*(part[: len(x)] for part in joined))


def chain_program(log_joint: Callable[..., Any], warm_up: int, draws: int) -> Callable[..., Any]:
    """Return one chain as a function (key, x, centre, width) -> Draws, without the leading dimensions.

    It moves in units of the guide's width about the guide's centre, in which the posterior is nearly a unit ball.
    """
    import jax
    from numpyro.infer import NUTS

    def chain(key: Any, x: Any, centre: Any, width: Any) -> Any:
        def potential(v: Any) -> Any:
            return -jax.scipy.special.logsumexp(log_joint(centre + width * v, x))

        kernel = NUTS(potential_fn=potential, max_tree_depth=DEPTH, dense_mass=True)
        key, start, choice = jax.random.split(key, 3)
        state = kernel.init(key, warm_up, 1.5 * jax.random.normal(start, centre.shape), (), {})

        def step(state: Any, key: Any) -> Any:
            state = kernel.sample(state, (), {})
            u = centre + width * state.z
            combination = jax.random.categorical(key, log_joint(u, x))
            return state, (u, combination, state.diverging, state.num_steps)

        # adaptation and draws in one loop, which compiles faster than two
        kept = jax.lax.scan(step, state, jax.random.split(choice, warm_up + draws))[1]
        return tuple(part[warm_up:] for part in kept)

    return chain


def by_pyro(joint: Joint, x: Tensor, centre: Tensor, width: Tensor, chains: int, draws: int, warm_up: int) -> Draws:
    """Sample with Pyro's NUTS: any model, slowly."""
    from pyro.infer import MCMC, NUTS

    shape = (len(x), chains, draws)
    found = Draws(np.zeros((*shape, joint.size)), np.zeros(shape, int), np.zeros(shape, bool), np.zeros(shape, int))
    for jet in range(len(x)):

        def potential(v: dict[str, Tensor], jet: int = jet) -> Tensor:
            return -joint(centre[jet] + width[jet] * v["v"], x[jet]).logsumexp(0)

        for chain in range(chains):
            kernel = NUTS(potential_fn=potential, max_tree_depth=DEPTH)
            start = {"v": 1.5 * torch.randn(joint.size)}
            with torch.enable_grad():
                sampler = MCMC(kernel, draws, warm_up, initial_params=start, disable_progbar=True)
                sampler.run()
            u = centre[jet] + width[jet] * sampler.get_samples()["v"]
            logits = torch.stack([joint(each, x[jet]) for each in u])
            found.u[jet, chain] = u.numpy()
            found.combination[jet, chain] = torch.distributions.Categorical(logits=logits).sample().numpy()
            found.diverging[jet, chain, sampler.diagnostics()["divergences"]["chain 0"]] = True
    return found


def labelled(joint: Joint, found: Draws, x: Tensor) -> xr.DataTree:
    """Return the draws, and as many of the guide, with names."""
    space, dims = joint.space, ("chain", "draw", "jet")
    u, combination = torch.as_tensor(np.array(found.u)), torch.as_tensor(np.array(found.combination))
    z = joint.coordinates(u.float(), combination.long()).permute(1, 2, 0, 3)
    count = min(1000, found.u.shape[1] * found.u.shape[2])
    guide = torch.stack([space.coordinates(joint.vae.guide(x)) for _ in range(count)])[None]
    names = coordinate_labels(space)
    stats = {"diverging": found.diverging, "n_steps": found.steps}
    return xr.DataTree.from_dict(
        {
            "posterior_nuts": xr.Dataset({"z": ((*dims, "coordinate"), z.numpy())}, names),
            "posterior_guide": xr.Dataset({"z": ((*dims, "coordinate"), guide.numpy())}, names),
            "sample_stats_nuts": xr.Dataset(
                {name: (dims, np.asarray(value).transpose(1, 2, 0)) for name, value in stats.items()}
            ),
        }
    )
