"""The writer of convert: blocks of every filling, as other libraries read them."""

import zlib

import h5py
import numpy as np
import pytest
import tables

import jets
from jets import JetFileError, Jets
from jets.writing import ROWS, WIDTH, Writer, packed


def sample(rng, n, most, mean):
    """Jets of falling pT with about ``mean`` of at most ``most`` constituents."""
    counts = np.clip(rng.poisson(mean, n), 1, most)
    real = np.arange(most) < counts[:, None]
    pt = -np.sort(-rng.exponential(10, (n, most)) * real, axis=1)
    return np.stack([pt, *(rng.normal(0, 0.1, (2, n, most)) * real)], -1).astype(np.float32)


def written(path, parts, **columns):
    with h5py.File(path, "w") as file, Writer(file) as writer:
        for part in parts:
            label = np.zeros(len(part), np.int64)
            writer.append(Jets(part, label, ("a",), **{k: v[: len(part)] for k, v in columns.items()}))
        return writer.finish("here")


@pytest.mark.parametrize("sizes", [(1,), (ROWS,), (ROWS - 1, 2), (ROWS + 1,), (5, 3 * ROWS, 700)])
@pytest.mark.parametrize("mean", [3, 14, 40])
def test_blocks_as_other_libraries_read_them(tmp_path, sizes, mean):
    """Widths grow from part to part; blocks are dense, sparse or empty; pytables and h5py share no code with us."""
    rng = np.random.default_rng(0)
    parts = [sample(rng, n, 2 * WIDTH * (i + 1) + 3, mean) for i, n in enumerate(sizes)]
    assert written(tmp_path / "a.h5", parts) == {"a": sum(sizes)}
    width = max(part.shape[1] for part in parts)
    expected = np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0))) for part in parts])
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["constituents"][:], expected)
    with tables.open_file(str(tmp_path / "a.h5")) as file:
        np.testing.assert_array_equal(file.root.constituents[:], expected)
    np.testing.assert_array_equal(jets.load(tmp_path / "a.h5").constituents, expected)


def test_how_blocks_are_packed():
    block = np.zeros((ROWS, WIDTH, 3), np.float32)
    assert packed(block) is None
    block[:, :2] = np.random.default_rng(0).normal(size=(ROWS, 2, 3))
    content, skipped = packed(block)
    assert skipped == 0
    assert len(content) < block.nbytes / 5
    block[:] = 1.5
    content, skipped = packed(block)
    assert (zlib.decompress(content), skipped) == (block.tobytes(), 0b01)
    assert len(content) < 1.001 * block.nbytes


def test_weights_that_cancel_in_all_are_refused(tmp_path):
    """Those of each part may: only the whole file must have a mean."""
    rng = np.random.default_rng(0)
    part = sample(rng, 4, 8, 4)
    parts = [Jets(part, np.zeros(4, np.int64), ("a",), weights=np.full(4, sign)) for sign in (1.0, -1.0)]
    for path, held, said in (("a.h5", parts, "here: weights sum to 0"), ("b.h5", [], "here: no jets")):
        with h5py.File(tmp_path / path, "w") as file, Writer(file) as writer:
            for jets_of_part in held:
                writer.append(jets_of_part)
            with pytest.raises(JetFileError, match=said):
                writer.finish("here")
