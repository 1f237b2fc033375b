"""The question: what does ArviZ show. All figures and the tables are its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from analysis.figures import by_arviz
from analysis.measures.calibration import calibrate
from analysis.report.inputs import Known
from analysis.report.page import Part, Question, Table
from analysis.report.words import counted
from analysis.store import Missing, names

SHOWN = 2
"""Jets in a figure with panels or lines for each."""


def both(known: Known) -> tuple[Any, Any | None]:
    """Return what ArviZ takes of the guide, and of NUTS where it was run."""
    guide, nuts = known.source("arviz"), known.sources.get("arviz_nuts")
    return guide, None if isinstance(nuts, Missing) else nuts


def sampled(known: Known) -> tuple[Any, str]:
    """Return the draws to look at, those of NUTS where there are any, and whose they are."""
    guide, nuts = both(known)
    return (guide, "the guide, independent, in one chain") if nuts is None else (nuts, "NUTS, a line for each chain")


def posterior(data: Any) -> xr.Dataset:
    """Return the draws."""
    found = data["posterior"]
    return found.to_dataset() if isinstance(found, xr.DataTree) else found


def jets(data: Any) -> list[int]:
    """Return the numbers of the jets."""
    return [int(jet) for jet in posterior(data)["jet"].values]


def summary(known: Known) -> Part:
    """Let ArviZ summarise the draws of some jets."""
    import arviz

    guide, nuts = both(known)
    table = by_arviz.called(arviz.summary, guide if nuts is None else nuts)
    rows = [[str(name), *map(str, row)] for name, row in zip(table.index, table.to_numpy(), strict=True)]
    draws = posterior(guide).sizes["draw"]
    reading = f"Latents of {counted(len(jets(guide)), 'jet')}: {draws} independent draws of the guide"
    reading += ", which have no R-hat" if nuts is None else f"; NUTS: {worst(table)}"
    title = f"az.summary of {'the guide' if nuts is None else 'NUTS'}"
    return Part("az_summary", f"{reading}.", table=Table(["", *map(str, table.columns)], rows, folded=title))


def worst(table: pd.DataFrame) -> str:
    """Return the largest R-hat and the smallest effective size of a summary, of what varies."""
    rhat = pd.to_numeric(table["r_hat"], errors="coerce").dropna()
    return f"R-hat at most {rhat.max():.3f}, bulk ESS at least {pd.to_numeric(table['ess_bulk']).min():.0f}"


def trace(known: Known) -> Part:
    """Let ArviZ draw traces."""
    data, whose = sampled(known)
    shown = jets(data)[:SHOWN]
    caption = f"plot_trace: draws of {whose}, of jets {', '.join(map(str, shown))}; coordinates of a factor together."
    return Part("az_trace", "", caption, by_arviz.trace(data, shown), numbers=posterior(data).sel(jet=shown))


def rank(known: Known) -> Part | None:
    """Let ArviZ draw ranks of the chains of NUTS; one chain has none."""
    _, nuts = both(known)
    if nuts is None or posterior(nuts).sizes["chain"] < 2:
        return None
    shown = jets(nuts)[:1]
    caption = f"plot_rank of NUTS, jet {shown[0]}: the bars of chains that mix are level; of a category they are steps."
    return Part("az_rank", "", caption, by_arviz.rank(nuts, shown))


def forest(known: Known) -> Part:
    """Let ArviZ draw the intervals of guide and NUTS side by side."""
    guide, nuts = both(known)
    if nuts is None:
        raise known.sources["arviz_nuts"]
    shown = [jet for jet in jets(guide) if jet in jets(nuts)][: 2 * SHOWN]
    if not shown:
        raise Missing("the guide's jets are none of those that NUTS sampled")
    caption = "plot_forest: median, quartiles and 94 % intervals, of the guide and of NUTS on the same jets."
    return Part("az_forest", "", caption, by_arviz.forest(guide, nuts, shown))


def pair(known: Known) -> Part | None:
    """Let ArviZ draw pairs of coordinates of a jet."""
    data, _ = sampled(known)
    draws, jet = posterior(data), jets(data)[0]
    if sum(by_arviz.panels(data, name) for name in by_arviz.few(data, 5)) < 2:
        return None
    whose = "the guide" if data is known.source("arviz") else "NUTS"
    numbers = draws[by_arviz.few(data, 5)].sel(jet=jet)
    return Part("az_pair", "", f"plot_pair: draws of {whose}, jet {jet}.", by_arviz.pair(data, jet), numbers=numbers)


def prior_posterior(known: Known) -> Part:
    """Let ArviZ draw prior and posterior of a jet."""
    guide, _ = both(known)
    jet = jets(guide)[0]
    caption = f"Prior and posterior of jet {jet}, by the guide: where they agree the jet says nothing of the latent."
    return Part("az_prior_posterior", "", caption, by_arviz.prior_and_posterior(guide, jet))


def predictive(known: Known) -> Part:
    """Let ArviZ hold the observables of jets against predictions."""
    guide, _ = both(known)
    observed = guide["observed_data"]
    count = observed.sizes["jet"]
    kind = str(guide["posterior_predictive"].attrs["kind"])
    caption = f"plot_ppc of {count} jets against as many predicted given their own latents, {kind}."
    return Part("az_ppc", "", caption, by_arviz.predictive(guide, "posterior"))


def generated(known: Known) -> Part:
    """Let ArviZ hold the observables of jets against jets of the prior."""
    guide, _ = both(known)
    caption = "The same against jets generated from the prior: what is expected of a jet that was never seen."
    return Part("az_prior_ppc", "", caption, by_arviz.predictive(guide, "prior"))


def calibration(known: Known) -> Part:
    """Let ArviZ draw how evenly simulated truths are ranked, in the coordinates where they are least so."""
    tree = known.source("trust")
    if "simulation" not in tree:
        raise Missing("ranks of simulated truths: the likelihood of this run cannot be drawn from")
    table = calibrate(tree)
    worst = np.argsort(np.asarray(table["p_value"]), kind="stable")[: 2 * SHOWN]
    draws = int(table.attrs["draws"])
    share = (table["rank"].transpose("coordinate", "simulation").isel(coordinate=worst) + 0.5) / (draws + 1)
    columns = {
        name: (("chain", "draw"), np.asarray(share.sel(coordinate=name))[None]) for name in names(share, "coordinate")
    }
    pit = xr.Dataset(columns, {"chain": [0], "draw": np.arange(share.sizes["simulation"])})
    plot, even = "plot_ecdf", "stays within the band"
    if by_arviz.version_one():
        plot, even = "plot_ecdf_pit", "has no dots, which mark where it is uneven, and a p-value that is not small"
    caption = (
        f"{plot}: ranks of {share.sizes['simulation']} simulated "
        f"truths among {draws} draws of their posteriors, their distribution less the uniform one, in the "
        f"{counted(len(worst), 'coordinate')} where they are least even. A guide that is exact {even}."
    )
    return Part("az_ecdf", "", caption, by_arviz.calibration(pit, draws), numbers=pit)


def khat(known: Known) -> Part:
    """Say where ArviZ's plot of k-hat is."""
    known.source("trust")
    return Part("az_khat", "plot_khat of the importance weights stands above, where it is asked whether to trust them.")


def energy(known: Known) -> Part | None:
    """Let ArviZ draw the energy of NUTS; draws of the guide have none."""
    _, nuts = both(known)
    if nuts is None or "energy" not in nuts["sample_stats"]:
        return None
    caption = "plot_energy of NUTS, all these jets together; a fraction of missing information below 0.3 is too small."
    import arviz

    fraction = np.atleast_1d(bfmi(arviz, nuts))
    return Part(
        "az_energy", f"Fraction of missing information: at least {fraction.min():.2f}.", caption, by_arviz.energy(nuts)
    )


def bfmi(arviz: Any, nuts: Any) -> np.ndarray:
    """Return the Bayesian fraction of missing information of each chain."""
    found = by_arviz.called(arviz.bfmi, nuts)
    return np.asarray(found["energy"] if hasattr(found, "data_vars") else found)


QUESTION = Question(
    "arviz",
    "What does ArviZ show?",
    (summary, trace, rank, forest, pair, prior_posterior, predictive, generated, energy, calibration, khat),
)
