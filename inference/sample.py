"""The jets of a recipe: in memory, or surveyed where they stay on disk; what they decide; whether there are enough."""

from __future__ import annotations

from collections.abc import Sequence

from inference.completed import completed
from inference.feeds import split_of
from inference.recipe import Recipe, RecipeError
from inference.unused import assert_used, say_decided
from inference.weighting import assert_no_part_cancels
from jets import Jets
from jets.out_of_core.sample import DiskJets
from priors import VampPrior, parse


def load_for(recipe: Recipe) -> Jets | DiskJets:
    """Load the jets that a recipe names, or survey them where they are to stay on disk.

    Raises
    ------
    JetFileError
        They cannot be read.
    """
    from jets import load

    if recipe.data.memory is not None:
        from jets.out_of_core.survey import surveyed

        return surveyed(recipe.data.files, recipe.data.cache)
    return load(*recipe.data.files)


def ready(recipes: Sequence[Recipe], jets: Jets | DiskJets) -> list[Recipe]:
    """Return recipes to be trained on ``jets``, with what these decide.

    Raises
    ------
    RecipeError
        A key that is set has no effect, or the data do not fit the model.
    """
    assert_used(recipes, vectors=jets.are_vectors)
    result = [completed(recipe, jets) for recipe in recipes]
    say_decided(recipes[0], result[0])
    return result


def assert_enough(recipe: Recipe, jets: Jets | DiskJets) -> None:
    """Assert that there are jets enough to train on.

    Raises
    ------
    RecipeError
        There are too few for a split, none to test on, or too few for a prior that starts at training jets; or a
        fraction is wrong; or the weights of a part cancel.
    """
    parts = split_of(jets, recipe.data, recipe.training.seed)
    found = len(parts.train)
    if not len(parts.test):
        known = None if isinstance(jets, DiskJets) else jets.events
        events = "" if known is None else f", of {len(set(known.tolist()))} events,"
        raise RecipeError(
            f"no jet of {len(jets)}{events} is held out for testing; give more data, or raise [data] test"
        )
    assert_no_part_cancels(parts.weight_sums(jets), parts.counts(jets))
    for factor in parse(recipe.model.latent).modules():
        if isinstance(factor, VampPrior) and factor.components > found:
            raise RecipeError(
                f"[model] latent: {factor} starts at {factor.components} training jets, and there are {found}; "
                f"take fewer, or give more data"
            )
