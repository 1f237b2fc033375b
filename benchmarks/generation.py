"""How good are generated jets? ``python -m benchmarks.generation [RUN] [--truth FILE]``.

Samples of a cloud VAE are held against held-out jets at several resolutions: jets from the prior, what is decoded at
draws of the posteriors of the training jets, and the held-out jets' own reconstructions; beside them the training jets
and, as the bound, one half of the held-out jets against the other. Prior against posterior shows whether the latents
of jets fill the prior, reconstruction against bound what the decoder loses. Distances as jetnet defines them (Kansal
et al. 2106.11535, 2211.10295): W1 of the mass, of the particles' pseudorapidity, azimuth and share of pT, of five
energy flow polynomials, and FPD and KPD of 36.

All comparisons are of equally many jets against the same halves, so that all have the same noise and the excess above
the bound counts. Mean and standard deviation over random halves. The particles are the hardest of each jet, as many
as the decoder has; the frame is that of the preprocessing, turned at random where the training jets were. Where jetnet
can be imported, its values follow. Without RUN one of jet-w is trained first. ``OMP_NUM_THREADS=1`` makes the small
matrices of FPD much faster on a busy machine.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis.answers import decoded
from analysis.answers.opened import OpenRun
from analysis.figures.style import COLOURS, figure_of
from benchmarks.generation_metrics import by_jetnet, distances
from benchmarks.generation_metrics.flow_polynomials import all_connected, features, with_four
from inference.data import data_for
from inference.recipe import read
from inference.training import train
from jets import Jets, load
from jets.errors import UserError
from jets.files import replacing
from jets.preprocess import turn

SCALES = (1.8, 8.0, 30.0)
"""Resolutions [GeV]."""
WINDOW = (70.0, 95.0)
"""About the W [GeV]."""
FEWEST = 200
"""Jets in each sample that is compared: FPD has 36 features, and takes a quarter of them."""
BINS = np.linspace(0, 200, 81)
Values = NDArray[np.floating]


class Sample(NamedTuple):
    """A sample of N jets and what is compared of it."""

    particles: Values
    """Pseudorapidity, azimuth [rad], share of pT of the hardest M ``(N, M, 3)``."""
    mass: Values
    """``(N,)`` [jet pT]."""
    gev: Values
    """``(N,)`` [GeV]."""
    five: Values
    """Energy flow polynomials with four particles and four angles ``(N, 5)``."""
    all: Values
    """Those of at most four angles ``(N, 36)``."""

    def at(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Sample:
        """Return some of the jets."""
        return Sample(*(column[rows] for column in self))


def sample(jets: Jets, particles: int) -> Sample:
    """Return what is compared of jets, of the hardest particles of each."""
    pt = jets.constituents[..., 0].sum(1, dtype=float)
    hard = jets.constituents[:, :particles].astype(float)
    shares = np.stack([hard[..., 1], hard[..., 2], hard[..., 0] / pt[:, None]], -1)
    known, mass = all_connected(shares), distances.masses(shares)
    five = np.stack([known[graph] for graph in with_four()], 1)
    return Sample(shares, mass, mass * pt, five, features(shares, known))


def turned(jets: Jets) -> Jets:
    """Return each jet turned and mirrored at random, as it is in training."""
    found = turn(torch.as_tensor(jets.constituents)).numpy()
    return replace(jets, constituents=np.where(found[..., :1] > 0, found, np.float32(0)))


@torch.no_grad()
def from_posteriors(run: OpenRun, jets: Jets, beta: float | None) -> Jets:
    """Return what is decoded at one draw from the posterior of each jet."""
    data, parts = data_for(jets, run.recipe, torch.device("cpu")), []
    with run.at(beta) as vae:
        for x in data.batches(torch.arange(len(data)), 500):
            parts.append(vae.decode(vae.latent.features(vae.guide(x))).mean)
    return decoded.presented(run.recipe, torch.cat(parts), decoded.pt_of(jets))


def compared(truth: Sample, other: Sample, rng: np.random.Generator, scale: Values) -> dict[str, float]:
    """Return the distances of two samples of equally many jets."""
    of_particles = distances.w1_of_columns(*(distances.particle_features(s.particles) for s in (truth, other)))
    inside = (other.gev > WINDOW[0]) & (other.gev < WINDOW[1])
    low, middle, high = np.quantile(other.gev, [0.16, 0.5, 0.84])
    return {
        "W1 mass /1e-3": 1e3 * distances.w1(truth.mass, other.mass),
        "W1 mass [GeV]": distances.w1(truth.gev, other.gev),
        "W1 eta /1e-3": 1e3 * of_particles[0],
        "W1 phi /1e-3": 1e3 * of_particles[1],
        "W1 share /1e-3": 1e3 * of_particles[2],
        "W1 EFP /1e-5": 1e5 * float(distances.w1_of_columns(truth.five, other.five).mean()),
        "FPD /1e-3": 1e3 * distances.fpd(truth.all / scale, other.all / scale, rng),
        "KPD /1e-3": 1e3 * distances.kpd(truth.all / scale, other.all / scale),
        "median mass": float(middle),
        "half-width": float(high - low) / 2,
        "in window": float(inside.mean()),
    }


class Pools(NamedTuple):
    """All samples of a run."""

    truth: Sample
    paired: dict[str, Sample]
    """A jet for each of the truth's, in its order."""
    free: dict[str, Sample]


