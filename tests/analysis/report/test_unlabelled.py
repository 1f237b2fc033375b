"""Jets without labels, classes without jets, and more classes than colours: every section says what it can."""

import numpy as np
import pytest
import xarray as xr
from rich.console import Console
from scipy.stats import kstest

import analysis
import inference
import jets
from analysis.figures.images import image_rows
from analysis.figures.latents import kl_spectrum, latent_histograms, score_histograms, spread_over
from analysis.figures.triangle import gibbs_triangle
from analysis.measures.information import information
from analysis.measures.scores import oddest, percentiles
from analysis.report import unlabelled
from analysis.report.inputs import of_run, of_tree
from analysis.report.maps import jet_map
from analysis.report.run_page import page_of
from jetvae.__main__ import main
from jetvae.tables import print_distribution


@pytest.fixture(scope="module")
def run(sample, tmp_path_factory):
    """Six epochs on images of a file that has constituents alone."""
    import h5py

    folder = tmp_path_factory.mktemp("unlabelled")
    with h5py.File(folder / "mine.h5", "w") as file:
        file["constituents"] = sample.constituents
    recipe = inference.read("image-dvae-3", {"training.epochs": 6, "data.files": [str(folder / "mine.h5")]})
    return inference.train(recipe, folder / "run")


def parts_of(tree):
    return {part.name: part for section in page_of(of_tree(tree)).sections for part in section.parts}


def test_the_page_of_unlabelled_jets(run, browser, tmp_path, capsys):
    """All but the AUC is there, no number is NaN, nothing is said twice, and the browser has nothing to complain of."""
    assert main(["report", str(run.path), "--out", str(tmp_path / "page.html")]) == 0
    tree = analysis.store.open(run.path / "analysis.nc")
    parts = parts_of(tree)
    drawn = {name for name, part in parts.items() if part.figure is not None}
    assert drawn >= {
        "losses",
        "kl_spectrum",
        "meaning",
        "jet_images",
        "score_histograms",
        "latent_histograms",
        "triangle",
    }
    assert "of one class: there is nothing to tag" in parts["tagging"].missing
    assert len(parts["score_histograms"].figure.axes) == len(parts["scores"].table.rows)
    assert [row[0] for row in parts["information"].table.rows] == ["all"]
    assert information(tree)["class"].values.tolist() == ["all"]
    assert parts["triangle"].reading.startswith("On average a jet is ")
    assert "each class" not in parts["map"].reading
    browser.log.clear(), browser.requests.clear()
    browser.open(tmp_path / "page.html")
    assert browser.log == []
    text = browser.evaluate("document.body.innerText")
    assert "NaN" not in text
    assert "nan" not in text.split()
    capsys.readouterr()


def test_the_jets_of_a_file_without_labels(run, sample):
    """The oddest and most usual are drawn as they came, p-values are flat, and the head of the page says so."""
    known = of_run(run.path)
    page = page_of(known)
    parts = {part.name: part for section in page.sections for part in section.parts}
    assert "12,000" not in page.lead
    assert "unlabelled jets" in page.lead
    shown = parts["displays"].numbers
    bound = known.tree["scores"]["score_value"].sel(score="elbo")
    order = np.asarray(bound["jet"])[np.argsort(-bound.values, kind="stable")]
    for row, expected in (("most", order[:5]), ("least", order[::-1][:5])):
        own = shown.isel(shown=np.flatnonzero(shown["row"] == row))
        assert own["number"].values.tolist() == expected.tolist()
        np.testing.assert_array_equal(own["particles"], sample.constituents[expected])
    assert [axes.get_title() for axes in parts["displays"].figure.axes[:2]] == [f"most: {n}" for n in order[:2]]
    p_value = parts["p_values"].numbers["p_value"]
    assert kstest(p_value.dropna("jet"), "uniform").pvalue > 1e-3
    assert p_value.sizes["jet"] == len(run.split.test)
    small = shown["number"].values[shown["row"] == "smallest p"]
    assert float(p_value.sel(jet=small).max()) == np.sort(p_value.dropna("jet"))[4]
    (anomalies,) = (section for section in page.sections if section.name == "anomalies")
    assert f"numbers {', '.join(map(str, order[:4]))}" in anomalies.verdict
    assert "p is below 0.01" in anomalies.verdict
    assert "elbo [nat]" in [row[0] for row in parts["scores"].table.rows]


def test_without_a_p_value_the_page_says_why(run, monkeypatch):
    monkeypatch.setattr(unlabelled, "odd_of", lambda run: None)
    known = of_run(run.path)
    parts = {part.name: part for section in page_of(known).sections for part in section.parts}
    assert "scikit-learn" in parts["p_values"].missing
    assert set(parts["displays"].numbers["row"].values) == {"most", "least"}
    assert "p is below" not in parts["scores"].verdict


