"""A scan on a batch system, on paper: how much work is lost to walltimes and to nodes that fail.

A worker takes runs one after another until its walltime, or until its node fails; then another waits in the queue, and
resumes what was left from its last checkpoint. Signalled before the walltime, it saves one; a failing node signals
nobody, and its run is taken over only once it has given no sign of life for some time.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Queue:
    """What a batch system and a scan are like; times in seconds.

    Attributes
    ----------
    runs, length, spread
        Number of runs, the median time that one trains, and the standard deviation of the logarithms.
    workers, walltime, wait
        Jobs at a time, how long each may last, and the mean time that its successor waits in the queue.
    failures
        Mean time to the failure of a node.
    begin, checkpoint, patience, notice
        From a job's start to its first step; between two checkpoints; without a sign of life before a run is taken
        over; from the signal to stop to the walltime.
    """

    runs: int = 200
    length: float = 1800.0
    spread: float = 0.5
    workers: int = 16
    walltime: float = 7200.0
    wait: float = 600.0
    failures: float = 20 * 3600.0
    begin: float = 15.0
    checkpoint: float = 5.0
    patience: float = 120.0
    notice: float = 120.0


@dataclass
class Outcome:
    """What became of a scan: seconds of nodes, by what they did, seconds until the last run ended, and what was lost.

    ``trained`` is what the runs needed; ``begun``, ``repeated`` and ``idle`` are starts of jobs, training that was
    lost with a node, and waiting for runs whose process may be lost. ``lost`` counts runs left by a node that failed.
    """

    trained: float = 0.0
    begun: float = 0.0
    repeated: float = 0.0
    idle: float = 0.0
    end: float = 0.0
    jobs: int = 0
    lost: int = 0
    finished: list[int] = field(default_factory=list)

    @property
    def wasted(self) -> float:
        """Share of the nodes' time that trained nothing that was kept."""
        rest = self.begun + self.repeated + self.idle
        return rest / (self.trained + rest)


@dataclass
class Job:
    """One job: when its walltime is announced, and when its node would fail."""

    end: float
    failure: float

    @property
    def over(self) -> float:
        """The earlier of both."""
        return min(self.end, self.failure)


class Simulation:
    """A scan on a batch system, event by event; a job ends when nothing is left to begin."""

    def __init__(self, queue: Queue, seed: int) -> None:
        self.queue, self.rng, self.result = queue, np.random.default_rng(seed), Outcome()
        lengths = queue.length * np.exp(queue.spread * self.rng.standard_normal(queue.runs))
        self.left = dict(enumerate(map(float, lengths)))
        self.free_from = dict.fromkeys(self.left, 0.0)  # infinite: in hand
        self.events: list[tuple[float, int, str, Job | None, int]] = []
        self.began: dict[int, float] = {}
        self.number = 0

    def push(self, time: float, kind: str, job: Job | None = None, run: int = -1) -> None:
        """Add an event."""
        self.number += 1
        heapq.heappush(self.events, (time, self.number, kind, job, run))

    def run(self) -> Outcome:
        """Let the scan run to its end."""
        for _ in range(self.queue.workers):
            self.push(self.rng.exponential(self.queue.wait), "start")
        while self.events and self.left:
            time, _, kind, job, run = heapq.heappop(self.events)
            if kind == "start":
                self.start(time)
            elif kind == "take":
                self.take(time, job)
            else:
                self.stop(time, job, run)
        return self.result

    def start(self, time: float) -> None:
        """Begin a job."""
        job = Job(time + self.queue.walltime - self.queue.notice, time + self.rng.exponential(self.queue.failures))
        self.result.jobs += 1
        self.result.begun += self.queue.begin
        self.push(time + self.queue.begin, "take", job)

    def take(self, time: float, job: Job) -> None:
        """Take a run that is free; wait for one whose process may be lost; or end."""
        if time >= job.over:
            self.push(time + self.rng.exponential(self.queue.wait), "start")
            return
        free = [run for run in self.left if self.free_from[run] <= time]
        if free:
            run = free[0]
            self.free_from[run] = np.inf
            self.began[run] = time
            self.push(min(time + self.left[run], job.over), "stop", job, run)
            return
        doubted = min(self.free_from[run] for run in self.left)
        if doubted < np.inf:
            self.result.idle += doubted - time
            self.push(doubted, "take", job)

    def stop(self, time: float, job: Job, run: int) -> None:
        """Account for a run that was finished, or left at a walltime or with its node."""
        trained = time - self.began[run]
        if trained >= self.left[run] - 1e-6:
            self.result.trained += trained
            self.result.finished.append(run)
            self.result.end = time
            del self.left[run]
            self.push(time, "take", job)
            return
        repeated = trained % self.queue.checkpoint if job.failure < job.end else 0.0
        self.result.trained += trained - repeated
        self.result.repeated += repeated
        self.result.lost += job.failure < job.end
        self.left[run] -= trained - repeated
        self.free_from[run] = time + (self.queue.patience if job.failure < job.end else 0.0)
        self.push(time + self.rng.exponential(self.queue.wait), "start")


def simulate(queue: Queue, seed: int = 0) -> Outcome:
    """Return what becomes of a scan.

    Examples
    --------
    >>> quiet = simulate(Queue(runs=4, workers=2, failures=1e12, walltime=1e12, spread=0.0))
    >>> round(quiet.trained), quiet.begun, quiet.repeated, quiet.jobs, sorted(quiet.finished)
    (7200, 30.0, 0.0, 2, [0, 1, 2, 3])
    """
    return Simulation(queue, seed).run()


def table(seeds: int = 20) -> list[str]:
    """Return lines on several batch systems: medians over seeds, and the largest share that was wasted."""
    quiet = Queue()
    kinds = {
        "16 workers, 2 h each, a node fails each 20 h": quiet,
        "the same, a node fails each 2 h": replace(quiet, failures=2 * 3600.0),
        "the same, walltime of 20 minutes": replace(quiet, walltime=1200.0),
        "200 workers": replace(quiet, workers=200),
        "a checkpoint each 10 minutes, a node fails each 2 h": replace(quiet, checkpoint=600.0, failures=2 * 3600.0),
        "runs of one minute": replace(quiet, length=60.0),
    }
    lines = [
        "| 200 runs of 30 minutes | jobs | nodes lost | end [h] | wasted, median | largest |",
        "|---|---|---|---|---|---|",
    ]
    for name, kind in kinds.items():
        found = [simulate(kind, seed) for seed in range(seeds)]
        assert all(sorted(each.finished) == list(range(kind.runs)) for each in found)
        jobs, lost, end = (np.median([getattr(each, key) for each in found]) for key in ("jobs", "lost", "end"))
        wasted = [each.wasted for each in found]
        lines.append(
            f"| {name} | {jobs:.0f} | {lost:.0f} | {end / 3600:.1f} | {np.median(wasted):.1%} | {max(wasted):.1%} |"
        )
    return lines
