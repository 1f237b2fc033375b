"""Files that say they are larger than they are, or unpack to ever more: refused in seconds, at bounded memory."""

import gzip
import io
import resource
import time
import zipfile

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jets
from jets import npy
from jets.formats import texts
from jets.formats.particles import padded
from tests.jets.refusals import bytes_of, refused


def bomb_npz(path, rows, stated=None):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (stated or rows, 50, 3)}
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("X.npy", "w", force_zip64=True) as f:
        f.write(header.getvalue())
        for _ in range(rows // 1000):
            f.write(bytes(1000 * 600))


def header_npy(path, text):
    header = text.encode()
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)


def rows_npz(path):
    bomb_npz(path, 1000, stated=10**9)


def dictionary_parquet(path):
    lists = pa.ListArray.from_arrays(pa.array([0, 10_000_000], pa.int32()), pa.array(np.zeros(10_000_000, "f4")))
    pq.write_table(pa.table({f"part_{x}": lists for x in ("px", "py", "pz", "energy")}), path)


def endless_line(path):
    with gzip.open(path, "wb") as file:
        file.write(b"pt_0,eta_0,phi_0,pt_1,eta_1,phi_1\n1,2,3,4,5,6\n")
        file.write(b"1" * (6 * 2**20))


def one_long_jet(path):
    rows = ["jet,pt,eta,phi"] + [f"{i},50,0,0" for i in range(50_000)]
    path.write_text("\n".join(rows + ["50000,5,0,0"] * 100_000) + "\n")


SIZES = {
    "unallocated.h5": lambda p: write(
        p, lambda f: f.create_dataset("constituents", (10**9, 50, 3), "f4", chunks=(9, 50, 3))
    ),
    "huge chunk.h5": lambda p: write(
        p,
        lambda f: f.create_dataset("constituents", (9, 50, 3), "f4", maxshape=(None, 50, 3), chunks=(6_000_000, 50, 3)),
    ),
    "rows.npz": rows_npz,
    "negative.npy": lambda p: header_npy(p, "{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 40, 4)}\n"),
    "huge.npy": lambda p: header_npy(p, "{'descr': '<f4', 'fortran_order': True, 'shape': (9999999999, 40, 4)}\n"),
    "objects.npy": lambda p: header_npy(p, "{'descr': '|O', 'fortran_order': False, 'shape': (3, 40, 4)}\n"),
    "records.npy": lambda p: np.save(p, np.zeros((3, 40, 4), [("a", "f4")])),
    "times.npy": lambda p: np.save(p, np.zeros((3, 40, 4), "m8[s]")),
    "complex.npy": lambda p: np.save(p, np.zeros((3, 40, 4), "c8")),
    "longer.npy": lambda p: (np.save(p, np.ones((3, 40, 4), "f4")), bytes_of(p, lambda c: c.extend(b"12"))),
    "depth.npy": lambda p: header_npy(p, "(" * 5000 + "\n"),
    "lists.parquet": dictionary_parquet,
    "line.csv.gz": endless_line,
    "long.csv": one_long_jet,
}


def write(path, fill):
    with h5py.File(path, "w") as file:
        fill(file)


@pytest.mark.parametrize("name", SIZES)
def test_sizes_that_files_declare(name, tmp_path):
    SIZES[name](tmp_path / name)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    refused(tmp_path / name)
    assert time.monotonic() - start < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2 * 2**20


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(npy, "SMALL", 2**20)
    bomb_npz(tmp_path / "a.npz", 20_000)
    assert (tmp_path / "a.npz").stat().st_size < 20_000
    refused(tmp_path / "a.npz", "X says it has shape .20000, 50, 3., but")


def test_a_text_that_unpacks_to_ever_more(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "SMALL", 2**16)
    with gzip.open(tmp_path / "a.csv.gz", "wb") as file:
        file.write(b"jet,pt,eta,phi\n" + b"0,1,0,0\n" * 10**6)
    refused(tmp_path / "a.csv.gz", "unpacks to over 200 times its size")


def test_padding_is_in_proportion():
    counts = np.array([1] * 100_000 + [100_000])
    with pytest.raises(jets.JetFileError, match="to the 100,000 particles of the longest takes 320"):
        padded(counts, np.zeros((200_000, 4)))
    with pytest.raises(jets.JetFileError, match="5 particles for jets of 4"):
        padded(np.array([2, 2]), np.zeros((5, 4)))
