"""One run with its page, damaged copies of it, and what a page is made of."""

import io
import re
import shutil
from contextlib import redirect_stdout
from html.parser import HTMLParser

import pytest

import inference
from jetvae.__main__ import main


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


@pytest.fixture(scope="session")
def outline():
    """What reads a page."""
    return Outline


@pytest.fixture(scope="package")
def run(tmp_path_factory):
    """Seven short epochs, evaluated on 600 jets."""
    small = {"training.epochs": 7, "data.fraction": {"qcd": 0.02, "top": 0.02}, "data.test": 0.03}
    recipe = inference.read("image-dvae", small)
    return inference.train(recipe, tmp_path_factory.mktemp("report") / "run")


@pytest.fixture(scope="package")
def printed(run):
    """What the command prints; it leaves the page, the kept evaluation, and the figures."""
    output = io.StringIO()
    with redirect_stdout(output):
        assert main(["report", str(run.path), "--figures", str(run.path / "figures")]) == 0
    return output.getvalue()


@pytest.fixture
def copied(run, tmp_path):
    """What makes a copy of the run without some files."""

    def copy(*without):
        folder = shutil.copytree(run.path, tmp_path / "run", ignore=shutil.ignore_patterns("figures"))
        for name in ("report.html", *without):
            (folder / name).unlink(missing_ok=True)
        return folder

    return copy
