"""Whether what was exported says the same as the run: both on the same jets, the largest difference of each output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyro
import torch
from numpy.typing import NDArray
from torch import Tensor

from analysis.deployment.answer import PRIOR, Answer
from analysis.deployment.written import tracing
from analysis.evaluation.centred import centred_kl, centred_terms
from inference.data import data_for
from inference.recipe import Recipe
from jets import Jets
from jets.errors import UserError
from jets.preprocess import prepare
from models import VAE

LARGEST = 1e-5
"""Largest difference of an output, of its size where that is above 1.

A sum of size 100 in single precision is known to about 1e-5 by rounding its terms alone, to 1e-7 of its size.
"""
NEAR = 2e-5
"""Pixels from an edge within which rounding decides the pixel: positions of 40 are known to 4e-6."""
BATCH = 500
Outputs = Mapping[str, NDArray[np.float32]]


class DisagreementError(UserError):
    """What was exported says something else than the run."""


class Agreement(NamedTuple):
    """How one file compares with the run.

    Attributes
    ----------
    file
        Its name.
    jets
        Jets compared, of which ``undecided`` lie where rounding decides, and are left out.
    undecided
        See :func:`decided_by_rounding`.
    differences
        Output -> largest difference, divided by its size where that is above 1.
    """

    file: str
    jets: int
    undecided: int
    differences: dict[str, float]

    def __str__(self) -> str:
        each = ", ".join(f"{name} {value:.1e}" for name, value in self.differences.items())
        apart = f", {self.undecided} of them on an edge and left out" if self.undecided else ""
        return f"{self.file}: {self.jets:,} jets{apart}; largest difference: {each}"


def own_outputs(vae: VAE, recipe: Recipe, jets: Jets, outputs: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
    """Return what the run's own code says of jets, output -> array: its data, batch by batch, and its bound."""
    data = data_for(jets, recipe, torch.device("cpu"))
    parts: list[dict[str, Tensor]] = []
    with torch.no_grad(), pyro.validation_enabled(False):
        for x in data.batches(torch.arange(len(data)), BATCH):
            if "reconstruction" in outputs:
                bound, head = centred_terms(vae, x)
                found, kl = {"reconstruction": bound.reconstruction, "elbo": -bound.elbo}, bound.kl
            else:
                (kl, head), found = centred_kl(vae, x), {}
            terms = torch.cat([nats.expand(len(x), -1) for nats in kl.values()], -1)
            found |= {"parameters": head, "centres": vae.latent.points(head)}
            parts.append(found | dict(zip(PRIOR, (terms, terms.sum(-1)), strict=True)))
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in outputs}


def decided_by_rounding(jets: Jets, recipe: Recipe) -> NDArray[np.bool_]:
    """Return of which jets, ``(N,)``, rounding decides what the model sees.

    A constituent lies on the edge of a pixel or on an axis about which the jet is mirrored, or the two halves that
    the mirror compares hold the same pT; on an edge is within 2e-5 pixels, or 8 times what single precision loses in
    turning the jet.
    """
    if jets.are_vectors or not (recipe.image.steps or not recipe.model.clouds):
        return np.zeros(len(jets), bool)
    kept = torch.as_tensor(jets.constituents[:, : recipe.data.constituents])
    single, double = prepare(kept, recipe.image.steps), prepare(kept.double(), recipe.image.steps)
    pixel = torch.tensor(recipe.image.width, dtype=torch.float64)
    there = kept[..., 0] > 0
    lost = torch.where(there, ((single - double)[..., 1:] / pixel).abs().amax(-1), 0.0).amax(-1)
    place = double[..., 1:] / pixel
    near = (NEAR + 8 * lost)[:, None]
    edge = there & (place.abs().amin(-1) < near) if "flip" in recipe.image.steps else torch.zeros_like(there)
    if not recipe.model.clouds:
        place = place + recipe.image.pixels / 2
        edge |= there & ((place - place.round()).abs().amin(-1) < near)
    balance = (double[..., :1] * double[..., 1:].sign()).sum(-2).abs().amin(-1) / double[..., 0].sum(-1)
    tied = (balance < 1e-6) & ("flip" in recipe.image.steps)
    return (edge.any(-1) | tied).numpy()


def compared(file: str, said: Outputs, own: Outputs, undecided: NDArray[np.bool_]) -> Agreement:
    """Return how outputs compare with the run's own.

    Raises
    ------
    DisagreementError
        One differs by more than :data:`LARGEST`, or there is no jet to compare.
    """
    known = ~undecided
    if not known.any():
        raise DisagreementError(f"{file}: of every jet rounding decides what the model sees; give others with --data")
    differences = {name: difference(values, own[name], known) for name, values in said.items()}
    found = Agreement(file, len(known), int(undecided.sum()), differences)
    worst = max(differences, key=lambda name: np.nan_to_num(differences[name], nan=np.inf))
    if not differences[worst] <= LARGEST:
        raise DisagreementError(
            f"{file}: {worst} differs from the run's by {differences[worst]:.1e} of max(1, its size), more than "
            f"{LARGEST:g}; nothing is written"
        )
    return found


def difference(one: NDArray[np.floating], other: NDArray[np.floating], known: NDArray[np.bool_] | None = None) -> float:
    """Return the largest difference of two arrays, of the size of the second where that is above 1; NaN of two shapes.

    >>> difference(np.array([1.5, 101.0]), np.array([1.0, 100.0]))
    0.5
    """
    if one.shape != other.shape:
        return float("nan")
    apart = np.abs(one.astype(float) - other) / np.maximum(1, np.abs(other))
    return float(np.max(apart if known is None else apart[known], initial=0.0))


def said_by_onnx(path: Path, constituents: NDArray[np.float32]) -> Outputs:
    """Return what an ONNX file says of constituents ``(N, M, 3)`` under onnxruntime, output -> array."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return in_parts(lambda part: dict(zip(names, session.run(None, {"constituents": part}), strict=True)), constituents)


def said_by_script(path: Path, answer: Answer, constituents: NDArray[np.float32]) -> Outputs:
    """Return what a TorchScript file says, its table cut into the outputs of ``answer``."""
    columns = answer.columns()
    with tracing():
        module = torch.jit.load(path)
        table = in_parts(lambda part: {"table": module(torch.from_numpy(part)).numpy()}, constituents)["table"]
    places = {name: [i for i, column in enumerate(columns) if column.output == name] for name in answer.outputs}
    flat = {name for name in answer.outputs if name in ("kl", "reconstruction", "elbo")}
    return {name: table[:, at[0]] if name in flat else table[:, at] for name, at in places.items()}


def said_by_program(path: Path, constituents: NDArray[np.float32]) -> Outputs:
    """Return what a file of ``torch.export`` says, output -> array."""
    with tracing():
        module = torch.export.load(path).module()
        return in_parts(
            lambda part: {name: each.numpy() for name, each in module(torch.from_numpy(part)).items()}, constituents
        )


def in_parts(say: Callable[[Any], dict[str, Any]], constituents: NDArray[np.float32]) -> dict[str, Any]:
    """Return what ``say`` says of each 1,000 jets, joined; of one jet alone first, so that two sizes are tried."""
    cuts = [0, 1, *range(1000, len(constituents), 1000), len(constituents)]
    parts = [say(np.ascontiguousarray(constituents[a:b])) for a, b in pairwise(cuts) if b > a]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
