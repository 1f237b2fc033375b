"""numpyro: a whole epoch of SVI as one jitted ``lax.scan``."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from benchmarks.svi_contenders.task import ADAM_BETAS, COUNTS, LR, START, Task

EPSILON = 1e-5


class Scan:
    """Model and guide in numpyro; the epoch's order, gather, gradient and Adam inside one compiled function."""

    def __init__(self, task: Task) -> None:
        os.environ["JAX_PLATFORMS"] = task.device
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the device is shared with the other contenders
        os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"  # as torch has it: on a GPU XLA would take TF32
        if task.threads == 1:
            os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
        os.environ["NPROC"] = str(task.threads)  # size of XLA's pool of threads
        import jax
        from jax import lax
        from numpyro.infer import SVI, TraceMeanField_ELBO
        from numpyro.optim import Adam

        self.task, self.jax = task, jax
        self.x = jax.numpy.asarray(task.images)
        model, guide = model_and_guide(task)
        svi = SVI(model, guide, Adam(LR, *ADAM_BETAS), TraceMeanField_ELBO())
        self.state = svi.init(jax.random.key(0), self.x[: task.batch])
        self.evaluate = svi.evaluate
        self.key = jax.random.key(1)

        def epoch(state: Any, key: Any, x: Any) -> Any:
            rows = jax.random.permutation(key, len(x))[: task.steps * task.batch].reshape(task.steps, task.batch)
            return lax.scan(lambda s, r: svi.update(s, x[r]), state, rows)

        self.run = jax.jit(epoch, donate_argnums=0)

    def start_loss(self) -> float:
        """Return the loss at the initial weights."""
        x = self.x[:START]
        return float(self.evaluate(self.state, x)) / len(x)

    def epoch(self) -> float:
        """Train one epoch; return its mean loss."""
        self.key, key = self.jax.random.split(self.key)
        self.state, losses = self.run(self.state, key, self.x)
        return float(losses.mean()) / self.task.batch


def model_and_guide(task: Task) -> tuple[Any, Any]:
    """Return the model and the guide, with the same layers as in torch."""
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist

    def linear(name: str, x: Any, *, bias: bool = True) -> Any:
        y = x @ numpyro.param(f"{name}.weight", np.ascontiguousarray(task.weights[f"{name}.weight"].T))
        return y + numpyro.param(f"{name}.bias", task.weights[f"{name}.bias"]) if bias else y

    def batch_norm(name: str, x: Any) -> Any:  # running statistics, for evaluation only, are not kept
        y = (x - x.mean(0)) / jnp.sqrt(x.var(0) + EPSILON)
        weight, bias = (numpyro.param(f"{name}.{part}", task.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return y * weight + bias

    def encoder(x: Any) -> Any:
        if task.model == "dvae":
            return linear("encoder.3", batch_norm("encoder.2", jax.nn.selu(linear("encoder.0", x))))
        return linear("encoder.2", jax.nn.relu(linear("encoder.0", x)))

    def decoder(z: Any) -> Any:
        if task.model == "dvae":
            return linear("decoder.0", jax.nn.softmax(z), bias=False)
        return linear("decoder.2", jax.nn.relu(linear("decoder.0", z)))

    def model(x: Any) -> None:
        zero = jnp.zeros((len(x), task.latents))
        z = numpyro.sample("z", dist.Normal(zero, task.prior_scale).to_event(2))
        numpyro.factor("x", COUNTS * (x * jax.nn.log_softmax(decoder(z))).sum())

    def guide(x: Any) -> None:
        loc, log_variance = jnp.split(encoder(x), 2, axis=-1)
        numpyro.sample("z", dist.Normal(loc, jnp.exp(log_variance / 2)).to_event(2))

    return model, guide
