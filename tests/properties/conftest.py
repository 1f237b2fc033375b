"""Small runs that cases copy, and the table of what the cases came to."""

import shutil
from collections import Counter

import numpy as np
import pytest

import jets
from jetvae.__main__ import main

from .cases import Tools, silent

SMALL = ("--epochs", "2", "--set", "model.encoder=[8]", "--set", "model.decoder=[8]", "--set", "training.batch_size=20")
IMAGE = ("--set", "image.pixels=12", "--set", "image.width=[0.1,0.1]")
CLOUD = ("--set", "model.particles=4", "--set", "data.constituents=8")
MADE = {
    "image": ("image-dvae", "--latent", "R2 x L2", *IMAGE),
    "cloud": ("jet-qcd", "--latent", "R1 x S1", *CLOUD),
    "range": ("vae-gaussian", "--data", "toy:gaussian(n=120)", "--beta", "0.1:10"),
    "vectors": ("vae-toy", "--data", "toy:circle(n=120)", "--latent", "S1"),
    "scan": ("image-dvae", "--latent", "R1", "--latent", "S1", "--seeds", "2", *IMAGE),
}
"""Name -> arguments of the training that makes it."""


@pytest.fixture(scope="session")
def sample_file(tmp_path_factory):
    """60 QCD and 60 top jets."""
    path = tmp_path_factory.mktemp("properties") / "jets.h5"
    return jets.save(path, jets.load("sample:qcd", "sample:top")[np.r_[0:60, 10000:10060]])


@pytest.fixture(scope="session")
def runs(sample_file):
    """What returns the run or scan of a name, trained when it is first asked for."""

    def made(name):
        path = sample_file.parent / name
        if name == "jets":
            return sample_file
        if not path.exists():
            recipe, *options = MADE[name]
            data = () if "--data" in options else ("--data", str(sample_file))
            with silent() as said:
                code = main(["train", recipe, *SMALL, *options, *data, "--out", str(path)])
            assert code == 0, said.getvalue()
        return path

    return made


@pytest.fixture
def tools(tmp_path, runs, monkeypatch):
    """Fresh for each part of an entry; the working directory is the empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    yield Tools(tmp_path, runs)
    shutil.rmtree(tmp_path, ignore_errors=True)


def pytest_terminal_summary(terminalreporter):
    """Print how many cases of each entry were right and refused."""
    table: dict[str, Counter] = {}
    for report in terminalreporter.getreports("passed"):
        for name, found in dict(report.user_properties).items():
            if isinstance(found, dict) and "right" in found | {"right": 0}:
                table[name] = table.get(name, Counter()) + Counter(found)
    if not table:
        return
    terminalreporter.section("cases")
    for name, found in [*sorted(table.items()), ("all", sum(table.values(), Counter()))]:
        right, refused = found["right"], found["refused"]
        terminalreporter.line(f"{name:<28} {right + refused:7,} tried  {refused:7,} refused  {right:7,} right")
