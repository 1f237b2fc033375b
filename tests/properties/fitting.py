"""Training and evaluation from Python: finite weights and numbers of every jet, or a refusal that leaves nothing."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import jetvae
import models
from analysis.measures.summary import summarise
from inference.keys import DataConfig
from inference.run import Run
from jets import Jets

from .cases import RIGHT, Entries, Random, Tools, attempt, pick, refusal
from .sample import rewritten, sound

entries = Entries()
OPTIONS: dict[str, tuple[Any, ...]] = {
    "epochs": (1, 2, 0, -1, "x", None, True, 1.5, float("nan")),
    "batch_size": (2, 7, 1000, 1, 0, -3, "x", 10**12),
    "lr": (1e-3, 1.0, 0.0, -1.0, float("nan"), float("inf"), 1e308, "x", None),
    "clip": (0.0, 1.0, float("inf"), -1.0, 1e-300),
    "seed": (0, 5, -1, 2**40, "x", 1.5),
    "objective": ("elbo", "iwae", "x", None),
    "kl_weight": (0.0, 1.0, -1.0, 1e300),
    "free_bits": (0.0, 0.1, float("nan")),
    "early_stop": (0, 1, -1),
    "plateau": (0, 1, -1),
    "device": ("cpu", "auto", "tpu", ""),
    "precision": ("float32", "bf16", "float8"),
    "particles": (1, 3, 0, 10**9),
    "threads": (1, 0, "x"),
    "epohcs": (3,),
    "checkpoint_seconds": (0.0, float("inf")),
}
"""Key of a training -> values, good and bad."""
LATENTS = ("R2", "S1", "L2", "R1 x C2", "R1 | S1", "G1:2", "D3", "V1:3", "V1:500")


def model(random: Random, likelihood: str) -> models.VAE:
    """Return a small untrained model of images, clouds or vectors of three numbers."""
    torch.manual_seed(0)
    config = {"latent": pick(random, LATENTS), "encoder": (4,), "decoder": (4,), "likelihood": likelihood}
    if likelihood == "emd":
        config["particles"] = 3
    return models.build(models.ModelConfig(**config), inputs=3 if likelihood == "normal" else 1600)


def drawn(random: Random, likelihood: str) -> Jets | Exception:
    """Return a small sample: jets or vectors, of one class or two, weighted or not."""
    count = int(pick(random, (1, 2, 3, 5, 30, 30, 30, 30)))
    vectors = random.normal(size=(count, 3)) * 10.0 ** random.uniform(-9, 9)
    if random.random() < 0.2:
        vectors[:] = vectors[0]
    constituents = vectors if likelihood == "normal" else rewritten(random, sound(random, count))
    weights = pick(random, (None, None, None, random.random(count) + 0.1, np.where(np.arange(count) % 4, 1.0, -1.0)))
    return attempt(Jets, constituents, random.integers(2, size=count), ("a", "b"), weights=weights)


def finite(tensors: Any) -> bool:
    """Whether all floating-point tensors of a state are finite."""
    return all(bool(each.isfinite().all()) for each in tensors.values() if each.is_floating_point())


def left(folder: Path) -> set[str]:
    """Return what lies in a folder, down to the last file."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@entries(240, slow=True)
def trainings(random: Random, tools: Tools) -> str:
    """`fit` with options of every kind."""
    likelihood = pick(random, ("pixels", "normal", "normal", "emd"))
    options = {
        key: pick(random, OPTIONS[key]) for key in random.permutation(list(OPTIONS))[: int(random.integers(0, 3))]
    }
    options = {"epochs": 1, "compile": False} | options
    sample, vae = drawn(random, pick(random, (likelihood,) * 9 + ("pixels",))), model(random, likelihood)
    if isinstance(sample, Exception):
        return refusal(sample)
    if random.random() < 0.2:
        fraction = {pick(random, "abc"): pick(random, (0.0, 0.5, 1.0, 2.0, -1.0))}
        options["data"] = DataConfig(fraction=fraction, limit=pick(random, (None, 1, 5)))
    out = tools.folder / "run"
    shutil.rmtree(out, ignore_errors=True)
    run = attempt(jetvae.fit, vae, sample, out=out, **options)
    if isinstance(run, Exception):
        lost = {"weights.safetensors", "checkpoint.safetensors"} & left(out) if out.exists() else set()
        assert not lost or "run" in str(run), f"left {lost} after: {run}"
        return refusal(run)
    assert isinstance(run, Run)
    assert finite(run.vae.state_dict())
    assert 1 <= len(run.history) <= options["epochs"]
    assert all(np.isfinite(value) for row in run.history for key, value in row.items() if "validation" not in key)
    assert not [name for name in left(out) if name.endswith(".tmp")]
    assert run.complete
    return RIGHT


@cache
def opened(path: Path) -> Run:
    """Return the run in a folder, opened once."""
    return Run.open(path)


ODD: tuple[Any, ...] = (None, [], "nothing.h5", ["nothing.h5"], ["sample:w:"], ["toy:circle(n=5)"])


@entries(240, slow=True)
def evaluations(random: Random, tools: Tools) -> str:
    """`evaluate` and the numbers of it, on the run's own jets and on others, of any number."""
    name = pick(random, ("image", "image", "cloud", "vectors", "range"))
    run = opened(tools.runs(name))
    count = int(pick(random, (1, 2, 3, 12)))
    data = pick(random, (None, pick(random, ODD), "jets", "jets", "jets"))
    if isinstance(data, str) and data == "jets":
        width = 4 if name == "range" else 2
        constituents = (
            rewritten(random, sound(random, count))
            if name in ("image", "cloud")
            else random.normal(size=(count, width))
        )
        data = attempt(Jets, constituents, random.integers(2, size=count), pick(random, (("qcd", "top"), ("x", "y"))))
    options = {
        "draws": pick(random, (1, 2, 2, 8, 8, 0)),
        "seed": pick(random, (0, 3, 7, 9, -1)),
        "beta": pick(random, (*(None,) * 8, 1.0, 0.0, float("nan"), 1e9)),
        "at_most": pick(random, (None, None, 5, 5, 1, 0)),
        "pairs": pick(random, (0, 5, 5, 5, -1)),
    }
    if isinstance(data, Exception):
        return refusal(data)
    tree = attempt(jetvae.evaluate, run, data, **options)
    if isinstance(tree, Exception):
        return refusal(tree)
    stats = tree["sample_stats"]
    jets = stats.sizes["jet"]
    assert jets >= 1
    assert options["at_most"] is None or jets <= options["at_most"]
    for one in ("elbo", "reconstruction", "kl"):
        assert np.isfinite(stats[one]).all(), f"{one} of {options}"
    np.testing.assert_allclose(stats["elbo"], -stats["reconstruction"] - stats["kl"], rtol=1e-3, atol=1e-2)
    assert tree["posterior"].sizes["chain"] * tree["posterior"].sizes["draw"] == options["draws"]
    numbers = attempt(summarise, tree)
    assert not isinstance(numbers, Exception), numbers
    assert all(0 <= score["value"] <= 1 or np.isnan(score["value"]) for score in numbers["auc"].values())
    assert np.isclose(numbers["elbo"], float(stats["elbo"].mean()))
    return RIGHT
