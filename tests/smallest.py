"""Commands of pages at their smallest size: one epoch of a hundred jets, small networks, few draws."""

import re

from inference.recipe import read

TINY = "--epochs 1 --batch-size 24 --set training.compile=false --set model.encoder=[4,8]"
SMALLER = {
    "correlation": "--jets 10 --points 60 --seeds 2",
    "dimension": "--jets 10",
    "discover": "--jobs 1 --jets 200",
    "generate": "--n 5",
    "league": "--jobs 1",
    "nuts": "--jets 1 --chains 2 --draws 4 --warm-up 4",
    "simulate": "--n 2 --events-per-block 20",
    "topology": "--jets 4 --draws 2",
    "trust": "--jets 4 --draws 4",
}
"""Command, or figure drawn -> options that make it small."""
ELSEWHERE = {"--arviz"}
"""Options that take long; ``tests/analysis/test_to_arviz.py`` gives them."""


def small(words):
    """Return a command at its smallest size: options that come later count."""
    if words[0] not in ("train", "resume"):
        return [
            *(few(word) if words[0] != "search" else word for word in words if word not in ELSEWHERE),
            *("--jets 1" if "--standard" in words else SMALLER.get(words[words[0] == "draw"], "")).split(),
        ]
    if words[0] == "resume" or "--resume" in words:
        return [re.sub(r"^\d+$", "2", word) for word in words]
    named = len(words) > 1 and not words[1].startswith("--")
    recipe = read(words[1] if named else "image-dvae")
    files = option(words, "--data") or list(recipe.data.files)
    latent = option(words, "--latent") or [recipe.model.latent]
    less = [word for word in words if word not in {"--data", *files, "--latent", *latent}]
    less += ["--data", *map(few, files), *(word for each in latent for word in ("--latent", lower(each)))]
    less += ["--set", "model.decoder=[8]"] if recipe.model.decoder else []
    return [*less, *TINY.split(), *(["--seeds", "1"] if "--seeds" in words else [])]


def option(words, name):
    """Return the values of an option, of all its places."""
    found = []
    for at in [i for i, word in enumerate(words) if word == name]:
        rest = words[at + 1 :]
        found += rest[: next((i for i, word in enumerate(rest) if word.startswith("--")), len(rest))]
    return found


def few(file):
    """Return few jets of a class, or few points, for the package's own; any other file as it is."""
    if file.startswith("sample:"):
        name, _, kind = file.removeprefix("sample:").partition(":")
        return f"{name}.h5" + (f":{kind}" if kind else "")
    if file.startswith("toy:"):
        return f"{file.removesuffix(')')}{', ' if '(' in file else '('}n=150)"
    return file


def lower(latent):
    """Return a latent space of at most two dimensions a factor."""
    return re.sub(r"\bR(\d+)", lambda found: f"R{min(2, int(found[1]))}", latent)
