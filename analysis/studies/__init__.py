"""The studies of "Better latent spaces for better autoencoders" (2104.08291), one file each.

A study is a module with ``measure(setup) -> Dataset``, which trains what it needs, and a QUESTION, whose answers are
functions of that dataset.
"""

from types import ModuleType

from analysis.studies import complexity, fractions, mixtures, stability, triangle, two_way

STUDIES: dict[str, ModuleType] = {
    "stability": stability,
    "fractions": fractions,
    "mixtures": mixtures,
    "two-way": two_way,
    "triangle": triangle,
    "complexity": complexity,
}
"""Name on the command line -> study."""
