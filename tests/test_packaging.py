"""What installs the project elsewhere says what pyproject.toml says."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
"""Name of a package on conda-forge where it is another one."""


@pytest.fixture(scope="module")
def recipe():
    return yaml.safe_load((ROOT / "packaging/recipe.yaml").read_text())


def test_the_conda_recipe_has_our_dependencies(recipe):
    wanted = {f"python {PROJECT['requires-python']}"}
    for requirement in PROJECT["dependencies"]:
        name, bounds = re.fullmatch(r"([\w.-]+?)([<>=].*)", requirement).groups()
        wanted.add(f"{CONDA.get(name, name.lower())} {bounds}")
    assert set(recipe["requirements"]["run"]) == wanted


def test_versions_are_one(recipe):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert recipe["package"]["version"] == str(citation["version"]) == PROJECT["version"]


@pytest.mark.parametrize("file", ["Dockerfile", "jetvae.def"])
def test_containers_install_extras_that_are_there(file):
    text = (ROOT / "packaging" / file).read_text()
    (extras,) = re.findall(r"/opt/jetvae\[([\w,]+)\]", text)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    image = re.search(r"python:(3\.\d+)", text)[1]
    assert f"Programming Language :: Python :: {image}" in PROJECT["classifiers"]
