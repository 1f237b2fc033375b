"""``transport``: what has to be moved, how far, to make one jet of another: their Energy Mover's Distance in GeV."""

from __future__ import annotations

from itertools import product

import numpy as np
import ot
import torch
import xarray as xr
from numpy.typing import NDArray

from analysis.figures.transport import transport_plan
from analysis.report.page import Part, Question, Table
from analysis.studies.setup import Setup
from jets.emd import emd

Cloud = NDArray[np.floating]
TRIED = 12
"""Jets of each class from which the pair is taken."""


def measure(setup: Setup) -> xr.Dataset:
    """Return the plan (first, second) [GeV] of a typical pair: of all tried, the one of median distance."""
    most = min(TRIED, setup.most)
    clouds = [setup.jets.constituents[setup.jets.label == label][:most].astype(float) for label in (0, 1)]
    pairs = list(product(*(range(len(some)) for some in clouds)))
    one, two = (torch.from_numpy(some[[pair[i] for pair in pairs]]) for i, some in enumerate(clouds))
    distance = emd(one, two, normalise=False, method="exact").value.numpy()
    typical = int(np.argsort(distance)[len(distance) // 2])
    first, second = (some[i] for some, i in zip(clouds, pairs[typical], strict=True))
    first, second = first[first[:, 0] > 0], second[second[:, 0] > 0]
    plan = plan_of(first, second)
    return xr.Dataset(
        {
            "plan": (("first", "second"), plan, {"units": "GeV"}),
            "angle": (("first", "second"), angles(first, second), {"units": "rad"}),
            "first_jet": (("first", "property"), first),
            "second_jet": (("second", "property"), second),
            "emd": ((), float(distance[typical]), {"units": "GeV"}),
            "distances": ("pair", distance, {"units": "GeV"}),
        },
        {"property": ["pt", "eta", "phi"]},
        {"classes": list(setup.classes)},
    )


def angles(first: Cloud, second: Cloud) -> Cloud:
    """Return the angles [rad] between constituents ``(n, 3)`` and ``(m, 3)``, azimuths wrapped."""
    apart = first[:, None, 1:] - second[None, :, 1:]
    apart[..., 1] = (apart[..., 1] + np.pi) % (2 * np.pi) - np.pi
    return np.hypot(apart[..., 0], apart[..., 1])


def plan_of(first: Cloud, second: Cloud) -> Cloud:
    """Return what goes where [GeV], ``(n, m)``, at the least cost; what one jet has more goes nowhere.

    The lesser pT has to go in full, and any part of the greater one may stay: a linear programme with one more place,
    where it costs nothing.
    """
    energy, other = first[:, 0].copy(), second[:, 0].copy()
    cost = np.zeros((len(energy) + 1, len(other) + 1))
    cost[:-1, :-1] = angles(first, second)
    total = max(energy.sum(), other.sum())
    supply = np.append(energy, total - energy.sum()) / total
    demand = np.append(other, total - other.sum()) / total
    plan = ot.emd(supply / supply.sum(), demand / demand.sum(), cost, numItermax=10**6)
    return total * np.asarray(plan)[:-1, :-1]


def transport(found: xr.Dataset) -> Part:
    """Split the distance into what is moved and what is missing."""
    first, second = found.attrs["classes"]
    moved = float((found["plan"] * found["angle"]).sum())
    pt = [float(found[f"{which}_jet"].sel(property="pt").sum()) for which in ("first", "second")]
    one, two = found.sizes["first"], found.sizes["second"]
    moves = int((found["plan"] > 1e-6 * min(pt)).sum())
    rows = [
        ["pT moved times angle", f"{moved:.1f}"],
        ["difference of pT", f"{abs(pt[0] - pt[1]):.1f}"],
        ["distance", f"{float(found['emd']):.1f}"],
        ["other pairs, median (range)", f"{spread_of(found['distances'].values)}"],
    ]
    return Part(
        "transport",
        f"To make the {second} jet of {two} constituents and {pt[1]:.0f} GeV of the {first} jet of {one} and "
        f"{pt[0]:.0f} GeV takes {moves} movements: {moved:.1f} GeV of pT times angle and {abs(pt[0] - pt[1]):.1f} GeV "
        f"of difference, an Energy Mover's Distance of {float(found['emd']):.1f} GeV.",
        "Constituents of both jets, area by pT, and what goes where at the least cost, opacity by pT. Of the pairs "
        "tried this one has the median distance. R = 1.",
        figure=transport_plan(found, (str(first), str(second))),
        table=Table(["", "GeV"], rows),
        numbers=found,
    )


def spread_of(values: NDArray[np.floating]) -> str:
    """Return median and range of distances [GeV]."""
    return f"{np.median(values):.1f} ({values.min():.1f} to {values.max():.1f})"


QUESTION = Question("transport", "How far apart are two jets?", (transport,))
