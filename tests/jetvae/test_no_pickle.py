"""Nothing that is written could be executed by reading it, and nothing reads what could be."""

import pickletools
import re
import zipfile
from pathlib import Path

import jets
from jetvae.__main__ import main

ROOT = Path(__file__).parents[2]
SMALL = ["--epochs", "1", "--set", "image.pixels=12", "--set", "image.width=[0.1,0.1]", "--set", "model.encoder=[8]"]
PACKAGES = ("jetvae", "jets", "priors", "models", "inference", "analysis", "benchmarks")
READERS = re.compile(r"\b(c?[pP]ickle|dill|joblib|marshal|shelve|torch\.save\(|weights_only=False|allow_pickle=True)")


def is_pickle(path):
    """Whether a file is a pickle, of protocol 2 or later, or an archive that holds one."""
    content = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith((".pkl", ".pickle")) for name in archive.namelist())
    if content[:1] != b"\x80":
        return False
    try:
        return bool(list(pickletools.genops(content)))
    except ValueError:
        return False


def test_no_file_of_training_report_and_encoding_is_a_pickle(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    jets.save("mine.h5", jets.load("sample:qcd", "sample:top")[::150])
    assert main(["train", "image-dvae", *SMALL, "--data", "mine.h5", "--out", "run"]) == 0
    assert main(["train", "image-dvae", *SMALL, "--seeds", "2", "--data", "mine.h5", "--out", "scan"]) == 0
    assert main(["report", "run"]) == 0
    assert main(["encode", "run", "mine.h5", "-o", "encoded.h5"]) == 0
    assert main(["export", "run", "--bundle", "run.zip"]) == 0
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".safetensors", ".nc", ".html", ".json", ".toml", ".csv", ".h5", ".zip"}
    assert [path for path in files if is_pickle(path)] == []
    assert not [path for path in files if path.suffix in (".pt", ".pkl", ".npy")]
    capsys.readouterr()


def test_the_search_finds_them(tmp_path):
    import torch

    torch.save({"w": torch.zeros(2)}, tmp_path / "a.pt")
    torch.save({"w": torch.zeros(2)}, tmp_path / "b.pt", _use_new_zipfile_serialization=False)
    assert all(map(is_pickle, tmp_path.iterdir()))


def test_no_source_writes_or_reads_a_pickle():
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert len(sources) > 200
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sources
        for match in READERS.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    loads = [path.name for path in sources if re.search(r"torch\.load\(", path.read_text(encoding="utf-8"))]
    assert loads == ["torch_files.py"]
