"""The question: how many dimensions."""

from __future__ import annotations

import numpy as np
import xarray as xr

from analysis.figures import dimension as drawn
from analysis.figures.latents import kl_spectrum
from analysis.measures.information import ACTIVE, freedom, information, interval
from analysis.measures.weighting import mean_error, mean_over_jets, with_weights
from analysis.report.inputs import Known
from analysis.report.kl_terms import kl_table, kl_terms, sums_up
from analysis.report.page import Part, Question, Table
from analysis.report.words import counted, listed, plus_minus
from analysis.store import Missing, array, class_names, classes, names
from jets.command import command


def spectrum(known: Known) -> Part:
    """Draw the KL of each coordinate; count the active ones."""
    if known.plain:
        raise Missing("a plain autoencoder has no prior, so that no coordinate can be said to carry information")
    kl = with_weights(array(known.tree, "information/kl"), known.tree)
    average = mean_over_jets(kl)
    mean = np.asarray(average, float)
    order = np.argsort(-mean)
    terms = names(kl, "kl_term")
    active = [i for i in order if mean[i] >= ACTIVE]
    carrying, degrees = freedom(average, array(known.tree, "guide_params/point"))
    most = listed(f"{terms[i]} {mean[i]:.2f}" for i in active[:4]) + (" lead" if len(active) > 4 else "")
    reading = (
        f"At the resolution β = {float(known.tree.attrs['beta']):.3g}, {carrying} of {degrees} "
        f"{'degree' if degrees == 1 else 'degrees'} of freedom "
        f"{'carries' if carrying == 1 else 'carry'} at least "
        f"{ACTIVE:g} nat; in all they carry {mean.sum():.2f} nat{f' ({most})' if most else ''}."
    )
    return Part(
        "kl_spectrum",
        reading,
        "Mean KL divergence of posterior from prior for each coordinate, by class, with the error of the mean. A "
        "coordinate near zero carries no information on the jet.",
        figure=kl_spectrum(known.tree),
        numbers=kl_by_class(kl, known.tree),
        warning=not active,
    )


def kl_by_class(values: xr.DataArray, tree: xr.DataTree) -> xr.Dataset:
    """Return the mean over the jets of each class, and its error."""
    label = class_names(tree)
    known = [name for name in classes(tree) if (label == name).any()]
    parts = [values.isel(jet=np.flatnonzero(label == name)) for name in known]
    index = xr.Variable("class", known)
    mean = xr.concat([mean_over_jets(part) for part in parts], index)
    error = xr.concat([mean_error(part, ddof=0) for part in parts], index)
    return xr.Dataset({"kl": mean.assign_attrs(units="nat"), "kl_error": error.assign_attrs(units="nat")})


def told(known: Known) -> Part | None:
    """Say how much information the latents carry on a jet, and where the rest of the KL goes."""
    if known.plain:
        return None
    if "pairs" not in known.tree:
        raise Missing("the kept evaluation has no pairs of jets to estimate information with; evaluate again")
    table = information(known.tree)
    if "mutual_information" not in table:
        raise Missing(f"{counted(known.tree['guide_params'].sizes['jet'], 'jet')} scored: information needs three")
    rows = []
    for name in names(table, "class"):
        one = table.sel({"class": name})
        kl, error = float(one["kl"].sum()), float(np.sqrt((one["kl_error"] ** 2).sum()))
        row = [name, f"{int(one['active'])}", plus_minus(kl, error)]
        told = [bracket(interval(one, key)) for key in ("mutual_information", "total_correlation")]
        rows.append([*row, *told, bracket(mismatch(one))])
    low, high = interval(table.sel({"class": "all"}), "mutual_information")
    bound = np.log(known.tree["pairs"].sizes["given"])
    reading = f"Latents and jets have {low:.2f} to {high:.2f} nat of mutual information (bounds, two errors wider)"
    reading += f"; so few jets cannot show more than {bound:.2f} nat." if low > 0.9 * bound else "."
    head = ["class", "degrees of freedom", "KL [nat]", "information [nat]", "total correlation [nat]", "mismatch [nat]"]
    caption = (
        f"Degrees of freedom that carry at least {ACTIVE:g} nat; KL of the posterior from the prior; and the three "
        "terms that it is the sum of, each from its lower to its upper bound: the mutual information of jets and "
        "latents, the total correlation of the latents, and the mismatch of the average posterior with the prior, "
        "summed over the coordinates. The next table adds them up."
    )
    return Part("information", reading, caption, table=Table(head, rows), numbers=table)


def mismatch(row: xr.Dataset) -> tuple[float, float]:
    """Return from where to where the mismatches of all coordinates with their priors lie together [nat]."""
    each = np.array([interval(row.sel(kl_term=term), "prior_mismatch") for term in names(row["kl"], "kl_term")])
    low, high = each.sum(0).tolist()
    return low, high


