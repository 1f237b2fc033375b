"""``rulers``: what other distances than the Energy Mover's change in what is learnt of the same jets."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement, product
from typing import Any

import numpy as np
import torch
import xarray as xr

from analysis.evaluation.resolutions import centres_and_widths, dimension
from analysis.figures.rulers import rulers_compared
from analysis.measures.information import ACTIVE, BOUNDS
from analysis.measures.shared_information import Code, shared, told
from analysis.report.page import Part, Question, Table
from analysis.report.words import counted, listed, plus_minus
from analysis.store import NATS
from analysis.studies.setup import IN_SECONDS, Setup
from inference.data import data_for
from inference.recipe import Recipe, RecipeError
from inference.run import Run
from jets import Jets, load
from jets.emd.metrics import DISTANCES

RULERS = {
    "fused": "EMD",
    "wasserstein": "Wasserstein",
    "sliced": "sliced",
    "energy": "energy",
    "mmd": "MMD",
    "spectral": "spectral",
}
"""``[model] metric`` -> its name: one of each kind; further methods of the EMD measure the same."""
CHANGES: dict[str, Any] = {
    "data.constituents": 16,
    "data.test": 0.3,
    "model.particles": 12,
    "model.encoder": [32, 64],
    "model.decoder": [64],
    "model.latent": "R6",
    "training.batch_size": 50,
    "training.epochs": 25,
    "data.limit": 1500,
    **IN_SECONDS,
}
"""Of ``jet-w``: small enough for minutes."""
RANGE, SCALES = (0.07, 0.5), 9
"""Of beta, in units of the ruler's median distance between two jets, and how many are measured."""
AT = 0.15
"""Where latents are compared, in the same unit."""
SEEDS, PAIRS = 3, 400
CURVES = ["D1", "D1_error", "D2", "D2_error", "kl", "kl_error", "consistent"]
ERRORS = 2.0
"""Beyond which two rulers differ by more than two seeds do."""
FEWEST = 3
"""Jets that bounds need."""


