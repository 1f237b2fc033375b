"""``jetvae search`` from files to a page: on jets of somebody else's, in a folder of one's own."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import jets
from jetvae.__main__ import main

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """What is left of a search among QCD jets of a file with a mass of its own, half of them W jets in the window."""
    folder = tmp_path_factory.mktemp("mine")
    qcd, w = (jets.load(f"sample:{name}")[:6000] for name in ("qcd", "w"))
    mine = jets.concatenate([qcd, w[:2000]])
    jets.save(folder / "mine.h5", mine)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = ["search", "mine.h5", "--window", "65:105", "--mass", "mass", "--signal", "w", "--out", "found"]
        assert main(words) == 0
    return folder / "found", mine


def test_every_jet_near_the_window_has_its_scores(searched):
    folder, mine = searched
    table = pd.read_csv(folder / "scores.csv")
    mass = mine.jet["mass"][table["number"]]
    assert table["mass"].values == pytest.approx(mass, rel=1e-5)
    assert (table["in_window"] == ((mass >= 65) & (mass < 105))).all()
    assert (table["class"] == np.array(mine.classes)[mine.label[table["number"]]]).all()
    inside = table[table["in_window"] == 1]
    assert inside.loc[inside["class"] == "w", "weak"].median() < inside.loc[inside["class"] == "qcd", "weak"].median()


def test_numbers_and_page_agree(searched):
    folder = searched[0]
    with xr.open_dataset(folder / "search.nc") as found:
        share = 100 * (found.attrs["share"] - 2 * found.attrs["share_error"])
        assert found.attrs["sources"] == "mine.h5"
        assert found["observed"].sel(score="weak", cut=0.02) > found["expected"].sel(score="weak", cut=0.02)
    text = (folder / "search.html").read_text()
    assert f"{share:.2g} % of the jets between 65 and 105 GeV are of another kind" in text
    for question in ("Is there an excess?", "What does it look like?", "What has to be known about it?"):
        assert question in text
    for name in ("counts", "displays", "images"):
        assert all((folder / f"{name}.{suffix}").stat().st_size for suffix in ("png", "pdf", "svg"))


def test_several_windows(tmp_path, capsys, monkeypatch):
    """A folder each, and what their smallest p-value is worth; all windows or none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("analysis.report.export.FORMATS", {"png": {}})
    jets.save("mine.h5", jets.load("sample:qcd")[:4000])
    words = ["search", "mine.h5", "--window", "65:105", "100:160"]
    assert main([*words, "--out", "both"]) == 0
    said = capsys.readouterr().out
    p = {}
    for name in ("65-105", "100-160"):
        with xr.open_dataset(f"both/{name}/search.nc") as found:
            p[name] = found.attrs["p_value"]
            assert found.attrs["edges"][1:3].tolist() == [float(edge) for edge in name.split("-")]
    known = [value for value in p.values() if np.isfinite(value)]
    assert f"smallest of {len(known)} p-values: {min(known):.2g}" in said
    assert f"so small: at most {min(1, len(known) * min(known)):.2g}" in said
    assert main([*words, "2000:3000", "--out", "none"]) == 2
    assert not list((tmp_path / "none").rglob("*.nc"))
