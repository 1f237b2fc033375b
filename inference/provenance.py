"""Where a run came from: command, versions, commit, fingerprint of the data, machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.feeds import split_of
from inference.recipe import Recipe
from inference.tables import flat

if TYPE_CHECKING:
    from jets import Jets
    from jets.out_of_core.sample import DiskJets

RESUMABLE = {"training.epochs", "training.device", "data.memory", "data.cache"}
"""What may change when a training resumes."""
PACKAGES = ("jetvae", "torch", "pyro-ppl", "numpy", "xarray", "arviz")
"""Those whose versions are recorded."""


def provenance(recipe: Recipe, jets: Jets | DiskJets) -> dict[str, Any]:
    """Return seed, digests of the recipe, versions, git hash, data fingerprint, counts, machine and command."""
    return {
        "command": command_line(),
        "seed": recipe.training.seed,
        "recipe_digests": recipe_digests(recipe),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git_hash(),
        "data": list(jets.sources),
        "data_fingerprint": jets.fingerprint,
        "classes": list(jets.classes),
        "counts": split_of(jets, recipe.data, recipe.training.seed).counts(jets),
        "versions": {"python": platform.python_version()} | {name: installed(name) for name in PACKAGES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def recipe_digests(recipe: Recipe) -> dict[str, str]:
    """Return a digest of the value of each key that decides what is trained; of an empty table there is none.

    >>> from inference.recipe import read
    >>> one, other = (recipe_digests(read("image-dvae", {"training.seed": seed})) for seed in (0, 1))
    >>> [key for key in one if one[key] != other[key]]
    ['training.seed']
    """
    values = flat(recipe.model_dump(mode="json"))
    return {key: digest_of(value) for key, value in values.items() if key not in RESUMABLE | {"description"}}


def digest_of(value: Any) -> str:
    """Return the first 16 digits of the SHA-256 of a value's JSON."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def changed_keys(trained: Mapping[str, str], recipe: Recipe) -> list[str]:
    """Return the keys of ``recipe`` whose values are not those of the digests ``trained``.

    A key that these do not have, since it is newer than they, is unchanged at its default.
    """
    now, default = recipe_digests(recipe), recipe_digests(Recipe())
    changed = sorted(key for key in {**trained, **now} if now.get(key) != trained.get(key, default.get(key)))
    before = digest_of(before_posteriors(recipe.model.latent))
    return [key for key in changed if not (key == "model.latent" and trained.get(key) == before)]


def before_posteriors(latent: str) -> str:
    """Return a latent string as it was written when the posterior of a category was its ``method``.

    >>> before_posteriors("C3(posterior=straight-through) x S2(posterior=vmf)")
    'C3(method=straight_through) x S2(posterior=vmf)'
    """
    words = {"posterior=relaxed": "method=relaxed", "posterior=straight-through": "method=straight_through"}
    for new, old in words.items():
        latent = latent.replace(new, old)
    return latent


def command_line(words: Sequence[str] | None = None) -> str:
    """Return how this process was started, quoted for the shell; of ``jetvae``, by whichever door, as ``jetvae``.

    >>> command_line(["/usr/bin/python3", "/usr/local/bin/jetvae", "train", "--latent", "L2(alpha=0.9)"])
    "jetvae train --latent 'L2(alpha=0.9)'"
    >>> command_line(["/usr/bin/python3", "-m", "inference.svi", "--out", "my run"])
    "python3 -m inference.svi --out 'my run'"
    """
    python, *rest = sys.orig_argv if words is None else words
    if rest[:2] == ["-m", "jetvae"]:
        return shlex.join(["jetvae", *rest[2:]])
    if rest and Path(rest[0]).stem == "jetvae":
        return shlex.join(["jetvae", *rest[1:]])
    return shlex.join([Path(python).name, *rest])


def installed(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def git_hash() -> str | None:
    """Return the commit of the checkout that this code runs from, marked when it has changes; None elsewhere."""
    here = Path(__file__).resolve().parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        tracked = subprocess.run(
            [*command[:3], "ls-files", "--error-unmatch", __file__], capture_output=True, check=False
        )
        if tracked.returncode:
            return None
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
