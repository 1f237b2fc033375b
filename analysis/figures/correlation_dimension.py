"""The correlation dimension of jets under the Energy Mover's Distance, beside samples of known dimension.

``python -m analysis.correlation_dimension FIGURE`` draws three panels: QCD, W and top jets against the energy scale
[GeV]; the estimate for balls and Gaussians against their true dimension; and how many points the estimate needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from scipy.spatial.distance import pdist

from analysis.figures.style import COLOURS, house
from jets import Jets, load, toys
from analysis.measures.correlation_dimension import Dimension, correlation_dimension, takens_dimension
from jets.emd import pairwise
from jets.files import replacing

MASSES = {r"$m_W$": 80.4, r"$m_t$": 172.7}
"""Masses marked on the energy scale [GeV]."""
LABELS = {"qcd": "QCD", "w": "W"}
"""Classes that are not written as they are named."""
SCALES = np.geomspace(8.0, 300.0, 19)
"""Energy scales between which the slope is taken [GeV]."""
TRUE = np.arange(1, 13)
"""Dimensions of the balls and Gaussians."""
NUMBERS = (250, 500, 1000, 2000, 4000, 8000)
SHOWN = (2, 4, 8, 12)
"""Dimensions whose estimate is drawn against the number of points."""


def jet_dimension(jets: Jets, pt: float, file: Path | None = None) -> Dimension:
    """Return the correlation dimension of jets, each scaled to transverse momentum ``pt`` [GeV], at `SCALES`.

    ``file`` keeps the pair matrix, so that an interrupted one goes on.
    """
    distances = pairwise(jets.constituents, tolerance=0.05, file=file, progress=True)
    return correlation_dimension(pt * distances, SCALES)


def known(kind: str, d: int, number: int, seeds: int = 3) -> tuple[float, float]:
    """Return mean and spread over seeds of the estimated over the true dimension of balls or Gaussians.

    >>> ratio, spread = known("ball", 1, 500)
    >>> bool(abs(ratio - 1) < 0.1)
    True
    """
    make = {"ball": toys.ball, "gaussian": lambda d, n, seed: toys.gaussian(np.ones(d), n, seed)}[kind]
    ratios = [takens_dimension(pdist(make(d, number, seed).points))[0] / d for seed in range(seeds)]
    return float(np.mean(ratios)), float(np.std(ratios, ddof=1))


def draw_jets(axes: Axes, found: dict[str, Dimension], pt: float) -> None:
    """Draw dimension against scale with one-sigma bands, one curve a class."""
    for (name, curve), colour in zip(found.items(), COLOURS, strict=False):
        low, high = curve.dimension - curve.error, curve.dimension + curve.error
        axes.plot(curve.scale, curve.dimension, color=colour, label=LABELS.get(name, name))
        axes.fill_between(curve.scale, low, high, color=colour, alpha=0.3, linewidth=0)
    for name, mass in MASSES.items():
        axes.axvline(mass, color="0.6", linewidth=0.8, linestyle=":")
        axes.text(mass, 1.01, name, transform=axes.get_xaxis_transform(), ha="center", fontsize=8, color="0.4")
    axes.set(xlabel=f"Q [GeV] at jet $p_T$ = {pt:g} GeV", ylabel="correlation dimension", ylim=(0, 12))
    logarithmic(axes, (10, 20, 50, 100, 200))
    axes.legend()


def draw_true(axes: Axes, number: int, seeds: int) -> None:
    """Draw estimated against true dimension of balls and Gaussians."""
    axes.fill_between(TRUE, 0.9 * TRUE, 1.1 * TRUE, color="0.9", linewidth=0, label=r"truth $\pm$ 10 %")
    for (kind, label), colour in zip({"ball": "balls", "gaussian": "Gaussians"}.items(), COLOURS, strict=False):
        ratio, spread = np.transpose([known(kind, int(d), number, seeds) for d in TRUE])
        axes.errorbar(TRUE, ratio * TRUE, spread * TRUE, color=colour, fmt="o-", markersize=3, label=label)
        print(f"{label}, {number} points: " + ", ".join(f"{d}: {r:.2f}" for d, r in zip(TRUE, ratio, strict=True)))
    axes.set(xlabel="true dimension", ylabel=f"estimated dimension, N = {number}", xlim=(0, 13), ylim=(0, 13))
    axes.legend()


def draw_number(axes: Axes, numbers: Sequence[int], seeds: int) -> None:
    """Draw estimated over true dimension against the number of points, for balls (lines) and Gaussians (dashes)."""
    axes.axhspan(0.9, 1.1, color="0.9", linewidth=0)
    for d, colour in zip(SHOWN, COLOURS, strict=False):
        for kind, style in {"ball": "-", "gaussian": "--"}.items():
            ratio, spread = np.transpose([known(kind, d, number, seeds) for number in numbers])
            label = f"{d}" if kind == "ball" else None
            axes.errorbar(numbers, ratio, spread, color=colour, fmt=style, label=label)
            print(f"{kind} {d}: " + ", ".join(f"{n}: {r:.2f}" for n, r in zip(numbers, ratio, strict=True)))
    axes.set(xlabel="number of points N", ylabel="estimated / true dimension", ylim=(0.5, 1.15))
    logarithmic(axes, numbers)
    axes.legend(title="true dimension (dashed: Gaussians)", ncols=2)


def logarithmic(axes: Axes, labelled: Sequence[int]) -> None:
    """Make the horizontal axis logarithmic, with these numbers on it."""
    axes.set_xscale("log")
    axes.set_xticks(labelled, [f"{number}" for number in labelled])
    axes.xaxis.set_minor_formatter(NullFormatter())


def figure(found: dict[str, Dimension], pt: float, numbers: Sequence[int] = NUMBERS, seeds: int = 3) -> Figure:
    """Draw the three panels; the middle one has 2,000 points, or the most of ``numbers``."""
    with house():
        result = Figure(figsize=(11.4, 3.5))
        left, middle, right = result.subplots(1, 3)
        draw_jets(left, found, pt)
        draw_true(middle, min(2000, max(numbers)), seeds)
        draw_number(right, numbers, seeds)
    return result


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    result = argparse.ArgumentParser(prog="python -m analysis.correlation_dimension", description=__doc__)
    result.add_argument("figure", type=Path, metavar="FIGURE", help="image file to write")
    samples = ["sample:qcd", "sample:w", "sample:top"]
    result.add_argument("--data", metavar="F[:class]", nargs="+", default=samples, help="jets [the embedded ones]")
    result.add_argument("--jets", type=int, default=2000, help="jets of each class [2000]")
    result.add_argument("--pt", type=float, default=600.0, help="transverse momentum given to every jet [600 GeV]")
    result.add_argument("--points", type=int, nargs="+", default=NUMBERS, help="numbers of points [250 ... 8000]")
    result.add_argument("--seeds", type=int, default=3, help="samples of points of each kind, at least two [3]")
    result.add_argument("--matrices", type=Path, metavar="FOLDER", help="keep pair matrices; go on with those there")
    return result


def main(arguments: list[str] | None = None) -> None:
    """Draw the figure and print its numbers."""
    options = parser().parse_args(arguments)
    if options.matrices:
        options.matrices.mkdir(parents=True, exist_ok=True)
    sample, found = load(*options.data), {}
    for i, name in enumerate(sample.classes):
        file = options.matrices / f"{name}.h5" if options.matrices else None
        found[name] = curve = jet_dimension(sample[np.flatnonzero(sample.label == i)[: options.jets]], options.pt, file)
        print(f"{name}: " + ", ".join(f"{q:.0f} GeV: {d:.2f}+-{e:.2f}" for q, d, e, _ in zip(*curve, strict=True)))
    drawn = figure(found, options.pt, options.points, options.seeds)
    with replacing(options.figure) as temporary:
        drawn.savefig(temporary, format=options.figure.suffix[1:] or "png")
    print(options.figure)


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
