"""Names from somebody's file are text: nothing of them runs in the page, none breaks a figure or a terminal's table."""

import json
import shutil

import numpy as np
import pytest
from matplotlib.figure import Figure

import analysis
import jets
from analysis import store
from analysis.figures.style import figure_of
from jetvae.__main__ import main

IMAGE = "<img src=x onerror=window.hacked=1>"
CLASSES = ('--><script>window.hacked=1<!--"' + "y" * 120, "[bold]$\\frac{$ {{7*7}} :top: <svg onload=window.hacked=1>")
COLUMNS = (IMAGE, '"><script>window.hacked=1', "$$_^{$", "[red]")
SMALL = ("--set", "image.pixels=12", "--set", "image.width=[0.1,0.1]", "--set", "model.encoder=[8]", "--epochs", "2")
SCRIPT = "<script>window.hacked=1</script>"
SUSPECT = """[...document.querySelectorAll('*')].filter(e => ['IMG', 'IFRAME', 'OBJECT', 'LINK'].includes(e.tagName)
    && e.rel != 'icon' || [...e.attributes].some(a => a.name.startsWith('on'))).map(e => e.outerHTML)"""


@pytest.fixture(scope="module")
def folder(sample, tmp_path_factory):
    """A folder with a file, two runs of it and their pages, all of whose names are hostile."""
    folder = tmp_path_factory.mktemp("hostile") / f'a {IMAGE} & "b"'
    folder.mkdir()
    part = sample[::4]
    columns = dict.fromkeys(COLUMNS, part.constituents[..., 0].sum(1))
    file = jets.save(folder / "jets <script>.h5", jets.Jets(part.constituents, part.label, CLASSES, jet=columns))
    assert (
        main(["train", "image-dvae", "--data", str(file), "--latent", "R1 x L2", *SMALL, "--out", f"{folder}/a <b>"])
        == 0
    )
    poison(folder / "a <b>")
    shutil.copytree(folder / "a <b>", folder / "b <i>")
    assert main(["report", f"{folder}/a <b>"]) == 0
    assert main(["report", f"{folder}/a <b>", f"{folder}/b <i>", "--out", f"{folder}/compared.html"]) == 0
    return folder


def poison(run):
    """Put a script wherever a run's files hold text that is free."""
    for sums in run.glob("SHA256SUMS"):
        sums.unlink()
    record = json.loads((run / "provenance.json").read_text())
    fixed = {"recipe_digests", "counts", "data_fingerprint"}
    record |= {key: SCRIPT for key, value in record.items() if isinstance(value, str) and key not in fixed}
    record["versions"] = {SCRIPT: SCRIPT}
    (run / "provenance.json").write_text(json.dumps(record))
    recipe = (run / "config.toml").read_text()
    (run / "config.toml").write_text(recipe.replace('description = "', f'description = "{SCRIPT}'))


@pytest.mark.parametrize("page", ["a <b>/report.html", "compared.html"])
def test_nothing_runs_and_nothing_leaves(browser, folder, page):
    assert SCRIPT.replace("<", "&lt;").replace(">", "&gt;") in (folder / page).read_text()
    browser.log.clear(), browser.requests.clear()
    browser.open(folder / page)
    assert browser.log == []
    assert {request.split(":")[0] for request in browser.requests} <= {"file", "data"}
    assert browser.evaluate("String(window.hacked)") == "undefined"
    assert browser.evaluate(SUSPECT) == []
    assert browser.evaluate("document.querySelectorAll('script:not([type])').length") == 1
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_terminal_shows_names_as_they_are(folder, capsys):
    assert main(["summary", f"{folder}/a <b>"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert CLASSES[1] in said
    assert main(["anomaly", f"{folder}/a <b>"]) == 0
    assert "[bold]" in capsys.readouterr().out


def test_a_figure_shows_names_as_they_are():
    def draw(axes, names):
        axes.plot([0, 1], label=names[0])
        axes.set_xticks([0, 1], names[1:])
        axes.set_title("$p_T$ [GeV]")
        axes.legend()

    figure = figure_of(draw, ["$\\frac{$", "$$_^{$", "y" * 300], size=(4, 3))
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    (axes,) = figure.axes
    assert axes.get_title() == "$p_T$ [GeV]"
    assert axes.get_legend().get_texts()[0].get_text() == r"\$\frac{\$"
    assert [len(text.get_text()) for text in axes.get_xticklabels()] == [len("$$_^{$"), 48]


def test_files_of_hostile_jets_come_back(folder):
    found = jets.load(folder / "jets <script>.h5")
    assert found.classes == CLASSES
    assert set(found.jet) == set(COLUMNS)
    assert np.isfinite(found.constituents).all()


def test_attributes_and_units_of_a_tree_are_text(browser, folder, tmp_path):
    tree = store.open(folder / "a <b>/analysis.nc")
    for key in ("run", "latent", "likelihood", "counts", "command", "device", "note"):
        tree.attrs[key] = SCRIPT if isinstance(tree.attrs.get(key, ""), str) else tree.attrs[key]
    for node in tree.subtree:
        for values in node.variables.values():
            values.attrs |= {"units": SCRIPT, "long_name": SCRIPT, "description": SCRIPT}
    page = analysis.write_report(tree, tmp_path / "page.html")
    assert "&lt;script&gt;window.hacked" in page.read_text()
    browser.open(page)
    assert browser.evaluate("String(window.hacked)") == "undefined"
    assert browser.evaluate(SUSPECT) == []
