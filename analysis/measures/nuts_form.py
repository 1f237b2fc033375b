"""The standard file of NUTS, groups as ArviZ has them; and the groups that our trees hold of it.

``posterior`` and ``prior``: a variable of each factor (chain, draw, jet, ..), see :mod:`analysis.measures.variables`;
``posterior_guide``: the guide on the same jets, one chain; ``observed_data``: ``x`` (jet, ..). The jets are sampled
side by side, as one posterior of all their latents: ``sample_stats`` has ``energy`` and ``lp`` [nat] and ``n_steps``
summed over the jets, ``diverging`` of any, the largest ``tree_depth``, the mean ``acceptance_rate`` (chain, draw); and
the same of each jet, ``energy_of_jet`` and so on (chain, draw, jet). ``reference``, where the standard of a reference
was asked for: what :func:`analysis.measures.reference.quality` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from analysis.measures.arviz_groups import of_jets
from analysis.measures.variables import coordinates, directions, of_each_jet, variables
from analysis.store import Missing, array

OURS = ("posterior_nuts", "posterior_guide", "sample_stats_nuts")
"""Groups of our trees, and of files that were written before ArviZ's names were used."""
JOINT: dict[str, Callable[[xr.DataArray], xr.DataArray]] = {
    "diverging": lambda values: values.any("jet"),
    "n_steps": lambda values: values.sum("jet"),
    "tree_depth": lambda values: values.max("jet"),
    "energy": lambda values: values.astype(np.float64).sum("jet"),
    "lp": lambda values: values.astype(np.float64).sum("jet"),
    "acceptance_rate": lambda values: values.mean("jet"),
}
"""Statistic of a jet -> how those of several become one of all their latents."""
OF_JET = "_of_jet"
GROUPS = ("posterior", "posterior_guide")
"""Groups of the standard file that hold draws."""


def standard(tree: xr.DataTree, seed: int = 0) -> xr.DataTree:
    """Return what ``inference.nuts`` sampled, groups posterior_nuts and so on, as the standard file has it."""
    if "posterior_nuts" not in tree:
        return tree
    nuts, guide = (counted(array(tree, f"{name}/z")) for name in OURS[:2])
    about = directions(nuts)
    groups = {"posterior": variables(nuts, about), "posterior_guide": variables(guide, about)}
    if "sample_stats_nuts" in tree:
        groups["sample_stats"] = joint(counted(tree["sample_stats_nuts"].to_dataset()), nuts["jet"])
    if "prior" in tree:
        prior = array(tree, "prior/z")
        own = of_each_jet(prior, nuts["jet"], prior.sizes["chain"] * prior.sizes["draw"], seed)
        groups["prior"] = variables(own, about)
    groups |= {name: tree[name].to_dataset() for name in ("observed_data", "reference") if name in tree}
    result = xr.DataTree.from_dict(groups)
    result.attrs = dict(tree.attrs)
    return result


def counted(values: Any) -> Any:
    """Number chains and draws, and jets where they have no number."""
    dims = [dim for dim in ("chain", "draw", "jet") if dim in values.dims and dim not in values.coords]
    return values.assign_coords({dim: np.arange(values.sizes[dim]) for dim in dims})


def joint(stats: xr.Dataset, jet: xr.DataArray) -> xr.Dataset:
    """Return statistics (chain, draw, jet) of each jet, under ``<name>_of_jet``, and (chain, draw) of all jets."""
    own = stats.assign_coords(jet=jet.values)
    known = [name for name in map(str, own.data_vars) if name in JOINT]
    together = {name: JOINT[name](own[name]).assign_attrs(own[name].attrs) for name in known}
    return xr.Dataset(together | {f"{name}{OF_JET}": own[name] for name in known})


def of_some(tree: xr.DataTree, jets: Sequence[int] | NDArray[np.integer]) -> dict[str, xr.Dataset]:
    """Return the groups of the standard file for some of its jets, statistics summed over these.

    Raises
    ------
    Missing
        There is no such jet.
    """
    found = {}
    for name, node in standard(tree).children.items():
        group = node.to_dataset()
        if name == "sample_stats":
            group = joint(of_jets(single(group), jets), xr.DataArray(np.asarray(jets), dims="jet"))
        elif "jet" in group.dims:
            group = of_jets(group, jets)
        found[str(name)] = group
    return found


def ours(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Return ``posterior_nuts``, ``posterior_guide`` and ``sample_stats_nuts`` of a file of NUTS, of today or before.

    Raises
    ------
    Missing
        It holds no draws of NUTS.
    """
    if "posterior_nuts" in tree:
        return {name: tree[name].to_dataset() for name in OURS if name in tree}
    if not {"posterior", "posterior_guide", "sample_stats"} <= set(tree.children):
        raise Missing(f"no draws of NUTS: expected the groups posterior, posterior_guide, got {', '.join(tree)}")
    draws = {name: coordinates(tree[group].to_dataset()) for name, group in zip(OURS, GROUPS, strict=False)}
    found = {name: xr.Dataset({"z": z}) for name, z in draws.items()}
    return found | {OURS[2]: single(tree["sample_stats"].to_dataset())}


def single(stats: xr.Dataset) -> xr.Dataset:
    """Return the statistics of each jet by their plain names."""
    each = stats[[name for name in map(str, stats.data_vars) if name.endswith(OF_JET)]]
    return each.rename({name: name.removesuffix(OF_JET) for name in map(str, each.data_vars)})
