"""The questions that a report answers, in its order; a file each.

Each holds QUESTION, whose answers are functions :class:`analysis.known.Known` -> :class:`analysis.page.Part`. A part
that needs what is not known raises :class:`analysis.access.Missing`, and the page says why.
"""

from analysis.sections import anomalies, convergence, dimension, meaning, reproduction, topology, training, trust

QUESTIONS = (
    training.QUESTION,
    convergence.QUESTION,
    dimension.QUESTION,
    topology.QUESTION,
    meaning.QUESTION,
    anomalies.QUESTION,
    trust.QUESTION,
    reproduction.QUESTION,
)
