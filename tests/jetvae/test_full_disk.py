"""A disk that is full, a disk that cannot be written to: one line, what was there is whole, nothing is left."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jets.disk import DiskError, explained
from jets.files import replacing
from jetvae.__main__ import main

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("full_disk.py")
MOUNT = 'mount -t tmpfs -o size=40m tmpfs "$0" && mkdir "$0/in" && '


def small_disk():
    """Whether a disk in memory can be mounted here, in name spaces of our own."""
    words = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_every_writer_on_a_full_disk(tmp_path):
    """On a small disk in memory; where none can be mounted, with a limit on the size of files."""
    words = [sys.executable, str(SCRIPT), str(tmp_path), "limit"]
    if small_disk():
        script = f'{MOUNT} exec "$1" "$2" "$0/in" fill'
        words = ["unshare", "-rm", "sh", "-c", script, str(tmp_path), sys.executable, str(SCRIPT)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    problems = json.loads(done.stdout)
    assert len(problems) == 18
    assert {name: found for name, found in problems.items() if found} == {}


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_an_error_of_the_disk_is_found_behind_others(tmp_path, kind):
    path = tmp_path / "a.h5"
    path.write_bytes(b"before")
    with pytest.raises(DiskError, match=r"a\.h5: ") as failed, replacing(path):
        raise RuntimeError("cannot close the file") from OSError(kind, os.strerror(kind))
    assert isinstance(failed.value, ValueError)
    assert str(explained(RuntimeError(f"write failed: {os.strerror(kind)}"), path)) == str(failed.value)
    assert explained(RuntimeError("no such thing"), path) is None
    assert [each.name for each in tmp_path.iterdir()] == ["a.h5"]
    assert path.read_bytes() == b"before"


def test_errors_of_the_input_are_not_of_the_output(tmp_path):
    with pytest.raises(FileNotFoundError, match="input"), replacing(tmp_path / "a.h5"):
        (tmp_path / "input").read_bytes()
    with pytest.raises(PermissionError), replacing(tmp_path / "a.h5"):
        raise PermissionError(errno.EACCES, "Permission denied", "input")


@pytest.mark.skipif(not small_disk(), reason="no disk can be mounted read-only here")
def test_a_disk_that_cannot_be_written_to(tmp_path):
    mount = 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"'
    words = ["unshare", "-rm", "sh", "-c", mount, str(tmp_path), sys.executable, "-m", "jetvae"]
    command = ["convert", "sample:w", "-o", str(tmp_path / "w.h5")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([*words, *command], env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"error: {tmp_path / 'w.h5'}: the disk is read-only; write elsewhere"


def test_a_file_in_place_of_a_folder(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["convert", "sample:w", "-o", str(tmp_path / "file" / "w.h5")]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {tmp_path / 'file'}: cannot be written (File exists)"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    ("words", "work"),
    [
        ("search sample:qcd --window 65:105", "analysis.measures.hunt.hunt"),
        ("discover toy:circle(n=500) --beta 0.1", "analysis.evaluation.discover.discover"),
    ],
)
def test_a_folder_that_cannot_be_is_found_before_the_work(words, work, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(work, None)  # would fail
    assert main([*words.split(), "--out", str(tmp_path / "file" / "found")]) == 2
    assert f"{tmp_path / 'file' / 'found'}: " in capsys.readouterr().err


def test_output_that_nobody_can_take():
    words = [sys.executable, "-m", "jetvae", "inspect", str(ROOT / "jets" / "sample" / "w.h5")]
    pipes = {"stderr": subprocess.PIPE, "encoding": "utf-8", "env": os.environ | {"PYTHONPATH": str(ROOT)}}
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(words, stdout=full, check=False, **pipes)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: standard output: no space left on the disk")
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr
