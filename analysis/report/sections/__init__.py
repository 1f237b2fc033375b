"""The questions that a report answers, in its order; a file each.

Each holds QUESTION, whose answers are functions from :class:`analysis.report.inputs.Known` to
:class:`analysis.report.page.Part`. A part that needs what is not known raises :class:`analysis.store.Missing`, and the
page says why.
"""

from analysis.report.sections import (
    anomalies,
    arviz,
    convergence,
    dimension,
    meaning,
    reproduction,
    topology,
    training,
    trust,
)

QUESTIONS = (
    training.QUESTION,
    convergence.QUESTION,
    dimension.QUESTION,
    topology.QUESTION,
    meaning.QUESTION,
    anomalies.QUESTION,
    trust.QUESTION,
    arviz.QUESTION,
    reproduction.QUESTION,
)
