"""Surveys of samples that stay on disk: what they say is what loading says, whatever the files are."""

import json
from dataclasses import replace

import numpy as np
import pytest

import jets
from jets import from_arrays
from jets.errors import JetFileError
from jets.out_of_core import survey as module
from jets.out_of_core.sample import BLOCK, CATALOGUE, Reader
from jets.out_of_core.survey import surveyed


def numbered(sample, start=0, **changes):
    events = start + np.arange(len(sample)) // 2
    return sample.with_(events=events, **changes)


def assert_same(found, expected):
    """The jets are the same, in every column."""
    missing = found.constituents.shape[1] - expected.constituents.shape[1]
    np.testing.assert_array_equal(found.constituents, np.pad(expected.constituents, ((0, 0), (0, missing), (0, 0))))
    np.testing.assert_array_equal(found.label, expected.label)
    for group in ("jet", "subst", "truth"):
        for name, values in getattr(found, group).items():
            np.testing.assert_array_equal(values, getattr(expected, group)[name])
    for name in ("weights", "events"):
        mine, theirs = getattr(found, name), getattr(expected, name)
        assert (mine is None) == (theirs is None)
        assert mine is None or (mine == theirs).all()


def sources(kind, folder, sample):
    """Files of a kind, as they are given."""
    half = len(sample) // 2
    if kind == "embedded":
        return ["sample:w", "sample:qcd"]
    if kind == "two files, of unequal length":
        short = sample.with_(constituents=np.ascontiguousarray(sample.constituents[:, :12]))
        return [str(jets.save(folder / "a.h5", sample)), str(jets.save(folder / "b.h5", short[half:]))]
    if kind == "weights and events":
        weights = np.random.default_rng(0).normal(1, 1, len(sample))
        return [str(jets.save(folder / "a.h5", numbered(sample, weights=weights)))]
    if kind == "one class of two":
        return [f"{jets.save(folder / 'a.h5', sample)}:top", "sample:w"]
    if kind == "a class renamed":
        return [f"{jets.save(folder / 'a.h5', sample[:half])}:glue", "sample:qcd"]
    if kind == "unsorted, from some jet on":
        moved = sample.constituents.copy()
        moved[500:] = moved[500:, ::-1]
        return [str(jets.save(folder / "a.h5", sample.with_(constituents=moved))), "sample:w"]
    np.savez(folder / "a.npz", X=four_momenta(sample), y=sample.label)
    return [str(folder / "a.npz")]


def four_momenta(sample):
    """pT, y, phi, PID as EnergyFlow writes them."""
    return np.concatenate([sample.constituents, np.zeros((*sample.constituents.shape[:2], 1), np.float32)], -1)


