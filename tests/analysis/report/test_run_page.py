"""The page: whole, of a damaged run, with readings that follow from the numbers."""

import io
import re
import shutil
from contextlib import redirect_stdout
from functools import partial
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import inference
from analysis.evaluation.trusted import trusted
from analysis.report import run_page as report
from analysis.report.inputs import Known, of_run
from analysis.report.runs import chosen, overview
from analysis.report.sections import dimension, topology, trust
from analysis.report.sections.convergence import fallen, trend
from analysis.report.words import plus_minus
from analysis.store import Missing
from inference.errors import exit_code

QUESTIONS = "trained on what", "converged", "dimensions", "topology", "factor mean", "anomalies", "trusted", "reproduce"


class Outline(HTMLParser):
    """Collect ids, references, headings and labels of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.references, self.external, self.headings, self.unnamed = [], [], [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        self.references += [attrs[name] for name in ("aria-labelledby",) if name in attrs]
        for name in ("href", "xlink:href"):
            if attrs.get(name, "").startswith("#"):
                self.references.append(attrs[name][1:])
        for name in ("src", "href", "xlink:href"):
            if re.match(r"(https?:)?//", attrs.get(name, "")):
                self.external.append(attrs[name])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "svg" and not attrs.keys() & {"aria-labelledby", "aria-label"}:
            self.unnamed += 1


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Seven short epochs, evaluated on 600 jets."""
    small = {"training.epochs": 7, "data.fraction": {"qcd": 0.02, "top": 0.02}, "data.test": 0.03}
    recipe = inference.read("image-dvae", small)
    return inference.train(recipe, tmp_path_factory.mktemp("report") / "run")


@pytest.fixture(scope="module")
def printed(run):
    """What the command prints; it leaves the page, the kept evaluation, and the figures."""
    output = io.StringIO()
    with redirect_stdout(output):
        assert exit_code(lambda: report.main([str(run.path), "--figures", str(run.path / "figures")])) == 0
    return output.getvalue()


@pytest.fixture(scope="module")
def text(run, printed):
    return (run.path / "report.html").read_text()


def test_page_stands_alone(text):
    assert len(text) < 3e6
    outline = Outline(text)
    assert len(set(outline.ids)) == len(outline.ids)
    assert set(outline.references) <= set(outline.ids)
    assert outline.external == []
    assert outline.unnamed == 0
    assert outline.headings == [1, *[2] * len(QUESTIONS)]


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


SAID = {
    "config.toml": "could not be evaluated",
    "provenance.json": "provenance.json",
    "history.csv": "no epoch is recorded",
    "weights.pt": "Training is not complete",
}
"""File -> what the page says without it, where the run was not evaluated before."""
OTHERS = ("history.nc", "checkpoint.pt")


def copied(run, folder, *, without):
    """A copy of the run without some files."""
    shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("figures"))
    for name in ("report.html", *without):
        (folder / name).unlink(missing_ok=True)
    return folder


def drawn(sections):
    return [part.name for section in sections for part in section.parts if part.figure is not None]


def said(known, sections):
    parts = [part for section in sections for part in section.parts]
    return "\n".join([*known.notes, *(part.missing for part in parts), *(part.reading for part in parts)])


@pytest.mark.parametrize("lost", [*SAID, *OTHERS])
def test_a_lost_file_is_named_and_the_rest_shown(run, tmp_path, lost):
    """Of a run that was not evaluated before."""
    known = of_run(copied(run, tmp_path / "run", without=[lost, "analysis.nc"]))
    sections = report.answered(known)
    assert len(sections) == len(QUESTIONS)
    assert SAID.get(lost, "") in said(known, sections)
    everything = {"kl_spectrum", "meaning", "jet_images", "roc_curves", "latent_histograms"}
    expected = set() if lost in ("config.toml", "provenance.json") else everything
    assert set(drawn(sections)) == expected | (set() if lost == "history.csv" else {"losses"})
    if lost in OTHERS:
        assert known.notes == []


@pytest.mark.parametrize("lost", ["config.toml", "weights.pt"])
def test_a_kept_evaluation_outlives_the_run(run, printed, tmp_path, lost):
    """Only the kept tree is needed for the numbers."""
    known = of_run(copied(run, tmp_path / "run", without=[lost]))
    assert {"kl_spectrum", "roc_curves", "losses"} <= set(drawn(report.answered(known)))


@pytest.mark.parametrize("name", ["history.csv", "config.toml", "analysis.nc"])
def test_a_file_cut_in_half(run, printed, tmp_path, name):
    """A page comes of it all the same."""
    folder = copied(run, tmp_path / "run", without=[] if name == "analysis.nc" else ["analysis.nc"])
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    sections = report.answered(of_run(folder))
    assert "losses" in drawn(sections)


def test_notes_come_first(run, tmp_path):
    folder = copied(run, tmp_path / "run", without=["analysis.nc", "provenance.json"])
    assert exit_code(lambda: report.main([str(folder)])) == 0
    text = (folder / "report.html").read_text()
    assert text.index("could not be evaluated") < text.index("<h2")


