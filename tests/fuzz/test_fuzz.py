"""A slice of the damaged files that ``make fuzz`` tries, and all that once broke something."""

import struct
from pathlib import Path
from random import Random

import pytest

from jets.errors import UserError

from . import KINDS, Kind, watch
from .mutate import mutated
from .watch import CRASH, HANG, RIGHT, table, watched
from .worker import BROKE, DIFFERENT, REFUSED, SAME, VALUES, Sound

CASES = 12
"""Of each kind in every run."""
CORPUS = Path(__file__).parent / "corpus"
"""Contents that once broke something: ``corpus/KIND/WHICH-NAME``, in the place of the kind's sound file WHICH."""


@pytest.mark.parametrize("name", KINDS)
def test_damage_is_refused_or_does_no_harm(name, tmp_path):
    sound = Sound(KINDS[name], tmp_path / "sound")
    came_to = {number: sound.tried(1, number) for number in range(CASES)}
    assert {number: each for number, each in came_to.items() if each[0] not in RIGHT} == {}
    kept = CORPUS / name
    for path in sorted(kept.iterdir()) if kept.is_dir() else ():
        which = int(path.name.split("-")[0])
        verdict, words = sound.of(sound.paths[which], path.read_bytes(), which)
        assert verdict in RIGHT, f"{path}: {verdict}: {words}"


def toy(read, structure=None):
    """A kind of one file of eight bytes, a number."""

    def seeds(folder):
        (folder / "a.bin").write_bytes(struct.pack("<d", 1.0))
        return [folder / "a.bin"]

    return Kind("toy", seeds, read, structure=structure)


def number_in(path):
    data = path.read_bytes()
    if len(data) != 8:
        raise UserError(f"{path}: cut; write it again")
    return repr(struct.unpack("<d", data)[0])


def traceback_of(path):
    return str(1 / len(path.read_bytes()))


@pytest.mark.parametrize(
    ("read", "structure", "content", "verdict"),
    [
        (number_in, None, b"1234567", REFUSED),
        (number_in, None, struct.pack("<d", 1.0), SAME),
        (number_in, None, struct.pack("<d", 2.0), DIFFERENT),
        (number_in, lambda path: str(path.stat().st_size), struct.pack("<d", 2.0), VALUES),
        (traceback_of, None, b"", BROKE),
    ],
)
def test_what_a_case_comes_to(tmp_path, read, structure, content, verdict):
    sound = Sound(toy(read, structure), tmp_path / "sound")
    assert sound.of(sound.paths[0], content, 0)[0] == verdict
    assert sound.paths[0].read_bytes() == struct.pack("<d", 1.0)


def test_a_case_repeats(tmp_path):
    sound = Sound(toy(number_in), tmp_path / "sound")
    assert sound.case(3, 7) == sound.case(3, 7)
    assert len({sound.case(3, number)[1] for number in range(40)}) > 25


def test_damage_changes_something():
    data = bytes(range(256)) * 8
    random = Random(0)
    assert sum(mutated(data, random) != data for _ in range(200)) > 180


def test_a_worker_that_dies_or_hangs_is_followed_by_another(tmp_path, monkeypatch):
    """A case that waits, as for a busy machine, has more time than one that works, but not for ever."""
    monkeypatch.setattr(watch, "SECONDS", 1.0)
    monkeypatch.setattr(watch, "BUSY", 3)
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import os, sys, time\n"
        "print('ready')\n"
        "for number in range(int(sys.argv[3]), int(sys.argv[4])):\n"
        "    print('begin', number, flush=True)\n"
        "    os.abort() if number == 1 else time.sleep({3: 60, 4: 1.5}.get(number, 0))\n"
        "    while number == 5: pass\n"
        "    print('end same', repr('x'), flush=True)\n"
    )
    monkeypatch.setattr(watch, "WORKER", (str(worker),))
    found = watched("toy", 0, 0, 7, tmp_path)
    assert found.counts == {SAME: 4, CRASH: 1, HANG: 2}
    assert [(number, verdict) for number, verdict, _ in found.failures] == [(1, CRASH), (3, HANG), (5, HANG)]
    assert "crash" in next(table([found]))


def test_a_worker_that_does_not_start_is_a_failure(tmp_path):
    found = watched("no such kind", 0, 0, 6, tmp_path)
    assert [verdict for _, verdict, _ in found.failures] == ["no start"]
    assert "KeyError" in found.failures[0][2]
