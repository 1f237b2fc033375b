"""Draw the dimension of noisy points against scale, beside the numbers of estimators that have no scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from analysis.figures.style import COLOURS, figure_of
from benchmarks.dimension_points import NOISY

SCALELESS = ("TwoNN", "MLE", "DANCo", "lPCA")
Row = Mapping[str, Any]


def picture(rows: Sequence[Row], file: Path) -> None:
    """Draw a panel for each noisy manifold, of the largest noise there is."""
    noisy = [row for row in rows if row["noise"]]
    most = max(row["noise"] for row in noisy)
    largest = [row for row in noisy if row["noise"] == most]
    names = [name for name in NOISY if any(row["manifold"] == name for row in largest)]
    figure_of(panels, largest, names, size=(3.8 * len(names), 3.5), grid=(1, len(names))).savefig(file, dpi=200)


def panels(axes: np.ndarray, rows: Sequence[Row], names: Sequence[str]) -> None:
    """Draw each manifold on a panel of its own."""
    for panel, name in zip(np.ravel(axes), names, strict=True):
        one(panel, [row for row in rows if row["manifold"] == name], name)
    np.ravel(axes)[len(names) // 2].legend(fontsize=8, loc="lower left")


def one(axes: Axes, rows: Sequence[Row], name: str) -> None:
    """Draw D2 and the correlation dimension against scale over noise, the others as lines, the truth dotted."""
    seen = set[str]()
    for row in rows:
        size = row["noise"] / np.hypot(1, row["noise"])
        label = None if row["estimator"] in seen else row["estimator"]
        seen.add(row["estimator"])
        if row["estimator"] == "D2":
            axes.plot(np.array(row["curve"]["beta"]) / size, row["curve"]["D2"], color=COLOURS[0], label=label)
        elif row["estimator"] == "correlation":
            reach = np.array(row["curve"]["scale"]) / (size * row["spread"])
            axes.plot(reach, row["curve"]["dimension"], color=COLOURS[1], label=label)
        elif row["estimator"] in SCALELESS and label and row["value"]:
            number = SCALELESS.index(row["estimator"])
            axes.axhline(row["value"], color=COLOURS[2 + number], linestyle="--", linewidth=1, label=label)
    axes.axhline(NOISY[name].dimension, color="0.3", linestyle=":", linewidth=1)
    axes.axvline(1, color="0.6", linewidth=0.8)
    axes.set(xscale="log", xlabel=r"$\beta$ or distance, over the noise $\sigma$", ylabel="dimension")
    axes.set_title(f"{name}, dimension {NOISY[name].dimension}", fontsize=10)
    axes.set_ylim(0, None)