def test_trust_is_measured_on_request(run, printed, tmp_path, monkeypatch):
    """The page then shows importance weights, calibration and no reminder to measure them."""
    monkeypatch.setattr("analysis.report.run_page.QUESTIONS", [trust.QUESTION])
    monkeypatch.setattr("analysis.evaluation.trusted.trusted", partial(trusted, at_most=30, draws=100))
    folder = copied(run, tmp_path / "run", without=["trust.nc"])
    assert exit_code(lambda: report.main([str(folder), "--trust"])) == 0
    text = (folder / "report.html").read_text()
    assert "checks pass" in text
    assert "A quick look only" not in text
    assert "The median k-hat of" in text
    assert (folder / "trust.nc").exists()


def test_two_runs_side_by_side(run, printed, tmp_path, monkeypatch):
    """A run and itself: no difference, every figure twice under ids of its own (of two questions, to be quick)."""
    monkeypatch.setattr("analysis.report.compare.QUESTIONS", report.QUESTIONS[:2])
    out = tmp_path / "two.html"
    assert exit_code(lambda: report.main(["--compare", str(run.path), str(run.path), "--out", str(out)])) == 0
    text = out.read_text()
    assert "agree within two errors (0 nat per jet, the same jets, paired)" in text
    assert "Their recipes are the same." in text
    outline = Outline(text)
    assert len(set(outline.ids)) == len(outline.ids)
    assert {"a-losses-caption", "b-losses-caption"} <= set(outline.references)


def test_several_runs_are_listed_and_the_best_shown(run, printed, tmp_path):
    table = overview([run.path, tmp_path])
    assert table["complete"].values.tolist() == [True, False]
    assert float(table["loss"][0]) == run.history[-1]["validation_loss"]
    known = of_run(chosen(table))
    known.sources["runs"] = table
    part, _ = topology.QUESTION.answered(known).parts
    assert part.reading.startswith("1 complete run of 2. ")
    assert chosen(overview([tmp_path, run.path])) == run.path
    assert chosen(overview([tmp_path])) == tmp_path


def test_topologies_are_ranked():
    """Of two seeds and 300 jets, where R2 gains nothing over S1 and R1 lacks half a nat."""
    noise = np.random.default_rng(0).normal(0, 0.3, (3, 1, 2, 300))
    evidence = noise + np.array([0.0, 0.005, -0.5])[:, None, None, None]
    axes = ("topology", "beta", "seed", "jet")
    values = {"log_evidence": (axes, evidence), "elbo": (axes, evidence - 0.1)}
    stats = xr.Dataset(values, {"topology": ["S1", "R2", "R1"], "beta": [0.1]})
    label = xr.Dataset({"class_name": (("seed", "jet"), np.full((2, 300), "w"))})
    scan = xr.DataTree.from_dict({"sample_stats": stats, "constant_data": label})
    known = Known("scan", {"scan": scan, "tree": xr.DataTree(), "runs": xr.Dataset()})
    known.tree.attrs["beta"] = 0.1
    part = topology.ranking(known)
    assert "S1 and R2 cannot be told apart" in part.reading.replace("R2 and S1", "S1 and R2")
    assert part.reading.endswith("is S1.")
    assert part.table.rows[part.table.best][0] == "S1"
    assert len(part.table.rows) == 3


@pytest.mark.parametrize("answer", [dimension.spectrum, trust.checks])
def test_a_plain_autoencoder_has_no_posterior(answer):
    with pytest.raises(Missing, match="a plain autoencoder has no"):
        answer(Known("ae", {"recipe": '[model]\nkind = "ae"', "tree": xr.DataTree()}))


def test_no_run_at_all(tmp_path, capsys):
    assert exit_code(lambda: report.main([])) == 2
    assert exit_code(lambda: report.main([str(tmp_path)])) == 2
    assert "no run there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("last", "falling"), [(0.0, False), (1.0, True)], ids=["a flat tail has converged", "a falling one has not"]
)
def test_convergence_is_computed(last, falling):
    noise = np.random.default_rng(0).normal(0, 0.02, 40)
    loss = np.linspace(1, 0, 40) * last * 4 + noise
    history = xr.Dataset(dict.fromkeys(("loss", "validation_loss"), ("epoch", loss)), {"epoch": range(40)})
    reading, found = trend(history)
    assert found == falling
    assert ("still falls" in reading) == falling
    assert f"{plus_minus(*fallen(loss[-10:]))} nat" in reading


def test_slope_against_polyfit():
    tail = np.random.default_rng(1).normal(size=12)
    (slope, _), covariance = np.polyfit(np.arange(12), tail, 1, cov=True)
    np.testing.assert_allclose(fallen(tail), (-11 * slope, 11 * covariance[0, 0] ** 0.5), rtol=1e-10)
