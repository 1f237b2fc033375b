r"""How many dimensions the data have at each resolution: ``python -m analysis.dimension RUN ... [--out DIR]``.

From one training for a range of beta, or from several trainings at one beta each:

.. math::
    D_2 = -\frac{d\,\mathrm{KL}}{d\ln\beta}, \qquad
    D_1 = \frac{d\langle d^2\rangle}{d\beta^2}
    \quad\Bigl(\text{in general } \frac{1}{p\,\beta^p}\frac{d\langle D\rangle}{d\ln\beta}\Bigr)

The first counts what is told, the second what is lost. At the optimum of the objective KL + <D>/p beta^p they are
equal, since it then changes with beta only through the explicit beta (Collins 2109.10919): their ratio says where a
training has not converged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyro
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from analysis.measures.dimension_curves import combined, from_grid, summarised
from analysis.measures.dimension_exact import exact, excess
from inference.data import data_for
from inference.elbo import elbo, kl_names
from inference.machine import tune_cpu
from inference.recipe import RecipeError
from inference.run import Run
from jets import Jets
from jets.files import replacing
from models import VAE

BATCH = 1000
FEWEST_BETAS = 5
"""Betas of a grid of which a spline can be drawn."""
POINTS = 25
"""Resolutions at which a range is evaluated."""


def dimension(
    runs: Sequence[Run], *, betas: Sequence[float] | None = None, jets: int = 3000, draws: int = 2, seed: int = 0
) -> xr.Dataset:
    """Return KL, distortion and both dimensions against resolution, with errors.

    Parameters
    ----------
    runs
        Trainings of one range of beta that differ in their seed; or trainings at one beta each, at least five betas.
    betas
        Resolutions to evaluate a range at; by default 25 over its length.
    jets
        Most held-out jets to evaluate on, of each run.
    draws
        Of the guide, for each jet and resolution.
    seed
        Of the draws and of the bootstrap.

    Returns
    -------
    xarray.Dataset
        Along ``beta``: ``kl`` [nat], ``distortion`` (<d^2>, or <d> where the power is 1), ``distance`` (<d>; of clouds
        the mean Energy Mover's Distance), ``D1``, ``D2``, each with ``_error``, and ``converged``; ``kl_spectrum``
        (beta, kl_term) [nat]; ``sigma`` and ``rms`` (beta, coordinate), mean width and root mean square centre of the
        posteriors of real coordinates; of toys, ``exact_kl`` and ``exact_distortion`` where they are known, and of a
        Gaussian ``excess``, by how much the objective exceeds its optimum [nat]. ``beta`` is in the unit of the data;
        times the attribute ``scale`` it is in ``unit``. Errors: bootstrap over jets, and with several seeds their
        spread.

    Raises
    ------
    RecipeError
        Runs of a range and runs of one beta together, or too few betas for a derivative.
    """
    tune_cpu()
    covered = {run.recipe.model.beta for run in runs}
    ranges = {isinstance(beta, tuple) for beta in covered}
    if len(ranges) > 1:
        raise RecipeError("give runs of a range of beta, or runs of one beta each, not both")
    if ranges == {False} and len(covered) < FEWEST_BETAS:
        raise RecipeError(f"a derivative needs at least {FEWEST_BETAS} betas, got {len(covered)}; or a run of a range")
    parts = []
    for run in runs:
        sample = run.jets()
        test = sample[run.split(sample).test[:jets]]
        parts.append(measure(run, test, betas, draws, seed))
    result = combined([summarised(part, seed) for part in parts]) if ranges == {True} else from_grid(parts, seed)
    return described(result, runs[0], test)


def dimension_of(run: Run, jets: Jets, seed: int = 0) -> xr.Dataset:
    """Return :func:`dimension` of one run of a range, on these jets."""
    return described(combined([summarised(measure(run, jets, seed=seed), seed)]), run, jets)


def described(curves: xr.Dataset, run: Run, jets: Jets) -> xr.Dataset:
    """Add what is known of the data: exact curves, unit, latent space."""
    known = exact(run.recipe.data.files, np.asarray(curves["beta"]))
    return curves.merge(known).assign_attrs(unit_of(run, jets) | known.attrs | {"latent": run.recipe.model.latent})


def measure(run: Run, jets: Jets, betas: Sequence[float] | None = None, draws: int = 2, seed: int = 0) -> xr.Dataset:
    """Return, for each jet at each resolution, KL and distortion, and for a range their derivatives in ln beta.

    ``kl`` (beta, jet, kl_term) [nat], ``distortion`` (beta, jet), ``kl_slope`` and ``distortion_slope`` (beta, jet),
    ``sigma`` and ``rms`` (beta, coordinate); attribute ``power``. The noise is the same at all resolutions.
    """
    vae, data = run.vae(), data_for(jets, run.recipe, torch.device("cpu"))
    beta = run.recipe.model.beta
    grid = np.geomspace(*beta, POINTS) if isinstance(beta, tuple) else np.array([beta])
    if betas is not None and isinstance(beta, tuple):
        grid = np.asarray(betas, float)
    rows = []
    for value in grid:
        torch.manual_seed(seed)
        with pyro.validation_enabled(False):
            pieces = [at_resolution(vae, x, float(value), draws) for x in data.batches(np.arange(len(data)), BATCH)]
        rows.append({name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]})
    table = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    own = ("beta", "jet")
    variables: dict[str, Any] = {name: (own, table[name]) for name in ("distortion", "kl_slope", "distortion_slope")}
    variables |= {
        "kl": ((*own, "kl_term"), table["kl"]),
        "sigma": (("beta", "coordinate"), table["width"].mean(1)),
        "rms": (("beta", "coordinate"), np.sqrt((table["centre"] ** 2).mean(1))),
    }
    coordinates = {"beta": grid, "kl_term": term_names(vae, data[torch.arange(2)]), "coordinate": real_coordinates(vae)}
    result = xr.Dataset(variables, coordinates, {"power": vae.likelihood.power})
    return result.assign(excess(run.recipe.data.files, jets, result))


def at_resolution(vae: VAE, x: Tensor, beta: float, draws: int) -> dict[str, NDArray[np.float64]]:
    """Return what :func:`measure` collects, of jets x ``(B, ...)`` at one resolution; slopes by reverse mode."""
    log_beta = torch.full((len(x),), float(np.log(beta)), requires_grad=True)
    with vae.at(log_beta.exp()):
        bounds = [elbo(vae.model, vae.guide, x) for _ in range(draws)]
        reconstruction = torch.stack([bound.reconstruction for bound in bounds]).mean(0)
        kl = torch.stack([torch.cat(list(bound.kl.values()), -1) for bound in bounds]).mean(0)
        distortion = vae.likelihood.distortion(reconstruction, x)
        centre, width = centres_and_widths(vae, x)
    parts = {"kl": kl, "distortion": distortion, "centre": centre, "width": width}
    parts |= {"kl_slope": slope(kl.sum(-1), log_beta), "distortion_slope": slope(distortion, log_beta)}
    return {name: value.detach().double().numpy() for name, value in parts.items()}


def slope(values: Tensor, log_beta: Tensor) -> Tensor:
    """Return the derivative of each jet's value by its own ln beta, both ``(B,)``."""
    if not values.requires_grad:
        return torch.zeros_like(log_beta)
    found = torch.autograd.grad(values.sum(), log_beta, retain_graph=True, allow_unused=True)[0]
    return torch.zeros_like(log_beta) if found is None else found


@torch.no_grad()
def centres_and_widths(vae: VAE, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of the posteriors of all real coordinates, each ``(B, n)``."""
    heads = vae.latent.split(vae.encode(x))
    posteriors = [factor.posterior(heads[label]) for label, factor in vae.latent.items if factor.kind == "real"]
    empty = [x.new_zeros(len(x), 0)]
    return torch.cat([q.mean for q in posteriors] or empty, -1), torch.cat([q.stddev for q in posteriors] or empty, -1)


def real_coordinates(vae: VAE) -> list[str]:
    """Return the names of all real coordinates."""
    factors = [(label, factor) for label, factor in vae.latent.items if factor.kind == "real"]
    return [f"{label}_{name}" for label, factor in factors for name in factor.coordinate_labels]


def term_names(vae: VAE, x: Tensor) -> list[str]:
    """Return the names of the KL terms."""
    with pyro.validation_enabled(False), torch.no_grad():
        bound = elbo(vae.model, vae.guide, x)
    return [name for site, kl in bound.kl.items() for name in kl_names(vae.latent, site, kl.shape[-1])]


def unit_of(run: Run, jets: Jets) -> dict[str, Any]:
    """Return the factor and the unit in which to show beta: of clouds the median jet pT in GeV."""
    if not run.recipe.model.clouds:
        return {"scale": 1.0, "unit": ""}
    pt = float(np.median(jets.constituents[..., 0].sum(1)))
    return {"scale": pt, "unit": "GeV"}


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(
        prog="python -m analysis.dimension",
        description="KL, distortion and dimension against resolution, as NetCDF, CSV and figures.",
    )
    add = result.add_argument
    add("runs", metavar="RUN", nargs="+", help="run folders: one range of beta (several seeds), or one beta each")
    add("--jets", type=int, default=3000, metavar="N", help="held-out jets to evaluate on [3000]")
    add("--scale", type=float, metavar="X", help="show beta times this [clouds: the median jet pT in GeV; else 1]")
    add("--out", metavar="DIR", help="folder of the files [RUN/dimension of the first run]")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write the files, name them."""
    options = parser().parse_args(arguments)
    from analysis.figures.dimension import write_figures

    result = dimension([Run.open(path) for path in options.runs], jets=options.jets)
    if options.scale is not None:
        result.attrs["scale"] = options.scale
    folder = Path(options.out or Path(options.runs[0]) / "dimension")
    columns = [name for name in result.data_vars if result[name].dims == ("beta",)]
    table = result[columns].to_dataframe()
    shown = [name for name in ("kl", "distortion", "distance", "D1", "D2", "converged", "excess") if name in table]
    print(table[shown].to_string(float_format="{:.4g}".format))
    with replacing(folder / "dimension.nc") as temporary:
        result.to_netcdf(temporary, engine="h5netcdf")
    with replacing(folder / "dimension.csv") as temporary:
        table.to_csv(temporary)
    drawn = write_figures(result, folder)
    print(f"wrote dimension.nc, dimension.csv, {', '.join(path.name for path in drawn)} in {folder}")


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
