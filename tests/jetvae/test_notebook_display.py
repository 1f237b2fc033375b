"""What a notebook shows of jets, a latent space, a bound and a run: tables, in which names of files are only text."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch

import jetvae
from jets import load


def shown(thing):
    """Return the rows of the table that is shown: first cell -> column -> text."""
    head, *rows = ([cell.text for cell in row] for row in ElementTree.fromstring(thing._repr_html_()).iter("tr"))
    return {row[0]: dict(zip(head, row, strict=True)) for row in rows}


def only(thing):
    """Return the single column of a table: first cell -> text."""
    return {name: next(text for head, text in row.items() if head) for name, row in shown(thing).items()}


def test_jets(sample):
    table = shown(sample)
    for name, count in sample.counts.items():
        own = sample.constituents[sample.label == sample.classes.index(name), :, 0]
        assert int(table[name]["jets"]) == count
        assert float(table[name]["pT [GeV]"]) == pytest.approx(np.median(own.sum(1)), abs=0.1)
        assert int(table[name]["constituents"]) == int(np.median((own > 0).sum(1)))
    assert shown(load("toy:circle(n=50)"))["circle"]["vectors"] == "50"
    assert {row["jets"] for row in shown(sample[:0]).values()} == {"0"}


def test_names_are_text(sample):
    hostile = sample.with_(classes=("<script>alert(1)</script>", *sample.classes[1:]))
    assert "<script>" not in hostile._repr_html_()


def test_space():
    space = jetvae.parse("R2 | S1 x D3")
    assert list(shown(space)) == [row["site"] for row in space.describe()]


def test_bound():
    vae = jetvae.image_vae("R2 x S1")
    bound = jetvae.elbo(vae.model, vae.guide, torch.full((3, 1600), 1 / 1600))
    table = {name: float(text) for name, text in only(bound).items()}
    kl = table["KL of z_R2"] + table["KL of z_S1"]
    assert table["ELBO"] == pytest.approx(-table["reconstruction"] - kl, rel=2e-3)
    assert table["ELBO"] == pytest.approx(float(bound.elbo.detach().mean()), rel=2e-3)


def test_run(tmp_path, sample):
    run = jetvae.fit(jetvae.image_vae("R2"), sample, epochs=1, out=tmp_path / "run")
    table = only(run)
    assert table["latent space"] == "R2"
    assert table["epochs"] == "1"
    assert float(table["loss [nat per jet]"]) == pytest.approx(run.history[-1]["loss"], abs=1e-4)
