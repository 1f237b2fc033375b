"""One contender in a process of its own; reads commands, writes one line of JSON for each."""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from typing import Any

from benchmarks.svi_contenders.task import Task


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
    imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    loss = contender.epoch()
    answer(start_loss=start_loss, loss=loss, first_epoch=time.perf_counter() - start, imported=imported)
    for command in sys.stdin:
        if command.strip() != "epoch":
            break
        start = time.perf_counter()
        loss = contender.epoch()
        answer(seconds=time.perf_counter() - start, loss=loss)
    answer(peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
