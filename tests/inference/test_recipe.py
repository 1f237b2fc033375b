"""Recipes: every one that ships is complete, and errors name the key and the nearest valid one."""

import pytest

from inference.recipe import RecipeError, check, override, read, read_toml
from inference.tables import flat
from models import build
from recipes import names


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
        ("[preset]\nsmall = 3", ["[preset.small.training]"]),
        ("preset = 3", ["[preset.small.training]"]),
        ("[training]\nlr = true", ["[training] lr = True", "valid number"]),
        ("[training]\nlr = '1'", ["[training] lr = '1'", "valid number"]),
        ("[training]\nseed = true", ["[training] seed = True", "valid integer"]),
        ("[training]\nepochs = 3.0", ["[training] epochs = 3.0", "valid integer"]),
        ("[training]\nepochs = " + "9" * 4000, ["[training] epochs", "10000000"]),
        ("[data]\nresident = 1", ["[data] resident = 1", "true or false"]),
        ("[image]\nturn = 'true'", ["[image] turn = 'true'", "true or false"]),
        ("[model]\nencoder = [8, true]", ["[model] encoder", "valid integer"]),
        ("[model]\nencoder = ['8']", ["[model] encoder", "valid integer"]),
        ("[data]\nfraction = { qcd = true }", ["[data.fraction] qcd = True", "valid number"]),
        ("[data]\nfraction = { qcd = '.1' }", ["[data.fraction] qcd = '.1'", "valid number"]),
        ("[schedule]\nlr = { start = true }", ["[schedule.lr] start = True", "valid number"]),
        ("[model]\nbeta = false", ["[model] beta = False", "a number, or a range"]),
        ("[model]\nbeta = ['1', '2']", ["[model] beta", "a number, or a range"]),
        ("[model", ["not valid TOML"]),
    ],
)
def test_refusals(tmp_path, content, words):
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(RecipeError) as caught:
        read(path)
    assert all(word in str(caught.value) for word in ["mine.toml", *words])


NO_TRAINING = {
    "training.lr": (float("inf"), float("nan"), -1.0, 0.0, 1e308, 1e-300, 1000.0),
    "training.adam_betas": ([1.0, 0.99], [0.9, 1.0], [-1.0, 0.9], [0.9, float("nan")], [0.9]),
    "training.clip": (float("inf"), -1.0, 1e-300),
    "training.kl_weight": (float("inf"), -1.0, 1e300),
    "training.free_bits": (float("nan"), -1.0),
    "training.capacity": (float("inf"), -1.0),
    "training.checkpoint_seconds": (float("inf"),),
    "training.seed": (-1, 2**64),
    "training.threads": (0, 10**9),
    "data.test": (float("nan"), 0.0, 1.0),
    "data.fraction": ({"top": float("nan")},),
    "image.width": ([0.0, 0.1], [-0.1, 0.1], [0.1, float("inf")], [1e-300, 0.1]),
    "image.pixels": (0, 10**9),
    "model.beta": (float("inf"), 0.0, 1e-50, 1e50, [0.1, float("nan")], [0.1, float("inf")], "0.1:inf"),
    "model.beta_step": (float("inf"), 0.0),
    "model.scale": (float("nan"), 0.0),
    "model.encoder": ([0], [-5]),
    "model.decoder": ([0],),
    "model.particles": (0, 10**9),
    "schedule.lr": ({"stop": -1.0}, {"shape": "linear", "start": float("inf")}, {"shape": "linear", "start": 1e308}),
    "schedule.beta": ({"shape": "geometric", "start": 1e-300}, {"stop": 0.0}),
    "schedule.kl_weight": ({"stop": -1.0}, {"shape": "linear", "start": float("nan")}),
    "schedule.capacity": ({"shape": "linear", "start": -1.0}, {"shape": "geometric", "start": 1.0}),
}
"""Key -> values with which nothing can be trained."""


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in NO_TRAINING.items() for value in values])
def test_what_cannot_train_is_refused_with_its_key(key, value):
    with pytest.raises(RecipeError) as caught:
        read("image-dvae", {key: value})
    assert key.rpartition(".")[2] in str(caught.value)
    assert "\n" not in str(caught.value)


PRESETS = [(name, preset) for name in names() for preset in ("small", *read_toml(name).get("preset", {}))]


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_presets(name, preset):
    recipe = read(name, {"training.lr": 0.25}, preset)
    assert recipe.training.lr == 0.25, "the command line has the last word"
    chosen = read_toml(name).get("preset", {}).get(preset, {})
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


LIKE = {
    "jet-top": {"data.files": ["sample:top"], "data.test": 0.2, "training.epochs": 200, "model.latent": "R16"},
    "jet-w": {"data.constituents": 50, "training.epochs": 400, "training.clip": 1.0, "schedule.kl_weight.over": 0.7},
    "jet-circle": {"data.files": ["sample:w"], "model.encoder": [64, 256, 256], "training.epochs": 200},
    "jet-top-circle": {"data.files": ["sample:top"], "model.latent": "R20 x S1", "model.equivariant": True},
    "image-gmvae": {"model.latent": "G1:2", "model.beta": 0.01, "model.batch_norm": True, "training.lr": 1e-3},
    "image-ae": {"model.kind": "ae", "model.latent": "R4", "model.decoder": [100], "training.epochs": 30},
    "image-dvae-3": {"model.latent": "L3(alpha=1,0.25,0.1)", "model.decoder_bias": False, "data.limit": None},
}


