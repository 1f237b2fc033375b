"""Whether draws of p(z|x) are good enough to be a reference: the criteria of posteriordb. Trees alone, no torch.

https://github.com/stan-dev/posteriordb, doc/REFERENCE_POSTERIOR_DEFINITION.md: 10,000 draws of each parameter, R-hat
(1903.08008) below 1.01, bulk and tail ESS as of independent draws, energies that are explored, no divergent trajectory.
"""

from __future__ import annotations

from typing import Any

import arviz_stats
import numpy as np
import xarray as xr

from analysis.measures.against_nuts import turned
from analysis.store import array

DRAWS = 10_000
"""Of each jet."""
RHAT = 1.01
ESS = 0.8
"""Least ESS, bulk and tail, over the draws: of 3,000 sets of 10,000 independent normal draws the least is 0.85."""
BFMI = 0.2
"""Least E-BFMI (1604.00695) of a chain."""


def quality(tree: xr.DataTree) -> xr.Dataset:
    """Return what a reference is judged by, of ``posterior_nuts`` and ``sample_stats_nuts`` of ``inference.nuts``.

    All (jet,), over its coordinates and chains: ``rhat``, the largest; ``ess_bulk``, ``ess_tail``, ``bfmi``, the least;
    ``divergences``, how many draws had a divergent trajectory on the way; ``met``, whether all criteria are.
    An angle is judged by its cosine and sine; a coordinate that all draws share, as of a category that is certain, has
    nothing to be judged by. Without energies, as of Pyro's sampler, ``bfmi`` is NaN and ``met`` false.
    """
    nuts, stats = array(tree, "posterior_nuts/z"), tree["sample_stats_nuts"].to_dataset()
    both = turned(nuts)
    moves = both.max(("chain", "draw")) > both.min(("chain", "draw"))
    with np.errstate(invalid="ignore", divide="ignore"):  # of what does not move
        rhat = over(arviz_stats.rhat(both).where(moves), "max")
        ess = {way: over(arviz_stats.ess(both, method=way).where(moves), "min") for way in ("bulk", "tail")}
    draws = nuts.sizes["chain"] * nuts.sizes["draw"]
    found = xr.Dataset(
        {
            "rhat": rhat.fillna(1.0),
            "ess_bulk": ess["bulk"].fillna(draws),
            "ess_tail": ess["tail"].fillna(draws),
            "bfmi": least_bfmi(stats),
            "divergences": stats["diverging"].sum(("chain", "draw")),
        }
    )
    found["met"] = (
        (found["rhat"] < RHAT)
        & (found["ess_bulk"] >= ESS * draws)
        & (found["ess_tail"] >= ESS * draws)
        & (found["bfmi"] > BFMI)
        & (found["divergences"] == 0)
        & (draws >= DRAWS)
    )
    return found.assign_coords(jet=nuts["jet"].values)


def over(found: Any, how: str) -> xr.DataArray:
    """Return the largest or least (jet,) over coordinates, cosines and sines."""
    return getattr(getattr(found.to_dataarray(), how)("variable"), how)("coordinate")


def least_bfmi(stats: xr.Dataset) -> xr.DataArray:
    """Return the least E-BFMI of the chains, mean (E_t - E_t-1)^2 over the variance of E, (jet,); NaN without energies.

    The energies are of kept draws, so that thinning moves it towards 2, the value of independent ones.
    """
    if "energy" not in stats:
        return xr.full_like(stats["diverging"].isel(chain=0, draw=0), np.nan, dtype=float)
    energy = stats["energy"].astype(np.float64)
    return ((energy.diff("draw") ** 2).mean("draw") / energy.var("draw")).min("chain")


def lacking(found: xr.Dataset, draws: int) -> list[str]:
    """Return a line for each jet that does not meet the standard: which criteria, by how much."""
    lines = []
    for jet in found["jet"].values[~found["met"].values]:
        own = {
            name: float(found[name].sel(jet=jet)) for name in ("rhat", "ess_bulk", "ess_tail", "bfmi", "divergences")
        }
        said = [f"R-hat {own['rhat']:.3f}"] if not own["rhat"] < RHAT else []
        said += [f"{n.replace('_', ' ')} {own[n]:.0f}" for n in ("ess_bulk", "ess_tail") if not own[n] >= ESS * draws]
        said += [f"E-BFMI {own['bfmi']:.2f}"] if not own["bfmi"] > BFMI else []
        said += [f"divergences {own['divergences']:.0f}"] if own["divergences"] else []
        lines.append(f"jet {jet}: {', '.join(said) or f'{draws} draws'}")
    return lines
