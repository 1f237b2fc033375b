"""Every function that an ArviZ user calls, on what jetvae.to_arviz returns of runs, NUTS and a scan."""

from pathlib import Path

import arviz
import numpy as np
import pytest

import jetvae
from jets.errors import UserError
from jetvae.__main__ import main

from .arviz_calls import EVERYWHERE, OF_NUTS, OF_RUNS, OF_SCANS, call, posterior, side_by_side

TINY = ["--epochs", "2", "--fraction", "qcd=.02", "top=.02"]
LATENTS = {"image": "R2", "superposition": "R1 | R2"}


@pytest.fixture(scope="module", params=LATENTS)
def run(request, tmp_path_factory):
    """A run on images, and NUTS of two of its jets."""
    folder = str(tmp_path_factory.mktemp(request.param) / "run")
    assert main(["train", "image-vae", *TINY, "--latent", LATENTS[request.param], "--out", folder]) == 0
    assert main(["nuts", folder, "--jets", "2", "--chains", "2", "--draws", "100", "--warm-up", "100"]) == 0
    return folder


@pytest.fixture(scope="module")
def guide(run):
    return jetvae.to_arviz(jetvae.open(run), held_out=60, draws=100)


@pytest.fixture(scope="module")
def nuts(run):
    return jetvae.to_arviz(Path(run) / "nuts.nc")


def test_calls_on_a_run(guide, run):
    """Every one; loo_pit on what is expected of a jet that was left out."""
    for name, function in {**EVERYWHERE, **OF_RUNS}.items():
        if "loo_pit" not in name:
            call(function, guide)
    expected = jetvae.to_arviz(run, held_out=60, draws=100, predictive="prior")
    assert float(np.min(call(OF_RUNS["loo_pit"], expected))) >= 0
    call(OF_RUNS["plot_loo_pit"], expected)


def test_calls_on_nuts(nuts, guide):
    for function in {**EVERYWHERE, **OF_NUTS}.values():
        call(function, nuts)
    call(side_by_side, guide, nuts)


def test_draws_of_the_guide_are_one_chain(guide):
    found = posterior(guide)
    assert dict(found.sizes)["chain"] == 1
    assert dict(found.sizes)["draw"] == 100
    assert {"jet", "chain", "draw"} <= set(found.dims)
    assert "units" in guide["log_likelihood"][next(iter(guide["log_likelihood"].data_vars))].attrs


def test_loo_is_of_the_marginal(guide):
    """Its elpd is the sum of ln p(x) of the jets, and the conditional one stands beside under another name."""
    known = guide["constant_data"]
    total = float(np.sum(known["log_evidence"].values))
    found = call(arviz.loo, guide)
    elpd = getattr(found, "elpd_loo", getattr(found, "elpd", np.nan))
    assert float(elpd) == pytest.approx(total, abs=0.02 * abs(total))
    assert "log_likelihood_given_z" in guide["sample_stats"]


def test_calls_on_a_scan(tmp_path, capsys):
    out = str(tmp_path / "scan")
    words = ["--latent", "R1", "--latent", "S1", "--beta", ".05", "--seeds", "2", "--out", out]
    assert main(["train", "image-vae", *TINY, *words]) == 0
    with pytest.raises(UserError, match="jetvae topology"):
        jetvae.to_arviz(out)
    assert main(["topology", out]) == 0
    scan = jetvae.to_arviz(out)
    assert set(scan) == {"R1", "S1"}
    for function in OF_SCANS.values():
        call(function, scan)
    assert list(arviz.compare(scan)["rank"]) == [0, 1]


@pytest.mark.parametrize("run", ["image"], indirect=True)
def test_what_is_refused(run, tmp_path):
    with pytest.raises(UserError, match="draws"):
        jetvae.to_arviz(jetvae.open(run), draws=20)
    with pytest.raises(UserError, match="no jet 999999"):
        jetvae.to_arviz(jetvae.open(run), jets=[999999])
    with pytest.raises(UserError, match="predictive"):
        jetvae.to_arviz(jetvae.open(run), predictive="both")
    assert main(["train", "image-ae", *TINY, "--out", str(tmp_path / "ae")]) == 0
    with pytest.raises(UserError, match="no posterior"):
        jetvae.to_arviz(tmp_path / "ae")


@pytest.mark.parametrize("run", ["superposition"], indirect=True)
def test_page(run, capsys):
    """The section is there, its figures are embedded, and what they show is kept."""
    assert main(["report", run, "--arviz"]) == 0
    page = (Path(run) / "report.html").read_text()
    assert all(words in page for words in ("What does ArviZ show?", "plot_trace", "plot_ppc", "plot_energy"))
    assert (Path(run) / "arviz.nc").exists()