@pytest.mark.parametrize("name", LIKE)
def test_a_recipe_like_another_holds_what_differs(name):
    found = flat(read(name, preset="small").model_dump(mode="json"))
    assert {key: found[key] for key in LIKE[name]} == LIKE[name]
    assert "paper" in read_toml(name)["preset"]


def test_like_reaches_a_file_beside_it_and_refuses_circles(tmp_path):
    (tmp_path / "base.toml").write_text('like = "image-vae"\n[training]\nlr = 0.5\n[preset.long.training]\nepochs = 99')
    (tmp_path / "mine.toml").write_text('like = "base.toml"\n[training]\nepochs = 3')
    recipe = read(tmp_path / "mine.toml")
    assert (recipe.training.lr, recipe.training.epochs, recipe.model.beta.low) == (0.5, 3, 0.01)
    assert read(tmp_path / "mine.toml", preset="long").training.epochs == 99
    (tmp_path / "base.toml").write_text('like = "mine.toml"')
    with pytest.raises(RecipeError, match=r"mine\.toml is like .*base\.toml is like .*mine\.toml: a circle"):
        read(tmp_path / "mine.toml")
    (tmp_path / "base.toml").write_text(f'like = "../{tmp_path.name}/base.toml"')
    with pytest.raises(RecipeError, match="a circle"):
        read(tmp_path / "base.toml")
    (tmp_path / "base.toml").write_text("like = 3")
    with pytest.raises(RecipeError, match="like = 3: expected the name"):
        read(tmp_path / "base.toml")


OTHERS = {
    "data.files": '["sample:w"]',
    "data.fraction": "{qcd = 0.5}",
    "data.limit": "7",
    "data.constituents": "20",
    "image.steps": '["centre"]',
    "image.turn": "true",
    "model.kind": "ae",
    "model.latent": "R4 x L2(alpha=0.5)",
    "model.architecture": "convolutional",
    "model.activation": "gelu",
    "model.likelihood": "normal",
    "model.metric": "energy",
    "model.equivariant": "true",
    "model.beta": "0.01:1",
    "model.inputs": "3",
    "model.shift": "[1.0, 2.0]",
    "training.objective": "iwae",
    "data.split": "hashed",
    "data.window": "8192",
    "data.memory": "2GB",
    "data.cache": "elsewhere",
    "training.restarts_by": "share",
    "training.capacity": "2.5",
    "training.precision": "bf16",
    "training.compile": "false",
    "training.device": "cpu",
    "training.adam_betas": "[0.8, 0.9]",
    "image.width": "[0.2, 0.2]",
    "model.encoder": "[3]",
    "model.decoder": "[3, 4]",
    "description": "mine",
}
"""Key -> another value; of the rest, numbers and truth values, one is made."""
NEEDS = {
    "image.turn": {"image.steps": ["centre"]},
    "model.equivariant": {"model.likelihood": "emd"},
    "model.shift": {"model.inputs": 2},
    "schedule.lr.delay": {"schedule.lr.over": 1.0},
}
"""What a key must be set together with."""


def moved(key, value):
    """Another value of a key, as text."""
    if key in OTHERS:
        return OTHERS[key]
    if key.endswith(".shape"):
        return "one-cycle"
    if key.startswith("schedule"):
        return {"start": "0.5", "stop": "0.25", "over": "0.5", "delay": "0.25", "cycles": "3"}[key.rpartition(".")[2]]
    return (
        str(not value).lower()
        if isinstance(value, bool)
        else str(value + 1 if isinstance(value, int) else value / 2 or 0.5)
    )


RESOLVED = flat(read("image-dvae").model_dump(mode="json"))


@pytest.mark.parametrize("key", RESOLVED)
def test_every_key_can_be_set(key):
    text = moved(key, RESOLVED[key])
    changed = flat(read("image-dvae", NEEDS.get(key, {}) | dict([override(f"{key}={text}")])).model_dump(mode="json"))
    plain = flat(read("image-dvae", NEEDS.get(key, {})).model_dump(mode="json"))
    different = [name for name in {**changed, **plain} if changed.get(name) != plain.get(name)]
    assert {name.partition(f"{key}.")[0] or key for name in different} == {key}, text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("training.epochs", ["expected TABLE.KEY=VALUE"]),
        ("training.=3", ["expected TABLE.KEY=VALUE"]),
        ("epochs=3", ["epochs: unknown key"]),
        ("training.epohs=3", ["[training] epohs", "did you mean epochs"]),
        ("schedule.lr.shap=linear", ["[schedule.lr] shap", "did you mean shape"]),
        ("schedule.lr.shape=zigzag", ["[schedule.lr] shape = 'zigzag'"]),
        ("model.latent.name=R2", ["model.latent.name: model.latent = 'L2(alpha=0.9)' is not a table"]),
        ("training.epochs=many", ["[training] epochs = 'many'", "integer"]),
        ("model.beta=low", ["[model] beta = 'low': expected a number, or a range"]),
    ],
)
def test_what_cannot_be_set(text, words):
    with pytest.raises(RecipeError) as caught:
        read("image-dvae", dict([override(text)]))
    assert all(word in str(caught.value) for word in words), caught.value
