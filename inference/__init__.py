"""ELBO, training, run folders and recipes, each imported when it is first used.

>>> import inference
>>> inference.read("image-dvae").model.latent
'L2(alpha=0.9)'
"""

from importlib import import_module
from typing import Any

HOMES = {
    "ELBO": "lower_bound",
    "Recipe": "recipe",
    "RecipeError": "recipe",
    "Run": "run",
    "RunError": "folder",
    "elbo": "lower_bound",
    "fit": "training",
    "read": "recipe",
    "train": "training",
}
"""Public name -> the module of it."""

__all__ = sorted(HOMES)


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'inference' has no attribute {name!r}")
    return getattr(import_module(f"inference.{HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
