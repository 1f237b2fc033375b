"""Text files of a run that are not what a training writes: one line that names the file."""

import json
import shutil

import pytest

from inference.folder import CHECKPOINT, CONTENT, WEIGHTS, RunError, load_tensors
from inference.records import read_history, read_provenance
from inference.run import Run
from inference.scan import folders
from jets.sums import SUMS

GOOD = {"data_fingerprint": "ab", "counts": {"train": {"qcd": 3}}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "not what a training writes"),
        ("x", "not readable as JSON"),
        ({"data_fingerprint": None}, "data_fingerprint = None"),
        ({"counts": {}}, "counts = {}"),
        ({"counts": {"train": 3}}, "counts = "),
        ({"counts": {"train": {"qcd": "many"}}}, "counts = "),
        ({"recipe_digests": []}, "recipe_digests = "),
        ({"weights_epoch": "last"}, "weights_epoch = 'last'"),
    ],
)
def test_provenance_that_is_none(tmp_path, content, words):
    path = tmp_path / "provenance.json"
    path.write_text(content if isinstance(content, str) else json.dumps(GOOD | content))
    with pytest.raises(RunError, match=rf"provenance\.json: {words}"):
        read_provenance(path)
    path.write_text(json.dumps(GOOD))
    assert read_provenance(path) == GOOD


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("epoch,loss,reconstruction,kl\n1,x,2,3\n", "not a table of numbers"),
        ("epoch,loss,reconstruction,kl\n1,2,3,4,5\n", "not a table of numbers"),
        ("epoch,reconstruction,kl\n1,2,3\n", "has no column loss"),
        ("", "has no column epoch"),
        (b"\xff\xfe\x00", "not a table of numbers"),
    ],
)
def test_history_that_is_none(tmp_path, content, words):
    path = tmp_path / "history.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RunError, match=rf"history\.csv: {words}"):
        read_history(path)


@pytest.mark.parametrize(
    "content", ["x", "{}", "[]", "null", '{"runs": 3}', '{"runs": [{}]}', '{"runs": [3]}', '{"runs": []}']
)
def test_a_list_of_runs_that_is_none(tmp_path, content):
    (tmp_path / "scan.json").write_text(content)
    with pytest.raises(RunError, match=r"scan\.json: (not readable|does not list)"):
        folders(tmp_path)


def test_weights_that_are_cut_short_or_of_another_model(trained, sample, tmp_path):
    shutil.copytree(trained.path, tmp_path / "run")
    (tmp_path / "run" / SUMS).unlink()
    path = tmp_path / "run" / WEIGHTS
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(RunError, match=r"weights\.safetensors: not a file of tensors"):
            _ = Run.open(tmp_path / "run", sample).vae
    path.write_bytes((trained.path / CHECKPOINT).read_bytes())
    with pytest.raises(RunError, match=r"weights\.safetensors: epochs is of type list, not what a training writes"):
        _ = Run.open(tmp_path / "run", sample).vae
    path.write_bytes(whole)
    with pytest.raises(RunError, match=r"weights\.safetensors: not what a training writes"):
        load_tensors(path, keys=CONTENT)
