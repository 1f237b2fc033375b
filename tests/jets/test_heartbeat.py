"""A process of another machine that gives no sign of life is taken for lost, whatever its clock says."""

import json
import os
import threading
import time
from dataclasses import asdict

import pytest

from jets.heartbeat import Watch, beating, looked_at, removed
from jets.holder import Holder
from jets.lock import LOCK, Locked, assert_held, locked

ELSEWHERE = {"host": "batch17", "boot": "another", "pid": 7, "started": "1"}


def named(folder, beat=0.01, **changed):
    """Leave the lock file of a process of another machine."""
    path = folder / LOCK
    path.touch()
    path.write_text(json.dumps(asdict(Holder.own(path.stat().st_ino, beat)) | ELSEWHERE | changed), encoding="utf-8")
    return path


def watched(watch, lock, seconds, beat=lambda: None):
    """Look every hundredth of a second; return whether the lock was removed."""
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        beat()
        if watch.removes(lock):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("offset", [0, 3600, -3600])
def test_clock_of_another_machine_does_not_matter(tmp_path, capsys, offset):
    lock, watch = named(tmp_path), Watch(0.2)

    def beat():
        os.utime(lock, (0, time.time() + offset))

    assert not watched(watch, lock, 0.6, beat)
    assert watched(watch, lock, 5.0)
    assert not lock.exists()
    assert "process 7 on batch17" in capsys.readouterr().err
    with locked(tmp_path):
        assert_held(tmp_path)


def test_clock_that_jumps_does_not_matter(tmp_path):
    lock, watch, beats = named(tmp_path), Watch(0.2), iter(range(1000))

    def beat():
        number = next(beats)
        os.utime(lock, (0, time.time() + (3600 if number % 2 else -3600)))

    assert not watched(watch, lock, 0.6, beat)


@pytest.mark.parametrize(
    "changed",
    [{"beat": 0.0}, {"beat": -1.0}, {"beat": float("nan")}, {"beat": 1e30}, {"inode": None}, {"beat": "often"}],
)
def test_who_promised_no_sign_is_not_missed(tmp_path, changed):
    lock = named(tmp_path, **changed)
    assert not watched(Watch(0.05), lock, 0.3)
    assert lock.exists()


def test_a_process_of_this_machine_is_seen_to_live_though_it_stands_still(tmp_path):
    with locked(tmp_path, beat=1000.0):
        assert looked_at(tmp_path / LOCK) is None
        assert not watched(Watch(0.05), tmp_path / LOCK, 0.2)


def test_signs_are_given_while_a_lock_is_held_and_not_after(tmp_path):
    with locked(tmp_path, beat=0.02):
        lock = tmp_path / LOCK
        before = lock.stat().st_mtime_ns
        assert watched(Watch(), lock, 0.2) is False
        assert lock.stat().st_mtime_ns > before
        assert Holder.read(os.open(lock, os.O_RDONLY)).beat == 0.02
    threads = threading.active_count()
    with (tmp_path / "other").open("w") as file, beating(file.fileno(), 0.0):
        assert threading.active_count() == threads


def test_of_many_who_watch_one_removes(tmp_path):
    lock, found = named(tmp_path), []

    def look():
        watch = Watch(0.1)
        if watched(watch, lock, 1.0):
            found.append(watch)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_has_changed_hands_meanwhile_is_put_back(tmp_path):
    lock = named(tmp_path)
    _, mark = looked_at(lock)
    os.utime(lock, (0, 12345))
    assert not removed(lock, mark)
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]
    assert removed(lock, looked_at(lock)[1])


def test_who_was_taken_for_lost_writes_nothing_more(tmp_path):
    with locked(tmp_path):
        assert_held(tmp_path)
        (tmp_path / LOCK).unlink()
        with pytest.raises(Locked, match="another process has taken it over"):
            assert_held(tmp_path)
        with locked(tmp_path / "within"):
            assert_held(tmp_path / "within")
    assert_held(tmp_path)  # nobody claims it