def measure(setup: Setup) -> xr.Dataset:
    """Return D2 (ruler, scale) with errors, and what latents of two rulers share (ruler, other, bound).

    ``scale`` is beta over ``typical`` (ruler,), the median distance of two jets. On the diagonal: of two seeds.
    """
    file = "sample:w" if setup.files == Setup.files else setup.files[0]
    changes = CHANGES | {"data.files": (file,)}
    typical = {name: median_distance(setup, name, changes) for name in RULERS}
    runs = {
        name: setup.train(f"rulers-{name}", "jet-w", changes | of_ruler(name, unit), SEEDS)
        for name, unit in typical.items()
    }
    curves = [curves_of(runs[name], unit, setup.most // 3) for name, unit in typical.items()]
    jets = unseen([run for found in runs.values() for run in found], setup.most)
    codes = [[code(run, jets, AT * typical[name], seed) for seed, run in enumerate(runs[name])] for name in RULERS]
    found = xr.concat(curves, "ruler").merge(compared(codes))
    found["typical"] = ("ruler", [*typical.values()])
    found["used"] = (("ruler", "seed"), [[each.z.shape[1] for each in own] for own in codes])
    names = list(RULERS.values())
    known = {"jets": [file], "at": AT, "seeds": len(codes[0]), "jets_compared": len(jets)}
    return found.assign_coords(ruler=names, other=names).assign_attrs(known)


def curves_of(runs: list[Run], typical: float, jets: int) -> xr.Dataset:
    """Return D1, D2 and KL with errors against beta in units of the median distance, ``scale``."""
    scale = np.geomspace(*RANGE, SCALES)
    found = dimension(runs, betas=[float(beta) for beta in scale * typical], jets=max(jets, 2), draws=1)
    return found[CURVES].rename(beta="scale").assign_coords(scale=scale).drop_attrs()


def of_ruler(name: str, typical: float) -> dict[str, Any]:
    """Return what is changed in the recipe for a ruler: the range of beta by its median distance, to three digits."""
    return {"model.metric": name, "model.beta": [float(f"{end * typical:.3g}") for end in RANGE]}


def median_distance(setup: Setup, name: str, changes: dict[str, Any]) -> float:
    """Return the median distance of two of the first jets, in the ruler's unit."""
    jets = load(*changes["data.files"])[: 2 * PAIRS]
    x = clouds(jets, setup.recipe("jet-w", 0, changes))
    half = len(x) // 2
    return float(DISTANCES[name](x[:half], x[half : 2 * half]).median())


def clouds(jets: Jets, recipe: Recipe) -> torch.Tensor:
    """Return jets as the model sees them, ``(N, M, 3)``."""
    data = data_for(jets, recipe, torch.device("cpu"))
    return data[torch.arange(len(data))]


def unseen(runs: list[Run], most: int) -> Jets:
    """Return at most so many jets that none of the runs was trained on; their splits differ, as their seeds do.

    Raises
    ------
    RecipeError
        There are fewer than three.
    """
    seen = np.unique(np.concatenate([run.split.train for run in runs]))
    rows = np.setdiff1d(np.arange(len(runs[0].jets)), seen)[:most]
    if len(rows) < FEWEST:
        raise RecipeError(f"{counted(len(rows), 'jet')} that no seed was trained on: give fewer --seeds or a --limit")
    return runs[0].jets[rows]


@torch.no_grad()
def code(run: Run, jets: Jets, beta: float, seed: int) -> Code:
    """Return a draw of the latents of jets at a resolution, of the coordinates in use: those of 0.1 nat or more."""
    x = clouds(jets, run.recipe)
    with run.vae.at(beta) as vae:
        parts = [centres_and_widths(vae, rows) for rows in x.split(1000)]
    centre, width = (torch.cat(part).double().numpy() for part in zip(*parts, strict=True))
    kl = (centre**2 + width**2 - 1).mean(0) / 2 - np.log(width).mean(0)
    used = kl >= ACTIVE
    centre, width = centre[:, used], width[:, used]
    noise = np.random.default_rng(seed).normal(size=centre.shape)
    return Code(centre + noise * width, centre, width)


def compared(codes: list[list[Code]]) -> xr.Dataset:
    """Return the bounds (ruler, other, bound) on what latents of two rulers share, and their errors.

    ``codes`` are those of each ruler and seed. It is the mean over pairs of two seeds, also of two rulers: trainings of
    one seed begin with the same weights and are alike for that. NaN where there is one seed. ``information_spread``:
    standard deviation over pairs; ``information_error``: of the jets.
    """
    alone = [[told(each) for each in own] for own in codes]
    rulers, seeds = len(codes), len(codes[0])
    bounds, errors = np.full((rulers, rulers, 2), np.nan), np.full((2, rulers, rulers), np.nan)
    for i, j in combinations_with_replacement(range(rulers), 2):
        pairs = [(a, b) for a, b in product(range(seeds), repeat=2) if (a < b if i == j else a != b)]
        found = [shared(alone[i][a], alone[j][b], told(codes[i][a], codes[j][b])) for a, b in pairs]
        for place in ((i, j), (j, i)) if found else ():
            bounds[place] = np.mean([(each.lower, each.upper) for each in found], 0)
            errors[(0, *place)] = np.std([(each.lower + each.upper) / 2 for each in found], ddof=len(found) > 1)
            errors[(1, *place)] = np.mean([each.error for each in found])
    where = ("ruler", "other")
    return xr.Dataset(
        {
            "information": ((*where, "bound"), bounds, NATS),
            "information_spread": (where, errors[0], NATS),
            "information_error": (where, errors[1], NATS),
        },
        {"bound": list(BOUNDS)},
    )


def of_seeds(found: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return what two seeds of each ruler share [nat], and its variance; NaN where that is nothing."""
    value = np.diagonal(found["information"].mean("bound"))
    variance = np.diagonal(found["information_spread"] ** 2 + found["information_error"] ** 2)
    return np.where(value > ERRORS * np.sqrt(variance), value, np.nan), variance


def relative(found: xr.Dataset) -> xr.DataArray:
    """Return the information of ``ruler``'s latents on ``other``'s, over that of a second seed of ``other``."""
    middle = found["information"].mean("bound").transpose("ruler", "other")
    return middle.copy(data=middle.values / of_seeds(found)[0])


def apart(found: xr.Dataset) -> xr.Dataset:
    """Return what is missing to what two seeds share, mean of both rulers [nat], and its ``error`` (ruler, other)."""
    own, of_own = of_seeds(found)
    missing = (own[:, None] + own) / 2 - np.asarray(found["information"].mean("bound"))
    variance = np.asarray(found["information_spread"] ** 2 + found["information_error"] ** 2)
    where = ("ruler", "other")
    error = np.sqrt((of_own[:, None] + of_own) / 4 + variance)
    return xr.Dataset({"missing": (where, missing), "error": (where, error)}, {"ruler": found["ruler"]})


def rulers(found: xr.Dataset) -> Part:
    """Say which rulers lead to latents that share what two seeds do, and which dimension each sees."""
    names = [str(name) for name in found["ruler"].values]
    share, gap, at = relative(found), apart(found), f"{found.attrs['at']:g}"
    same = np.asarray(gap["missing"] <= ERRORS * gap["error"])
    rows = [row(found, share, name) for name in names]
    return Part(
        "rulers",
        f"{dimensions(found)} {agreement(found, gap, same)}",
        "Left: D2 against beta in units of the ruler's median distance between two jets; bands: errors of the jets and "
        f"spread of the seeds. Right: the information of one ruler's latents on another's at beta = {at} of that "
        "distance, over the information of a second seed of the other; bold: as much, within two errors.",
        figure=rulers_compared(found, share, same),
        table=Table(["ruler", "distance of two jets", "D2", "KL [nat]", "in use", "of itself [nat]", *names], rows),
        numbers=found,
    )


def row(found: xr.Dataset, share: xr.DataArray, name: str) -> list[str]:
    """Return the row of the table of one ruler."""
    mine = found.sel(ruler=name)
    here = mine.sel(scale=found.attrs["at"], method="nearest")
    curve = [plus_minus(float(here[key]), float(here[f"{key}_error"])) for key in ("D2", "kl")]
    used = mine["used"].values
    low, high = mine["information"].sel(other=name).values
    return [
        name,
        f"{float(mine['typical']):.3g}",
        *curve,
        f"{used.min()}" if np.ptp(used) == 0 else f"{used.min()} to {used.max()}",
        f"{low:.2f} to {high:.2f}",
        *(f"{value:.2f}" for value in share.sel(ruler=name).values),
    ]


def dimensions(found: xr.Dataset) -> str:
    """Say which rulers see most and fewest dimensions where latents are compared."""
    here = found.sel(scale=found.attrs["at"], method="nearest")
    order = np.argsort(np.asarray(here["D2"]))
    few, many = (
        f"{plus_minus(float(here['D2'][k]), float(here['D2_error'][k]))} ({here['ruler'].values[k]})"
        for k in order[[0, -1]]
    )
    unsure = [str(name) for name in here["ruler"].values[~np.asarray(here["consistent"], bool)]]
    end = f" (D1 differs from it by more than 10 %: {listed(unsure)})" if unsure else ""
    return f"At beta = {found.attrs['at']:g} of the distance of two jets D2 is {few} to {many}{end}."


def agreement(found: xr.Dataset, gap: xr.Dataset, same: np.ndarray) -> str:
    """Say which pairs of rulers share as much as two seeds."""
    names, missing, error = found["ruler"].values, np.asarray(gap["missing"]), np.asarray(gap["error"])
    pairs = [pair for pair in combinations(range(len(names)), 2) if np.isfinite(missing[pair])]
    if not pairs:
        return "No two rulers can be compared: that takes two seeds of each whose latents share information."
    agree = [pair for pair in pairs if same[pair]]
    among = [str(names[k]) for k in sorted({k for pair in agree for k in pair})]
    whole = len(agree) == len(among) * (len(among) - 1) // 2
    said = listed(among) if whole else "; ".join(f"{names[i]} and {names[j]}" for i, j in agree)
    i, j = max(pairs, key=lambda pair: missing[pair])
    least = float(found["information"].mean("bound")[i, j])
    return (
        f"{len(agree)} of {counted(len(pairs), 'pair')} of rulers share as much information as two seeds "
        f"of one ruler, within two errors{': ' if agree else ''}{said}. Furthest apart are {names[i]} "
        f"and {names[j]}: they share {least:.2f} nat, {plus_minus(missing[i, j], error[i, j])} less than two seeds."
    )


QUESTION = Question("rulers", "What does the ruler change?", (rulers,))
