"""Every command that a page shows works, at its smallest size, on files of the kinds that it names.

Those of docs/slides.md are given by ``tests/test_slides.py``, studies by ``tests/analysis/studies``, dask by
``tests/inference/test_cluster.py``.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from analysis.evaluation.ceiling import Effort
from analysis.studies import STUDIES
from inference.race import Budget
from jets import load, save
from jetvae.__main__ import main
from tests.jets.formats import makers
from tests.smallest import option, small
from tests.test_docs import PAGES, commands

JETS = 450
"""Of each class: as few as the score ``odd`` is fitted to."""
NAMED = {
    "qcd": ("qcd", "quark", "gluon", "monash", "a14", "q_parton", "mine_quark", "mine_gluon"),
    "top": ("top", "t"),
    "w": ("w", "w_parton"),
}
"""Class -> our own files of its jets."""
LAYOUTS = {
    "JetClass/part.root": makers.jetclass_root,
    "others.parquet": makers.jetclass_parquet,
    "test.h5": makers.top_reference,
    "events.h5": makers.lhc_olympics,
    "nano.root": makers.nano_v15,
    "events.hepmc.gz": makers.hepmc,
    "QG_jets.npz": makers.energyflow,
    "t.hdf5": makers.jetnet,
}
"""File that a page names -> what writes its layout."""
PUBLIC = {"delphes.root": "delphes_puppi.root", "fcc.root": "edm4hep_20.root"}
"""File -> one of a public sample, where that is at hand."""
RUNS = {
    "RUN": "train image-dvae",
    "A": "train image-dvae",
    "B": "train image-vae",
    "AE": "train ae-toy",
    "VAE": "train vae-toy",
    "CURVE": "train vae-toy",
    "CIRCLE": "train vae-toy --data toy:circle --latent S1",
    "ANNEALED": "train vae-gaussian-annealed",
    "RANGE": "train vae-gaussian",
    "SCAN": "train image-vae --latent R1 --latent R2",
    "run": "train image-dvae",
    "scan": "train jet-w --seeds 8 --cells",
    "CLOUDS": "train jet-w",
    "runs/clouds": "train jet-w",
    "runs/h": "train jet-qcd --data qcd.h5",
    "runs/first-light": "train image-vae",
    "runs/shared": "train jet-w",
    "STUDIES": "study organisation",
    "runs/studies": "study organisation",
}
"""Name of a run, or of a folder of studies, that pages give -> the command that makes it."""
OF_CLOUDS = {"dimension", "generate", "meaning"}
"""Commands that pages give for runs of particle clouds, of a range of beta, where they say RUN."""
OUT = ("--bundle", "-o", "--out")
"""Options that name what is written."""
QUICK = Budget(shared=True, starts=2, together=2, heat=20, final=60, compiled=False)
PRIOR = """
import pyro.distributions as dist
from priors import Latent

Heavy = Latent.from_distributions("laplace", prior=dist.Laplace(0.0, 1.0), posterior=dist.Laplace)
"""
"""The prior of docs/new-prior.md."""


def given(page):
    """Return the commands of a page that are given here."""
    for words in commands(page):
        bare = len(words) == 1 and words[0] != "train"
        words = ["image-vae" if word == "RECIPE" else word for word in words]
        words = ["CLOUDS" if word == "RUN" and words[0] in OF_CLOUDS else word for word in words]
        if not bare and "--help" not in words and not any(word.startswith("--dask") for word in words):
            yield words


SHOWN = {" ".join(words): words for page in PAGES if page.name != "slides.md" for words in given(page)}
"""Each command once."""
MAKERS = {
    words[words.index(name) + 1]: words
    for words in SHOWN.values()
    for name in OUT
    if name in words and words[0] != "study"
}
"""What a command writes -> the command."""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A folder with all files that pages name; trainings are added to it when they are needed first."""
    place = tmp_path_factory.mktemp("pages")
    for name, files in NAMED.items():
        for file in files:
            save(place / f"{file}.h5", load(f"sample:{name}")[:JETS])
    save(place / "mine.h5", load("sample:qcd", "sample:top")[:: 20_000 // (2 * JETS)])
    for file, make in LAYOUTS.items():
        (place / file).parent.mkdir(exist_ok=True)
        make(place / file, makers.truth(n=JETS))
    makers.jetclass_root(place / "mine.root", of_jets(load("sample:qcd")[:1500]))
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 300)
    for name in ("points", "a", "b"):
        np.save(place / f"{name}.npy", np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.01, (300, 2)))
    (place / "my_priors.py").write_text(PRIOR)
    return place


