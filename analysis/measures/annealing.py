"""Whether what is learnt depends on the history: the KL of an annealed training each time it passed a resolution.

An annealed training lowers beta, raises it and lowers it again (Collins 2109.10919). At equal beta its passes differ
where the optimum that is reached depends on where it came from; a training for the whole range of beta has one curve.
"""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from jets.errors import UserError

PASSES = ("down", "up", "down again")
"""The thirds of the schedule."""
WEIGHT = "kl_weight"
"""A control of the step, no term of the KL."""


def passes(steps: xr.Dataset, beta: NDArray[np.float64]) -> xr.DataArray:
    """Return the KL [nat] of an annealed training when it passed each beta ``(B,)``: dimensions ``(pass, beta)``.

    ``steps`` is the group ``step`` of ``history.nc``; each value is a mean over 1 % of training.

    Raises
    ------
    UserError
        There are fewer steps than passes.
    """
    terms = [name for name in steps.data_vars if str(name).startswith("kl_") and name != WEIGHT]
    kl, log_beta = np.sum([steps[name] for name in terms], axis=0), np.log(np.asarray(steps["beta"]))
    if len(log_beta) < len(PASSES):
        raise UserError(f"steps of training: {len(log_beta)}; each of the three passes of an annealed one needs some")
    ends = np.linspace(0, len(kl), len(PASSES) + 1).astype(int)
    window = np.ones(max(1, len(kl) // 100))
    smooth = np.convolve(kl, window, "same") / np.convolve(np.ones_like(kl), window, "same")
    rows = []
    for start, stop in itertools.pairwise(ends):
        order = np.argsort(log_beta[start:stop])
        rows.append(np.interp(np.log(beta), log_beta[start:stop][order], smooth[start:stop][order]))
    return xr.DataArray(np.array(rows), {"pass": list(PASSES), "beta": beta}, ["pass", "beta"], "kl")
