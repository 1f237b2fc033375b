"""The page of one run: whole, on its own, with its numbers beside it."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis.evaluation.trusted import trusted
from analysis.measures.trust import Check
from analysis.report.inputs import of_run
from analysis.report.page import Page, Part, Section
from analysis.report.sections import anomalies, trust
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


def test_the_page_begins_with_each_answer_in_short(text):
    rows = re.findall(r'<dt><a href="#(\w+)">(.*?)</a></dt><dd( class="warning")?>(.*?)</dd>', text)
    sections = re.findall(r'<section id="(\w+)".*?(?=<section id=|</main>)', text, flags=re.DOTALL)
    assert [name for name, *_ in rows] == sections
    assert text.index("<dt>") < text.index("<h2")
    said = {name: short for name, _, _, short in rows}
    assert "L2(alpha=0.9), pixels likelihood" in said["training"]
    assert "7 epochs" in said["convergence"]
    assert "chosen with labels" in said["anomalies"]
    assert said["topology"].startswith("Not known: ")
    assert all(said.values())
    bodies = dict(zip(sections, re.split(r"<section id=", text)[1:], strict=True))
    for name, _, warns, _ in rows:
        assert bool(warns) == ('class="reading warning"' in bodies[name]), name


def test_the_head_is_the_run_and_its_sample(text):
    assert re.search(r"<h1>run: sample:qcd and sample:top</h1>", text)
    assert "Latent space L2(alpha=0.9); " in text


def test_the_box_ends_with_the_warnings(text):
    """Each links to the section that gives it; of none it says so."""
    (row,) = re.findall(r"<dt>Warnings</dt><dd>(.*?)</dd>", text)
    warned = re.findall(r'<dt><a href="#(\w+)">[^<]*</a></dt><dd class="warning"', text)
    assert re.findall(r'href="#(\w+)"', row) == warned
    calm = Page("t", "l", [Section("a", "A?", [Part("p", "Yes.")])], box=True)
    assert "<dt>Warnings</dt><dd>none</dd>" in calm.html()
    noted = Page("t", "l", calm.sections, ["Unfinished."], box=True).html()
    assert 'href="#notes"' in noted
    assert '<p class="note" role="note" id="notes">Unfinished.' in noted
    assert "Warnings" not in Page("t", "l", calm.sections).html()


def test_classes_are_named(text, run):
    """Who the signal and the background are, and how many; never others."""
    known = of_run(run.path)
    scored = known.numbers["counts"]["scored"]
    assert f"{scored['top']:,} top jets against {scored['qcd']:,} qcd." in text
    assert "Signal: top, the last class named; background: qcd." in text
    assert "ε_S is the share of top that passes a cut, ε_B that of qcd." in text
    assert not re.search(r"\d others", text)


def test_scores_have_units(run, printed):
    (part,) = (p for p in anomalies.QUESTION.answered(of_run(run.path)).parts if p.name == "score_histograms")
    labels = [axes.get_xlabel() for axes in part.figure.axes]
    assert labels[:4] == ["reconstruction [nat]", "kl [nat]", "elbo [nat]", "mixture_0"]


def test_a_check_names_what_it_is_compared_with(run, printed):
    part = trust.checks(of_run(run.path))
    assert part.table.head[-1] == "passes with"
    assert {row[1]: row[3] for row in part.table.rows}["gap"] == "at most 0.1 nat"
    limits = [trust.limit(Check(name, 1.0, limit, "")) for name, limit in (("calibration", 0.99), ("new", 3))]
    assert limits == ["p of at least 0.01", "at most 3"]
    failed = trust.limit(Check("importance weights", 1.0, 0.05, ""))
    assert failed == "at most 5 % of jets with k-hat > 0.7"


def test_the_terms_of_the_kl_are_below_their_table(text):
    at = text.index('id="part-kl_terms"')
    assert "The terms add up to the KL" in text[at : at + 3000]
    assert text.index('<p class="caption">KL of the posterior from the prior in each coordinate') > at


def test_what_scrolls_has_the_focus_and_no_head_is_empty(text):
    assert text.count('class="canvas" tabindex="0"') == text.count('class="canvas"') > 4
    assert '<th scope="col"></th>' not in text


def test_a_scan_is_called_one(tmp_path):
    words = ["image-vae", "--latent", "R1", "--seeds", "2", "--epochs", "1", "--fraction", "qcd=.02", "top=.02"]
    assert main(["train", *words, "--out", str(tmp_path / "scan")]) == 0
    assert main(["report", str(tmp_path / "scan")]) == 0
    assert "<h1>Scan of 2 runs: sample:qcd and sample:top</h1>" in (tmp_path / "scan/report.html").read_text()
