"""An exported image-dvae in four engines, from constituents to scores: ``python -m benchmarks.deployment``.

The recipe's model with its initial weights (weights do not change the time), exported as ``jetvae export`` does it; all
outputs, preprocessing of 50 constituents included, one thread. One jet at a time, and 256 together; medians of
alternating repeats of processor time, which on an idle machine is the time that passes. torch.compile compiles the
exported program, since Pyro's handlers are Python. Targets: 1 ms a jet at batch 1, 50 us at 256.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pyro
import torch

import inference
import jets
from analysis.deployment import written
from analysis.deployment.answer import OUTPUTS, Answer
from inference.machine import tune_cpu
from models import build

BATCHES, REPEATS = {1: 1000, 256: 40}, 7
TARGETS = {1: 1e3, 256: 50.0}


def engines(folder: Path, example: torch.Tensor) -> dict[str, Callable[[np.ndarray], Any]]:
    """Name of an engine -> function of constituents ``(B, M, 3)``."""
    recipe = inference.read("image-dvae")
    torch.manual_seed(0)
    vae = build(recipe.model, recipe.image.pixels**2).eval().requires_grad_(False)
    answer = Answer(vae, recipe).eval()
    program = written.exported_program(answer, example)
    written.onnx_program(program, OUTPUTS).save(str(folder / "encoder.onnx"), external_data=False)
    with written.tracing():
        torch.jit.save(written.script(answer, example), str(folder / "model.pt"))
        script = torch.jit.load(folder / "model.pt")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "encoder.onnx"), options, providers=["CPUExecutionProvider"])
    compiled = torch.compile(program.module(), dynamic=False)
    return {
        "onnxruntime": lambda c: session.run(None, {"constituents": c}),
        "TorchScript": lambda c: script(torch.from_numpy(c)),
        "torch eager": lambda c: answer(torch.from_numpy(c)),
        "torch.compile": lambda c: compiled(torch.from_numpy(c)),
    }


def seconds(say: Callable[[np.ndarray], Any], constituents: np.ndarray, calls: int) -> float:
    """Return the processor time of one call, the mean of some."""
    start = time.process_time()
    for _ in range(calls):
        say(constituents)
    return (time.process_time() - start) / calls


def main() -> None:
    tune_cpu(threads=1)
    constituents = jets.load("sample:qcd", "sample:top")[:: 20000 // 256].constituents[:256]
    found: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as name, torch.no_grad(), pyro.validation_enabled(False):
        runs = engines(Path(name), torch.as_tensor(constituents[:3]))
        for batch, calls in BATCHES.items():
            part = np.ascontiguousarray(constituents[:batch])
            for say in runs.values():
                seconds(say, part, 5)
            for _ in range(REPEATS):
                for engine, say in runs.items():
                    per_jet = 1e6 * seconds(say, part, calls if engine != "torch eager" else calls // 10) / batch
                    found.setdefault((engine, batch), []).append(per_jet)
    print(f"image-dvae, all outputs, 50 constituents, one thread, processor time, median of {REPEATS}: us a jet")
    print(f"{'engine':16}" + "".join(f"{f'batch {batch}':>14}" for batch in BATCHES))
    for engine in runs:
        print(f"{engine:16}" + "".join(f"{np.median(found[engine, batch]):14.1f}" for batch in BATCHES))
    for batch, target in TARGETS.items():
        best = min(runs, key=lambda engine: np.median(found[engine, batch]))
        ratio = target / np.median(found[best, batch])
        print(f"batch {batch}: {best}, {ratio:.1f} times faster than the target of {target:g} us a jet")


if __name__ == "__main__":
    main()
