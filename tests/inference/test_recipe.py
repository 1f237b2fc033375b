"""Recipes: every one that ships is complete, and errors name the key and the nearest valid one."""

import pytest

from inference.recipe import RecipeError, check, names, read
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
        ("[model", ["not valid TOML"]),
    ],
)
def test_refusals(tmp_path, content, words):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(RecipeError) as caught:
        read(path)
    assert all(word in str(caught.value) for word in ["mine.toml", *words])


def test_unknown_name_suggests():
    with pytest.raises(RecipeError, match="did you mean image-dvae"):
        read("image-dave")


def test_check_names_its_origin():
    with pytest.raises(RecipeError, match="here: "):
        check({"model": {"beta": 0}}, "here")
