"""The share of rare mixtures: closed forms, what it decides among restarts, and what is refused."""

import json

import numpy as np
import pytest
import torch

from inference import restarts
from inference.rare_share import rare_share
from inference.recipe import RecipeError, read
from inference.records import RunError
from inference.restarts import keep_best
from inference.run import Run
from inference.training import train_many, trained_starts
from jets import load
from jetvae.__main__ import main
from models import build
from tests.inference.test_restarts import SHORT as TINY

SHORT = TINY | {"model.latent": "L2(alpha=1,0.25)", "schedule": {}}
(TOY,) = TINY["data.files"]
BY_SHARE = {"training.restarts": 3, "training.restarts_by": "share"}


@pytest.mark.parametrize(
    ("latent", "expected"),
    [
        ("L2(alpha=1,0.25)", 0.75),
        ("L2(alpha=0.25,1)", 0.25),
        ("D2(alpha=1,0.25)", None),
        ("R1 x L2(alpha=0.9) x L2(alpha=1,0.25)", 0.75),
    ],
)
def test_of_an_encoder_that_says_the_same_of_every_jet(latent, expected):
    """The weights are (1/4, 3/4): softmax of (0, ln 3); of a Dirichlet the concentrations' ratio."""
    own = read("vae-gaussian", SHORT | {"model.latent": latent, "model.inputs": 2})
    vae = build(own.model, 2).eval()
    for parameter in vae.encoder.parameters():
        torch.nn.init.zeros_(parameter)
    last = [bias for bias in vae.encoder.parameters() if bias.shape == (vae.latent.outputs,)][-1]
    label = list(vae.latent.labels)[-1]
    with torch.no_grad():
        vae.latent.split(last)[label][1] = np.log(3)
        if expected is None:
            a = vae.latent.factors[-1].posterior(vae.latent.split(vae.encode(torch.zeros(1, 2)))[label]).concentration
            expected = float(a[0, 1] / a.sum())
            assert expected > 0.5
    assert rare_share(vae, load(TOY), own) == pytest.approx(expected, abs=1e-6)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return train_many([read("vae-gaussian", SHORT | BY_SHARE)], [tmp_path_factory.mktemp("share") / "run"])[0]


def test_the_least_share_is_kept(kept):
    record = kept.provenance["restarts"]
    assert record["kept"] == int(np.argmin(record["share"])) == kept.provenance["start"]
    assert len(set(record["share"])) == len(set(record["loss"])) == 3
    assert kept.ended["loss"] == record["loss"][record["kept"]]
    with torch.no_grad():
        points = kept.vae.latent.points(kept.vae.encode(kept.data[torch.as_tensor(kept.split.train)]))
    assert record["share"][record["kept"]] == pytest.approx(float(points[:, 1].double().mean()), abs=1e-6)
    assert restarts.said(record).startswith("best of 3 trainings by the share of rare mixtures: ")


def test_it_may_differ_from_the_lowest_loss(tmp_path, monkeypatch):
    """The trainings are the same; what is said of their shares alone decides."""
    own = read("vae-gaussian", SHORT | BY_SHARE)
    folder, parts, jets = trained_starts(own, tmp_path / "run", resume=False)
    worst = int(np.argmax([Run(part).ended["loss"] for part in parts]))
    says = {str(part): abs(number - worst) for number, part in enumerate(parts)}
    shares = iter(says.values())
    monkeypatch.setattr(restarts, "rare_share", lambda *_: float(next(shares)))
    keep_best(folder, parts, jets)
    assert Run(folder.path).provenance["restarts"]["kept"] == worst


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"training.restarts_by": "share"}, "without restarts"),
        (BY_SHARE | {"model.latent": "L2(alpha=0.9)"}, "without mixtures that the prior makes rare"),
        (BY_SHARE | {"model.latent": "R2"}, "without mixtures that the prior makes rare"),
    ],
)
def test_refused_where_it_decides_nothing(changes, reason, tmp_path):
    with pytest.raises(RecipeError, match=reason):
        train_many([read("vae-gaussian", SHORT | changes)], [tmp_path / "run"])
    assert not (tmp_path / "run").exists()


def test_one_restart_turns_it_off_in_words(tmp_path, capsys):
    (tmp_path / "mine.toml").write_text(read("vae-gaussian", SHORT | BY_SHARE).to_toml())
    words = ["train", str(tmp_path / "mine.toml"), "--restarts", "1", "--out", str(tmp_path / "run")]
    assert main(words) == 2
    assert "restarts_by = 'share' has no effect without restarts" in capsys.readouterr().err


@pytest.mark.parametrize("share", ["x", [0.1], [0.1, None, "a"], [None, None, None]])
def test_a_damaged_record_is_refused(share, kept, tmp_path):
    from inference.records import are_losses, read_provenance

    record = kept.provenance["restarts"]
    assert are_losses(record)
    assert not are_losses(record | {"share": share})
    path = tmp_path / "provenance.json"
    path.write_text(json.dumps(kept.provenance | {"restarts": record | {"share": share}}))
    with pytest.raises(RunError, match="restarts"):
        read_provenance(path)
