"""What is said when jets enter a command: their summary, once."""

from __future__ import annotations

from typing import Any

from inference.recipe import Recipe
from jets import Jets, summary
from jets.checks import say
from jets.out_of_core.sample import DiskJets

NOT_WEIGHTED = (
    "event weights count in losses, ELBO, KL, D1 and D2, AUC, ROC and rejections; k-hat, ln p(x), bounds of "
    "information, correlations, correlation dimensions, topologies, orientations of scores, pT and mass windows, "
    "percentiles and histograms count each jet once"
)
"""What is said of jets with weights: ranks, quantiles and pairs of jets have no meaning with weights of both signs."""
SOME = 20_000
"""Jets of a sample on disk that are summarised."""
SAID: set[str] = set()
"""What has been said already: a command may read its jets several times."""


def announce(jets: Jets | DiskJets, recipe: Recipe | None = None) -> None:
    """Print the summary of jets as notes, with what the image and the limit of a recipe leave out of them.

    Of jets that stay on disk, some are summarised.
    """
    if isinstance(jets, DiskJets):
        if jets.fingerprint not in SAID:
            SAID.add(jets.fingerprint)
            counts = ", ".join(f"{count:,} {name}" for name, count in jets.counts.items())
            say(f"jets on disk: {counts}; what is noted of them is in {jets.home}; some of them:")
        jets = jets.sampled(SOME)
    settings: dict[str, Any] = {}
    if recipe is not None and not jets.are_vectors:
        settings = {"limit": recipe.data.constituents, "steps": recipe.image.steps}
        if not recipe.model.clouds:
            settings |= {"pixels": recipe.image.pixels, "width": recipe.image.width}
    mark = f"{jets.fingerprint} {settings}"
    if mark not in SAID:
        SAID.add(mark)
        for line in str(summary(jets, **settings)).splitlines():
            say(line)
    if jets.weights is not None:
        announce_weights()


def announce_weights() -> None:
    """Say once where event weights count and where they do not."""
    if NOT_WEIGHTED not in SAID:
        SAID.add(NOT_WEIGHTED)
        say(NOT_WEIGHTED)
