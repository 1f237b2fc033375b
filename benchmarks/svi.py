"""Whole epochs of variational training against its peers: ``python -m benchmarks.svi``.

An epoch is shuffling, gathering, steps and optimiser, on the same float32 images of the embedded sample, with the same
networks, loss, initial weights, Adam, threads, allocator and treatment of denormals. Each contender runs in a process
of its own; after an epoch to warm up (with compilation) epochs alternate between contenders, and medians are shown.
Hand-written loops use torch's fused Adam, the fastest it has; peers leave out the images' entropy, a constant of the
loss that this package reports. ``--quick``: dense network, batch 64, 2048 images, what was
compiled before is not compiled again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.svi_contenders.task import START, Task
from inference.machine import MALLOC_OPTIONS
from inference.recipe import DataConfig
from inference.splits import split
from jets import load
from jets.preprocess import pixelise, prepare

CAPTURED = "PyTorch, one CUDA graph"
CONTENDERS = {
    "ours, compiled": "ours:compiled",
    "ours, plain graph": "ours:graph",
    "ours, from constituents": "ours:FromConstituents",
    "PyTorch": "torch_loop:eager",
    "PyTorch, compiled": "torch_loop:compiled",
    CAPTURED: "torch_loop:Captured",
    "numpyro scan": "numpyro_loop:Scan",
    "Pyro + DataLoader": "pyro_loop:Plain",
    "pythae": "pythae_loop:Pythae",
}
REPLICAS = {
    "one vectorised step": "ours:together",
    "one after another": "ours:compiled",
    "Pyro, one after another": "pyro_loop:Plain",
}
AT_ONCE = max(2, (os.cpu_count() or 2) // 3)
"""Contenders that warm up at the same time; their first epochs are no fair times, the repeats are."""
OURS, PEER = "ours, compiled", "PyTorch"
TARGETS = {
    PEER: 0.75,
    "PyTorch, compiled": 1.0,
    CAPTURED: 1.0,
    "numpyro scan": 1.25,
    "Pyro + DataLoader": 1 / 3,
    "pythae": 1 / 5,
}
"""Peer -> largest time of ours in units of the peer's."""
MEMORY, AT_START, AT_END = 1.2, 0.01, 0.05
"""Largest peak memory in units of PyTorch's; agreement of the loss at the start and after an epoch."""


