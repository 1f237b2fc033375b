"""A run in one file: opened again it is the same run; what is no bundle is refused, and nothing is unpacked."""

import contextlib
import json
import shutil
import stat
import warnings
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import torch

import jetvae
from analysis.deployment import bundle
from analysis.deployment.bundle import BundleError, unpack_bundle, write_bundle
from inference.folder import RunError, RunFolder
from inference.run import Run
from jets.sums import DamagedError
from jetvae.__main__ import main


@pytest.fixture(scope="module")
def shared(trained, tmp_path_factory):
    """The bundle of a run that has an orientation."""
    path = tmp_path_factory.mktemp("bundle") / "mine.zip"
    content = json.dumps({"digest": trained.digest, "orientations": {}})
    RunFolder(trained.path).write_text("orientation.json", content)
    return write_bundle(trained, path)


def test_the_same_run_again(shared, trained, sample, tmp_path):
    run = Run.open(unpack_bundle(shared, tmp_path / "run"), sample)
    assert run.complete
    assert run.recipe == trained.recipe
    assert run.provenance == trained.provenance
    assert run.history == trained.history
    for name, tensor in trained.vae.state_dict().items():
        assert torch.equal(run.vae.state_dict()[name], tensor)
    assert json.loads((run.path / "orientation.json").read_text())["digest"] == run.digest == trained.digest
    assert {path.suffix for path in run.path.iterdir()} == {".toml", ".json", ".csv", ".md", ".safetensors", ""}


def test_commands_and_the_facade(shared, sample, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["open", str(shared)]) == 0
    assert capsys.readouterr().out == "wrote mine; next: jetvae report mine --data F\n"
    own, again = jetvae.open(shared), jetvae.open("mine")
    assert own.vae.latent == again.vae.latent
    assert own.transform(sample[:9]).tolist() == again.transform(sample[:9]).tolist()
    jetvae.save("some.h5", sample[::10])
    assert main(["report", "mine", "--data", "some.h5"]) == 0
    assert (tmp_path / "mine/report.html").exists()
    assert main(["open", str(shared)]) == 2
    assert "mine: already exists" in capsys.readouterr().err
    assert main(["export", "mine", "--bundle", "again.zip"]) == 0
    with zipfile.ZipFile("again.zip") as one, zipfile.ZipFile(shared) as other:
        assert one.read("weights.safetensors") == other.read("weights.safetensors")


def test_odd_goes_with_it(tmp_path, monkeypatch, capsys):
    """Of who opens the file, without the jets that the run was trained on: the same columns, bit for bit."""
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    jetvae.save("own.h5", jetvae.load("sample:qcd")[:1500])
    jetvae.save("other.h5", jetvae.load("sample:w")[:100])
    training = ["--epochs", "1", "--set", "training.compile=false", "--out", "mine"]
    assert main(["train", "image-vae", "--data", "own.h5", *training]) == 0
    assert main(["export", "mine", "--bundle", "mine.zip"]) == 0
    assert main(["encode", "mine", "other.h5", "-o", "before.parquet"]) == 0
    shutil.rmtree("mine")
    Path("own.h5").unlink()
    assert main(["open", "mine.zip", "-o", "theirs"]) == 0
    capsys.readouterr()
    assert main(["encode", "theirs", "other.h5", "-o", "after.parquet"]) == 0
    assert "no score odd" not in capsys.readouterr().err
    before, after = (pd.read_parquet(f"{name}.parquet") for name in ("before", "after"))
    assert before["p_value"].between(0, 1).sum() > 90
    pd.testing.assert_frame_equal(before, after)
    Path("theirs/odd.safetensors").write_bytes(b"damaged")
    assert main(["encode", "theirs", "other.h5", "-o", "none.parquet"]) == 0
    assert "no score odd" in capsys.readouterr().err
    assert "odd" not in pd.read_parquet("none.parquet")


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed_otherwise(members):
    members["card.md"][0].compress_type = zipfile.ZIP_LZMA
    return list(members.values())


