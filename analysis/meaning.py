"""What each latent coordinate means: ``python -m analysis.meaning RUN``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from analysis.access import array, class_names, classes, names
from analysis.commandline import run_parser
from analysis.correlation import CORRELATIONS, circular, mutual_information, rank
from analysis.observables import observables

FEWEST = 100
"""Jets below which a correlation is left out."""


def meaning(tree: xr.DataTree) -> xr.Dataset:
    """Compare every latent coordinate, and every pair of real ones, with every physical observable.

    Parameters
    ----------
    tree
        From :func:`analysis.evaluate`.

    Returns
    -------
    xarray.Dataset
        ``correlation`` and ``information`` [nat] (sample, coordinate, observable): rank correlation, or circular or
        circular-linear where one or both are angles, and mutual information of the posterior's centre with the
        observable; ``pair_correlation`` (sample, pair, observable): of two real coordinates' angle
        atan2(second, first) with the observables that are angles, of their distance from the origin with the others;
        ``best`` (sample, coordinate), the observable of most mutual information. ``sample`` is ``all``, then each
        class where there are several. NaN where fewer than 100 jets have the observable.
    """
    points, seen, label, known = array(tree, "guide_params/point"), observables(tree), class_names(tree), classes(tree)
    samples = {"all": np.ones(len(label), bool)}
    samples |= {name: label == name for name in known} if len(known) > 1 else {}
    parts = [compare(points[mask], seen[mask]) for mask in samples.values()]
    return xr.concat(parts, xr.DataArray(list(samples), dims="sample", name="sample"))


def compare(points: xr.DataArray, seen: xr.DataArray) -> xr.Dataset:
    """Return the variables of :func:`meaning` of one sample of jets."""
    coordinates = named_columns(points, "coordinate")
    known = named_columns(seen, "observable")
    real = [(name, values) for name, kind, values in coordinates if kind == "real"]
    pairs = {f"{first}, {second}": (x, y) for (first, x), (second, y) in combinations(real, 2)}
    correlation, information = np.full((2, len(coordinates), len(known)), np.nan)
    together = np.full((len(pairs), len(known)), np.nan)
    for j, (_, kind, x) in enumerate(known):
        use = np.isfinite(x)
        if not varies(x[use]):
            continue
        for i, (_, own, z) in enumerate(coordinates):
            if varies(z[use]):
                own = "angle" if own == "angle" else "real"
                correlation[i, j] = CORRELATIONS[own, kind](z[use], x[use])
                information[i, j] = mutual_information(z[use], x[use])
        for i, (z1, z2) in enumerate(pairs.values()):
            if varies(z1[use]) and varies(z2[use]):
                together[i, j] = PAIRED[kind](z1[use], z2[use], x[use])
    labels = {"coordinate": [name for name, *_ in coordinates], "observable": seen["observable"], "pair": list(pairs)}
    best = np.asarray(labels["observable"])[np.nan_to_num(information, nan=-1).argmax(1)] if known else None
    return xr.Dataset(
        {
            "correlation": (("coordinate", "observable"), correlation),
            "information": (("coordinate", "observable"), information, {"units": "nat"}),
            "pair_correlation": (("pair", "observable"), together),
            "best": ("coordinate", [""] * len(coordinates) if best is None else best),
        },
        labels,
    )


PAIRED = {
    "angle": lambda first, second, angle: circular(np.arctan2(second, first), angle),
    "real": lambda first, second, x: rank(np.hypot(first, second), x),
}
"""Kind of an observable -> how a pair of real coordinates is compared with it."""


def named_columns(values: xr.DataArray, dimension: str) -> list[tuple[str, str, NDArray[np.floating]]]:
    """Return name, kind and values of each column of ``(jet, dimension)``."""
    table = np.asarray(values, float)
    return [
        (name, kind, table[:, i])
        for i, (name, kind) in enumerate(zip(names(values, dimension), names(values, "kind"), strict=True))
    ]


def varies(values: NDArray[np.floating]) -> bool:
    """Whether there are enough jets, and more than one value among them."""
    return len(values) >= FEWEST and np.ptp(values) > 0


class Strongest(NamedTuple):
    """The coordinate, or pair of coordinates, that goes best with an observable."""

    name: str
    correlation: float


def strongest(found: xr.Dataset) -> dict[str, Strongest]:
    """Return observable -> the coordinate or pair of largest |correlation|, of one sample of :func:`meaning`."""
    result = {}
    for name in names(found["correlation"], "observable"):
        one = found.sel(observable=name)
        values = np.concatenate([one["correlation"].values, one["pair_correlation"].values])
        if np.isfinite(values).any():
            best = int(np.nanargmax(np.abs(values)))
            label = [*names(found["best"], "coordinate"), *names(found["pair_correlation"], "pair")][best]
            result[name] = Strongest(label, float(values[best]))
    return result


def coordinate_kl(tree: xr.DataTree) -> xr.DataArray:
    """Return the mean KL [nat] of each coordinate, ``(coordinate,)``; its share where a factor's KL does not split."""
    kl, coordinates = array(tree, "information/kl").mean("jet"), names(array(tree, "guide_params/point"), "coordinate")
    terms = names(kl, "kl_term")
    owner = [next((term for term in terms if f"{name}_".startswith(f"{term}_")), "") for name in coordinates]
    nats = [float(kl.sel(kl_term=term)) / owner.count(term) if term else np.nan for term in owner]
    return xr.DataArray(nats, dims="coordinate", coords={"coordinate": coordinates})


def print_tables(found: xr.Dataset, kl: xr.DataArray, console: Console) -> None:
    """Print what each coordinate means, and where each observable is to be found."""
    table = Table("coordinate", "KL [nat]", "best observable", "correlation", "information [nat]")
    for name in names(kl, "coordinate"):
        one = found.sel(coordinate=name)
        best = str(one["best"].values)
        numbers = (float(one[key].sel(observable=best)) for key in ("correlation", "information"))
        table.add_row(name, f"{float(kl.sel(coordinate=name)):.2f}", best, *(f"{number:.2f}" for number in numbers))
    console.print(table)
    table = Table("observable", "best coordinate or pair", "correlation")
    for name, (label, value) in strongest(found).items():
        table.add_row(name, label, f"{value:.2f}")
    console.print(table)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = run_parser("meaning", "Compare a run's latent coordinates with physical observables.")
    result.add_argument("--out", metavar="DIR", help="where to write meaning.nc and the figures [RUN]")
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, print, write ``meaning.nc`` and the figures."""
    options = parser().parse_args(arguments)
    from pathlib import Path

    from analysis.physics_figures import cloud_traversals, meaning_map
    from analysis.report import save_figures
    from analysis.tree import evaluated
    from inference.run import Run
    from jets.files import replacing

    run = Run.open(options.run)
    tree = evaluated(run, options.data, options.beta)
    found, kl, out = meaning(tree), coordinate_kl(tree), Path(options.out or run.path)
    print_tables(found.isel(sample=0), kl, Console())
    with replacing(out / "meaning.nc") as temporary:
        found.to_netcdf(temporary, engine="h5netcdf")
    figures = {"meaning": meaning_map(found.isel(sample=0), kl)}
    if "traversals" in tree:
        figures["traversals"] = cloud_traversals(tree)
    save_figures(figures, out)
    print(f"wrote {out / 'meaning.nc'}, {', '.join(f'{name}.png, {name}.pdf' for name in figures)} in {out}")


if __name__ == "__main__":
    from inference.errors import exit_code

    sys.exit(exit_code(main))
