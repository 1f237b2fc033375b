"""Files are opened only after a process of its own has read them: libraries hang or crash on damaged ones.

That is so for HDF5, and for ROOT and parquet.

That process is started with the first file, answers for as long as this one lives, and is replaced where it did not
survive a file. A file is not looked at again until it changes.
"""

from __future__ import annotations

import atexit
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import h5py

from jets.errors import JetFileError
from jets.untrusted import hdf5_walk

PATIENCE = 12.0
"""Seconds that the check of a file may take, beside the time that its size needs."""
BUSY = 20
"""How many times as long it may take where the machine lets it wait: its processor time is bounded anyway."""
HERE = Path(__file__).parent
SAMPLE, PROGRAM = HERE.parent / "sample", HERE / "program.py"
START = "import runpy, sys; sys.path += sys.argv[2:]; runpy.run_path(sys.argv[1], run_name='__main__')"
OUT_OF_TIME = -24
"""What a process returns that used up its processor time."""
DAMAGED = "damaged: {} {} on it; get it again, or write it anew"
READERS = {b"root": "uproot", b"PAR1": "pyarrow"}
"""First bytes of a file -> what reads it, if not the HDF5 library."""
IS_CHILD = False
"""Whether this is the process that reads files first."""

Key = tuple[str, int, int, int, int]


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """Open an HDF5 file to read, once it is known that it can be.

    Raises
    ------
    JetFileError
        It is damaged, or points to other files.
    """
    assert_readable(path)
    with h5py.File(path, "r") as file:
        yield file


def assert_readable(path: str | Path) -> None:
    """Assert that an HDF5 file is whole, and points to no other file; of ROOT and parquet, that reading them ends.

    Raises
    ------
    JetFileError
        It is not.
    """
    if IS_CHILD:
        return
    _checker.assert_readable(Path(path))


class Checker:
    """The process that reads files first, and what it found; a forked process has one of its own."""

    def __init__(self) -> None:
        self.known: dict[Key, str] = {}
        self.lock = threading.Lock()
        self.process: subprocess.Popen[str] | None = None
        self.late = False

    def assert_readable(self, path: Path) -> None:
        """Assert that a file is whole, and points to no other file.

        Raises
        ------
        JetFileError
            It is not.
        """
        place = Path(os.path.abspath(path))
        if place.parent == SAMPLE:
            return
        found = place.stat()
        if not stat.S_ISREG(found.st_mode):
            raise JetFileError(f"{path}: no regular file; give a file")
        key = (str(place), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        with self.lock:
            if key not in self.known:
                self.known[key] = self.fault(str(place), PATIENCE + found.st_size / hdf5_walk.PER_SECOND)
            if self.known[key]:
                raise JetFileError(f"{path}: {self.known[key]}")

    def fault(self, path: str, seconds: float) -> str:
        """Return what is wrong with a file; empty if nothing is."""
        with open(path, "rb") as file:
            library = READERS.get(file.read(4))
        process = self.running()
        if process is None:  # where no process can be started, the file is read here
            return hdf5_walk.fault(path) if library is None else ""
        answer = self.answer(process, json.dumps(path) + "\n", seconds)
        if answer:
            return json.loads(answer) or ""
        return DAMAGED.format(
            library or "the HDF5 library", "hangs" if self.end() == OUT_OF_TIME or self.late else "crashes"
        )

    def running(self) -> subprocess.Popen[str] | None:
        """Return the process, which is started where there is none; None where it cannot be."""
        if self.process is not None and self.process.poll() is None:
            return self.process
        self.end()
        specs = [find_spec(name) for name in ("h5py", "numpy", "hdf5plugin")]
        folders = {str(Path(spec.origin).parents[1]): None for spec in specs if spec is not None and spec.origin}
        folders[str(SAMPLE.parents[1])] = None
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", START, str(PROGRAM), *folders],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        except OSError:
            return None
        if not self.answer(self.process, "", PATIENCE):
            self.end()
        return self.process

    def answer(self, process: subprocess.Popen[str], question: str, seconds: float) -> str:
        """Return the line that the process answers; empty if it does not in time, or ends."""
        assert process.stdin is not None
        assert process.stdout is not None
        answered, self.late = threading.Event(), False
        threading.Thread(target=self.give_up, args=[process, seconds, answered], daemon=True).start()
        try:
            process.stdin.write(question)
            process.stdin.flush()
            return process.stdout.readline()
        except OSError:
            return ""
        except BaseException:  # an interruption: the answer would be taken for that to the next question
            self.end()
            raise
        finally:
            answered.set()

    def give_up(self, process: subprocess.Popen[str], seconds: float, answered: threading.Event) -> None:
        """End a process that takes too long; one that waits for the machine is given more time."""
        for _ in range(BUSY):
            if answered.wait(seconds):
                return
            if not waits_for_the_machine(process.pid):
                break
        self.late = True
        process.kill()

    def end(self) -> int:
        """End the process, and return how it ended."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            try:
                assert pipe is not None
                pipe.close()
            except OSError:  # what was not sent any more
                pass
        return process.returncode


def waits_for_the_machine(pid: int) -> bool:
    """Whether a process could continue if it had a processor (R) or the disk (D); False where that is not known."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "RD"
    except (OSError, IndexError):
        return False


def _afresh() -> None:
    """In a forked process: the other's process is not ours to talk to, nor to wait for."""
    global _checker
    _others.append(_checker)
    nothing = os.open(os.devnull, os.O_RDWR)
    process, _checker = _checker.process, Checker()
    _checker.known |= _others[-1].known
    for pipe in (process.stdin, process.stdout) if process is not None else ():
        assert pipe is not None
        os.dup2(nothing, pipe.fileno(), inheritable=False)
    os.close(nothing)


_checker = Checker()
_others: list[Checker] = []
"""Those of the processes that this one was forked from."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_afresh)
atexit.register(lambda: _checker.end())
