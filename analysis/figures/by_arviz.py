"""Figures that ArviZ itself draws, of what :func:`jetvae.to_arviz` returns: 0.23 and 1.x by one branch each."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import uniform

from analysis.figures.style import house
from analysis.figures.texts import make_legible
from analysis.measures.containers import version_one


def trace(data: Any, jets: Sequence[int]) -> Figure:
    """Draw density and trace of each variable for some jets."""
    if version_one():
        return drawn("plot_trace_dist", data, coords=chosen(jets), compact=True)
    return drawn("plot_trace", data, coords=chosen(jets), compact=True)


def rank(data: Any, jets: Sequence[int]) -> Figure:
    """Draw the ranks of each chain's draws."""
    return drawn("plot_rank", data, coords=chosen(jets), var_names=few(data))


def forest(guide: Any, nuts: Any, jets: Sequence[int]) -> Figure:
    """Draw intervals of the guide and of NUTS side by side, of variables that both have."""
    names = variables(guide)
    if version_one():
        return drawn("plot_forest", {"guide": guide, "NUTS": nuts}, var_names=names, coords=chosen(jets))
    options = {"model_names": ["guide", "NUTS"], "combined": True, "var_names": names, "coords": chosen(jets)}
    return drawn("plot_forest", [guide, nuts], **options)


def pair(data: Any, jet: int) -> Figure:
    """Draw draws of one jet in each pair of coordinates."""
    return drawn("plot_pair", data, coords=chosen([jet]), var_names=few(data, 5))


def prior_and_posterior(data: Any, jet: int) -> Figure:
    """Draw densities of prior and posterior of one jet, of the first few coordinates."""
    names = few(data)
    if version_one():
        return drawn("plot_prior_posterior", data, coords=chosen([jet]), var_names=names)
    height = 2.2 * sum(panels(data, name) for name in names)
    return drawn("plot_dist_comparison", data, coords=chosen([jet]), var_names=names, figsize=(6.4, height), textsize=9)


def predictive(data: Any, kind: str, seed: int = 0) -> Figure:
    """Draw the observables of data against ``kind``, posterior or prior, predictions of as many jets."""
    if version_one():
        figure = drawn("plot_ppc_dist", data, group=f"{kind}_predictive", num_samples=50)
    else:
        figure = drawn("plot_ppc", data, group=kind, num_pp_samples=50, random_seed=seed, observed=True)
    return with_units(figure, data["observed_data"])


def with_units(figure: Figure, observed: Any) -> Figure:
    """Give the unit on each axis, or in each title, that is the name of a variable."""
    units = {str(name): str(observed[name].attrs.get("units", "1")) for name in observed.data_vars}
    for axes in figure.axes:
        for read, write in ((axes.get_xlabel, axes.set_xlabel), (axes.get_title, axes.set_title)):
            if (unit := units.get(read(), "1")) != "1":
                write(f"{read()} [{unit}]")
    return figure


def energy(data: Any) -> Figure:
    """Draw the energy of NUTS and its steps, with the fraction of missing information."""
    return drawn("plot_energy", data)


def khat(elpd: Any) -> Figure:
    """Draw k-hat of each jet, of an ``ELPDData``."""
    return drawn("plot_khat", elpd, **({} if version_one() else {"show_bins": True, "show_hlines": True}))


def compare(table: Any) -> Figure:
    """Draw what ``az.compare`` returns."""
    return drawn("plot_compare", table, **({} if version_one() else {"plot_ic_diff": True, "insample_dev": False}))


def calibration(pit: xr.Dataset, draws: int) -> Figure:
    """Draw the ECDF less the uniform one of ranks of simulated truths among so many draws, a panel for each variable.

    ``pit`` has, for each coordinate, the ranks over their number ``(chain, draw)``, between 0 and 1.
    """
    if version_one():
        return drawn("plot_ecdf_pit", xr.DataTree.from_dict({"prior_sbc": pit}))
    return drawn_by(ecdfs, pit, np.arange(1, draws + 2) / (draws + 1))


def ecdfs(pit: xr.Dataset, points: NDArray[np.floating]) -> None:
    """Draw the ECDF of each variable at ``points`` ``(n,)`` by ArviZ 0.23, each on axes of its own."""
    import arviz
    from matplotlib import pyplot as plt

    count = len(pit.data_vars)
    columns = min(count, 2)
    rows = -(-count // columns)
    _, panels = plt.subplots(rows, columns, figsize=(3.4 * columns, 2.6 * rows), squeeze=False, sharex=True)
    for axes, (name, values) in zip(panels.flat, pit.data_vars.items(), strict=False):
        options = {"eval_points": points, "difference": True, "confidence_bands": "simulated", "random_state": 0}
        arviz.plot_ecdf(np.array(values).ravel(), cdf=uniform(0, 1).cdf, rvs=uniform(0, 1).rvs, ax=axes, **options)
        axes.set(title=str(name), xlabel="rank of the truth / number of draws", ylabel="ECDF - uniform")
    for axes in panels.flat[count:]:
        axes.remove()


def few(data: Any, most: int = 4) -> list[str]:
    """Return the first variables, as many as have so many coordinates together, at least one."""
    names, count = variables(data), 0
    for place, name in enumerate(names):
        count += panels(data, name)
        if count > most:
            return names[: max(1, place)]
    return names


def panels(data: Any, name: str) -> int:
    """Return the number of coordinates of a variable."""
    return int(data["posterior"][name].sizes.get(f"{name}_coordinate", 1))


def variables(data: Any) -> list[str]:
    """Return the names of the posterior's variables."""
    return [str(name) for name in data["posterior"].data_vars]


def chosen(jets: Sequence[int]) -> Mapping[str, list[int]]:
    """Return the coordinates that choose jets."""
    return {"jet": [int(jet) for jet in np.atleast_1d(jets)]}


def drawn(name: str, *data: Any, **options: Any) -> Figure:
    """Return the figure of a plotting function of ArviZ, in the house style and closed for pyplot."""
    import arviz

    return drawn_by(getattr(arviz, name), *data, **(options | ({"backend": "matplotlib"} if version_one() else {})))


def drawn_by(draw: Callable[..., Any], *data: Any, **options: Any) -> Figure:
    """Return the last figure that a function opens, in the house style and closed for pyplot."""
    from matplotlib import pyplot as plt

    with house(), quiet(), plt.ioff():
        open_before = set(plt.get_fignums())
        draw(*data, **options)
        new = [number for number in plt.get_fignums() if number not in open_before]
        figure = plt.figure(new[-1])
        for number in new:
            plt.close(number)
        make_legible(figure)
    return figure


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep from the user what ArviZ warns of: its own future, single chains, and constants."""
    log = logging.getLogger("arviz")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def called(function: Callable[..., Any], *data: Any, **options: Any) -> Any:
    """Return what a function of ArviZ returns, without its warnings."""
    with quiet():
        return function(*data, **options)
