"""Reads damaged files of one kind, one after the other, and says on standard output what each came to.

``python -m tests.fuzz.worker KIND SEED FIRST LAST FOLDER``; the process that started it watches time and memory, and
starts another where this one dies.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import shutil
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from random import Random

from jets.errors import UserError
from priors import LatentStringError

from .kinds import Kind

SAME, REFUSED, VALUES, DIFFERENT, BROKE, FULL = "same", "refused", "values", "different", "traceback", "memory"
"""What a case may come to here: the first three are right. Others see a crash and a hang."""
MEMORY = 2 * 2**30
"""Bytes above the file's own size that reading one may take."""
LIMIT = 12 * 2**30
"""Bytes of address space in all, beyond what torch maps: nothing may take the machine with it."""


class Sound:
    """The sound files of a kind, and what a user gets from each."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind = kind
        folder.mkdir(parents=True)
        with quiet():
            self.paths = list(kind.seeds(folder))
        self.contents = [path.read_bytes() for path in self.paths]
        self.results = [outcome(kind, path) for path in self.paths]
        for path, (verdict, result) in zip(self.paths, self.results, strict=True):
            assert verdict == "read", f"{kind.name}: a sound file, {path.name}, is refused: {result}"
        with quiet():
            self.structures = [kind.structure(path) if kind.structure else "" for path in self.paths]

    def case(self, seed: int, number: int) -> tuple[Path, bytes, int]:
        """Return the file of a case, its damaged content, and which of the sound ones it was."""
        random = Random(f"{seed} {self.kind.name} {number}")
        which = random.randrange(len(self.paths))
        return self.paths[which], self.kind.damage(self.contents[which], random), which

    def tried(self, seed: int, number: int) -> tuple[str, str]:
        """Return what a case came to, and in which words."""
        path, content, which = self.case(seed, number)
        return self.of(path, content, which)

    def of(self, path: Path, content: bytes, which: int) -> tuple[str, str]:
        """Return what a content in the place of a sound file comes to; the sound one lies there again afterwards."""
        before = peak()
        path.unlink()
        path.write_bytes(content)
        try:
            verdict, result = outcome(self.kind, path)
            if verdict == "read":
                verdict = SAME if (verdict, result) == self.results[which] else self.other(path, which)
        finally:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            path.write_bytes(self.contents[which])
        if peak() - before > MEMORY + len(content):
            return FULL, f"{(peak() - before) / 2**30:.1f} GiB"
        return verdict, result

    def other(self, path: Path, which: int) -> str:
        """Return what it is that another result came out; a text that ends sooner may be a sound one.

        That is where it ends with a whole line, or in its first, which alone says how long a line is: then nobody
        knows that it ends too soon, whatever numbers stand in it.
        """
        structure, content = self.kind.structure, path.read_bytes() if path.is_file() else b""
        whole = content.endswith(b"\n") and self.contents[which].startswith(content)
        if structure and content.isascii() and (whole or b"\n" not in content):
            return VALUES
        with quiet():
            return VALUES if structure and structure(path) == self.structures[which] else DIFFERENT


def outcome(kind: Kind, path: Path) -> tuple[str, str]:
    """Return "read" with the result, or why there is none."""
    try:
        with quiet():
            return "read", kind.read(path)
    except (UserError, LatentStringError) as error:
        text = str(error)
        one_line = text.strip() and text.isprintable() and len(text) < 2000
        return (REFUSED, text) if one_line else (BROKE, f"not one printable line: {text!r:.600}")
    except BaseException as error:  # whatever half a file makes a library say
        frames = traceback.extract_tb(error.__traceback__)
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-6:]))
        return BROKE, f"{type(error).__name__}: {str(error)[:300]} ({places})"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Print nothing."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def peak() -> int:
    """Return the most memory so far, of this process and of its children that ended, in bytes."""
    return 1024 * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def limit_memory() -> None:
    """Bound the address space: torch, numba and XLA map much that they never touch."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (mapped + LIMIT, resource.RLIM_INFINITY))


def main(name: str, seed: str, first: str, last: str, folder: str) -> None:
    """Try the cases from ``first`` to before ``last``."""
    from . import KINDS

    said = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what C libraries print
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        sound = Sound(KINDS[name], Path(folder) / f"{name}-{os.getpid()}")
        limit_memory()
    except BaseException:
        print("broken", repr(traceback.format_exc()), file=said)
        return
    print("ready", file=said)
    for number in range(int(first), int(last)):
        print("begin", number, file=said)
        verdict, words = sound.tried(int(seed), number)
        print("end", verdict, repr(words), file=said)
        if verdict == FULL:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
