"""How strongly a coordinate is said to be correlated with an observable."""

import pytest
import xarray as xr

from analysis.report.sections.meaning import sentence


@pytest.mark.parametrize(
    ("correlation", "said"),
    [
        (0.9, "z follows mass (correlation 0.90, 0.30 nat)"),
        (-0.3, "z is weakly correlated with mass (correlation -0.30, 0.30 nat)"),
        (-0.001, "z shares most with mass (correlation 0.00, 0.30 nat)"),
        (float("nan"), "z does not vary"),
    ],
)
def test_words(correlation, said):
    values = {"correlation": [[correlation]], "information": [[0.3]]}
    coords = {"coordinate": ["z"], "observable": ["mass"]}
    found = xr.Dataset({name: (("coordinate", "observable"), value) for name, value in values.items()}, coords)
    assert sentence(found.assign(best=("coordinate", ["mass"])), "z") == said
