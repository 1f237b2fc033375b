"""Training throughput of particle clouds by part, and with geomloss instead: ``python -m benchmarks.clouds``.

The recipe jet-w, after an epoch of training, on one core: time of the traced step split into encoder, decoder, distance
(each forward and backward, eager) and the rest. Beside it the same network and step with geomloss' distance, which
leaves the graph, at the widest blur of a scan that comes within 1 % of the exact distance of jets and decoded jets.
Medians of alternating steps, in seconds of this process; the ratio comes last.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from inference.folder import RunFolder
from inference.program import Eager
from inference.recipe import read
from inference.step import make_step
from inference.trainer import Trainer
from jets import load
from jets.emd import emd
from models import VAE, EnergyMover, build
from models.likelihoods import Metric

BLURS = (0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
LIMIT = 0.01
"""Mean relative error that geomloss must reach."""

Distance = Callable[[Tensor, Tensor], Tensor]


class Measured(Metric):
    """A likelihood with any distance."""

    def __init__(self, beta: float, distance: Distance) -> None:
        super().__init__(beta)
        self.distance = distance

    def forward(self, output: Tensor) -> EnergyMover:
        """Return p(x | z) from decoded clouds."""
        return EnergyMover(output, self.beta, self.power, self.distance)


def geomloss(x: Tensor, y: Tensor, blur: float) -> Tensor:
    return emd(x, y, method="geomloss", tolerance=blur).value


def trained(folder: str, compiled: bool) -> Trainer:
    """Return a trainer of jet-w after an epoch."""
    recipe = read("jet-w", {"training.compile": compiled, "training.threads": 1})
    jets = load(*recipe.data.files)
    trainer = Trainer([RunFolder.create(folder, recipe, jets)], [recipe], [build(recipe.model, 0)], jets)
    trainer.train_epoch(0)
    return trainer


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Return a clock of one call, after a first one that nobody times."""
    work()

    def clock() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return clock


def forward_backward(work: Callable[[], Tensor], leaves: list[Tensor]) -> Callable[[], object]:
    return lambda: torch.autograd.grad(work().sum(), leaves, allow_unused=True)


def parts(vae: VAE, x: Tensor) -> dict[str, Callable[[], object]]:
    """Return what to time: each part of the model forward and backward, on its own inputs."""
    weights = list(vae.parameters())
    features = decoded(vae, x)[1].requires_grad_()
    cloud = vae.decode(features).mean.detach().requires_grad_()
    return {
        "encoder": forward_backward(lambda: vae.encode(x), weights),
        "decoder": forward_backward(lambda: vae.decode(features).mean.square(), [features, *weights]),
        "distance": forward_backward(lambda: emd(x, cloud).value, [cloud]),
    }


def decoded(vae: VAE, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return decoded jets of one draw from the posterior, and the features they were decoded from."""
    torch.manual_seed(0)
    features = vae.latent.features(vae.guide(x)).detach()
    return vae.decode(features).mean.detach(), features


def step_with(distance: Distance, trainer: Trainer) -> Eager:
    """Return the step of the same network with another distance, as a user of that distance would run it."""
    vae = trainer.vaes[0]
    other = build(vae.config, 0)
    other.load_state_dict(vae.state_dict())
    other.likelihood = Measured(float(vae.likelihood.beta.mean()), distance)
    step = make_step(other, trainer.data.make, trainer.config)
    return Eager(step, [torch.default_generator], 0, "")


def widest(x: Tensor, cloud: Tensor) -> tuple[float, float]:
    """Return the widest blur whose mean error is within the limit, or the best one, and its error."""
    truth = emd(x, cloud, method="exact").value
    errors = {}
    for blur in BLURS:
        errors[blur] = float((geomloss(x, cloud, blur) / truth - 1).abs().mean())
        if errors[blur] <= LIMIT:
            return blur, errors[blur]
    return min(errors.items(), key=lambda item: item[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiled", action="store_true", help="compile the traced step, as long trainings do")
    parser.add_argument("--repeats", type=int, default=5, help="timed steps of each [5]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trainer = trained(f"{folder}/run", options.compiled)
    measure(trainer, options.repeats)


def measure(trainer: Trainer, repeats: int) -> None:
    """Time everything in turn and print."""
    vae, images = trainer.vaes[0].train(), trainer.data
    batch, controls = next(trainer.feed.stretches(1)).rows[0], trainer.controls(1)[0]
    with vae.at(vae.resolution.stratified(batch.shape[1]) if vae.resolution else vae.likelihood.beta):
        x = images[batch[0]]
        cloud = decoded(vae, x)[0]
        blur, error = widest(x[:64], cloud[:64])
        ours = float((emd(x, cloud).value / emd(x, cloud, method="exact").value - 1).abs().mean())
        work = {name: timed(part) for name, part in parts(vae, x).items()}
    inputs = (images.constituents, batch, controls)
    work["step"] = timed(lambda: trainer.step(*inputs))
    rival = step_with(partial(geomloss, blur=blur), trainer)
    flat = trainer.state.replica(0).flat
    work["geomloss"] = timed(lambda: rival(*flat, images.constituents, batch[0], controls[0]))
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, clock in work.items():
            times[name].append(clock())
    report({name: sorted(each)[repeats // 2] for name, each in times.items()}, batch.shape[1], (ours, blur, error))


def report(seconds: dict[str, float], size: int, accuracy: tuple[float, float, float]) -> None:
    ours, blur, error = accuracy
    named = {name: seconds[name] for name in ("encoder", "decoder", "distance")}
    named["the rest"] = seconds["step"] - sum(named.values())
    print(f"jet-w, {size} jets a step, one core: {size / seconds['step']:,.0f} jets/s, distance to {ours:.2%}")
    for name, each in named.items():
        print(f"  {name:10s}{1e3 * each:8.1f} ms {each / seconds['step']:6.0%}")
    print(f"with geomloss, blur {blur:g}, to {error:.2%}: {size / seconds['geomloss']:,.0f} jets/s")
    print(f"ratio: geomloss / ours = {seconds['geomloss'] / seconds['step']:.1f}")


if __name__ == "__main__":
    main()
