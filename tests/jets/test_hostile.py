"""Files that are damaged or say too much of themselves: one line, in seconds; what is whole loads."""

import json
import os
import subprocess
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path
from random import Random

import h5py
import numpy as np
import pytest

import jets
from jets.checks import columns, is_name, names
from jets.convert import convert
from jets.errors import JetFileError
from jets.hdf5 import names_checksum
from jets.untrusted import checker, root_and_parquet
from tests.fuzz.mutate import mutated
from tests.jets.formats import makers
from tests.jets.refusals import bytes_of, refused

CASES = Path(__file__).parents[3] / "shared" / "cases" / "files"


@pytest.fixture
def own(tmp_path):
    sample = jets.load("sample:qcd", "sample:top")[9990:10010]
    weighted = sample.with_(weights=np.linspace(0.5, 2, 20), events=np.arange(20) // 2)
    return jets.save(tmp_path / "own.h5", weighted)


# --- the process that reads first


def test_a_process_that_dies_is_replaced_and_the_file_is_named(own, tmp_path, monkeypatch):
    """The program that reads first ends itself on one file, sleeps on another, and is busy on a third."""
    program = tmp_path / "reads.py"
    program.write_text(
        "import json, os, sys, time\nprint('\"ready\"', flush=True)\n"
        "for line in sys.stdin:\n"
        "    path = json.loads(line)\n"
        "    os.abort() if 'crash' in path else time.sleep(60) if 'slow' in path else None\n"
        "    until = time.monotonic() + 3 * ('busy' in path)\n"
        "    while time.monotonic() < until: pass\n"
        "    print('\"\"', flush=True)\n"
    )
    monkeypatch.setattr(checker, "PROGRAM", program)
    monkeypatch.setattr(checker, "PATIENCE", 2.0)
    asking = checker.Checker()
    for name, said in (
        ("crash.h5", "crashes on it"),
        ("slow.h5", "hangs on it"),
        ("busy.h5", None),
        ("sound.h5", None),
    ):
        (tmp_path / name).write_bytes(own.read_bytes())
        start = time.monotonic()
        if said is None:
            asking.assert_readable(tmp_path / name)
        else:
            with pytest.raises(jets.JetFileError, match=f"{name}: damaged: the HDF5 library {said}"):
                asking.assert_readable(tmp_path / name)
        assert time.monotonic() - start < 10
    asking.end()
    assert asking.process is None


def test_where_no_process_can_be_started_files_are_read_all_the_same(own, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    asking = checker.Checker()
    asking.assert_readable(own)
    bytes_of(own, lambda content: content.__setitem__(slice(60, 70), b"\xff" * 10))
    with pytest.raises(jets.JetFileError, match="not a readable HDF5 file"):
        asking.assert_readable(own)


def test_threads_and_forks_have_one_answer_each(own):
    found = []
    threads = [threading.Thread(target=lambda: found.append(jets.load(own).fingerprint)) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torch has threads; the child does nothing with it
        child = os.fork()
    if not child:
        own.touch()
        checker.assert_readable(own)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    own.touch()
    checker.assert_readable(own)


def test_a_file_is_looked_at_once_until_it_changes(own, monkeypatch):
    asking, asked = checker.Checker(), []
    monkeypatch.setattr(asking, "fault", lambda path, seconds: asked.append(path) or "")
    asking.assert_readable(own)
    asking.assert_readable(own)
    os.utime(own, ns=(1, 1))
    asking.assert_readable(own)
    assert len(asked) == 2


# --- damage of our own files is found


def test_damaged_files_of_ours_never_load_as_other_jets(own, tmp_path):
    """Checksums of HDF5 1.10 and of zlib: what loads is what was written."""
    converted = convert([str(own)], tmp_path / "converted.h5").path
    other = 0
    for source in (own, converted):
        content, before = source.read_bytes(), everything(jets.load(source))
        for number in range(60):
            source.write_bytes(mutated(content, Random(f"{source.name} {number}")))
            try:
                assert everything(jets.load(source)) == before
            except jets.JetFileError:
                other += 1
    assert other > 60


def everything(sample):
    groups = [{name: values.tobytes() for name, values in group.items()} for group in (sample.jet, sample.truth)]
    return sample.fingerprint, sample.classes, groups


@pytest.mark.parametrize("writer", ["save", "convert"])
def test_every_block_and_name_has_a_checksum(own, tmp_path, writer):
    """No filter is left out of any block, and each block ends with the Adler-32 of zlib."""
    path = own if writer == "save" else convert([str(own)], tmp_path / "c.h5").path
    with h5py.File(path) as file, path.open("rb") as raw:
        assert file.attrs["names_crc32"] == zlib.crc32("\n".join(file.attrs["classes"]).encode())
        for data in file.values():
            assert data.attrs["names_crc32"] == names_checksum(data)
            assert data.id.get_num_chunks()
            for i in range(data.id.get_num_chunks()):
                block = data.id.get_chunk_info(i)
                raw.seek(block.byte_offset)
                packed = raw.read(block.size)
                assert not block.filter_mask & 0b10
                assert zlib.adler32(zlib.decompress(packed)) == int.from_bytes(packed[-4:], "big")


def test_a_changed_name_of_a_column_is_found(own):
    bytes_of(own, lambda content: content.__setitem__(slice(0, None), content.replace(b"mass", b"mess")))
    refused(own, "names of classes or columns are damaged|not a readable")


# --- names

HOSTILE = [
    "",
    " ",
    " qcd",
    "qcd ",
    "a/b",
    "../x",
    "a\nb",
    "a\x1b[31mb",
    "\u202eqcd",
    "a\0b",
    "\ud800",
    "x" * 201,
    "a\tb",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_are_none(name):
    assert not is_name(name)
    with pytest.raises(jets.JetFileError) as caught:
        names(("qcd", name), "classes", "a.h5")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_names_that_are_some_are_quick_to_check():
    start = time.monotonic()
    assert len(names([f"class {i}: é ∈ {i % 7}" for i in range(9_000)], "classes", "a.h5")) == 9_000
    assert time.monotonic() - start < 2


def test_a_name_of_a_file_that_cannot_be_a_class(tmp_path):
    path = tmp_path / "a\x1b[31mb.npy"
    makers.array_energy_first(path, makers.truth(n=3))
    with pytest.raises(jets.JetFileError) as caught:
        jets.load(path)
    assert "\x1b" not in str(caught.value)
    assert jets.load(path, labels="w").classes == ("w",)


def test_classes_as_attribute_or_dataset_of_text_or_bytes(tmp_path):
    sample = jets.load("sample:qcd", "sample:top")[9998:10002]
    for i, given in enumerate((["a", "b"], np.array([b"a", b"b"]), np.array(["a", "b"], "S5"))):
        for place in ("attribute", "dataset"):
            path = tmp_path / f"{i}{place}.h5"
            with h5py.File(path, "w") as file:
                file["constituents"], file["label"] = sample.constituents, sample.label
                if place == "attribute":
                    file.attrs["classes"] = given
                else:
                    file["classes"] = given
            assert jets.load(path).classes == ("a", "b")


def test_labels_without_bound(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"], file["pid"], file["global"] = np.ones((2, 4, 4)), np.array([0, 2**40]), np.zeros((2, 1))
    refused(tmp_path / "a.h5", "labels go up to 1099511627776; expected whole numbers from 0 to 9999")


def test_what_takes_all_memory_is_damaged(own, monkeypatch):
    """As an RNTuple of 10 kB did that says that a page has 5e8 elements; readers say so in words of their own."""

    def reader(path):
        raise JetFileError(f"{path}: damaged") from MemoryError()

    monkeypatch.setattr(checker, "IS_CHILD", False)
    monkeypatch.setattr(root_and_parquet, "format_of", reader)
    assert "need over 1.5 GiB of memory" in root_and_parquet.tried(str(own))


def test_more_columns_than_anybody_has():
    with pytest.raises(JetFileError, match="10,001 columns; at most 10,000"):
        columns(dict.fromkeys(map(str, range(10_001)), np.ones(1)), 1, "a.h5: jet")


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
def test_cases_on_the_command_line():
    files = sorted(str(path) for path in CASES.iterdir() if "HANG" not in path.name)
    program = (
        "import io, json, sys, contextlib\nfrom jetvae.__main__ import main\nresult = {}\n"
        "for path in sys.argv[1:]:\n"
        "    out, err = io.StringIO(), io.StringIO()\n"
        "    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):\n"
        "        code = main(['inspect', path])\n"
        "    result[path] = [code, err.getvalue()]\n"
        "print(json.dumps(result))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *files], capture_output=True, text=True, timeout=120)
    sound = {"classes_b_qcd_b_top_.h5", "jet_float32_12_2_cols_a_b_c_.h5", "unsorted_pt.h5"}
    for path, (code, said) in json.loads(done.stdout).items():
        name = Path(path).name
        assert code == (0 if name in sound else 2), name
        assert len(said.splitlines()) <= 1, said
        assert name in sound or path in said
