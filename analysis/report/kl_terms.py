r"""Where the KL of the posterior from the prior goes, in terms that add up to it.

.. math::
    \langle KL(q(z|x)\,\|\,p(z))\rangle = I(x; z) + TC(z) + \sum_k KL(q(z_k)\,\|\,p(z_k))

(:mod:`analysis.measures.information`). The information is known between two bounds; with its middle in every term the
sum is exact.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from analysis.measures.information import information_bounds
from analysis.report.page import Table
from analysis.store import array, names

TOTAL = "all together"
"""Row of the coordinates together."""


def kl_terms(tree: xr.DataTree) -> xr.Dataset:
    """Return the terms of the jets whose densities were taken in pairs, each once whatever its event weight [nat].

    ``kl``, ``information`` and ``mismatch`` (term,) of each coordinate and, last, of all: the KL, I(x; z), and the sum
    of the mismatches; ``half_width`` (term,): from the middle to the bounds of the information, two errors wider;
    ``total_correlation``. KL = I(x; z) + total correlation + mismatch. The middle of the bounds is not kept above zero,
    so that terms near it may come out below.
    """
    pairs = tree["pairs"].to_dataset()
    found = information_bounds(pairs)
    terms = names(pairs["log_q"], "kl_term")
    share = found["share"]
    bounds = (found["mutual_information"] * share).fillna(0)
    error = (found["mutual_information_error"] * share).fillna(0)
    middle = bounds.mean("bound")
    half = bounds.std("bound") + 2 * error.max("bound")  # of two values, half their distance
    own = array(tree, "information/kl").sel(jet=pairs["drawn"].values).mean("jet")
    kl = np.asarray(own.sel(kl_term=terms), float)
    each = np.asarray(middle.sel(term=terms), float)
    total = float(middle.sel(term="total"))
    table = {
        "kl": [*kl, kl.sum()],
        "information": [*each, total],
        "mismatch": [*(kl - each), (kl - each).sum()],
        "half_width": half.sel(term=[*terms, "total"]).values,
    }
    columns = {name: ("term", np.asarray(column), {"units": "nat"}) for name, column in table.items()}
    result = xr.Dataset(columns, {"term": [*terms, TOTAL]}, {"jets": pairs.sizes["drawn"]})
    result["total_correlation"] = ((), each.sum() - total, {"units": "nat"})
    return result


def kl_table(found: xr.Dataset) -> Table:
    """Return the table of :func:`kl_terms`."""
    rows = []
    for name in names(found["kl"], "term"):
        one = found.sel(term=name)
        kl, told, half, mismatch = (f"{float(one[key]):.2f}" for key in ("kl", "information", "half_width", "mismatch"))
        correlation = f"{float(found['total_correlation']):.2f}" if name == TOTAL else ""
        rows.append([name, kl, f"{told} ± {half}", correlation, mismatch])
    head = ["coordinate", "KL [nat]", "information on the jet [nat]", "total correlation [nat]", "mismatch [nat]"]
    return Table(head, rows, best=len(rows) - 1)


def sums_up(found: xr.Dataset) -> str:
    """Say that the terms add up, with the numbers."""
    own = found.sel(term=TOTAL)
    values = {
        "information": float(own["information"]),
        "total correlation": float(found["total_correlation"]),
        "mismatch": float(own["mismatch"]),
    }
    text = " ".join(f"{'-' if value < 0 else '+'} {abs(value):.2f} ({name})" for name, value in values.items())
    return f"The terms add up to the KL: {text.removeprefix('+ ')} = {float(own['kl']):.2f} nat."
