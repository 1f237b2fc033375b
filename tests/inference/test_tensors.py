"""Files of tensors: what goes in comes out, whatever is damaged is one line, and nothing in them is run."""

import copy
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
import safetensors.numpy
import torch

from inference import tensors, torch_files
from inference.folder import load_tensors
from inference.records import RunError
from jetvae.__main__ import main

NEST = {
    "model": {"encoder.0.weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(3)},
    "first": [torch.zeros(0, 3), torch.full((2,), np.nan)],
    "rng": torch.arange(9, dtype=torch.uint8),
    "flags": torch.tensor([True, False]),
    "half": torch.tensor([1.5, -0.0], dtype=torch.bfloat16),
    "epochs": [{"epoch": 1.0, "loss": 0.1 + 0.2}, {"epoch": 2.0, "loss": np.inf, "best": np.nan}],
    "none": [],
    "stop": {"patience": 3, "since": None, "names": ["ä", "b"]},
}


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        bits = [each.reshape(-1).view(torch.uint8).tolist() for each in (a, b)]
        return (a.dtype, a.shape) == (b.dtype, b.shape) and bits[0] == bits[1]
    return type(a) is type(b) and (a == b or a != a)


def test_a_nest_comes_back_bit_for_bit(tmp_path):
    path = tmp_path / "x.safetensors"
    for content in (NEST, {"runs": NEST}, {"a": NEST, "b": copy.deepcopy(NEST)}, {}):
        tensors.save(content, path)
        found = tensors.load(path)
        assert same(found, content)
        before = path.read_bytes()
        tensors.save(found, path)
        assert path.read_bytes() == before, "equal content is equal bytes"


def test_weights_are_what_other_programs_read_and_write(tmp_path):
    path = tmp_path / "weights.safetensors"
    values = {"encoder.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "steps": np.array(7)}
    tensors.save({name: torch.as_tensor(value) for name, value in values.items()}, path)
    for name, value in safetensors.numpy.load_file(path).items():
        np.testing.assert_array_equal(value, values[name], strict=True)
    safetensors.numpy.save_file(values, path, {"format": "pt"})
    assert same(tensors.load(path), {name: torch.as_tensor(value) for name, value in values.items()})


def raw(header, data=b"", length=None):
    """A file of safetensors, made by hand."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(begin=0, end=8, shape=(2,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def noted(note):
    return raw(
        {"__metadata__": {"jetvae": note if isinstance(note, str) else json.dumps(note)}, "a": entry()}, bytes(8)
    )


BAD = {
    "empty": b"",
    "short": b"\x01\x00",
    "no header": raw(b""),
    "a header of 2^60 bytes": raw({}, length=1 << 60),
    "a header of 2^64 - 1 bytes": raw({}, length=(1 << 64) - 1),
    "a header beyond the end": raw({}, length=9),
    "no JSON": raw(b"{a}"),
    "a list": raw(b"[]"),
    "no text": raw(b"\xff\xfe\x00"),
    "deep": raw(b'{"a":' + b"[" * 100_000),
    "a number of 5,000 digits": raw(b'{"a":' + b"9" * 5000 + b"}"),
    "twice": raw(b'{"a":' + json.dumps(entry()).encode() + b',"a":' + json.dumps(entry()).encode() + b"}", bytes(8)),
    "overlapping": raw({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)),
    "a hole": raw({"a": entry(0, 8), "b": entry(16, 24)}, bytes(24)),
    "backwards": raw({"a": entry(8, 0)}, bytes(8)),
    "negative": raw({"a": entry(-8, 0)}, bytes(8)),
    "beyond the end": raw({"a": entry(0, 1 << 40, (1 << 38,))}, bytes(8)),
    "more numbers than bytes": raw({"a": entry(shape=(1 << 60,))}, bytes(8)),
    "a size that overflows": raw({"a": entry(0, 0, (1 << 62, 1 << 62, 0))}),
    "another type": raw({"a": entry(dtype="F64")}, bytes(8)),
    "no type": raw({"a": entry(dtype="object")}, bytes(8)),
    "bytes left": raw({"a": entry()}, bytes(16)),
    "no shape": raw({"a": {"dtype": "F32", "data_offsets": [0, 8]}}, bytes(8)),
    "metadata of numbers": raw({"__metadata__": {"jetvae": 3}, "a": entry()}, bytes(8)),
    "metadata of a list": raw({"__metadata__": [], "a": entry()}, bytes(8)),
    "a note of nothing": noted(""),
    "a note of a list": noted("[]"),
    "a note without digest": noted({"lists": [], "tables": {}, "values": {}}),
    "a note of another digest": noted({"lists": [], "tables": {}, "values": {}, "sha256": "0" * 64}),
    "a deep note": noted("[" * 100_000),
}


@pytest.mark.parametrize("case", BAD)
def test_damage_is_one_line(case, tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(BAD[case])
    with pytest.raises(RunError, match=r"weights\.safetensors: ") as error:
        load_tensors(path)
    assert "restore it" in str(error.value)
    assert len(str(error.value)) < 500


LIES = {
    "lists": {"lists": ["a"], "tables": {}, "values": {}},
    "a list of another": {"lists": ["b/c"], "tables": {}, "values": {}},
    "a table that is none": {"lists": [], "tables": {"b": [["x"]]}, "values": {}},
    "values": {"lists": [], "tables": {}, "values": {"a": 3}},
    "a path through a tensor": {"lists": [], "tables": {}, "values": {"a/b": 3}},
    "a long path": {"lists": [], "tables": {}, "values": {"/".join("x" * 99): 3}},
    "no tables": {"lists": [], "values": {}},
}


@pytest.mark.parametrize("case", LIES)
def test_a_note_that_lies_with_a_right_digest(case, tmp_path):
    """As somebody would write it who wants to do harm."""
    note = LIES[case]
    path = tmp_path / "x.safetensors"
    path.write_bytes(noted(note | {"sha256": tensors.digest({"a": torch.zeros(2)}, note)}))
    with pytest.raises(RunError, match=r"x\.safetensors: not a file of tensors, or torn"):
        load_tensors(path)


def test_a_table_of_rows_without_bytes_takes_no_memory(tmp_path):
    note = {"lists": [], "tables": {"epochs": [[]]}, "values": {}}
    empty = torch.zeros(1 << 50, 0)
    text = json.dumps(note | {"sha256": tensors.digest({"epochs/0": empty}, note)})
    path = tmp_path / "x.safetensors"
    path.write_bytes(raw({"__metadata__": {"jetvae": text}, "epochs/0": entry(0, 0, (1 << 50, 0))}))
    with pytest.raises(RunError, match="has no columns"):
        load_tensors(path)


def refused_of_flipped(path, content, step):
    """The part of the flipped bits, one in so many, for which a file is refused; for the others it is the same."""
    whole, refused = path.read_bytes(), 0
    places = range(0, 8 * len(whole), step)
    for place in places:
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            assert same(load_tensors(path), content)
        except RunError:
            refused += 1
    return refused / len(places)


def test_every_bit_of_a_small_file_counts(tmp_path):
    """Every third bit: refused, or the same content, as where a space in the header becomes another."""
    path = tmp_path / "x.safetensors"
    content = {"w": torch.tensor([1.0, 2.0]), "epochs": [{"loss": 1.5}], "stop": 3}
    tensors.save(content, path)
    assert refused_of_flipped(path, content, 3) > 0.97


class Evil:
    """What a pickle runs when it is read."""

    def __init__(self, function, *words):
        self.made = (function, words)

    def __reduce__(self):
        return self.made


def hostile(path, canary):
    """Files ``.pt`` that leave a canary when they are read carelessly."""
    for evil in (Evil(os.system, f"touch {canary}"), Evil(os.mkdir, str(canary))):
        for content in (evil, {"model": evil}, {"w": torch.zeros(3), "x": evil}):
            torch.save(content, path)
            yield
            path.write_bytes(pickle.dumps(content))
            yield


def test_a_pickle_that_would_run_code_is_one_line(tmp_path):
    path, canary = tmp_path / "weights.pt", tmp_path / "canary"
    for _ in hostile(path, canary):
        with pytest.raises(RunError, match=r"weights\.pt: not a file of tensors, or torn; restore it"):
            load_tensors(path)
        assert not canary.exists()
    torch.load(path, weights_only=False) if zipfile.is_zipfile(path) else pickle.loads(path.read_bytes())
    assert canary.exists(), "they are what they are taken for"


def test_commands_refuse_it_too(trained, tmp_path, capsys):
    """As part of somebody's run folder, trained before."""
    folder, canary = tmp_path / "run", tmp_path / "canary"
    folder.mkdir()
    for name in ("config.toml", "provenance.json", "history.csv"):
        (folder / name).write_bytes((trained.path / name).read_bytes())
    for name in ("weights.pt", "checkpoint.pt"):
        torch.save({"model": Evil(os.system, f"touch {canary}")}, folder / name)
    assert main(["export", str(folder), "--bundle", str(tmp_path / "x.zip")]) == 2
    assert "weights.pt: not a file of tensors" in capsys.readouterr().err.splitlines()[-1]
    assert not canary.exists()


def test_older_torch_reads_no_pickle(tmp_path, monkeypatch):
    torch.save({"w": torch.zeros(2)}, tmp_path / "weights.pt")
    assert same(load_tensors(tmp_path / "weights.pt"), {"w": torch.zeros(2)})
    monkeypatch.setattr(torch_files.torch, "__version__", "2.9.1+cpu")
    with pytest.raises(RunError, match=r"torch 2\.9\.1\+cpu cannot read it safely; install torch 2\.10"):
        load_tensors(tmp_path / "weights.pt")


def test_bombs_of_before_are_refused(tmp_path):
    """A tensor of a terabyte whose strides are zero; an archive that unpacks to a thousand times its size."""
    path = tmp_path / "weights.pt"
    torch.save({"w": torch.zeros(1).expand(1 << 38)}, path)
    with pytest.raises(RunError, match="not a file of tensors"):
        load_tensors(path)
    torch.save({"w": torch.zeros(1 << 20)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert path.stat().st_size < 20_000
    with pytest.raises(RunError, match="not a file of tensors"):
        load_tensors(path)


def test_a_flipped_bit_of_before_is_noticed(tmp_path):
    """Which torch itself does not: it skips the checksums of the archive."""
    path, content = tmp_path / "weights.pt", {"w": torch.linspace(1, 2, 500), "epochs": [{"loss": 1.5}]}
    torch.save(content, path)
    assert refused_of_flipped(path, content, 101) > 0.5, "the rest is padding, and headers that are there twice"
