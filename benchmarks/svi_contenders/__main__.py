"""One contender in a process of its own; reads commands, writes one line of JSON for each."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.svi_contenders.task import Task

ROW = 0.2
"""Seconds of epochs in a row: of two steps after a rest, the first finds cold caches and sleeping threads."""


def peak_memory() -> float:
    """Return this process' largest resident set [MB]; ``ru_maxrss`` would count what its parent had before exec."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def timed(epoch: Callable[[], float]) -> dict[str, float]:
    """Return the mean time of epochs in a row, at least ``ROW`` seconds of them, and the loss of the last."""
    start, count, loss = time.perf_counter(), 0, 0.0
    while time.perf_counter() - start < ROW:
        loss, count = epoch(), count + 1
    return {"seconds": (time.perf_counter() - start) / count, "loss": loss}


def main() -> None:
    name, text = sys.argv[1:]
    task = Task.read(text)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a peer prints stays out of the answers

    def answer(**content: Any) -> None:
        answers.write(json.dumps(content) + "\n")

    task.tune()
    module, function = name.split(":")
    contender = getattr(importlib.import_module(f"benchmarks.svi_contenders.{module}"), function)(task)
    start_loss = contender.start_loss()
    imported = peak_memory()
    start = time.perf_counter()
    loss = contender.epoch()
    answer(start_loss=start_loss, loss=loss, first_epoch=time.perf_counter() - start, imported=imported)
    for command in sys.stdin:
        if command.strip() != "epoch":
            break
        answer(**timed(contender.epoch))
    answer(peak=peak_memory())


if __name__ == "__main__":
    main()
