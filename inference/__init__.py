"""ELBO, training, run folders and recipes.

>>> import inference
>>> inference.read("image-dvae").model.latent
'L2(alpha=0.9)'
"""

from inference.elbo import ELBO, elbo
from inference.fit import fit, train
from inference.recipe import Recipe, RecipeError, read
from inference.run import Run, RunError

__all__ = ["ELBO", "Recipe", "RecipeError", "Run", "RunError", "elbo", "fit", "read", "train"]
