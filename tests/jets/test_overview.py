"""The summary of a sample against numpy by hand, and that commands print it once."""

import json

import numpy as np
import pytest
import torch

import jets
from inference.entry import SAID
from jets.preprocess import pixelise, prepare
from jetvae.__main__ import main

STEPS = ("centre", "rotate", "flip")


def by_hand():
    """Two jets: 3 + 1 GeV and 6 + 3 + 1 GeV; the last constituent of each far out."""
    c = np.zeros((2, 3, 3), np.float32)
    c[0, :2] = [[3, 0, 0], [1, 0.9, 0]]
    c[1] = [[6, 0, 0.1], [3, 0.1, 0], [1, 0, -0.8]]
    return jets.Jets(c, [0, 1], ("a", "b"), jet={"eta": [-1.5, 0.5]}, sources="f.h5")


def test_by_hand():
    found = jets.summary(by_hand(), limit=2, pixels=10, width=(0.1, 0.1))
    assert found.classes == {"a": 1, "b": 1}
    assert found.pt == pytest.approx((4, 7, 10))
    assert found.abs_eta == (0.5, 1, 1.5)
    assert found.multiplicity == (2, 2.5, 3)
    assert found.full == 0.5
    assert found.beyond == pytest.approx((0 + 1 / 10) / 2)
    assert found.outside == pytest.approx((1 / 4 + 0) / 2)  # the third constituent of b is beyond the limit
    assert found.image == pytest.approx((1, 1))
    assert len(found.warnings) == 2
    assert jets.summary(by_hand(), pixels=10, width=(0.1, 0.1)).outside == pytest.approx((1 / 4 + 1 / 10) / 2)
    small = jets.summary(by_hand(), limit=3, pixels=20, width=(0.1, 0.1))
    assert (small.limit, small.beyond, small.outside, small.warnings) == (None, None, 0, [])


def test_outside_is_what_the_images_lack(sample):
    """pT of the pixels before they are normalised, by torch; a narrow image loses much."""
    found = jets.summary(sample, limit=20, steps=STEPS, pixels=12, width=(0.029, 0.035))
    c = prepare(torch.as_tensor(sample.constituents[:, :20]), STEPS)
    wide = pixelise(c, 200, (0.029, 0.035))[:, 94:106, 94:106].sum((1, 2)).double()  # 5.8 x 7 holds all
    kept = c[..., 0].double().sum(1)
    share = ((kept * (1 - wide)).numpy() / sample.constituents[..., 0].astype(float).sum(1)).mean()
    assert found.outside == pytest.approx(float(share), abs=1e-6)
    assert found.outside > 0.01
    pt = sample.constituents[..., 0].astype(float)
    assert found.beyond == pytest.approx(np.mean(pt[:, 20:].sum(1) / pt.sum(1)), rel=1e-9)
    assert found.multiplicity.median == np.median((pt > 0).sum(1))
    assert found.abs_eta.high == pytest.approx(np.abs(sample.jet["eta"]).max())


def test_what_was_mended_and_weights(sample):
    some = sample[:50]
    shuffled = some.constituents[:, ::-1].copy()
    shuffled[:10, :, 2] %= 2 * np.pi
    weights = np.where(np.arange(50) < 10, -1.0, 1.0)
    mended = jets.Jets(shuffled, some.label, some.classes, weights=weights, events=np.arange(50) // 2)
    found = jets.summary(jets.concatenate([mended, mended]))
    empty = (some.constituents[..., 0] == 0).sum()
    assert found.mended == (20, 0, 2 * ((some.constituents[..., 0] > 0).sum(1) > 1).sum(), found.mended.dropped)
    assert 0 < found.mended.dropped <= 2 * empty
    assert (found.negative, found.effective, found.events) == (0.2, pytest.approx(60**2 / 100), 25)
    assert "azimuths of 20 jets wrapped; 100 jets sorted" in str(found)
    assert "20.0% negative, worth 36 jets of equal weight; 25 events" in str(found)
    few = jets.summary(mended.with_(weights=np.where(np.arange(50) < 24, -1.0, 1.0)))
    assert few.warnings == ["the weights of 50 jets are worth 0 jets of equal weight"]


def test_json_and_vectors_and_no_jets(sample):
    found = json.loads(json.dumps(jets.summary(sample, pixels=40, width=(0.029, 0.035)).to_dict()))
    assert found["pt"].keys() == {"low", "median", "high"}
    assert found["mended"] == {"wrapped": 0, "centred": 0, "sorted": 0, "dropped": 0}
    assert json.loads(json.dumps(jets.summary(jets.load("toy:torus(n=200)")).to_dict()))["vectors"] == 3
    assert jets.summary(sample[[]]).jets == 0
    assert jets.summary(sample, limit=1).warnings


def test_commands_print_it_once(sample, tmp_path, capsys):
    SAID.clear()
    path = jets.save(tmp_path / "mine.h5", sample[::10])
    words = ["train", "--data", str(path), "--epochs", "1", "--out", str(tmp_path / "run")]
    assert main([*words, "--set", "image.pixels=20", "--set", "data.constituents=20"]) == 0
    said = capsys.readouterr().err
    assert said.count("jets: 60 qcd, 60 top from") == 1
    assert "warning: " in said
    assert "lies outside the image; widen [image] width or pixels" in said
    assert main(["summary", str(tmp_path / "run"), "--data", f"{path}:top"]) == 0
    assert capsys.readouterr().err.count("jets: 60 top from") == 1


def test_the_embedded_sample_is_inspected_by_its_name(capsys):
    assert main(["inspect", "sample:w"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("sample:w: jetvae; SHA-256 ")
    assert "jets: 5,000 w" in said
    assert main(["inspect", "sample:z"]) == 2
    assert "sample:qcd, sample:top, sample:w" in capsys.readouterr().err
