"""The studies that ``jetvae study`` repeats, one file each, imported when they are run.

A study is a module with ``measure(setup) -> Dataset``, which trains what it needs, and a QUESTION, whose answers are
functions of that dataset. Its name is that of its file with hyphens; a new one is a file and a line below.
"""

from importlib import import_module
from types import ModuleType
from typing import NamedTuple

JETS = ("--jets",)
"""What studies of points that they make have no use for."""


class About(NamedTuple):
    """What a study does, in one line, and the options that it has no use for."""

    line: str
    without: tuple[str, ...] = ()


GROUPS = {
    "Better latent spaces for better autoencoders (2104.08291)": {
        "stability": About("one latent dimension over 200 epochs: is it bi-modal?"),
        "fractions": About("does the prior keep a mixture for the minority?"),
        "restarts": About("how often is the best of several trainings the right one?"),
        "mixtures": About("the images that the mixtures decode to"),
        "two-way": About("which score finds anomalies both ways?"),
        "triangle": About("how jets lie among three mixtures"),
        "complexity": About("why reconstruction tags one way only"),
        "preprocessing": About("what centring, rotating and flipping do to the scores"),
        "lda": About("latent Dirichlet allocation beside the Dirichlet VAE"),
    },
    "Representation learning of collider events (2109.10919)": {
        "levels": About("below which scale do partons and hadrons differ?"),
        "transport": About(
            "what has to be moved to make one jet of another", ("--seeds", "--epochs", "--limit", "--device")
        ),
        "coupling": About("are an autoencoder's latents those of its architecture?", (*JETS, "--most")),
        "curse": About("the dimension of few points in many dimensions", (*JETS, "--most")),
        "organisation": About("what order and orthogonality save, in nats", (*JETS, "--most")),
        "categories": About("a category before the continuous latents, decoded"),
        "shared": About("do two classes share their dimensions?"),
        "smearing": About("by how much is what is decoded smeared?", (*JETS, "--most")),
        "rulers": About("what do other distances than the EMD change?"),
    },
    "Latent spaces": {
        "relaxed": About("a category summed over, straight-through, or relaxed"),
    },
}
"""Title -> name on the command line -> what it is."""
STUDIES = {name: about for studies in GROUPS.values() for name, about in studies.items()}
"""Name on the command line -> what it is."""


def study(name: str) -> ModuleType:
    """Return the module of a study.

    >>> study("two-way").QUESTION.name
    'two-way'
    """
    return import_module(f"analysis.studies.{name.replace('-', '_')}")