def terms(known: Known) -> Part | None:
    """Add up the terms of the KL, coordinate by coordinate."""
    if known.plain or "pairs" not in known.tree or known.tree["pairs"].sizes.get("drawn", 0) < 3:
        return None
    found = kl_terms(known.tree)
    caption = (
        f"KL of the posterior from the prior in each coordinate, of {counted(found.attrs['jets'], 'jet')}, and where "
        "it goes: information that the coordinate has on the jet, and the mismatch of the posterior averaged over jets "
        "with the prior (KL = information + mismatch). Last: all together, where what the coordinates say twice, the "
        "total correlation, is not counted as information (KL = information + total correlation + mismatch). The "
        "information is the middle of two bounds, ± half of what lies between them and two errors; with the middle in "
        "every term the sum is exact."
    )
    return Part("kl_terms", sums_up(found), caption, table=kl_table(found), numbers=found)


def bracket(bounds: tuple[float, float]) -> str:
    """Return from where to where a number lies; of too few jets that they are."""
    return f"{bounds[0]:.2f} to {bounds[1]:.2f}" if np.isfinite(bounds).all() else "too few jets"


def dimensions(known: Known) -> Part:
    """Draw the dimension against the scale."""
    curves = curves_of(known)
    scale, good = drawn.scales(curves), ~drawn.unsure(curves)
    best = "D" if "D" in curves else "D2"
    value, error = (np.asarray(curves[name], float) for name in (best, f"{best}_error"))
    unit = curves.attrs["unit"]
    places = np.linspace(0, len(scale) - 1, 5).astype(int)[1:4].tolist()
    held = np.asarray(curves["bound"]) if "bound" in curves else np.zeros(len(scale), bool)
    least = ["at least " if one else "" for one in held]
    errors = [f" ± {one:.1f}" if np.isfinite(one) else "" for one in error]
    said = listed(f"{least[i]}{value[i]:.1f}{errors[i]} at {scale[i]:.2g} {unit}".strip() for i in places)
    return Part(
        "dimension",
        f"The jets have {best} = {said}. {trusted(curves, good.mean())}",
        "Number of dimensions at each resolution, from the objective (D), the information (D2) and the distortion "
        "(D1); band: one standard error of D, where it is known; grey: "
        + ("a probe gains, or " if "gain" in curves else "")
        + "they differ by more than 10 %.",
        figure=drawn.dimension_curves(curves),
        numbers=curves[[name for name in curves.data_vars if curves[name].dims == ("beta",)]],
        warning=bool(good.mean() < 0.5),
        verdict=f"{best} = {said}." + ("" if good.mean() >= 0.5 else " Most of the range has not converged."),
    )


def trusted(curves: xr.Dataset, share: float) -> str:
    """Say on how much of the range a curve has converged, or agrees with itself, and why errors are not there."""
    part = f"{100 * share:.0f} % of the range"
    said = f"D1 and D2 agree, as they must at the optimum, on {part}."
    if "gain" in curves:
        said = f"D1 and D2 agree, as they must at the optimum, and a longer training gains nothing, on {part}."
    missing = str(curves.attrs.get("no_errors", ""))
    return said + (f" No errors: {missing}; {command('dimension', 'RUN', '--probe')} asks." if missing else "")


def switching(known: Known) -> Part | None:
    """Draw which coordinate switches on where."""
    if isinstance(known.sources.get("dimension", Missing()), Missing):
        return None
    curves = curves_of(known)
    on = np.sort(np.asarray(drawn.sizes(curves).dropna("kl_term"), float))[::-1] * curves.attrs["scale"]
    said = listed(f"{size:.3g} {curves.attrs['unit']}".strip() for size in on[:4])
    reading = f"The first of them switch on at {said}." if len(on) else "No coordinate switches on within the range."
    return Part(
        "switching",
        reading,
        "KL of each coordinate against the scale: directions switch on one by one as the resolution improves.",
        figure=drawn.switching_curves(curves),
        numbers=curves[["kl_spectrum"]],
    )


def curves_of(known: Known) -> xr.Dataset:
    """Return the curves against resolution, if they were measured."""
    try:
        found = known.source("dimension")
    except Missing as error:
        raise Missing(
            "this run has one resolution, so that no derivative by it can be taken; train a range (--beta LOW:HIGH), "
            f"or measure runs of several: {command('dimension', 'RUN', 'RUN')}"
        ) from error
    return found.to_dataset() if isinstance(found, xr.DataTree) else found


QUESTION = Question("dimension", "How many dimensions?", (spectrum, told, terms, dimensions, switching))
