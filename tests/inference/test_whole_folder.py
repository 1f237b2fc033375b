"""A run folder is what its training left: one character, one bit or one link more, and it is refused in one line."""

import json
import os
import shutil

import pytest
import xarray as xr

import inference
from analysis import store
from analysis.answers.opened import OpenRun
from analysis.report.inputs import kept
from inference import scan
from inference.folder import CHECKPOINT, TEXTS, WEIGHTS, RunFolder
from inference.grid import combinations, resume
from inference.records import RunError
from inference.run import Run
from inference.training import trainer_for
from jets import sums
from jets.errors import UserError
from jets.sums import SUMS, DamagedError
from jetvae.__main__ import main

FEW = {"training.epochs": 2, "data.limit": 300, "model.encoder": [8], "model.decoder": [8]}
READERS = {
    "config.toml": lambda run: run.recipe,
    "provenance.json": lambda run: run.provenance,
    "history.csv": lambda run: run.history,
    WEIGHTS: lambda run: run.vae,
    CHECKPOINT: lambda run: RunFolder(run.path).checkpoint(),
    "history.nc": lambda run: store.open(run.path / "history.nc", run.path),
}


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(trained.path, tmp_path / "run", ignore=shutil.ignore_patterns("*.html", "analysis.nc"))


def test_a_finished_run_has_the_checksums_of_all_it_holds(folder, tmp_path):
    assert set(sums.read(folder)) >= set(READERS)
    for name in READERS:
        assert sums.read(folder)[name] == {sums.digest(folder / name)}
    run = Run.open(folder)
    for read in READERS.values():
        assert read(run) is not None


@pytest.mark.parametrize("name", READERS)
def test_one_character_is_enough(name, folder, capsys):
    path = folder / name
    content = bytearray(path.read_bytes())
    place = content.index(b"0") if name in TEXTS else len(content) - 9
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        DamagedError, match=rf"{name}: not what SHA256SUMS says; restore it, or, if you changed it, rem"
    ):
        READERS[name](Run(folder))
    if name in TEXTS:
        with pytest.raises(DamagedError, match=name):
            Run.open(folder)
        assert main(["summary", str(folder)]) == 2
        assert f"{name}: not what SHA256SUMS says" in capsys.readouterr().err.splitlines()[-1]


def test_without_their_lines_texts_are_not_believed(folder):
    text = (folder / SUMS).read_text()
    (folder / SUMS).write_text(text.replace("  config.toml", "  confia.toml"))
    with pytest.raises(DamagedError, match=r"SHA256SUMS: has no checksum of config\.toml"):
        Run.open(folder)
    (folder / SUMS).write_text("")
    Run.open(folder)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", READERS)
def test_links_out_of_the_folder_are_not_followed(name, old, folder, tmp_path):
    """Also to what would pass, and in folders of before checksums were kept."""
    if old:
        (folder / SUMS).unlink()
    shutil.move(folder / name, tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DamagedError, match=rf"{name}: a link to .*elsewhere, outside .*run; put a copy in its place"):
        READERS[name](Run(folder))
    (folder / name).unlink()
    shutil.move(tmp_path / "elsewhere", folder / f".{name}.kept")
    (folder / name).symlink_to(f".{name}.kept")
    (tmp_path / "link").symlink_to(folder)
    assert READERS[name](Run.open(tmp_path / "link")) is not None, "a link within, and to the folder itself, are fine"


def test_kept_results_are_of_the_folder(folder, tmp_path):
    run = OpenRun.open(folder)
    for name in ("nuts.nc", "orientation.json"):
        (tmp_path / name).write_text(json.dumps({"digest": run.digest, "orientations": {"0.1": {}}}))
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(DamagedError, match=r"nuts\.nc: a link to"):
        store.of_run(folder / "nuts.nc", run.digest)


def test_a_result_of_a_damaged_run_is_missing_and_the_page_goes_on(folder):
    run = Run.open(folder)
    store.save(xr.Dataset({"z": ("x", [1.0])}, attrs={"digest": run.digest}), folder / "trust.nc")
    assert float(kept(folder / "trust.nc", "jetvae trust", run)["z"][0]) == 1
    (folder / "history.csv").write_text((folder / "history.csv").read_text().replace("1", "2", 1))
    found = kept(folder / "trust.nc", "jetvae trust", Run(folder))
    assert isinstance(found, store.Missing)
    assert "history.csv: not what SHA256SUMS says" in str(found)


def test_a_run_that_trains_on_has_none_until_it_is_done(tmp_path):
    recipe = inference.read("image-dvae", FEW)
    run = inference.train(recipe, tmp_path / "run")
    before = sums.read(run.path)
    longer = recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 4})})
    trainer_for([longer], [run.path], resume=True).train(until=3)
    assert not (run.path / SUMS).exists()
    assert len(Run.open(run.path).history) == 3
    resume(run.path, {"training.epochs": 4})
    after = sums.read(run.path)
    assert set(after) == set(before)
    assert {name for name in after if after[name] == before[name]} == {"provenance.json"}
    (run.path / "history.csv").write_text((run.path / "history.csv").read_text().replace("1.0", "1.1", 1))
    whole = {path.name: path.read_bytes() for path in run.path.iterdir()}
    with pytest.raises(UserError, match=r"history\.csv: not what SHA256SUMS says"):
        resume(run.path, {"training.epochs": 5})
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == whole


def test_a_scan_is_in_its_folder(tmp_path):
    scan.create(tmp_path / "scan", combinations("image-dvae", FEW, seeds=2))
    manifest, home = tmp_path / "scan" / "scan.json", tmp_path / "scan"
    assert set(sums.read(home)) == {"scan.json"}
    member = scan.folders(home)[0]
    shutil.move(member, tmp_path / "elsewhere")
    member.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"scan\.json: .* lies outside .*scan; put a copy of it there"):
        scan.runs(home)
    member.unlink()
    shutil.move(tmp_path / "elsewhere", member)
    assert len(scan.runs(home)) == 2
    text = manifest.read_text()
    manifest.write_text(text.replace("seed0", "seed1", 1))
    with pytest.raises(DamagedError, match=r"scan\.json: not what SHA256SUMS says"):
        scan.runs(home)
    (home / SUMS).unlink()
    for name in ("../../etc", "/etc", "a\u0000b", os.fspath(tmp_path)):
        manifest.write_text(text.replace(os.fspath(member.relative_to(home)), name.replace("\u0000", "\\u0000")))
        with pytest.raises(RunError, match=r"scan\.json: "):
            scan.runs(home)
