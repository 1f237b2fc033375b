"""How well each score finds anomalous jets, on held-out jets: ``python -m analysis.anomaly RUN``.

Every score is larger for what counts as anomalous, by a rule that never looks at labels:

====================  ================================================================================================
``reconstruction``    minus the expected log likelihood; badly described is anomalous
``kl``, ``elbo``      information in the latents; minus the bound: much, or a low bound, is anomalous
``log_p``             minus the importance-weighted log p(x): improbable is anomalous
``latent_<c>``        posterior centre, turned so that the longer tail of the training jets is positive
``mixture_<k>``       weight of that mixture, or probability of that category
``ratio_<k>``         ln of the likelihood given that mixture alone, over that given the others
``responsibility_<k>``  of that component of a Gaussian-mixture prior
``rare_<kind>``       each of the three, for the component that is rarest among the training jets
``entropy``           of the image blurred by 4 pixels: distance from the bulk of the training jets, on either side
``typicality``        the same in three entropies, see :mod:`analysis.measures.typicality`
====================  ================================================================================================
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from rich.console import Console
from rich.table import Table

from analysis.commandline import run_parser
from analysis.measures.tagging import Estimate, Values, resampled

EFFICIENCIES = (0.3, 0.5)
"""Signal efficiencies at which the background rejection is read off."""
FEWEST = 10
"""Background jets above threshold that a significance improvement must rest on."""
RARE = {"mixture": "mixture", "ratio": "mixture", "responsibility": "responsibility"}
"""Kind of a score with one value for each component -> the scores whose smallest mean names the rarest one."""


def performance(signal: Values, background: Values, repeats: int = 200, seed: int = 0) -> dict[str, Estimate]:
    r"""Return AUC, :math:`1/\epsilon_B` at each efficiency, and the largest significance improvement, with errors.

    ``auc``, ``rejection_30``, ``rejection_50``, ``improvement`` = :math:`\max \epsilon_S/\sqrt{\epsilon_B}` over
    thresholds that at least 10 background jets pass. Scores ``(n,)`` and ``(m,)`` are larger for signal. Errors are
    standard deviations over resamplings of the jets of each class; a rejection is at most m.

    >>> found = performance(np.arange(50.0, 150), np.arange(100.0))
    >>> round(found["auc"].value, 3), round(found["rejection_50"].value)
    (0.875, 100)
    """
    curves = resampled(signal, background, repeats, seed)
    table = {"auc": np.asarray(np.trapezoid(curves.signal, curves.background, axis=1))}
    for efficiency in EFFICIENCIES:
        passed = [np.interp(efficiency, s, b) for s, b in zip(curves.signal, curves.background, strict=True)]
        table[f"rejection_{100 * efficiency:.0f}"] = 1 / np.maximum(passed, 1 / len(background))
    enough = curves.background * len(background) >= FEWEST
    gain = np.where(enough, curves.signal / np.sqrt(np.where(enough, curves.background, 1.0)), 0.0)
    table["improvement"] = gain.max(1)
    return {name: Estimate(float(v[0]), float(v[1:].std(ddof=1))) for name, v in table.items()}


def orient(scores: Mapping[str, Values], training: Mapping[str, Values]) -> dict[str, Values]:
    """Return the scores of the module's table, from raw ones and those of the unlabelled ``training`` jets.

    >>> raw = {"mixture_0": np.array([0.1, 0.2]), "mixture_1": np.array([0.9, 0.8]), "latent_R1_0": np.ones(2)}
    >>> known = {"mixture_0": np.ones(3), "mixture_1": np.zeros(3), "latent_R1_0": np.array([0.0, 0.0, -1.0])}
    >>> found = orient(raw, known)
    >>> found["rare_mixture"], found["latent_R1_0"]
    (array([0.9, 0.8]), array([-1., -1.]))
    """
    result = {
        name: values * longer_tail(training[name]) if name.startswith("latent_") else values
        for name, values in scores.items()
    }
    for kind, deciding in RARE.items():
        if f"{kind}_0" in scores:
            result[f"rare_{kind}"] = scores[f"{kind}_{rarest(training, deciding)}"]
    return result


def longer_tail(values: Values) -> float:
    """Return +1 or -1: the side of the longer tail, from the median to the outermost 1 % of the jets."""
    low, middle, high = np.quantile(values, (0.01, 0.5, 0.99))
    return -1.0 if middle - low > high - middle else 1.0


def rarest(training: Mapping[str, Values], kind: str) -> str:
    """Return the number of the component with the smallest mean among the training jets."""
    members = {name: float(np.mean(values)) for name, values in training.items() if name.rpartition("_")[0] == kind}
    return min(members, key=lambda name: members[name]).rpartition("_")[2]


def performance_table(scores: xr.Dataset, signal: str) -> dict[str, dict[str, Estimate]]:
    """Return score -> numbers, ``signal`` against all other jets of a dataset of :func:`analysis.evaluation.image_scores.scores`."""
    is_signal = np.asarray(scores["class_name"]) == signal
    values = scores["score_value"]
    return {
        str(name): performance(*(np.asarray(values.sel(score=name))[mask] for mask in (is_signal, ~is_signal)))
        for name in values["score"].values
    }


def print_table(found: Mapping[str, Mapping[str, Estimate]], signal: str, console: Console) -> None:
    """Print the numbers of every score."""
    heads = ("AUC", "1/eps_B at .3", "at .5", "significance gain")
    table = Table("score", *heads, title=f"tagging {signal}, held-out jets, no label used", title_justify="left")
    for name, numbers in found.items():
        cells = [
            f"{n.value:.4g} ± {n.error:.2g}" if key != "auc" else f"{n.value:.4f} ± {n.error:.4f}"
            for key, n in numbers.items()
        ]
        table.add_row(name, *cells)
    console.print(table)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = run_parser("anomaly", "Print how well every score finds anomalous jets of a run on images.")
    result.add_argument("--out", metavar="F", help="where to keep the scores [RUN/anomaly.nc; with --data: nowhere]")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the held-out jets of a run, keep the scores, print the numbers."""
    options = parser().parse_args(arguments)
    from analysis.evaluation.image_scores import scores
    from inference.run import Run, RunError
    from jets import load
    from jets.files import replacing

    run = Run.open(options.run)
    found = scores(run, load(*options.data) if options.data else None)
    known = [str(name) for name in found.attrs["classes"]]
    signal = options.signal or known[-1]
    if signal not in known or len(known) < 2:
        raise RunError(f"--signal {signal}: tagging needs it and another class; the jets are {', '.join(known)}")
    out = options.out or (None if options.data else run.path / "anomaly.nc")
    if out is not None:
        with replacing(out) as temporary:
            found.to_netcdf(temporary, engine="h5netcdf")
        print(f"wrote {out}", file=sys.stderr)
    print_table(performance_table(found, signal), signal, Console())


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
