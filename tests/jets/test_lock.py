"""One process at a time works in a folder; who is gone holds nothing, who is elsewhere is named."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from jets.holder import Holder, start_of
from jets.lock import LOCK, Locked, locked

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from jets.lock import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def named(folder, text=None, **changed):
    """Leave a lock file that names another than this process."""
    path = folder / LOCK
    path.touch()
    content = asdict(Holder.own(path.stat().st_ino)) | {"pid": 7, "started": "1", "command": "jetvae train"} | changed
    path.write_text(json.dumps(content) if text is None else text, encoding="utf-8")
    return path


def test_the_file_is_there_only_meanwhile_and_an_empty_folder_goes(tmp_path):
    folder = tmp_path / "new" / "run"
    with locked(folder), locked(folder):
        with (folder / LOCK).open(encoding="utf-8") as file:
            content = json.load(file)
        assert (content["pid"], content["host"]) == (os.getpid(), socket.gethostname())
    assert not (tmp_path / "new").exists()
    with locked(folder):
        (folder / "result").touch()
    assert [path.name for path in folder.iterdir()] == ["result"]


def test_another_process_is_named_and_once_killed_holds_nothing(tmp_path, capsys):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, env=environment, text=True, **pipes) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Locked) as refused, locked(tmp_path):
            pass
        year = time.strftime("%Y")
        said = f"{tmp_path}: process {process.pid} on {socket.gethostname()} since {year}"
        assert str(refused.value).startswith(said)
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with Path(f"/proc/{process.pid}/stat").open(encoding="utf-8") as remains:
            assert remains.read().rpartition(")")[2].split()[0] == "Z"
        assert start_of(process.pid) == ""
    assert (tmp_path / LOCK).exists()
    with locked(tmp_path):
        assert f"process {process.pid}" in capsys.readouterr().err
    assert not (tmp_path / LOCK).exists()
    assert capsys.readouterr().err == ""


def test_who_was_on_another_machine_is_named_with_the_remedy(tmp_path):
    path = named(tmp_path, host="batch17", boot="another", since="2026-01-02 03:04:05", command="jetvae \x1b[31mtrain")
    said = "process 7 on batch17 since 2026-01-02 03:04:05 (jetvae ?[31mtrain) works in it, or was killed there; if it "
    with pytest.raises(Locked, match=re.escape(f"{tmp_path}: {said}is gone, remove {path}")), locked(tmp_path):
        pass
    path.unlink()
    with locked(tmp_path):
        pass


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"boot": "of yesterday"},
        {"host": "batch17", "boot": "another", "inode": 1},
        {"text": ""},
        {"text": "{"},
        {"text": "[1]"},
        {"text": '{"host": 1}'},
        {"text": "\0" * 100},
        {"pid": 10**30},
        {"started": None},
    ],
)
def test_what_holds_nothing_is_taken_over(tmp_path, changed):
    """Of a process that has ended, of before the machine's last start, of a copied folder; or no lock file at all."""
    named(tmp_path, **changed)
    with locked(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("letter", encoding="utf-8")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).symlink_to(mine)
    with pytest.raises(ValueError, match="cannot be written"), locked(tmp_path / "run"):
        pass
    assert mine.read_text(encoding="utf-8") == "letter"


def test_of_many_threads_each_waits_for_the_others(tmp_path):
    inside, most, failures = [], [], []

    def work():
        with locked(tmp_path, name=".pairs.h5.lock", wait=True):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    def refused():
        try:
            with locked(tmp_path):
                pass
        except Locked as error:
            failures.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4
    with locked(tmp_path):
        thread = threading.Thread(target=refused)
        thread.start()
        thread.join()
    assert failures == [f"{tmp_path}: another thread of this process works in it; wait for it"]


NO_KERNEL_LOCK = """
import os, sys, time
from jets import lock
lock.is_mine = lambda file: True
folder, inside, got = sys.argv[1], sys.argv[2], 0
stop = time.monotonic() + 2.0
while time.monotonic() < stop:
    try:
        with lock.locked(folder):
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            time.sleep(0.002)
            os.unlink(inside)
            got += 1
    except lock.Locked:
        pass
print(got)
"""


def test_on_a_disk_without_locks_of_the_kernel_one_process_at_a_time_creates_the_file(tmp_path):
    """Whoever is inside makes a file that must not be there: two at once would end with an error."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    (tmp_path / "run").mkdir()
    words = [sys.executable, "-c", NO_KERNEL_LOCK, str(tmp_path / "run"), str(tmp_path / "inside")]
    processes = [subprocess.Popen(words, env=environment, text=True, stdout=subprocess.PIPE) for _ in range(4)]
    counts = [int(process.communicate()[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert sum(counts) > 50
    assert list((tmp_path / "run").iterdir()) == []