class Worker:
    """A contender in its process."""

    def __init__(self, contender: str, task: Task, python: str = sys.executable) -> None:
        self.command = [python, "-m", "benchmarks.svi_contenders", contender, task.text]
        self.environment = os.environ | {"OMP_NUM_THREADS": str(task.threads)}
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the process)
        self.process: Any = None

    def start(self) -> Worker:
        """Start the process, which builds the contender and trains one epoch."""
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            self.command, stdin=pipe, stdout=pipe, stderr=self.errors, text=True, env=self.environment
        )
        return self

    def ask(self, command: str = "") -> dict[str, Any]:
        """Send a command, if any, and wait for the answer."""
        if command:
            print(command, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise SystemExit(f"{' '.join(self.command[3:])} failed:\n{self.errors.read()[-3000:]}")
        return json.loads(line)


def measure(
    contenders: Mapping[str, str], task: Task, repeats: int, pythae: str | None
) -> tuple[dict[str, dict[str, Any]], float]:
    """Return name -> first epoch [s], epochs [s], losses, peak memory [MB] of each contender; the rate of products."""
    workers = {
        name: Worker(contender, task, pythae if name == "pythae" and pythae else sys.executable)
        for name, contender in contenders.items()
    }
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ready = dict(zip(workers, pool.map(lambda worker: worker.start().ask(), workers.values()), strict=True))
        results = {name: answer | {"epochs": []} for name, answer in ready.items()}
        rates = []
        for _ in range(repeats):
            rates.append(products(task))
            for name, worker in workers.items():
                results[name]["epochs"].append(worker.ask("epoch")["seconds"])
        for name, worker in workers.items():
            results[name] |= worker.ask("end")
    finally:
        for process in [worker.process for worker in workers.values() if worker.process]:
            process.kill()
            process.wait()
    return results, statistics.median(rates)


def products(task: Task, times: int = 10) -> float:
    """Return the best rate of large matrix products in float32 [GFLOP/s], for the arithmetic floor."""
    torch.set_num_threads(task.threads)
    size = 1024 if task.device == "cpu" else 8192
    a, seconds = torch.randn(size, size, device=task.device), []
    for _ in range(times):
        start = time.perf_counter()
        torch.mm(a, a)[0, 0].item()
        seconds.append(time.perf_counter() - start)
    return 2e-9 * size**3 / min(seconds)


def write_inputs(folder: str, count: int) -> None:
    """Save images, and initial weights of every model, as numpy arrays."""
    from benchmarks.svi_contenders.ours import MODELS, build

    jets = load("sample:qcd", "sample:top")
    train = split(jets, DataConfig(test=1 - (count + 0.25) / len(jets), validation=0.0), 0).train
    images = pixelise(prepare(torch.as_tensor(jets.constituents[train]))).flatten(1).numpy()
    data = {
        "dense": images,
        "dvae": images,
        "small": np.random.default_rng(0).standard_normal((2000, 20), dtype=np.float32),
    }
    for model, config in MODELS.items():
        torch.manual_seed(0)
        weights = {name: value.numpy() for name, value in build(config, data[model].shape[1]).state_dict().items()}
        np.save(f"{folder}/{model}-images.npy", data[model])
        np.savez(f"{folder}/{model}-weights.npz", **weights)


def assert_alike(results: Mapping[str, Mapping[str, Any]], task: Task) -> None:
    """Stop unless all contenders minimise the same thing."""
    for key, count, tolerance in (("start_loss", START, AT_START), ("loss", None, AT_END)):
        offset = task.offset(count)
        values = {name: result[key] + offset * (not name.startswith("ours")) for name, result in results.items()}
        reference = values[OURS]
        for name, value in values.items():
            if abs(value / reference - 1) > tolerance:
                raise SystemExit(f"{name}: {key} {value:.4g} is not that of ours, {reference:.4g}")


def compare(task: Task, options: argparse.Namespace) -> list[str]:
    """Print the table of one row of the benchmark; return the lines on its ratios."""
    brief = options.quick or options.untuned
    left_out = ["pythae"] * (not options.pythae_python) + ["ours, from constituents"] * brief
    left_out += [CAPTURED] * (task.device == "cpu")
    left_out += [peer for peer in TARGETS if peer not in options.peers]
    chosen = {name: where for name, where in CONTENDERS.items() if name not in left_out}
    results, rate = measure(chosen, task, options.repeats, options.pythae_python)
    assert_alike(results, task)
    jets, title = task.steps * task.batch, f"{task.model}, batch {task.batch}"
    floor = task.flops / rate * 1e-6
    print(f"\n{title}: {jets} jets; arithmetic floor {floor:.3f} ms a step, at {rate:.0f} GFLOP/s", flush=True)
    print(f"{'':25}{'jets/s':>10}{'ms/step':>10}{'x floor':>9}{'first [s]':>11}{'peak [MB]':>11}")
    median = {name: statistics.median(result["epochs"]) for name, result in results.items()}
    for name, seconds in median.items():
        step, r = 1e3 * seconds / task.steps, results[name]
        print(
            f"{name:25}{jets / seconds:10,.0f}{step:10.3f}{step / floor:9.2f}{r['first_epoch']:11.1f}{r['peak']:11.0f}"
        )
    lines = [
        verdict(f"{title}: time / {peer}", ratio(results, OURS, peer), TARGETS[peer])
        for peer in TARGETS
        if peer in results
    ]
    if task.device != "cpu":
        return lines
    memory = {name: result["peak"] for name, result in results.items()}
    pairs = ((OURS, "PyTorch, compiled"), ("ours, plain graph", PEER))
    for ours, peer in [pair for pair in pairs if pair[1] in memory]:
        lines.append(verdict(f"{title}: memory, {ours} / {peer}", memory[ours] / memory[peer], MEMORY))
    return lines


def compare_replicas(model: str, batch: int, task: Task, options: argparse.Namespace) -> list[str]:
    """Print the table of many runs at once; return the lines on its ratios."""
    task = replace(task, model=model, batch=batch, replicas=16)
    results, _ = measure(REPLICAS, task, options.repeats, None)
    print(
        f"\n16 runs, {model}, batch {batch}: {task.steps} steps of each\n{'':25}{'ms/step of 16':>15}{'first [s]':>11}"
    )
    for name, result in results.items():
        step = 1e3 * statistics.median(result["epochs"]) / task.steps
        print(f"{name:25}{step:15.3f}{result['first_epoch']:11.1f}", flush=True)
    targets = {"one after another": 1 / 2, "Pyro, one after another": 1 / 6} if model == "small" else {}
    targets = targets or {"one after another": 1.0}
    return [
        verdict(f"16 runs, {model}: time / {peer}", ratio(results, "one vectorised step", peer), target)
        for peer, target in targets.items()
    ]


def ratio(results: Mapping[str, Mapping[str, Any]], ours: str, peer: str) -> float:
    """Return the ratio of median times."""
    return statistics.median(results[ours]["epochs"]) / statistics.median(results[peer]["epochs"])


def verdict(what: str, value: float, target: float) -> str:
    """Return one line: ratio, target, whether it is met."""
    return f"{what:62}{value:7.2f}   target <= {target:.2f}   {'met' if value <= target else 'MISSED'}"


def machine(options: argparse.Namespace) -> str:
    """Return what is used of the machine."""
    on = f", {torch.cuda.get_device_name()}" if options.device == "cuda" else ""
    return f"{options.threads} threads{on}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="first row only, fewer images")
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 256, 1024, 4096], help="jets per step")
    parser.add_argument("--model", nargs="+", choices=["dense", "dvae"], default=["dense", "dvae"])
    parser.add_argument("--peers", nargs="+", choices=TARGETS, default=list(TARGETS), help="these alone, by name")
    parser.add_argument("--repeats", type=int, default=5, help="alternating epochs of each contender")
    parser.add_argument("--threads", type=int, default=2, help="threads of every contender")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="of every contender")
    parser.add_argument("--untuned", action="store_true", help="glibc's allocator as it is and denormals, for all")
    parser.add_argument("--pythae-python", metavar="PATH", help="python of an environment that has pythae and torch")
    parser.add_argument("--replicas", action="store_true", help="16 runs at once instead")
    options = parser.parse_args(arguments)
    if not options.pythae_python:
        print("pythae: left out; name the python of an environment that has it by --pythae-python")
    if options.quick:
        options.batch, options.model = [64], ["dense"]
    mallopt = () if options.untuned else MALLOC_OPTIONS
    settings = "untuned" if options.untuned else "freed memory kept, denormals flushed"
    print(f"{machine(options)}, {settings}, {options.repeats} repeats, torch {torch.__version__}")
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        if not options.quick:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = f"{folder}/inductor"  # compile anew
        write_inputs(folder, 2048 if options.quick or options.replicas else 8192)
        task = Task("dense", 64, options.threads, mallopt, folder, device=options.device)
        if options.replicas:
            lines = [line for row in (("small", 100), ("dense", 100)) for line in compare_replicas(*row, task, options)]
        else:
            for model in options.model:
                for batch in options.batch:
                    lines += compare(replace(task, model=model, batch=batch), options)
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    assert Path("benchmarks").is_dir(), "run it from the repository's root"
    main()
