r"""Can the approximate posterior be trusted? Importance weights, gaps, calibration, comparison with NUTS.

Functions of a DataTree or of plain arrays, without torch. The weights are :math:`w = p(x, z)/q(z|x)` at draws z of the
guide, ``sample_stats/log_weight`` (chain, draw, jet) in nats; ``jetvae trust`` draws enough of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp

from analysis.measures.against_nuts import against_nuts
from analysis.measures.calibration import calibrate
from analysis.measures.pareto import tail_index, widening
from analysis.store import NATS, array

GOOD_K = 0.7
"""Largest k-hat at which importance weights correct the guide (Vehtari et al. 1507.02646, sec. 3)."""
FEWEST = 100
"""Draws per jet below which the tail of the weights cannot be fitted."""


def pooled(tree: xr.DataTree) -> xr.DataArray:
    """Return ln w (jet, sample), chains and draws together."""
    weight = array(tree, "sample_stats/log_weight")
    return weight.stack(sample=("chain", "draw")).transpose("jet", "sample").reset_index("sample", drop=True)


def importance(tree: xr.DataTree) -> xr.Dataset:
    r"""Return what importance weights say of each jet, all (jet,).

    ``log_evidence``: :math:`\ln\hat p(x) = \ln\frac1S\sum_s w_s` [nat] and ``log_evidence_error``, its standard error
    to first order, :math:`sd(w)/(\bar w\sqrt S)`, wider from k-hat 0.5 on and infinite above 0.7
    (:func:`analysis.measures.pareto.widening`); ``gap``: :math:`\ln\hat p(x)` - ELBO, the KL from the true posterior;
    ``ess``: :math:`(\sum w)^2/\sum w^2`; ``khat``: the tail index of the weights, NaN below 100 draws;
    ``log_evidence_shift`` [nat]: by how much ln p(x) grew with the second half of the draws.
    """
    log_w = pooled(tree)
    values = np.asarray(log_w, np.float64)
    found, error, index = weighed(values)
    result = xr.Dataset(coords={"jet": log_w["jet"]})
    result["log_evidence"] = ("jet", found, NATS)
    result["log_evidence_error"] = ("jet", error, NATS)
    result["gap"] = ("jet", found - np.asarray(array(tree, "sample_stats/elbo")), NATS)
    result["ess"] = ("jet", effective(values))
    result["khat"] = ("jet", index)
    result["log_evidence_shift"] = ("jet", shift(values), NATS)
    return result


def weighed(
    log_weight: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """Return ln p(x), its error and k-hat, each ``(N,)``, from log weights ``(N, draws)`` [nat].

    The error is wider from k-hat 0.5 on and infinite above 0.7.
    """
    (found, error), index = evidence(log_weight), khat(log_weight)
    return found, error * widening(index, log_weight.shape[1]), index


def shift(log_weight: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return by how much ln p(x) ``(N,)`` [nat] differs from that of the first half of the draws, ``(N, draws)``.

    Zero with one draw. ln p(x) of few draws is too small in expectation, so it grows until the draws suffice.
    """
    half = log_weight[:, : (log_weight.shape[1] + 1) // 2]
    found, before = (logsumexp(part, 1) - np.log(part.shape[1]) for part in (log_weight, half))
    with np.errstate(invalid="ignore"):
        return found - before


def evidence(log_weight: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return ln p(x) and its standard error to first order, each ``(N,)``, from log weights ``(N, draws)`` [nat].

    Of weights that are all zero ln p(x) is minus infinity and the error NaN; of one draw the error is NaN.
    """
    size = log_weight.shape[1]
    found = logsumexp(log_weight, 1) - np.log(size)
    if size == 1:
        return found, np.full(len(found), np.nan)
    return found, relative(log_weight, found).std(1, ddof=1) / np.sqrt(size)


def relative(log_weight: NDArray[np.floating], log_mean: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the weights ``(N, draws)`` over their mean; NaN where that is zero."""
    return np.exp(log_weight - np.where(np.isfinite(log_mean), log_mean, np.nan)[:, None])


def effective(log_weight: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the effective number of draws ``(N,)`` of log weights ``(N, draws)``."""
    size = log_weight.shape[1]
    return size / (relative(log_weight, logsumexp(log_weight, 1) - np.log(size)) ** 2).mean(1)


def khat(log_weight: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the Pareto tail index of the weights, ``(...)``, from ``log_weight`` ``(..., draws)``.

    Zero where all weights are alike, infinite where they are no weights (NaN, or all zero), NaN below 100 draws; see
    :func:`analysis.measures.pareto.tail_index`.
    """
    values = np.asarray(log_weight, np.float64)
    if values.shape[-1] < FEWEST:
        return np.full(values.shape[:-1], np.nan)
    return np.apply_along_axis(tail_index, -1, values)


def gaps(tree: xr.DataTree) -> xr.Dataset:
    r"""Split the gap of each jet, (jet,) in nats, with ``sample_stats/refined_elbo`` from ``inference.refine``.

    ``family``: :math:`\ln\hat p(x)` - refined ELBO, what the best posterior of the family lacks; ``amortisation``:
    refined ELBO - ELBO, what the encoder lacks (Cremer et al. 1801.03558, eqs. 5 and 6).
    """
    elbo, refined = (array(tree, f"sample_stats/{name}") for name in ("elbo", "refined_elbo"))
    family = importance(tree)["log_evidence"] - refined
    return xr.Dataset({"family": family.assign_attrs(NATS), "amortisation": (refined - elbo).assign_attrs(NATS)})


class Check(NamedTuple):
    """One question about a posterior.

    Attributes
    ----------
    name
        The question.
    value, limit
        The number found and the largest at which the answer is yes.
    reading
        The finding in words.
    """

    name: str
    value: float
    limit: float
    reading: str

    @property
    def passed(self) -> bool:
        """Whether the posterior passes."""
        return self.value <= self.limit


def checks(tree: xr.DataTree) -> list[Check]:
    """Return what the tree allows to check: weights always; gaps, calibration and NUTS where they were made.

    k-hat does not see a mode that the guide never draws, nor a small shift or width that weights can correct;
    calibration and NUTS do. The limits are on the share of jets (5 % with k-hat above 0.7), on the mean gap (0.1 nat),
    on 1 - p of calibration (0.99, for the worst coordinate of n at 0.01/n), and on the median ``|shift|`` in deviations
    (0.1).
    """
    weights = importance(tree)
    found = []
    if weights["khat"].notnull().any():
        bad = float((weights["khat"] > GOOD_K).mean())
        reading = f"{100 * bad:.0f} % of jets have k-hat > {GOOD_K}: there weights do not correct the guide"
        if bad > 0:
            reading += ", and ln p(x) is a lower bound whose error is not known"
        found.append(Check("importance weights", bad, 0.05, reading))
    gap = float(weights["gap"].mean())
    gap = gap if np.isfinite(gap) else np.inf
    reading = f"ln p(x) - ELBO is {gap:.3f} nat on average"
    if "refined_elbo" in tree["sample_stats"]:
        parts = gaps(tree).mean()
        reading += f": {float(parts['amortisation']):.3f} by the encoder, {float(parts['family']):.3f} by the family"
    found.append(Check("gap", gap, 0.1, reading))
    if "simulation" in tree:
        p_value = calibrate(tree)["p_value"]
        worst = min(1.0, float(p_value.min()) * p_value.size)
        reading = f"ranks of simulated truths: p = {worst:.3f} for the worst of {p_value.size} coordinates"
        found.append(Check("calibration", 1 - worst, 0.99, reading))
    if "posterior_nuts" in tree:
        found.append(nuts_check(tree))
    return found


def nuts_check(tree: xr.DataTree) -> Check:
    """Return how far the guide is from NUTS."""
    table = against_nuts(tree)
    shift, middle = float(np.median(np.abs(table["shift"]))), table.median()
    reading = (
        f"NUTS on {table.sizes['jet']} jets: median |shift| {shift:.2f} sd, W1 {float(middle['w1']):.2f} sd, width "
        f"{float(middle['sd_ratio']):.2f}; R-hat at most {float(table['rhat'].max()):.3f}, ESS at least "
        f"{float(table['ess'].min()):.0f}"
    )
    return Check("reference posterior", shift, 0.1, reading)
