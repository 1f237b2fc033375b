"""What ArviZ takes: an ``InferenceData`` on 0.23, a ``DataTree`` on 1.x."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import xarray as xr


@cache
def version_one() -> bool:
    """Whether the ArviZ that is installed is 1.0 or later."""
    return int(version("arviz").partition(".")[0]) >= 1


def container(groups: Mapping[str, xr.Dataset], attributes: Mapping[str, object]) -> Any:
    """Return groups as ArviZ has them; empty ones are left out, the attributes are those of every group."""
    filled: dict[str, Any] = {name: group.assign_attrs(attributes) for name, group in groups.items() if group.data_vars}
    if version_one():
        tree = xr.DataTree.from_dict(filled)
        tree.attrs = dict(attributes)
        return tree
    import arviz  # here, since it imports much

    return arviz.InferenceData(attrs=dict(attributes), **filled)
