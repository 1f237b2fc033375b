"""Run -> a folder of programs that others run without this package, checked against the run before it is there."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from analysis.deployment import agreement, written
from analysis.deployment.agreement import Agreement
from analysis.deployment.answer import OUTPUTS, Answer
from analysis.deployment.card import Exported, export_card
from analysis.deployment.documents import write_documents
from analysis.deployment.packages import ALL, assert_installed
from analysis.deployment.whole import whole_folder
from analysis.evaluation.chosen import assert_described, evenly
from inference.machine import tune_cpu
from inference.run import Run
from jets import Jets, load, sums
from jets.errors import UserError
from jets.preprocess import outside, prepare
from models import VAE

CHECKED = 10_000
"""Jets of the self-check, at most."""
EXAMPLE = 3
"""Jets that a tracer sees."""
ONNX, SCRIPT, PROGRAM = "encoder.onnx", "model.pt", "model.pt2"


def export(
    run: Run, folder: str | Path, data: Sequence[str] | Jets | None = None, beta: float | None = None
) -> Exported:
    """Write ``folder``: the run as ONNX, TorchScript and torch.export, card, weights, recipe, provenance, checksums.

    Parameters
    ----------
    run
        A complete run.
    folder
        A new folder; it is there whole or not at all.
    data
        Jets of the self-check; the run's own by default, at most 10,000, evenly spaced.
    beta
        Resolution of a run of a range; its (geometric) middle by default.

    Raises
    ------
    UserError
        A package is missing, the folder exists, the run is not finished or its jets cannot be read, or no format can
        hold even its encoder.
    DisagreementError
        What was exported says something else than the run.
    """
    assert_installed(*ALL)
    tune_cpu()
    with whole_folder(Path(folder)) as temporary, run.at(beta) as vae, without_gradients(vae):
        write_documents(run, temporary)
        jets = jets_of_check(run, data)
        exported = write_programs(run, vae, jets, temporary)
        answer = Answer(vae, run.recipe, most_constituents(run, jets), most_outputs(exported))
        (temporary / "card.md").write_text(export_card(run, answer, exported), encoding="utf-8")
        sums.write(temporary, [file.name for file in temporary.iterdir()])
    return exported


@contextmanager
def without_gradients(vae: VAE) -> Iterator[None]:
    """Take the weights as constants within the block, so that what is written gives plain numbers."""
    weights = [weight for weight in vae.parameters() if weight.requires_grad]
    try:
        for weight in weights:
            weight.requires_grad_(False)
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def write_programs(run: Run, vae: VAE, jets: Jets, folder: Path) -> Exported:
    """Write each format where its operators allow it, and compare each file with the run."""
    most, constituents = most_constituents(run, jets), jets.constituents
    example = torch.as_tensor(constituents[np.arange(EXAMPLE) % len(constituents)])

    def answer(outputs: Sequence[str]) -> Answer:
        return Answer(vae, run.recipe, most, outputs).eval()

    @cache
    def program(outputs: tuple[str, ...]) -> Any:
        return written.exported_program(answer(outputs), example)

    makers = {
        PROGRAM: lambda outputs: program(tuple(outputs)),
        SCRIPT: lambda outputs: written.script(answer(outputs), example),
        ONNX: lambda outputs: written.onnx_program(program(tuple(outputs)), outputs),
    }
    made: dict[str, written.Made] = {}
    outputs: Sequence[str] = OUTPUTS
    for file, maker in makers.items():
        made[file] = written.as_far_as_possible(maker, outputs)
        if file == PROGRAM and made[file].content is not None:
            outputs = made[file].outputs  # what cannot be traced at all, no other format holds
    before = made[PROGRAM].left_out if made[PROGRAM].content is not None else {}
    left_out = {file: before | each.left_out for file, each in made.items()}
    files = {file: each.outputs for file, each in made.items() if each.content is not None}
    if not files:
        raise UserError(f"{run.path}: cannot be exported: {next(iter(left_out[PROGRAM].values()))}")
    for file in files:
        save(made[file].content, folder / file)
    return Exported(files, left_out, agreements(run, vae, jets, folder, files, answer))


def save(content: Any, path: Path) -> None:
    """Write one program."""
    with written.tracing():
        if path.name == ONNX:
            content.save(str(path), external_data=False)
        else:  # torch's own writing to a path does not say why it fails
            packed = io.BytesIO()
            (torch.jit.save if path.name == SCRIPT else torch.export.save)(content, packed)
            path.write_bytes(packed.getbuffer())


def agreements(run: Run, vae: VAE, jets: Jets, folder: Path, files: Any, answer: Any) -> list[Agreement]:
    """Compare every file, as it is on the disk, with the run's own code."""
    wanted = tuple(name for name in OUTPUTS if any(name in outputs for outputs in files.values()))
    own = agreement.own_outputs(vae, run.recipe, jets, wanted)
    undecided = agreement.decided_by_rounding(jets, run.recipe)
    say = {
        ONNX: lambda path, outputs: agreement.said_by_onnx(path, jets.constituents),
        SCRIPT: lambda path, outputs: agreement.said_by_script(path, answer(outputs), jets.constituents),
        PROGRAM: lambda path, outputs: agreement.said_by_program(path, jets.constituents),
    }
    return [
        agreement.compared(file, say[file](folder / file, outputs), own, undecided) for file, outputs in files.items()
    ]


def jets_of_check(run: Run, data: Sequence[str] | Jets | None) -> Jets:
    """Return at most 10,000 jets that the model describes, evenly spaced.

    Raises
    ------
    UserError
        There are none, or they cannot be read.
    """
    jets = run.jets if data is None else data if isinstance(data, Jets) else load(*data)
    assert_described(run, jets)
    jets = jets[evenly(len(jets), CHECKED)]
    if jets.are_vectors or run.recipe.model.clouds:
        return jets
    kept = torch.as_tensor(jets.constituents[:, : run.recipe.data.constituents])
    inside = ~outside(prepare(kept, run.recipe.image.steps), run.recipe.image.pixels, run.recipe.image.width).numpy()
    if not inside.any():
        raise UserError(f"{', '.join(jets.sources)}: no jet has pT inside the image; give others with --data")
    return jets[np.flatnonzero(inside)]


def most_constituents(run: Run, jets: Jets) -> int | None:
    """Return the number of constituents that the model takes: any of images, that of its training of clouds."""
    limit = run.recipe.data.constituents
    if not run.recipe.model.clouds:
        return limit
    try:
        found = run.jets.constituents.shape[1]
    except (UserError, OSError):  # the sample is elsewhere; the card says what was taken
        found = jets.constituents.shape[1]
    return found if limit is None else min(found, limit)


def most_outputs(exported: Exported) -> tuple[str, ...]:
    """Return the outputs that some file has."""
    return tuple(name for name in OUTPUTS if any(name in outputs for outputs in exported.files.values()))
