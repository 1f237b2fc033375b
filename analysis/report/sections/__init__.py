"""The questions that a report answers, in its order; a file each.

Each holds QUESTION, whose answers are functions from :class:`analysis.report.inputs.Known` to
:class:`analysis.report.page.Part`. A part that needs what is not known raises :class:`analysis.store.Missing`, and the
page says why. ``arviz`` is for pages that ask for it.
"""

from analysis.report.sections import (
    anomalies,
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
    reproduction.QUESTION,
)
