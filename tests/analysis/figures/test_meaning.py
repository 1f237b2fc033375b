"""The map of correlations."""

import xarray as xr

from analysis.figures.meaning import meaning_map
from analysis.measures.meaning import meaning


def test_coordinates_by_falling_kl(known_tree):
    found = meaning(known_tree).isel(sample=0)
    kl = xr.DataArray([1.0, 2.0, 0.5, 0.0, 3.0], dims="coordinate", coords={"coordinate": found["coordinate"]})
    figure = meaning_map(found, kl)
    shown = [label.get_text().split()[0] for label in figure.axes[0].get_yticklabels()]
    assert shown == ["S1_0", "R4_1", "R4_0", "R4_2"]


def test_a_framed_cell_has_its_number_and_an_absent_one_no_frame(known_tree):
    found = meaning(known_tree).isel(sample=0).copy(deep=True)
    kl = xr.DataArray([1.0, 2.0, 0.5, 0.0, 3.0], dims="coordinate", coords={"coordinate": found["coordinate"]})
    found["correlation"][:] = 0.04
    found["best"][0] = "nothing that is drawn"
    axes = meaning_map(found, kl).axes[0]
    assert [text.get_text() for text in axes.texts] == [".04"] * 3
    assert len(axes.collections[0].get_offsets()) == 3
    assert axes.get_xlim() == (-0.5, found.sizes["observable"] - 0.5)


def test_without_observables_it_says_so(known_tree):
    """Too few jets, or points that have none: words, not an empty axis and a warning."""
    found = meaning(known_tree).isel(sample=0)
    kl = xr.DataArray([1.0, 2.0, 0.5, 0.0, 3.0], dims="coordinate", coords={"coordinate": found["coordinate"]})
    (axes,) = meaning_map(found.isel(observable=slice(0, 0)), kl).axes
    assert [text.get_text() for text in axes.texts] == ["no observable with 100 jets"]