KINDS = [
    "embedded",
    "two files, of unequal length",
    "weights and events",
    "one class of two",
    "a class renamed",
    "unsorted, from some jet on",
    "of others",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_survey_says_what_loading_says(kind, sample, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 256)
    given = sources(kind, tmp_path, sample)
    expected, found = jets.load(*given), surveyed(given, tmp_path / "cache")
    assert found.fingerprint == expected.fingerprint
    assert (len(found), found.classes, found.counts) == (len(expected), expected.classes, expected.counts)
    assert found.sources == expected.sources
    assert_same(found.sampled(10**9), expected)
    some = np.array([0, len(found) - 1, len(found) // 2])
    assert_same(found.some(some), expected[np.sort(some)])
    with Reader(found) as reader:
        for rows in found.slices():
            np.testing.assert_array_equal(reader.constituents(rows), expected.constituents[rows])
            np.testing.assert_array_equal(reader.index(rows).label, expected.label[rows])


def test_files_of_ours_are_not_copied(sample, tmp_path):
    file = jets.save(tmp_path / "a.h5", sample)
    found = surveyed([file], tmp_path / "cache")
    assert [member.path for member in found.members] == [str(file.resolve())]
    assert not list(found.home.glob("[0-9]*.h5"))


def test_a_survey_is_made_once(sample, tmp_path, monkeypatch):
    file = jets.save(tmp_path / "a.h5", sample)
    first = surveyed([file], tmp_path / "cache")
    monkeypatch.setattr(module, "survey", lambda *_: pytest.fail("made again"))
    assert surveyed([str(file)], tmp_path / "cache") == first


def test_a_torn_survey_is_made_again(sample, tmp_path):
    file = jets.save(tmp_path / "a.h5", sample)
    first = surveyed([file], tmp_path / "cache")
    (first.home / CATALOGUE).write_text("{")
    assert surveyed([file], tmp_path / "cache") == first
    content = json.loads((first.home / CATALOGUE).read_text())
    (first.home / CATALOGUE).write_text(json.dumps({name: content[name] for name in ("sources", "classes")}))
    assert surveyed([file], tmp_path / "cache") == first


def test_files_that_change_are_surveyed_again_and_refused_meanwhile(sample, tmp_path):
    file = jets.save(tmp_path / "a.h5", sample)
    first = surveyed([file], tmp_path / "cache")
    jets.save(file, sample[:900])
    with pytest.raises(JetFileError, match=r"a\.h5: changed since its jets were surveyed; restore it, or begin anew"):
        first.some([0])
    second = surveyed([file], tmp_path / "cache")
    assert (len(second), second.home != first.home) == (900, True)
    file.unlink()
    with pytest.raises(JetFileError, match=r"a\.h5: cannot be read any more \(No such file"):
        second.some([0])


def test_a_damaged_block_is_an_error_of_the_file(sample, tmp_path):
    file = jets.save(tmp_path / "a.h5", sample)
    found, content = surveyed([file], tmp_path / "cache"), bytearray(file.read_bytes())
    place = content.find(b"\x78\x5e", len(content) // 3)  # of zlib
    content[place + 40 : place + 200] = bytes(160)
    file.write_bytes(content)
    unnoticed = replace(found.members[0], changed=file.stat().st_mtime_ns)
    with pytest.raises(JetFileError, match=r"a\.h5: .*(damaged|not a readable)"):
        replace(found, members=(unnoticed,)).sampled(10**9)


def test_some_jets_are_chosen_at_random(tmp_path):
    found = surveyed(["sample:qcd", "sample:top", "sample:w"], tmp_path / "cache")
    some = found.sampled(5000)
    assert abs(len(some) - 5000) <= 128
    shares = {name: count / len(some) for name, count in some.counts.items()}
    assert all(abs(shares[name] - count / len(found)) < 0.25 for name, count in found.counts.items())
    assert len(np.unique(some.constituents, axis=0)) == len(some)
    assert_same(found.sampled(5000), some)


def test_what_cannot_be_surveyed(sample, tmp_path):
    with pytest.raises(JetFileError, match=r"toy:torus: vectors are read whole; leave memory out"):
        surveyed(["toy:torus"], tmp_path / "cache")
    with pytest.raises(JetFileError, match=r"absent\.h5: no such file"):
        surveyed([tmp_path / "absent.h5"], tmp_path / "cache")
    jets.save(tmp_path / "a.h5", sample)
    jets.save(tmp_path / "b.h5", numbered(sample))
    with pytest.raises(JetFileError, match=r"a\.h5: has no event numbers, other files have; write them into it"):
        surveyed([tmp_path / "b.h5", tmp_path / "a.h5"], tmp_path / "cache")
    jets.save(tmp_path / "c.h5", sample.with_(weights=np.ones(len(sample))))
    with pytest.raises(JetFileError, match=r"a\.h5: has no weights, other files have"):
        surveyed([tmp_path / "c.h5", tmp_path / "a.h5"], tmp_path / "cache")
    cancelling = np.where(np.arange(len(sample)) % 2, 1.0, -1.0)
    jets.save(tmp_path / "d.h5", sample.with_(weights=cancelling))
    with pytest.raises(JetFileError, match=r"d\.h5: weights sum to 0"):
        surveyed([tmp_path / "d.h5"], tmp_path / "cache")


def test_jets_that_are_none_are_named_and_nothing_is_left(sample, tmp_path):
    bad = sample.constituents.copy()
    bad[700, 0, 0] = np.nan
    file = jets.save(tmp_path / "a.h5", sample.with_(constituents=bad))
    with pytest.raises(JetFileError, match=r"a\.h5: constituents of 1 jets .* NaN"):
        surveyed([file], tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_file_of_large_blocks_is_converted(sample, tmp_path, monkeypatch):
    """To read a few of its jets all of a block would have to be unpacked."""
    monkeypatch.setattr(module, "LOOSE", 100)
    found = surveyed([jets.save(tmp_path / "a.h5", sample)], tmp_path / "cache")
    assert [member.path for member in found.members] == [str((found.home / "0.h5").resolve())]


def test_many_files_are_not_all_open_at_once(sample, tmp_path, monkeypatch):
    monkeypatch.setattr("jets.out_of_core.sample.OPEN", 2)
    files = [jets.save(tmp_path / f"{i}.h5", sample[100 * i : 100 * (i + 1)]) for i in range(6)]
    found = surveyed(files, tmp_path / "cache")
    with Reader(found) as reader:
        np.testing.assert_array_equal(reader.constituents(slice(0, 600)), sample.constituents[:600])
        assert len(reader.opened) == 2
    assert found.blocks == -(-600 // BLOCK)


def test_arrays_of_jets_are_saved_and_surveyed(tmp_path):
    made = from_arrays(pt=[[100.0, 50.0], [70.0]], eta=[[0.5, 0.6], [-1.0]], phi=[[3.1, -3.1], [0.2]])
    found = surveyed([jets.save(tmp_path / "a.h5", made)], tmp_path / "cache")
    assert found.fingerprint == jets.load(tmp_path / "a.h5").fingerprint


def test_a_converted_file_that_changed_is_made_again(sample, tmp_path):
    """It is ours, not the user's to restore."""
    jets.save(tmp_path / "a.h5", sample)
    first = surveyed([f"{tmp_path / 'a.h5'}:top"], tmp_path / "cache")
    (first.home / "0.h5").write_bytes(b"damaged")
    again = surveyed([f"{tmp_path / 'a.h5'}:top"], tmp_path / "cache")
    assert again.fingerprint == first.fingerprint
    assert len(again.sampled(10**6)) == 600
