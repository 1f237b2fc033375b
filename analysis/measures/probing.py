r"""What a longer training of wider networks changes of the curves of a training: an error that it cannot see itself.

D1 = D2 says that a training is consistent with itself, not that it has converged: both stay equal where it never took
a dimension up. A probe (:func:`inference.probe.probed`) continues from its weights with more room; by how much the
objective :math:`J(\beta) = \mathrm{KL} + \langle D\rangle/p\beta^p` falls on held-out jets is a lower bound on what the
training lacks, in nats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from analysis.measures.dimension_curves import allowed, summarised
from analysis.measures.dimension_errors import CURVES, with_errors
from analysis.measures.weighting import mean_error, mean_over_jets, weight_of

SURE, LEAST = 0.05, 0.1
"""Error of D that training leaves where it has converged: part of D, or dimensions if that is more."""


def changes(measured: xr.Dataset, of_probe: xr.Dataset, seed: int = 0) -> xr.Dataset:
    """Return what a probe changes of one training, on the same jets and noise, all (beta,).

    ``gain`` [nat], by how much its objective is lower, with ``gain_error`` of the jets; ``kl_change``, ``D2_change``
    and those of the other curves, the probe's less the training's. Both arguments are from
    :func:`analysis.evaluation.resolutions.measure`.
    """
    before, after = objective(measured), objective(of_probe)
    difference = before - after
    if (weights := weight_of(measured)) is not None:
        difference = difference.assign_coords(weight=("jet", weights))
    found = {"gain": mean_over_jets(difference), "gain_error": mean_error(difference)}
    curves = summarised(measured, seed), summarised(of_probe, seed)
    moved = {f"{name}_change": curves[1][name] - curves[0][name] for name in CURVES}
    return xr.Dataset(found | moved)


def objective(measured: xr.Dataset) -> xr.DataArray:
    """Return KL + <D>/p beta^p of each jet, (beta, jet) [nat]."""
    power = measured.attrs["power"]
    found = measured["kl"].sum("kl_term") + measured["distortion"] / (power * measured["beta"] ** power)
    return found.drop_vars([name for name in found.coords if name != "beta"]).transpose("beta", "jet")


def with_changes(curves: xr.Dataset, found: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return curves with what the probes of their trainings change, one of each seed, and errors that contain it.

    ``gain``, ``gain_error``: mean over seeds. ``kl_change``, ...: root mean square over seeds. ``converged`` is true
    where the curves are ``consistent``, the probes gain no more than 0.02 nat, or half a per cent of the objective, or
    twice the error of the gain, and training leaves D uncertain by no more than 5 %, or 0.1.
    """
    seeds = xr.concat(found, "seed")
    result = curves.assign(gain=seeds["gain"].mean("seed"))
    result["gain_error"] = np.sqrt((seeds["gain_error"] ** 2).mean("seed") / len(found))
    for name in CURVES:
        result[f"{name}_change"] = np.sqrt((seeds[f"{name}_change"] ** 2).mean("seed"))
    result = with_errors(result)
    found_nothing = result["gain"] <= np.maximum(allowed(curves), 2 * result["gain_error"])
    sure = result["D_error_training"] <= np.maximum(SURE * np.abs(result["D"]), LEAST)
    return result.assign(converged=curves["consistent"] & found_nothing & sure)
