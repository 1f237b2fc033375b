"""Trainings that end with a run that answers: :func:`inference.fit` and :func:`inference.train`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from analysis.answers.opened import OpenRun
from inference import training
from inference.run import Run

Arguments = ParamSpec("Arguments")


def answering(training: Callable[Arguments, Run]) -> Callable[Arguments, OpenRun]:
    """Return a training whose run encodes, scores and generates."""

    @wraps(training)
    def trained(*arguments: Arguments.args, **options: Arguments.kwargs) -> OpenRun:
        return OpenRun.of(training(*arguments, **options))

    return trained


fit = answering(training.fit)
train = answering(training.train)
