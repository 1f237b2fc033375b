"""Labels of latent coordinates, as datasets carry them."""

from __future__ import annotations

from typing import Any

from priors import Space


def coordinate_labels(space: Space) -> dict[str, Any]:
    """Return xarray coordinates of the dimension ``coordinate``: name, factor, kind and unit ("" where it has none).

    >>> from priors import parse
    >>> labels = coordinate_labels(parse("R1 x S1"))
    >>> labels["coordinate"], labels["factor"], labels["unit"]
    (['R1_0', 'S1_0'], ('coordinate', ['R1', 'S1']), ('coordinate', ['', 'rad']))
    """
    return {
        "coordinate": list(space.coordinate_names),
        "factor": ("coordinate", list(space.coordinate_factors)),
        "kind": ("coordinate", list(space.coordinate_kinds)),
        "unit": ("coordinate", list(space.coordinate_units)),
    }
