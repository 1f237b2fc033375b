"""What the commands that train have in common: resuming, and what is said at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inference.grid import resume
from inference.latent_number import LATENTS, in_use
from inference.records import RESTARTS, RunError
from inference.restarts import said
from inference.run import Run
from inference.scan import MANIFEST
from inference.work import Worked
from jets.command import command


def resumed(folder: str | Path, changes: Mapping[str, Any], together: int) -> tuple[Sequence[Run], Path | None]:
    """Finish the run or scan in a folder; return its runs, and the folder if it is a scan.

    ``changes`` are dotted keys of the recipe, of those that may change; ``together`` trainings share a step at most.

    Raises
    ------
    RunError
        There is nothing to resume, the data have changed, or something else was to change.
    """
    runs = resume(folder, changes, together)
    return runs, Path(folder) if (Path(folder) / MANIFEST).exists() else None


def finished(runs: Sequence[Run], scan: Path | None = None) -> None:
    """Say how each training ended, where its files are, and what to do next."""
    for run in runs:
        last = run.ended
        parts = f"reconstruction {last['reconstruction']:.4f} + KL {last['kl']:.4f} nats per jet"
        print(f"{run.path}: loss {last['loss']:.4f} = {parts}")
        if RESTARTS in run.provenance:
            print(f"{run.path}: {said(run.provenance[RESTARTS])}")
        if LATENTS in run.provenance:
            print(f"{run.path}: {in_use(run)}")
    if scan is not None:
        print(f"wrote {scan / MANIFEST} and {len(runs)} runs")
        print(f"next: {command('topology', scan)}; {command('report', scan)}")
        return
    for run in runs:
        print(f"wrote {', '.join(sorted(path.name for path in run.path.iterdir()))} in {run.path}")
        print(f"next: {command('summary', run.path)}; {command('report', run.path)}")


def finished_by_several(run: Run | None) -> None:
    """Say the same of a training that several processes did, in the first of them, which has the run."""
    if run is not None:
        finished([run])


def worked_off(worked: Worked, folder: Path) -> None:
    """Say what a worker did of a scan, and what to do next.

    Raises
    ------
    RunError
        Trainings failed; it names them.
    """
    for path in worked.trained:
        print(f"wrote {path}")
    trained, elsewhere, failed = len(worked.trained), len(worked.elsewhere), len(worked.failed)
    print(f"{folder / MANIFEST}: {trained} runs trained here, {elsewhere} in other hands, {failed} failed")
    if worked.failed:
        again = command("work", folder, "--retry")
        raise RunError(f"{failed} trainings failed: {'; '.join(worked.failed.values())}; again: {again}")
    if not worked.elsewhere:
        print(f"next: {command('topology', folder)}; {command('report', folder)}")


def to_be_trained(folder: Path, runs: int) -> None:
    """Say what a scan is that nobody has begun, and how it is trained."""
    print(f"wrote {folder / MANIFEST} and the recipes of {runs} runs")
    print(f"next: {command('work', folder)}, as often as you like, on machines that share the folder")
