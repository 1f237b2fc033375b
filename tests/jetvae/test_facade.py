"""``import jetvae``: every name is there, imported when it is used."""

import importlib
import subprocess
import sys

import pytest

import jetvae


@pytest.mark.parametrize("name", jetvae.__all__)
def test_names_lead_somewhere(name):
    assert getattr(jetvae, name) is not None
    assert name in dir(jetvae)


def test_names_are_the_layers_own():
    for name, home in jetvae.HOMES.items():
        original = jetvae.ORIGINALS.get(name, name)
        assert getattr(jetvae, name) is getattr(importlib.import_module(home), original)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="it has __version__, open, Beta"):
        _ = jetvae.lode


def test_import_is_light():
    code = "import sys, jetvae; sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'pydantic')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_open_holds_what_a_run_left(trained):
    run = jetvae.open(trained.path, trained.jets)
    assert run.recipe == trained.recipe
    assert run.vae is run.vae
    assert len(run.history) == run.recipe.training.epochs


def test_trainings_end_with_a_run_that_answers(sample, tmp_path):
    vae = jetvae.image_vae("R2", beta=0.1)
    run = jetvae.fit(vae, sample[::10], epochs=1, out=tmp_path / "run")
    assert run.transform(sample[:3]).shape == (3, 2)
    assert len(run.scores(sample[:3])) == 3
    assert len(run.generate(2)["image"]) == 2
