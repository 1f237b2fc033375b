"""The page on all studies, from numbers made up."""

import html
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis import store
from analysis.figures.two_way import NO_MODEL, SHOWN
from analysis.studies import STUDIES
from analysis.studies.complexity import MEASURES
from analysis.studies.fractions import FRACTIONS
from analysis.studies.page import studies_page
from analysis.studies.stability import MODELS
from analysis.studies.two_way import BEST, CHANGES, CONTAMINATION
from jetvae.__main__ import main


def two_way(random):
    rows = [
        {"model": m, "score": s, "background": b, "anomaly": a, "contamination": c, "seed": 0, "auc": random.random()}
        for m, s, c in product([*CHANGES, NO_MODEL], [*SHOWN, BEST], CONTAMINATION)
        for b, a in permutations(["qcd", "top"], 2)
        if (m, s) not in (("ae", "log_p"), (NO_MODEL, BEST))  # as in truth: an autoencoder has none
    ]
    table = pd.DataFrame(rows).set_index(["model", "score", "background", "contamination", "seed", "anomaly"])
    return table["auc"].to_xarray().to_dataset(name="auc").assign_attrs(trained_on=["qcd", "top"])


def complexity(random):
    columns = {name: ("jet", random.random(60)) for name in MEASURES}
    both = {"reconstruction": (("trained_on", "jet"), random.random((2, 60)))}
    label = {"class_name": ("jet", np.repeat(["qcd", "top"], 30))}
    return xr.Dataset(columns | both | label, {"trained_on": ["qcd", "top"]})


def stability(random):
    where, models = ("model", "seed", "epoch"), list(MODELS)
    found = {"separation": (where, random.uniform(0.5, 0.54, (len(models), 3, 7)))}
    found |= {"bimodality": (where, random.random((len(models), 3, 7)) / 2)}
    found |= {"latent": ((*where, "jet"), random.random((len(models), 3, 7, 60)))}
    found |= {"class_name": ("jet", np.repeat(["qcd", "top"], 30))}
    return xr.Dataset(found, {"model": models, "epoch": range(7)})


def fractions(random):
    areas = np.tile([[0.91, 0.93], [0.9, 0.93], [0.2, 0.93]], (len(FRACTIONS), 1, 1))
    coordinates = {"fraction": list(FRACTIONS), "tagger": ["mixture", "reconstruction"]}
    return xr.Dataset({"auc": (("fraction", "seed", "tagger"), areas)}, coordinates)


def mixtures(random):
    flat = np.full((2, 4, 4), 1 / 16)
    spot = np.zeros((2, 4, 4))
    spot[0, 0, 0] = spot[1, 3, 3] = 1
    images = {"decoded": (("fraction", "mixture", "eta", "phi"), [spot]), "average": (("class", "eta", "phi"), flat)}
    axes = {"eta": range(4), "phi": range(4)}
    return xr.Dataset(images, {"fraction": [0.5], "mixture": [0, 1], "class": ["qcd", "top"]} | axes)


def triangle(random):
    found = {
        "weight": (("case", "jet", "mixture"), [np.eye(3)[[0, 0, 2, 1]]] * 3),
        "class_name": ("jet", ["qcd", "qcd", "qcd", "top"]),
    }
    decoded = {"decoded": (("case", "mixture", "eta", "phi"), random.random((3, 3, 4, 4)))}
    return xr.Dataset(found | decoded, {"case": ["alike", "mostly qcd", "mostly top"]})


MADE = {
    "stability": (stability, "3 of 3"),  # collapsed: no seed separates
    "fractions": (fractions, "with a median AUC of 0.900 to 0.900, the right way round in at least 2 of 3 seeds"),
    "mixtures": (mixtures, "the second mixture's image shares 0.062 of its pT"),
    "two-way": (two_way, "Without a network"),
    "triangle": (triangle, "qcd is 67 % mixture 0 and top is 100 % mixture 1"),
    "complexity": (complexity, "trained on top its rank correlation"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The numbers of every study, made up."""
    folder = tmp_path_factory.mktemp("studies")
    for name, (made, _) in MADE.items():
        found = made(np.random.default_rng(0)).assign_attrs(jets=["a.h5"], study=name)
        store.save(found, folder / f"{name}.nc")
    return folder


def test_every_study_is_on_the_page(folder):
    assert main(["report", str(folder)]) == 0
    text = (folder / "report.html").read_text()
    assert text.count("<figure>") == len(MADE) + 2  # three of the triangle
    for name, (_, reading) in MADE.items():
        assert f'<section id="{name}"' in text
        assert reading in html.unescape(text)


def test_missing_and_damaged_studies_are_named(folder, tmp_path):
    (tmp_path / "triangle.nc").write_bytes((folder / "triangle.nc").read_bytes())
    (tmp_path / "fractions.nc").write_bytes((folder / "fractions.nc").read_bytes()[:2000])
    text = studies_page(tmp_path).html()
    assert f"1 of {len(STUDIES)} studies" in text
    assert text.count("Missing:") == 1
    assert all(f"jetvae study {name} --out" in text for name in STUDIES if name not in ("triangle", "fractions"))


def test_figures_do_not_replace_the_numbers_they_are_of(folder, capsys):
    assert main(["report", str(folder), "--figures", str(folder)]) == 2
    assert "choose another folder" in capsys.readouterr().err
