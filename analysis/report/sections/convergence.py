"""The question: is it converged."""

from __future__ import annotations

import numpy as np
import xarray as xr

from analysis.figures.training import loss_curves as draw
from analysis.report.inputs import Known
from analysis.report.page import Part, Question
from analysis.report.words import counted, plus_minus
from analysis.store import Missing

TAIL = 0.25
"""Part of the epochs, at the end, whose slope is taken."""
FEWEST = 6
"""Epochs below which a slope says nothing."""
MATTERS = 0.05
"""Fall over the tail that matters [nat per jet]."""


def losses(known: Known) -> Part:
    """Draw the losses; say whether the last quarter still falls."""
    history = known.history
    reading, falling = trend(history)
    shown = ("loss", "reconstruction", "kl")
    names = [name for name in (*shown, *(f"validation_{n}" for n in shown)) if name in history]
    return Part(
        "losses",
        reading,
        "Minus ELBO and its two parts against the epoch; solid: training jets with the weights as they change, dashed: "
        "validation jets after the epoch.",
        figure=draw(history),
        numbers=history[names],
        warning=falling,
    )


def trend(history: xr.Dataset) -> tuple[str, bool]:
    """Return in words how the loss went in the last quarter of the epochs, and whether it still falls."""
    name = "validation_loss" if "validation_loss" in history else "loss"
    which = "validation" if name != "loss" else "training"
    loss = np.asarray(history[name], float)
    if len(loss) < FEWEST:
        return f"{counted(len(loss), 'epoch')}: too few to judge whether the training has converged.", True
    tail = loss[-max(FEWEST, round(TAIL * len(loss))) :]
    if not np.isfinite(tail).all():
        return f"The {which} loss is not finite in {counted(int((~np.isfinite(tail)).sum()), 'epoch')}.", True
    fall, error = fallen(tail)
    falling = fall > max(MATTERS, 2 * error)
    verdict = (
        "it still falls, so train longer"
        if falling
        else "no fall beyond its scatter or 0.05 nat: converged in this sense"
    )
    reading = (
        f"Over the last {len(tail)} of {len(loss)} epochs the {which} loss fell by {plus_minus(fall, error)} nat per "
        f"jet, {verdict}."
    )
    return reading + overtrained(history), falling


def fallen(tail: np.ndarray) -> tuple[float, float]:
    """Return by how much a straight line through the losses ``(n,)`` falls from end to end, and the error of that.

    >>> fall, error = fallen(np.array([3.0, 2.0, 1.0, 0.0]))
    >>> round(fall, 6), round(error, 6)
    (3.0, 0.0)
    """
    epoch = np.arange(len(tail)) - (len(tail) - 1) / 2
    slope = epoch @ tail / (epoch @ epoch)
    residual = tail - tail.mean() - slope * epoch
    error = np.sqrt(residual @ residual / (len(tail) - 2) / (epoch @ epoch))
    return float(-slope * (len(tail) - 1)), float(error * (len(tail) - 1))


def overtrained(history: xr.Dataset) -> str:
    """Say how far validation lies above training at the end."""
    if "validation_loss" not in history:
        return " Nothing was held out for validation."
    gap = float(history["validation_loss"][-1] - history["loss"][-1])
    lowest = int(history["epoch"][int(np.argmin(np.asarray(history["validation_loss"])))])
    return f" Validation ends {gap:+.3f} nat from training; it was lowest after epoch {lowest}."


def health(known: Known) -> Part:
    """Say how many steps were skipped and how fast it went."""
    history = known.history
    if not {"skipped", "jets_per_second", "seconds"} <= set(history.data_vars):
        raise Missing("history.csv lacks the columns of speed and skipped steps")
    skipped, rate = int(history["skipped"].sum()), float(history["jets_per_second"].median())
    seconds = float(history["seconds"].sum())
    reading = (
        f"{counted(skipped, 'step')} skipped for gradients that are not finite; {seconds:,.0f} s of training at "
        f"{rate:,.0f} jets/s."
    )
    return Part("health", reading, warning=skipped > 0)


QUESTION = Question("convergence", "Is it converged?", (losses, health))