def test_shares_of_small_p_values():
    """Of a third of the jets p is 0.001; NaN count as none."""
    said = unlabelled.shares(np.array([0.001] * 50 + [0.5] * 100 + [np.nan] * 7))
    assert said[0].startswith("p is below 0.01 for 33.3 ± 4.7 % of the jets")
    assert len(said) == 2


def test_what_vectors_lack_is_said_once(tmp_path):
    """No observable, no picture: one line each, and the rest of the page."""
    changes = {"training.epochs": 2, "model.latent": "R2", "data.files": ["toy:gaussian(spectrum=3,1,n=300)"]}
    found = inference.train(inference.read("ae-toy", changes), tmp_path / "run")
    parts = parts_of(analysis.evaluate(found))
    missing = [part.missing for part in parts.values() if part.missing]
    assert len(missing) == len(set(missing))
    assert sum("vectors" in text or "observables" in text for text in missing) == 2
    assert parts["score_histograms"].figure is not None


def test_anomaly_of_unlabelled_jets(run, capsys):
    """Percentiles by numpy, the oddest jets by their numbers in the file; a signal that is asked for is refused."""
    assert main(["anomaly", str(run.path)]) == 0
    said = capsys.readouterr().out
    assert "no AUC" in said
    kept = xr.open_dataset(run.path / "anomaly.nc", engine="h5netcdf")
    values = kept["score_value"]
    assert set(kept["jet"].values) == set(run.split.test)
    middle = np.median(values.sel(score="typicality"))
    assert f"{middle:.4g}" in said
    bound = values.sel(score="elbo")
    odd = [int(kept["jet"][i]) for i in np.argsort(-bound.values)[:5]]
    assert f"most anomalous by minus the bound: jets {', '.join(map(str, odd))}" in " ".join(said.split())
    assert main(["anomaly", str(run.path), "--signal", "mine"]) == 2
    assert "needs it and another class" in capsys.readouterr().err


def test_a_class_without_jets_has_no_picture_and_no_box(trained, sample):
    few = sample[np.r_[0:60, 600:660]]
    more = jets.Jets(few.constituents, few.label + 1, ("before", *few.classes, "after"))
    tree = analysis.evaluate(trained, more)
    titles = [title.lower() for row in image_rows(tree) for title, _ in row]
    assert [title for title in titles if title.startswith("average")] == [f"average {name}" for name in few.classes]
    found = jet_map(tree).data
    assert found["classes"] == list(few.classes)
    assert sorted(set(found["label"])) == [0, 1]
    assert all(float(image.max()) > 0 for row in image_rows(tree) for _, image in row)


def test_more_classes_than_colours(trained, sample):
    """Eight: each is drawn, in a colour of the six."""
    some = sample[np.r_[0:80]]
    names = tuple("abcdefgh")
    tree = analysis.evaluate(trained, jets.Jets(some.constituents, np.arange(80) % 8, names))
    for figure in (kl_spectrum(tree), latent_histograms(tree), score_histograms(tree)):
        legend = figure.axes[0].get_legend()
        assert [text.get_text() for text in legend.get_texts()] == list(names)
    weight = np.full((80, 3), 1 / 3)
    triangle = gibbs_triangle(weight, np.asarray(tree["constant_data"]["class_name"]), names, ("x", "y", "z"))
    assert len(triangle.axes[0].get_legend().get_texts()) == 8


@pytest.mark.parametrize("count", [1, 2, 50])
@pytest.mark.parametrize("fill", ["as it is", "constant", "huge", "some NaN", "all NaN"])
def test_odd_scores(trained, sample, count, fill, tmp_path):
    """One jet, constant, huge and missing scores: a page, and histograms that hold every jet with a score."""
    tree = analysis.evaluate(trained, sample[:count])
    score = tree["scores"]["score_value"]
    changed = {"constant": 7.0, "huge": 1e30, "all NaN": np.nan}
    if fill in changed:
        score[:] = changed[fill]
    if fill == "some NaN":
        score[:, ::2] = np.nan
    assert analysis.write_report(tree, tmp_path / "r.html").exists()
    parts = parts_of(tree)
    if not np.isfinite(score).any():
        assert "no jet has a score" in parts["score_shapes"].missing
        assert percentiles(score) == {}
        assert oddest(score) == []
        return
    for axes in parts["score_histograms"].figure.axes:
        area = [step.get_data() for step in axes.patches]
        total = sum(float((stairs.values * np.diff(stairs.edges)).sum()) for stairs in area)
        assert total == pytest.approx(1, rel=1e-6)
    print_distribution(score, Console(quiet=True))


@pytest.mark.parametrize("values", [[0.0], [1e-30, 1e-30], [-1e300, 1e300], [5.0, 5.0 + 1e-9]])
def test_edges_rise(values):
    edges = spread_over(np.array(values))
    assert (np.diff(edges) > 0).all()
    assert edges[0] <= min(values) <= max(values) <= edges[-1]