def gathered(run: OpenRun, truth: Jets, scales: Sequence[float], generated: int, particles: int) -> Pools:
    """Return the truth, and every sample by its name."""
    torch.manual_seed(0)
    own = run.jets[run.split.train]
    if run.recipe.image.turn:
        truth, own = turned(truth), turned(own)
    pt = float(np.median(decoded.pt_of(own)))
    paired: dict[str, Sample] = {}
    free = {"training jets": sample(run.inputs(own), particles)}
    known = run.recipe.model.beta
    for resolution in dict.fromkeys(min(max(scale / pt, known.low), known.high) for scale in scales):
        beta = resolution if known.is_range else None
        name = f"{resolution * pt:.1f} GeV"
        print(f"{name}: beta = {resolution:.4g}, of jets of {pt:.0f} GeV", flush=True)
        paired[f"{name}, reconstructed"] = sample(run.reconstruct(truth, beta=beta), particles)
        free[f"{name}, posteriors"] = sample(from_posteriors(run, own, beta), particles)
        free[f"{name}, prior"] = sample(run.generate(generated, beta=beta), particles)
    return Pools(sample(run.inputs(truth), particles), paired, free)


def halves(pools: Pools, size: int, repeats: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield name and distances of every sample, for each of the random halves."""
    scale = np.abs(pools.truth.all).max(0)
    scale[scale == 0] = 1
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        mixed = rng.permutation(len(pools.truth.mass))
        first, second = mixed[:size], mixed[size : 2 * size]
        reference = pools.truth.at(first)
        yield "truth, other half", compared(reference, pools.truth.at(second), rng, scale)
        for name, pool in pools.paired.items():
            yield name, compared(reference, pool.at(second), rng, scale)
        for name, pool in pools.free.items():
            rows = rng.choice(len(pool.mass), size, replace=False)
            yield name, compared(reference, pool.at(rows), rng, scale)


def table(pools: Pools, size: int, repeats: int) -> str:
    """Return mean and standard deviation of every distance, a line for each sample."""
    found: dict[str, list[dict[str, float]]] = {}
    for name, values in halves(pools, size, repeats):
        found.setdefault(name, []).append(values)
    head = ["sample", *next(iter(found.values()))[0]]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name in sorted(found, key=order):
        columns = [np.array([row[metric] for row in found[name]]) for metric in head[1:]]
        lines.append(f"| {name} | " + " | ".join(f"{rounded(x.mean(), x.std())}" for x in columns) + " |")
    return "\n".join(lines)


def order(name: str) -> tuple[float, str]:
    """Sort by the scale, the bound and the training jets first."""
    return (float(name.split()[0]), name[::-1]) if name[0].isdigit() else (0.0, "" if "truth" in name else name)


def rounded(value: float, error: float) -> str:
    """Return value and error to two digits of the error.

    >>> rounded(1.2345, 0.0234), rounded(0.51, 1e-17)
    ('1.234 ± 0.023', '0.51')
    """
    if not error > 1e-9 * abs(value):
        return f"{value:.3g}"
    digits = max(0, 1 - int(np.floor(np.log10(error))))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def spectra(axes: Axes, samples: dict[str, Sample], constituents: int) -> None:
    """Draw the mass spectra of samples, the first filled."""
    for number, (name, each) in enumerate(samples.items()):
        style = {"histtype": "stepfilled", "alpha": 0.35} if number == 0 else {"histtype": "step", "linewidth": 1.5}
        weights = np.full(len(each.gev), 1 / len(each.gev) / np.diff(BINS)[0])
        axes.hist(each.gev, BINS, weights=weights, color=COLOURS[2 if number == 0 else number - 1], label=name, **style)
    axes.set(xlabel=f"mass of the {constituents} hardest particles [GeV]", ylabel="share of jets per GeV")
    axes.set(xlim=(BINS[0], BINS[-1]), ylim=(0, None))
    axes.legend()


def drawn(pools: Pools, path: Path) -> None:
    """Save the mass spectra of truth, reconstruction and prior at the finest resolution."""
    finest = min(pools.paired, key=order).split(",")[0]
    shown = {
        "W jets": pools.truth,
        f"reconstructed at {finest}": pools.paired[f"{finest}, reconstructed"],
        f"generated at {finest}": pools.free[f"{finest}, prior"],
    }
    figure = figure_of(spectra, shown, pools.truth.particles.shape[1], size=(5.2, 3.6))
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=200)


def checked_by_jetnet(pools: Pools, size: int) -> None:
    """Print what jetnet itself finds."""
    name = next(iter(pools.paired))
    truth = pools.truth
    found = by_jetnet.differences(truth.particles, pools.paired[name].particles)
    print("largest relative difference to jetnet: " + ", ".join(f"{key} {value:.1g}" for key, value in found.items()))
    half = np.arange(len(truth.mass)) % 2 == 0
    pairs = {name: (truth, pool) for name, pool in {**pools.paired, **pools.free}.items()}
    for name, (x, y) in {"truth, other half": (truth.at(half), truth.at(~half)), **pairs}.items():
        values = by_jetnet.public(x.particles, y.particles, x.all, y.all, size)
        print(f"jetnet, {name}: " + ", ".join(f"{key} {1e3 * a:.3g} ± {1e3 * e:.2g}" for key, (a, e) in values.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, save the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="of clouds; without it jet-w is trained")
    parser.add_argument("--truth", metavar="F", help="held-out jets [test and validation jets of the run]")
    parser.add_argument("--scales", nargs="+", type=float, default=SCALES, metavar="GEV", help="resolutions [1.8 8 30]")
    parser.add_argument("--generated", type=int, default=10000, metavar="N", help="jets from the prior [10000]")
    parser.add_argument("--particles", type=int, metavar="M", help="of each jet [as many as the decoder has]")
    parser.add_argument("--repeats", type=int, default=10, metavar="K", help="random halves [10]")
    parser.add_argument("--figure", type=Path, metavar="PNG", help="save mass spectra")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = options.run or train(read("jet-w"), Path(folder) / "run").path
        measure(OpenRun.open(path), options)


def measure(run: OpenRun, options: argparse.Namespace) -> None:
    """Compare and print.

    Raises
    ------
    UserError
        The run is not of clouds, or there are too few jets.
    """
    if not run.recipe.model.clouds:
        raise UserError(f"{run.path}: not a run of clouds; take one of jet-w, jet-top or jet-qcd")
    rest = np.concatenate([run.split.test, run.split.validation])
    truth = load(options.truth) if options.truth else run.jets[rest]
    count = min(len(truth) // 2, options.generated)
    if count < FEWEST:
        raise UserError(f"{count} jets a sample are too few; give {2 * FEWEST} with --truth, {FEWEST} with --generated")
    particles = options.particles or run.recipe.model.particles
    pools = gathered(run, truth, options.scales, options.generated, particles)
    size = min(len(truth) // 2, *(len(pool.mass) for pool in pools.free.values()))
    print(f"{len(truth)} held-out jets, {options.generated} from the prior, {particles} particles;")
    print(f"each distance of {size} and {size} jets, mean and standard deviation of {options.repeats} halves")
    print(table(pools, size, options.repeats), flush=True)
    if options.figure:
        drawn(pools, options.figure)
    if by_jetnet.installed():
        checked_by_jetnet(pools, size)


if __name__ == "__main__":
    main()
