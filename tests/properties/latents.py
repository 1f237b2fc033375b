"""Latent strings: a space that is written as it was read, draws from its prior and has a decoder's features."""

from __future__ import annotations

import math

import torch

import priors
from priors import LatentStringError

from .cases import RIGHT, Entries, Random, attempt, pick, refusal

entries = Entries()
LETTERS = "RSTLDCGHV"
OPTIONS = (
    "alpha=.9",
    "alpha=1,.25",
    "alpha=1,.25,.1",
    "alpha=0",
    "alpha=-1",
    "alpha=1e9",
    "posterior=vmf",
    "posterior=normal",
    "posterior=x",
    "components=3",
    "learn=true",
    "learn=false",
    "weights=1,2",
    "relaxed=true",
    "how=relaxed",
    "nothing=1",
    "alpha=nan",
    "alpha=1e400",
    "alpha=",
    "=1",
    "alpha",
    "alpha=1,",
    "scale=0",
)
FRAGMENTS = (
    "x",
    "|",
    "(",
    ")",
    ":",
    "=",
    ",",
    "R",
    "0",
    "-1",
    "R0",
    "R2:3",
    "S1S1",
    "x x",
    "é",
    "R²",
    "\n",
    "9" * 30,
    ".",
    "..",
    "r2",
)


def factor(random: Random) -> str:
    """Return a factor, most often a good one."""
    letter = pick(random, "RRRSSTLDCGHV" if random.random() < 0.97 else "ABZ")
    number = pick(random, (1, 1, 2, 2, 3, 4, 7, 0, 40)) if random.random() < 0.97 else pick(random, (60, 300))
    text = f"{letter}{number}"
    if letter in "GV" or random.random() < 0.03:
        text += f":{pick(random, (1, 2, 3, 5, 0))}"
    if random.random() < 0.25:
        text += f"({pick(random, OPTIONS)})"
    return text


def space(random: Random, depth: int = 0) -> str:
    """Return a product or a superposition."""
    parts = [factor(random) for _ in range(int(random.integers(1, 4)))]
    if depth < 2 and random.random() < 0.25:
        parts.append(f"({space(random, depth + 1)})")
    text = " x ".join(parts)
    if random.random() < 0.2:
        text += f" | {manifold(random)}"
    return text


def manifold(random: Random) -> str:
    """Return a further manifold of a superposition: a factor, or none."""
    return "R0" if random.random() < 0.2 else factor(random)


def mangled(random: Random, text: str) -> str:
    """Put a fragment somewhere, or take a character out."""
    place = int(random.integers(len(text) + 1))
    return (
        text[:place]
        + (pick(random, FRAGMENTS) if random.random() < 0.7 else "")
        + text[place + (random.random() < 0.5) :]
    )


def as_it_says(found: priors.Space) -> None:
    """Assert that a space is that of its own text, and that its prior has draws of finite features and densities."""
    text = str(found)
    again = priors.parse(text)
    assert again == found, f"{text} is read as {again}"
    assert str(again) == text
    assert found.outputs >= 0
    assert found.features_size > 0


@entries(2000)
def latent_strings(random: Random) -> str:
    """Strings of the grammar, and with something out of place: the space that they say, or where it goes wrong."""
    text = space(random)
    if random.random() < 0.4:
        text = mangled(random, text)
    found = attempt(priors.parse, text)
    if isinstance(found, LatentStringError):
        assert 0 <= found.position <= len(text)
        return refusal(found, "column")
    assert isinstance(found, priors.Space), found
    as_it_says(found)
    return RIGHT


def numbers(posterior: torch.Tensor) -> bool:
    """Whether all are finite."""
    return bool(torch.isfinite(posterior).all())


@entries(500)
def spaces_in_use(random: Random) -> str:
    """A space that can be read gives a model whose bound and draws are finite, from any finite input."""
    from models import ModelConfig, build

    text = " x ".join(factor(random) for _ in range(int(random.integers(1, 3))))
    if random.random() < 0.2:
        text += f" | {manifold(random)}"
    config = attempt(priors.parse, text)
    if isinstance(config, Exception):
        return refusal(config, "column")
    if config.outputs > 2000:
        return RIGHT
    torch.manual_seed(int(random.integers(2**31)))
    options = {"latent": text, "encoder": (4,), "decoder": (), "likelihood": "normal", "inputs": 3}
    vae = build(ModelConfig(**options)).eval()
    x = torch.as_tensor(random.normal(size=(5, 3)) * 10.0 ** random.uniform(-3, 1), dtype=torch.float32)
    with torch.no_grad():
        import inference

        bound = inference.elbo(vae.model, vae.guide, x)
    assert numbers(bound.elbo), f"{text}: elbo {bound.elbo}"
    for site, kl in bound.kl.items():
        assert numbers(kl), f"{text}: KL of {site} {kl}"
    assert math.isfinite(float(vae.latent.features_size))
    return RIGHT