def changed(shared, path, change):
    """A bundle with other members: ``change`` takes and returns name -> (info, content)."""
    with zipfile.ZipFile(shared) as archive:
        members = {info.filename: (info, archive.read(info)) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for info, content in change(members):
            archive.writestr(info, content)
    return path


def added(name, content=b"x", mode=stat.S_IFREG):
    info = zipfile.ZipInfo(name)
    info.external_attr = (mode | 0o644) << 16
    return lambda members: [*members.values(), (info, content)]


def replaced(name, content):
    return lambda members: list((members | {name: (members[name][0], content)}).values())


def as_link(members):
    members["card.md"][0].external_attr = (stat.S_IFLNK | 0o777) << 16
    return list(members.values())


BAD = {
    "traversal": (added("../evil.py"), "member '../evil.py' is none of a run's"),
    "absolute": (added("/etc/passwd"), "member '/etc/passwd' is none of a run's"),
    "pickle": (added("weights.pt"), "member 'weights.pt' is none of a run's"),
    "folder": (added("sub/config.toml"), "is none of a run's"),
    "twice": (added("card.md"), "or there twice"),
    "link": (as_link, "'card.md' is a link"),
    "packed": (packed_otherwise, "card.md is packed by method 14"),
    "missing": (lambda members: [each for name, each in members.items() if name != "SHA256SUMS"], "has no SHA256SUMS"),
    "changed": (replaced("config.toml", b"description = 'other'\n"), "config.toml is not what its checksum says"),
    "no sum": (replaced("SHA256SUMS", b""), "is not what its checksum says"),
    "other sums": (
        lambda members: replaced("SHA256SUMS", members["SHA256SUMS"][1] + b"0" * 64 + b"  more\n")(members),
        "'more' has a checksum and is not there",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_bundle_is_refused(case, shared, tmp_path):
    change, words = BAD[case]
    path = changed(shared, tmp_path / "bad.zip", change)
    with pytest.raises(BundleError, match=r"bad\.zip") as error:
        unpack_bundle(path, tmp_path / "run")
    assert words in str(error.value)
    assert [each.name for each in tmp_path.iterdir()] == ["bad.zip"]


def test_too_large_and_torn(shared, tmp_path, monkeypatch):
    torn = tmp_path / "torn.zip"
    torn.write_bytes(shared.read_bytes()[:-40])
    with pytest.raises(BundleError, match="not a bundle, or torn"):
        unpack_bundle(torn, tmp_path / "run")
    sound = shared.read_bytes()
    for place in range(0, len(sound), max(1, len(sound) // 300)):
        torn.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        with contextlib.suppress(BundleError):  # nobody reads the date of a member
            unpack_bundle(torn, tmp_path / "run")
            assert members_of(torn) == members_of(shared)
            shutil.rmtree(tmp_path / "run")
        assert not (tmp_path / "run").exists()
    with pytest.raises(BundleError, match=r"none\.zip: no such file"):
        unpack_bundle(tmp_path / "none.zip", tmp_path / "run")
    monkeypatch.setitem(bundle.LARGEST, "weights.safetensors", 1000)
    with pytest.raises(BundleError, match=r"weights\.safetensors is larger than 1,000 bytes"):
        unpack_bundle(shared, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_zip_bomb_is_not_unpacked(shared, tmp_path):
    """Weights of zeros in a thousandth of their size: refused before a byte is written."""
    path = changed(shared, tmp_path / "bad.zip", replaced("weights.safetensors", b"\0" * (80 << 20)))
    small = path.stat().st_size
    assert small < 1 << 20
    with pytest.raises(BundleError, match=r"weights\.safetensors is larger .*, or a zip bomb"):
        unpack_bundle(path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_torn_file_of_weights_and_an_existing_bundle(shared, trained, tmp_path):
    folder = unpack_bundle(shared, tmp_path / "run")
    (folder / "weights.safetensors").write_bytes((folder / "weights.safetensors").read_bytes()[:500])
    with pytest.raises(DamagedError, match=r"weights\.safetensors: not what SHA256SUMS says"):
        _ = Run.open(folder).vae
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(RunError, match="not a file of tensors, or torn"):
        _ = Run.open(folder).vae
    with pytest.raises(ValueError, match="already exists"):
        write_bundle(trained, shared)
