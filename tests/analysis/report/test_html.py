"""The page in a browser: no errors, no network; the slider moves, a class goes, a jet tells its numbers."""

import json
import re

import numpy as np
import pytest

import analysis
import inference
import models

FACTORS = "L3(alpha=1,.25,.1) x S1"


@pytest.fixture(scope="module")
def tree(sample, tmp_path_factory):
    run = inference.fit(
        models.image_vae(FACTORS), sample[::3], epochs=1, out=tmp_path_factory.mktemp("browser") / "run"
    )
    return analysis.evaluate(run, sample[::3])


@pytest.fixture(scope="module")
def path(tree, tmp_path_factory):
    return analysis.write_report(tree, tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture
def page(browser, path):
    browser.log.clear(), browser.requests.clear()
    browser.open(path)
    return browser


def widget(path, kind):
    """The data of a widget."""
    found = re.search(rf'data-widget="{kind}".*?<script type="application/json">(.*?)</script>', path.read_text(), re.S)
    return json.loads(found.group(1))


def middle(page, selector):
    """Scroll an element into view and return where its middle is in the window."""
    page.evaluate(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
    box = f"document.querySelector({selector!r}).getBoundingClientRect()"
    return page.evaluate(f"(() => {{ const b = {box}; return [b.x + b.width / 2, b.y + b.height / 2]; }})()")


def readout(page):
    """Name -> text of what is read off a jet."""
    pairs = "[...document.querySelectorAll('.readout dt')].map((t) => [t.textContent, t.nextSibling.textContent])"
    return dict(page.evaluate(pairs))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_errors_no_network_no_overflow(page, path, width, dark):
    page.open(path, width, dark=dark)
    assert page.log == []
    assert {request.split(":")[0] for request in page.requests} <= {"file", "data"}
    assert {request for request in page.requests if request.startswith("file")} == {path.resolve().as_uri()}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 300) == dark


def test_slider_moves_the_jet(page, path):
    data = widget(path, "slider")
    names = [one["name"] for one in data["paths"]]
    assert {"S1_0", "L3_0 to _1"} <= set(names)
    page.evaluate("document.querySelector('.slider input[type=range]').focus()")
    start = page.evaluate("document.querySelector('.slider image').getAttribute('href')")
    for _ in range(3):
        page.key("ArrowRight")
    first = data["paths"][0]
    label = f"{first['name']} = {first['steps'][first['start'] + 3]}".replace("-", "−")
    assert page.evaluate("document.querySelector('.slider output').textContent") == label
    assert page.evaluate("document.querySelector('.slider input').getAttribute('aria-valuetext')") == label
    shown = page.evaluate("document.querySelector('.slider image').getAttribute('href')")
    assert shown == first["images"][first["start"] + 3] != start


def test_slider_changes_its_latent(page, path):
    last = len(widget(path, "slider")["paths"]) - 1
    page.evaluate(
        f"(() => {{ const s = document.querySelector('.slider select'); s.value = {last};"
        "s.dispatchEvent(new Event('change')); })()"
    )
    name = widget(path, "slider")["paths"][last]["name"]
    assert page.evaluate("document.querySelector('.slider output').textContent").startswith(f"{name} = ")


def test_a_class_is_toggled(page, path):
    data = widget(path, "map")
    count = "document.querySelectorAll('.map circle[data-jet]').length"
    assert page.evaluate(count) == len(data["jet"])
    page.click(*middle(page, ".map fieldset label:nth-of-type(1) input"))
    assert page.evaluate(count) == sum(label != 0 for label in data["label"])
    page.key(" ")  # the box has the focus
    assert page.evaluate(count) == len(data["jet"])


def test_hover_reads_the_numbers_of_the_tree(page, path, tree):
    """The jet under the mouse tells its number, class, and latents, to the four digits that the page keeps."""
    x, y = middle(page, ".map circle[data-jet]:nth-of-type(7)")
    page.mouse(x, y)
    said = readout(page)
    number, kind = said["jet"].split(", ")
    row = np.flatnonzero(tree["guide_params"]["jet"].values == int(number))[0]
    assert kind == str(tree["constant_data"]["class_name"].values[row])
    points = tree["guide_params"]["point"]
    for name in points["coordinate"].values:
        value = float(said[name].split()[0].replace("−", "-"))
        assert value == pytest.approx(float(points.sel(coordinate=name)[row]), rel=1e-3, abs=1e-9)
    assert {"reconstruction", "mass"} <= set(said)


def test_the_triangle_is_drawn_once(page, path):
    """The map starts with a latent and the reconstruction, beside the triangle's figure; it offers the triangle."""
    assert path.read_text().count("Gibbs triangle: each jet") == 1
    data = widget(path, "map")
    assert data["columns"][data["start"][1]]["name"] == "reconstruction"
    drawn = "document.querySelectorAll('.map path.frame').length"
    assert page.evaluate(drawn) == 0
    page.evaluate(
        "(() => { const s = document.querySelector('.map select'); s.value = 1;"
        "s.dispatchEvent(new Event('change')); })()"
    )
    assert page.evaluate(drawn) == 1


def test_keyboard_reads_jets(page, path, tree):
    """Two axes instead of the triangle; arrows walk through the jets in order of what lies across."""
    page.evaluate(
        "(() => { const [, x, y] = document.querySelectorAll('.map select'); x.value = 0;"
        "x.dispatchEvent(new Event('change')); document.querySelector('.map svg').focus(); })()"
    )
    name = widget(path, "map")["columns"][0]["name"]
    seen = []
    for _ in range(4):
        page.key("ArrowRight")
        seen.append(float(readout(page)[name].split()[0].replace("−", "-")))
    assert seen == sorted(seen)
    assert len(set(seen)) > 1
