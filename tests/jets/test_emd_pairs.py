"""The pair matrix: right, symmetric, resumable, refused where it does not belong."""

import threading

import h5py
import numpy as np
import pytest
import torch

from jets.emd import CloudError, emd, pairs, pairwise
from jets.emd.examples import clouds
from jets.emd.matrix import MatrixFile
from jets.lock import Locked


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(pairs, "BLOCK", 8)


@pytest.fixture(scope="module")
def sample():
    return clouds(16, 21)


def test_one_sample_is_symmetric_and_right(sample):
    matrix = pairwise(sample)
    one, two = np.triu_indices(21, 1)
    truth = emd(torch.from_numpy(sample[one]), torch.from_numpy(sample[two]), method="exact").value.numpy()
    assert matrix.shape == (21, 21)
    assert (matrix == matrix.T).all()
    assert not matrix.diagonal().any()
    assert np.abs(matrix[one, two] / truth - 1).mean() < 2e-3


@pytest.mark.parametrize("method", ["fused", "exact"])
def test_two_samples(sample, method):
    x, y = sample[:13], sample[13:, :12]
    matrix = pairwise(x, y, normalise=False, R=0.8, method=method, threads=2)
    truth = emd(torch.from_numpy(x)[:, None], torch.from_numpy(y)[None], normalise=False, R=0.8, method="exact").value
    np.testing.assert_allclose(matrix, truth.numpy(), rtol=1e-2)


def test_a_killed_run_continues(sample, tmp_path, monkeypatch):
    file, whole = tmp_path / "pairs.h5", pairwise(sample)
    real, calls = pairs._solver, []

    def dying(*arguments):
        solve = real(*arguments)

        def counted(*block):
            calls.append(block)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return solve(*block)

        return counted

    monkeypatch.setattr(pairs, "_solver", dying)
    with pytest.raises(KeyboardInterrupt):
        pairwise(sample, file=file)
    np.testing.assert_array_equal(pairwise(sample, file=file, progress=True), whole)
    assert len(calls) == 4 + 3  # six blocks, three done before the fourth was interrupted
    np.testing.assert_array_equal(pairwise(sample, file=file), whole)
    assert len(calls) == 7
    with h5py.File(file) as store:
        np.testing.assert_array_equal(store["emd"][:], whole)


@pytest.mark.parametrize("left", [96, 0, 800])
def test_a_run_killed_before_its_first_block_continues(sample, tmp_path, left):
    """Of what HDF5 had not flushed, a file shorter than it says is left, or an empty one."""
    file, whole = tmp_path / "pairs.h5", pairwise(sample[:5])
    with h5py.File(file, "w") as store:
        store["something"] = np.zeros(100)
    file.write_bytes(file.read_bytes()[:left])
    np.testing.assert_array_equal(pairwise(sample[:5], file=file), whole)


def test_files_of_before_continue(sample, tmp_path):
    """Once the numbers had their places when they were first written; some blocks of this one are done."""
    file, whole = tmp_path / "pairs.h5", pairwise(sample)
    pairwise(sample, file=file)
    with h5py.File(file) as store:
        facts = dict(store.attrs)
    for done in (0, 1):
        with h5py.File(file, "w") as store:
            store.create_dataset("emd", (21, 21), np.float32)
            store.create_dataset("done", (3, 3), bool)
            store.attrs.update(facts)
            if done:
                store["emd"][:8, 8:16], store["done"][0, 1] = 7, True
        found = pairwise(sample, file=file)
        assert (found[:8, 8:16] == 7).all() == bool(done)
        np.testing.assert_array_equal(found[8:, 8:], whole[8:, 8:])


def test_two_at_once_one_is_refused(sample, tmp_path, monkeypatch):
    refused = []

    def meanwhile(*arguments):
        thread = threading.Thread(target=again)
        thread.start()
        thread.join()
        return real(*arguments)

    def again():
        with pytest.raises(Locked, match=r"pairs\.h5"):
            pairwise(sample, file=tmp_path / "pairs.h5")
        refused.append(1)

    real = MatrixFile.write
    monkeypatch.setattr(MatrixFile, "write", meanwhile)
    pairwise(sample[:8], file=tmp_path / "pairs.h5")
    assert len(refused) == 2


@pytest.mark.parametrize("content", [b"a letter", b"\x89HDF\r\n\x1a\n" + bytes(10_000)])
def test_files_that_hold_something_else_are_left_alone(sample, tmp_path, content):
    file = tmp_path / "mine.h5"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="choose another file"):
        pairwise(sample[:5], file=file)
    assert file.read_bytes() == content
    with h5py.File(tmp_path / "other.h5", "w") as store:
        store["constituents"] = sample
    with pytest.raises(ValueError, match="other clouds or options"):
        pairwise(sample[:5], file=tmp_path / "other.h5")


def test_another_matrix_s_file_is_refused(sample, tmp_path):
    file = tmp_path / "pairs.h5"
    pairwise(sample[:5], file=file)
    with pytest.raises(ValueError, match="other clouds or options"):
        pairwise(sample[:5], file=file, p=2)
    with pytest.raises(ValueError, match="other clouds or options"):
        pairwise(sample[1:6], file=file)


def test_bad_clouds_are_refused(sample):
    with pytest.raises(ValueError, match="expected \\(N, n, 3\\)"):
        pairwise(sample[0])
    with pytest.raises(ValueError, match="negative weight"):
        pairwise(-sample)


@pytest.mark.parametrize(
    "what", [None, "f.h5", 3, [[1.0], [1.0, 2.0]], np.ones((2, 3, 3), complex), torch.ones(2, 3, 3) * 1j, np.array("a")]
)
def test_what_is_no_array_of_numbers_is_refused(what):
    with pytest.raises(CloudError, match=r"^x (is|has)"):
        pairwise(what)
