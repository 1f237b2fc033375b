"""The page of one run: whole, on its own, with its numbers beside it."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis.evaluation.trusted import trusted
from analysis.report.sections import trust
from inference.run import Run
from jetvae.__main__ import main

QUESTIONS = "trained on what", "converged", "dimensions", "topology", "factor mean", "anomalies", "trusted", "reproduce"


@pytest.fixture(scope="module")
def text(run, printed):
    return (run.path / "report.html").read_text()


def test_page_stands_alone(text, outline):
    assert len(text) < 3e6
    found = outline(text)
    assert len(set(found.ids)) == len(found.ids)
    assert set(found.references) <= set(found.ids)
    assert found.external == []
    assert found.unnamed == 0
    assert found.headings == [1, *[2] * len(QUESTIONS)]


def test_questions_in_order(text):
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", text)
    assert len(titles) == len(QUESTIONS)
    assert all(word in title for word, title in zip(QUESTIONS, titles, strict=True))
    for name in ("losses", "kl_spectrum", "meaning", "jet_images", "roc_curves", "latent_histograms"):
        assert f'aria-labelledby="{name}-caption"' in text


def test_figures_come_with_their_numbers(run, printed):
    folder = run.path / "figures"
    named = re.findall(r"[\w.]+\.(?:png|pdf|svg|nc|csv)", printed)
    assert set(named) == {path.name for path in folder.iterdir()}
    figures = {path.stem for path in folder.glob("*.pdf")}
    assert figures >= {"losses", "kl_spectrum", "roc_curves", "latent_histograms", "jet_images", "meaning"}
    for name in figures:
        assert {path.suffix for path in folder.glob(f"{name}.*")} == {".png", ".pdf", ".svg", ".nc", ".csv"}
    kl = xr.open_dataset(folder / "kl_spectrum.nc", engine="h5netcdf")["kl"]
    table = pd.read_csv(folder / "kl_spectrum.csv").set_index(["class", "kl_term"])["kl"]
    np.testing.assert_allclose(table[("qcd", "L2_0")], kl.sel({"class": "qcd", "kl_term": "L2_0"}), rtol=1e-6)


def test_notes_come_first(copied):
    folder = copied("analysis.nc", "provenance.json")
    assert main(["report", str(folder)]) == 0
    text = (folder / "report.html").read_text()
    assert text.index("could not be evaluated") < text.index("<h2")


def test_trust_is_measured_on_request(copied, printed, monkeypatch):
    """The page then shows importance weights, calibration and no reminder to measure them."""
    monkeypatch.setattr("analysis.report.run_page.QUESTIONS", [trust.QUESTION])
    monkeypatch.setattr("analysis.report.inputs.trusted", partial(trusted, at_most=30, draws=100))
    folder = copied("trust.nc")
    assert main(["report", str(folder), "--trust"]) == 0
    text = (folder / "report.html").read_text()
    assert "checks pass" in text
    assert "A quick look only" not in text
    assert "The median k-hat of" in text
    kept = (folder / "trust.nc").read_bytes()
    assert main(["report", str(folder), "--trust", "--data", *Run.open(folder).recipe.data.files]) == 0
    assert (folder / "trust.nc").read_bytes() == kept, "what is measured on other jets is not the run's own"


def test_no_run_at_all(tmp_path, capsys):
    assert main(["report"]) == 2
    assert main(["report", str(tmp_path)]) == 2
    assert "no run there" in capsys.readouterr().err
