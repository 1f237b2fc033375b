"""Recipes: every one that ships is complete, and errors name the key and the nearest valid one."""

import pytest

from inference.recipe import RecipeError, check, load, names, read
from models import build


@pytest.mark.parametrize("name", names())
def test_shipped_recipes(name):
    recipe = read(name)
    assert recipe.description
    assert build(recipe.model, recipe.image.pixels**2).latent.outputs > 0


def test_resolved_recipe_reads_back(tmp_path):
    recipe = read("image-dvae", {"data.fraction": {"top": 0.1}, "model.beta": 0.3})
    path = tmp_path / "config.toml"
    path.write_text(recipe.to_toml())
    assert read(path) == recipe


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[training]\nepohs = 3", ["[training] epohs", "did you mean epochs"]),
        ("[trainig]\nepochs = 3", ["trainig", "did you mean training"]),
        ("[model]\nbeta = -1", ["[model] beta = -1", "greater than 0"]),
        ("[model]\nkind = 'gan'", ["[model] kind = 'gan'", "'vae' or 'ae'"]),
        ("[training]\nepochs = 'many'", ["[training] epochs = 'many'", "integer"]),
        ("training = 3", ["training = 3"]),
        ("[image]\nturn = true", ["[image]", 'steps = ["centre"]']),
        ("[preset.small]\nepochs = 3", ["[preset.small.training]"]),
        ("[model", ["not valid TOML"]),
    ],
)
def test_refusals(tmp_path, content, words):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(RecipeError) as caught:
        read(path)
    assert all(word in str(caught.value) for word in ["mine.toml", *words])


PRESETS = [(name, preset) for name in names() for preset in ("small", *load(name).get("preset", {}))]


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_presets(name, preset):
    recipe = read(name, {"training.lr": 0.25}, preset)
    assert recipe.training.lr == 0.25, "the command line has the last word"
    chosen = load(name).get("preset", {}).get(preset, {})
    for table, keys in chosen.items():
        for key, value in keys.items():
            given = getattr(getattr(recipe, table), key)
            assert (list(given) if isinstance(given, tuple) else given) == value


def test_unknown_preset_names_those_there_are():
    with pytest.raises(RecipeError, match=r"no preset huge; it has small, .*paper"):
        read("image-dvae", preset="huge")


def test_unknown_name_suggests():
    with pytest.raises(RecipeError, match="did you mean image-dvae"):
        read("image-dave")


def test_check_names_its_origin():
    with pytest.raises(RecipeError, match="here: "):
        check({"model": {"beta": 0}}, "here")
