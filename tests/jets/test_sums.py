"""Checksums of a run folder: kept right by whatever writes there, believed by whatever reads."""

import os
import shutil
import subprocess
import sys
import threading

import pytest

from jets import sums
from jets.files import replacing
from jets.sums import SUMS, DamagedError, assert_intact, assert_listed

SHA = {"one": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"}
"""Of the word, as coreutils' sha256sum says."""


@pytest.fixture
def folder(tmp_path):
    """A folder of a run with checksums."""
    home = tmp_path / "run"
    home.mkdir()
    for name in ("config.toml", "history.csv", "unlisted.txt"):
        (home / name).write_text("one")
    sums.write(home, ["config.toml", "history.csv", "not there"])
    return home


def write(path, text):
    with replacing(path) as temporary:
        temporary.write_text(text)


def checked_by_coreutils(folder):
    return subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=folder, capture_output=True).returncode == 0


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no coreutils")
def test_as_coreutils_reads_them(folder):
    assert sums.read(folder) == {"config.toml": {SHA["one"]}, "history.csv": {SHA["one"]}}
    for text in ("two", "three"):
        write(folder / "config.toml", text)
        write(folder / "analysis.nc", text)
        write(folder / "dimension" / "dimension.nc", text)
        assert checked_by_coreutils(folder)
    assert set(sums.read(folder)) == {"config.toml", "history.csv", "analysis.nc", "dimension/dimension.nc"}
    (folder / "dimension" / "dimension.nc").write_text("damaged")
    assert not checked_by_coreutils(folder)
    with pytest.raises(DamagedError, match=r"dimension\.nc: not what SHA256SUMS says; restore it"):
        assert_intact(folder / "dimension" / "dimension.nc")


def test_checksums_of_others_are_left_alone(tmp_path):
    for content in ("SHA256 (a.h5) = 12\n", f"{SHA['one']}  a.h5\n"):
        (tmp_path / SUMS).write_text(content)
        write(tmp_path / "a.h5", "two")
        assert assert_intact(tmp_path / "a.h5").read_text() == "two"
        assert (tmp_path / SUMS).read_text() == content


@pytest.mark.parametrize(
    "content", ["x", "0" * 64, f"{'g' * 64}  config.toml\n", "\0" * 70, f"{'0' * 64}  config.toml\nx"]
)
def test_what_is_no_list_is_refused(folder, content):
    (folder / SUMS).write_text(content)
    with pytest.raises(DamagedError, match=r"SHA256SUMS: not a list of checksums"):
        assert_intact(folder / "config.toml")
    with pytest.raises(DamagedError, match=r"SHA256SUMS: not a list of checksums"):
        write(folder / "config.toml", "two")
    assert (folder / "config.toml").read_text() == "one"


def test_a_run_lists_what_is_read_of_it(folder):
    assert_listed(folder, ["config.toml", "history.csv", "not there"])
    with pytest.raises(DamagedError, match=r"SHA256SUMS: has no checksum of unlisted\.txt"):
        assert_listed(folder, ["unlisted.txt"])
    (folder / SUMS).unlink()
    assert_listed(folder, ["unlisted.txt"])
    (folder / "config.toml").write_text("edited")
    assert_intact(folder / "config.toml")


KILLED = """
import os, sys
from pathlib import Path
import jets.atomic
from jets.files import replacing
left, real = int(sys.argv[2]), os.replace
def replace(*paths):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    real(*paths)
os.replace = replace
with replacing(Path(sys.argv[1]) / "history.csv") as temporary:
    temporary.write_text(sys.argv[3])
"""


def test_killed_at_any_moment_the_folder_opens(folder):
    """Before and after each of the three moves; again and again, so that what a kill left is there at the next."""
    seen = set()
    for moves in (0, 1, 2, 3, 2, 1, 1, 0, 2):
        words = [sys.executable, "-c", KILLED, str(folder), str(moves), f"text {len(seen)} {moves}"]
        code = subprocess.run(words, check=False).returncode
        assert code == (0 if moves == 3 else 9)
        seen.add(assert_intact(folder / "history.csv").read_text())
    assert len(seen) > 2
    write(folder / "history.csv", "last")
    assert sums.read(folder)["history.csv"] == {sums.digest(folder / "history.csv")}


def test_two_write_at_once(folder):
    """Each of its own files and all of one: no line is lost, and the file is one that its line names."""
    program = """
import sys
from pathlib import Path
from jets.files import replacing
for i in range(30):
    for name in (sys.argv[2], "history.csv"):
        with replacing(Path(sys.argv[1]) / name) as temporary:
            temporary.write_text(f"{sys.argv[2]} {i}")
"""
    running = [subprocess.Popen([sys.executable, "-c", program, str(folder), name]) for name in ("a.nc", "b.nc")]
    while any(each.poll() is None for each in running):
        assert_intact(folder / "history.csv")
    assert [each.returncode for each in running] == [0, 0]
    found = sums.read(folder)
    assert {name: {sums.digest(folder / name)} for name in found} == found
    assert set(found) == {"config.toml", "history.csv", "a.nc", "b.nc"}


def test_checksums_that_are_removed_do_not_come_back(folder):
    """A result is written while the run is resumed: its writer must not restore the checksums of before."""
    with replacing(folder / "a.nc") as temporary:
        temporary.write_text("one")
        sums.remove(folder)
    assert not (folder / SUMS).exists()
    sums.write(folder, ["config.toml"])
    with sums.replaced(folder / "a.nc", folder / "unlisted.txt"):
        later = threading.Thread(target=sums.remove, args=(folder,))
        later.start()
        later.join(0.2)
        assert later.is_alive(), "it waits for the file that is being replaced"
    later.join()
    assert not (folder / SUMS).exists()


def test_links_out_of_the_folder_and_what_is_no_file(folder, tmp_path):
    (tmp_path / "outside").write_text("one")
    path, inside = folder / "history.csv", folder / "inside"
    inside.write_text("one")
    for target, words in (
        (tmp_path / "outside", "a link to .*outside, outside"),
        ("../outside", "a link to .*outside, outside"),
        ("/dev/zero", "a link to /dev/zero, outside"),
        ("nowhere/../../outside", "a link to .*outside, outside"),
        ("history.csv", "cannot be read"),
        (".", "not a file"),
    ):
        path.unlink()
        path.symlink_to(target)
        with pytest.raises(DamagedError, match=rf"history\.csv: {words}"):
            assert_intact(path)
    path.unlink()
    path.symlink_to("inside")
    assert_intact(path)
    (tmp_path / "link").symlink_to(folder)
    assert_intact(tmp_path / "link" / "history.csv")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DamagedError, match="not a file"):
        assert_intact(path)
    assert_intact(folder / "not there")
    with pytest.raises(DamagedError, match=r"config\.toml: has 3 bytes, expected at most 2"):
        assert_intact(folder / "config.toml", most=2)