def of_jets(jets):
    """Return jets as what :mod:`tests.jets.formats.makers` writes."""
    pt, eta, phi = np.moveaxis(jets.constituents[jets.constituents[..., 0] > 0], -1, 0)
    p4 = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], 1)
    one = np.ones(len(jets))
    return makers.Truth((jets.constituents[..., 0] > 0).sum(1), p4, jets.label, one, np.arange(len(jets)))


@pytest.fixture
def give(library, monkeypatch, tmp_path):
    """What gives a command in the library, after the commands that make what it reads."""
    monkeypatch.chdir(library)
    monkeypatch.syspath_prepend(str(library))
    for kind in ("OF_JETS", "OF_POINTS"):
        monkeypatch.setattr(f"analysis.evaluation.ceiling.{kind}", Effort(1, 0.0))
    monkeypatch.setattr("analysis.evaluation.resolutions.POINTS", 3)
    monkeypatch.setattr("analysis.report.export.FORMATS", {"png": {}})
    monkeypatch.setattr("analysis.evaluation.discover.BUDGET", QUICK)

    def given_there(words):
        made = next((words[words.index(name) + 1] for name in OUT if name in words), "")
        for word in words[1:]:
            if word != made or "--resume" in words:
                provide(word)
        if words[0] == "train" and Path(made or "nowhere").exists():
            return 0  # trained before, for a command that reads it
        if words[0] == "train" and not made:
            words = [*words, "--out", f"runs/unnamed-{sum(1 for _ in Path('runs').iterdir())}"]
        if words[0] == "open" and not made:
            words = [*words, "-o", str(tmp_path / "opened")]
        if words[0] == "league":
            monkeypatch.setattr("inference.race.Budget", lambda: QUICK)
        if words[0] == "simulate":
            monkeypatch.chdir(tmp_path)
        if words[0] == "convert":
            as_columns(words)
            words = ["converted.h5" if word == made else word for word in words]
        elif words[0] not in ("train", "simulate") and made:
            removed(Path(made))
        return main(small(words))

    return given_there


def provide(word):
    """Make a file or a run that a word names, unless it is there."""
    name = word.rpartition("=")[2].removesuffix("/dimension") if "/" in word else word
    if not Path(name).exists():
        if name in PUBLIC:
            public = Path(__file__).parents[2] / "shared/formats" / PUBLIC[name]
            if not public.exists():
                pytest.skip(f"{public} is not at hand")
            shutil.copy(public, name)
        elif name in RUNS or name in MAKERS:
            words = [*RUNS[name].split(), "--out", name] if name in RUNS else MAKERS[name]
            for needed in words[1:]:
                if needed != name:
                    provide(needed)
            assert main(small(words)) == 0
    if word.endswith("/dimension") and not Path(f"{name}/dimension").exists():
        assert main(small(["dimension", name])) == 0


def as_columns(words):
    """Write mine.npy with its columns in the order that a command says."""
    columns = option(words, "--columns")
    if columns:
        values = dict(zip(("pt", "eta", "phi"), np.moveaxis(load("mine.h5").constituents, -1, 0), strict=True))
        np.save("mine.npy", np.stack([values[name] for name in columns[0].split(",")], -1))


def removed(path):
    """Remove what an earlier command wrote there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def test_studies_are_those_that_are_run():
    assert {words[1] for words in SHOWN.values() if words[0] == "study"} <= set(STUDIES)


GIVEN = {text: words for text, words in SHOWN.items() if words[0] not in ("study", "work")}


@pytest.mark.parametrize("words", [pytest.param(words, id=text) for text, words in GIVEN.items()])
def test_command(words, give):
    if words[0] == "simulate":
        pytest.importorskip("pythia8mc")
    assert give(words) == 0
