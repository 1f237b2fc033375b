"""The share of the jets that lies in the mixtures which the prior makes rare: what a training did of the prior's order.

A prior of unequal concentrations, alpha = (1, 0.25) say, means the first mixture for the most of the jets. A training
that took it the other way round has more weight in the others, whatever its loss.
"""

from __future__ import annotations

import torch

from inference.data import data_for
from inference.recipe import Recipe
from inference.splits import split
from jets import Jets
from models import VAE
from priors import Space, parse
from priors.dirichlet import Simplex

MOST = 10_000
"""Training jets on which it is evaluated, evenly out of all."""
BATCH = 500


def ordered(space: Space) -> dict[str, Simplex]:
    """Return the simplices whose concentrations differ, by label.

    >>> list(ordered(parse("R1 x L2(alpha=0.9) x D2(alpha=1,0.25)")))
    ['D2']
    """
    return {label: f for label, f in space.items if isinstance(f, Simplex) and len(set(f.alpha)) > 1}


def has_order(recipe: Recipe) -> bool:
    """Whether the prior makes some mixtures rare."""
    return bool(ordered(parse(recipe.model.latent)))


@torch.no_grad()
def rare_share(vae: VAE, jets: Jets, recipe: Recipe) -> float:
    r"""Return :math:`1 - \langle w_k\rangle` of the training jets, k the mixture of the largest concentration.

    Of several simplices of unequal concentrations the first counts; each jet counts once.
    """
    train = split(jets, recipe.data, recipe.training.seed).train
    rows = train[:: -(-len(train) // MOST)]
    data = data_for(jets[rows], recipe, torch.device("cpu"))
    label, factor = next(iter(ordered(vae.latent).items()))
    largest = factor.alpha.index(max(factor.alpha))
    weights = []
    for x in data.batches(torch.arange(len(data)), BATCH):
        weights.append(factor.point(factor.posterior(vae.latent.split(vae.encode(x))[label]))[:, largest].double())
    return 1 - float(torch.cat(weights).mean())
