"""A model that the user made: what its run must record so that it can be opened, and whether it takes the data."""

from __future__ import annotations

import torch

from inference.data import data_for
from inference.recipe import Recipe, RecipeError
from jets import Jets
from models import VAE


def recorded(recipe: Recipe, vae: VAE, jets: Jets) -> Recipe:
    """Return the recipe of ``vae`` with the size of the vectors that it describes.

    Raises
    ------
    RecipeError
        The model was made for other data.
    """
    if jets.are_vectors:
        if recipe.model.likelihood != "normal":
            raise RecipeError(f"fit: vectors need a model with likelihood = 'normal', not {recipe.model.likelihood!r}")
        size = {"inputs": recipe.model.inputs or jets.constituents.shape[1]}
        recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update=size)})
    elif recipe.model.inputs not in (None, recipe.image.pixels**2):
        raise RecipeError(f"fit: the model is of vectors of {recipe.model.inputs} numbers; these are jets")
    device = next(vae.parameters()).device
    x = data_for(jets[: min(2, len(jets))], recipe, device)[torch.arange(min(2, len(jets)))]
    training = vae.training
    try:
        with torch.no_grad():
            vae.eval().encode(x)
    except RuntimeError:
        raise RecipeError(
            f"fit: the model does not take data of shape {tuple(x.shape[1:])}; make it by models.build with the "
            "inputs, [image] pixels squared or the length of the vectors, that these have"
        ) from None
    finally:
        vae.train(training)
    return recipe
