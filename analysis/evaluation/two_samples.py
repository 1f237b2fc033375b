"""Runs of two samples: which runs are of which, and the same held-out jets in the models of both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.evaluation.chosen import assert_described, choose
from analysis.evaluation.resolutions import POINTS, measure
from analysis.evaluation.sample_names import names_of
from analysis.measures.dimension_errors import UNKNOWN
from analysis.measures.level_differences import CURVES, compared, of_jets
from analysis.measures.two_samples import Held, differences
from analysis.measures.weighting import assert_sum
from inference.machine import tune_cpu
from inference.recipe import RecipeError
from inference.run import Run
from jets import Jets

FEWEST = 20
"""Held-out jets of a sample of which a difference can be seen."""
SEEDS_APART = 1000
LONGEST = 20
"""Characters of a name that a figure has room for."""

Index = NDArray[np.int64]


def by_sample(runs: Sequence[Run]) -> list[list[Run]]:
    """Return runs grouped by the jets that they were trained on, in the order in which these come."""
    if len(runs) == 1:
        return [list(runs)]
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(str(run.provenance["data_fingerprint"]), []).append(run)
    return list(found.values())


def two_samples(runs: Sequence[Run], *, jets: int = 3000, draws: int = 2, seed: int = 0) -> xr.Dataset:
    """Return how KL, distortion, D1 and D2 of two samples differ at each resolution, and how surely.

    Parameters
    ----------
    runs
        Trainings of a range of beta, of two samples, as many of one as of the other; in pairs by their order.
    jets
        Most held-out jets of each sample to evaluate a pair on.
    draws
        Of the guide, for each jet and resolution.
    seed
        Of the draws, the bootstrap and the permutations.

    Returns
    -------
    xarray.Dataset
        :func:`analysis.measures.level_differences.compared` of each sample's own jets in its own models, and
        :func:`analysis.measures.two_samples.differences` of the jets of both in the same models.

    Raises
    ------
    RecipeError
        Another number of samples, runs at one beta, ranges that do not meet, models of other distances, different
        numbers of runs, or too few held-out jets.
    """
    tune_cpu()
    samples = by_sample(runs)
    grid = common(samples)
    pairs = [Pair.of(*both) for both in zip(*samples, strict=True)]
    # The noise of the two samples is independent, as their jets are.
    found = [[pair.measured(k, grid, jets, draws, seed + SEEDS_APART * k) for k in (0, 1)] for pair in pairs]
    own = [[pair[k].own for pair in found] for k in (0, 1)]
    result = without_spread(compared(own[0], own[1], called(samples), seed)).drop_vars(
        [f"{name}_draws" for name in CURVES]
    )
    test = differences([(first.held, second.held) for first, second in found], CURVES, grid, seed)
    return result.merge(test).assign_attrs(result.attrs | test.attrs)


def without_spread(curves: xr.Dataset) -> xr.Dataset:
    """Return differences without errors, and why, where one training of each has no spread.

    ``_error_of_jets`` stays what it is.
    """
    if curves.attrs["seeds"] > 1:
        return curves
    errors = [name for name in curves.data_vars if str(name).endswith("_error")]
    return curves.assign({name: curves[name] * np.nan for name in errors}).assign_attrs(no_errors=UNKNOWN)


def common(samples: Sequence[Sequence[Run]]) -> NDArray[np.float64]:
    """Return resolutions that the ranges of all runs have in common, evenly spaced.

    Raises
    ------
    RecipeError
        As :func:`two_samples`.
    """
    names = [", ".join(own[0].recipe.data.files) for own in samples]
    if len(samples) != 2:
        raise RecipeError(
            f"these runs are of {len(samples)} samples ({'; '.join(names)}): give those of one, or of two to compare"
        )
    counts = [len(own) for own in samples]
    if counts[0] != counts[1]:
        raise RecipeError(
            f"{counts[0]} runs of {names[0]} and {counts[1]} of {names[1]}: give as many of one as of the other"
        )
    models = [run.recipe.model for own in samples for run in own]
    if not all(model.beta.is_range for model in models):
        raise RecipeError("two samples are compared by runs of a range of beta; train with --beta LOW:HIGH")
    if len({(model.likelihood, model.clouds) for model in models}) > 1:
        raise RecipeError("the models of both samples must have one distance: give runs of equal [model] likelihood")
    low, high = max(model.beta.low for model in models), min(model.beta.high for model in models)
    if not low < high:
        raise RecipeError("the ranges of beta of these runs do not meet: train them with the same --beta")
    return np.geomspace(low, high, POINTS)


def called(samples: Sequence[Sequence[Run]]) -> list[str]:
    """Return the names of two samples: of their files where these are short, else of their first runs."""
    files = [own[0].recipe.data.files for own in samples]
    names = names_of([each[0] for each in files]) if all(len(each) == 1 for each in files) else []
    if not names or max(map(len, names)) > LONGEST:
        names = [own[0].path.name[-LONGEST:] for own in samples]
    return names if len(set(names)) == len(names) else ["first", "second"]


class Measured(NamedTuple):
    """Jets of a sample: in its own model, and what they are in both."""

    own: xr.Dataset
    held: Held


class Pair(NamedTuple):
    """A run of each sample, and the jets of each that neither was trained on.

    Attributes
    ----------
    runs
        Two.
    number
        Of these jets, each in its sample, ``(n,)`` ascending.
    unit
        The event of each, ``(n,)``, in both samples the same number for the same event.
    events
        Whether these are event numbers of the data; else jets that both samples hold have one number.
    """

    runs: tuple[Run, Run]
    number: tuple[Index, Index]
    unit: tuple[Index, Index]
    events: bool

    @classmethod
    def of(cls, first: Run, second: Run) -> Pair:
        """Find the jets.

        Raises
        ------
        RecipeError
            Fewer than 20 of a sample.
        """
        both = (first, second)
        for own, other in (both, both[::-1]):
            assert_described(own, other.jets)
        units = identities(first.jets, second.jets)
        tests = [run.split.test for run in both]
        trained = [np.delete(unit, test) for unit, test in zip(units, tests, strict=True)]
        free = [test[~np.isin(units[k][test], trained[1 - k])] for k, test in enumerate(tests)]
        for run, jets in zip(both, free, strict=True):
            if len(jets) < FEWEST:
                raise RecipeError(
                    f"{run.path}: {len(jets)} held-out jets that no run was trained on, expected at least {FEWEST}; "
                    "give more jets, or samples of the same events to runs of equal --seed"
                )
        events = all(run.jets.events is not None for run in both)
        return cls(both, (free[0], free[1]), (units[0][free[0]], units[1][free[1]]), events)

    def measured(self, sample: int, grid: NDArray[np.float64], most: int, draws: int, seed: int) -> Measured:
        """Measure at most so many jets of a sample in both models."""
        number, unit = self.number[sample][:most], self.unit[sample][:most]
        jets = self.runs[sample].jets[number]
        assert_sum(weights := np.ones(len(jets)) if jets.weights is None else jets.weights, "held-out jets")
        found = [measure(run, choose(run, jets), len(jets), grid.tolist(), draws, seed) for run in self.runs]
        values = np.mean([[of_jets(each, name) for name in CURVES] for each in found], 0)
        own = found[sample].assign_coords(event=("jet", unit)) if self.events else found[sample]
        return Measured(own, Held(values, weights, number, unit))


def identities(first: Jets, second: Jets) -> tuple[Index, Index]:
    """Return a number for the event of each jet of two samples.

    Equal where the event numbers are; without these in both samples, where the jets are: samples may share files.
    """
    if first.events is not None and second.events is not None:
        names: list[NDArray] = [first.events, second.events]
    else:
        names = [np.array([digest(row) for row in own.constituents]) for own in (first, second)]
    inverse = np.unique(np.concatenate(names), return_inverse=True)[1].astype(np.int64)
    return inverse[: len(first)], inverse[len(first) :]


def digest(jet: NDArray[np.float32]) -> int:
    """Return a number for what a jet ``(M, 3)``, however padded, or vector ``(K,)`` holds."""
    held = jet if jet.ndim == 1 else jet[jet[:, 0] > 0]
    return int.from_bytes(hashlib.blake2b(held.tobytes(), digest_size=8).digest(), "big", signed=True)
