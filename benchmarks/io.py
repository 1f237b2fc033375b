"""Reading files of jets beside the bare reading of their own libraries: ``python -m benchmarks.io --jets 100000``.

Files are made on the spot of the embedded sample, drawn again and again: the top-tagging reference layout by pandas,
JetClass' by uproot and pyarrow. A library reads all columns some rows at a time and does nothing with them; ``convert``
reads, makes four-momenta jets about their axes, checks and writes them; ``encode`` reads likewise and writes what a run
of ``image-dvae`` says of every jet at its posterior's centre, as parquet. Medians of alternating repeats, warm (numba
has compiled, the file is in the page cache), in one process; ratio = the library's time / ours, above 1 is faster. Peak
resident memory is that of a process of its own that does the same. A further command is a function such as
`convert_rates` in `RATES`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

import inference
import jets
from analysis.answers.opened import OpenRun
from analysis.answers.streaming import answered
from analysis.answers.tables import table
from jets.convert import convert

ROWS = 10_000
COMPONENTS = ("px", "py", "pz", "energy")
PEAK = """
import re, sys
from pathlib import Path
from benchmarks.io import encode
from jets.convert import convert
if sys.argv[3:]:
    encode(*map(Path, sys.argv[1:]))
else:
    convert([sys.argv[1]], sys.argv[2])
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""
"""Not getrusage: its maximum is inherited from the process that starts this one."""


class Rate(NamedTuple):
    """Jets a second of a command and of the library beside it, and the peak resident memory [MB]."""

    what: str
    jets: float
    library: str
    library_jets: float
    peak: float


def blocks(count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (px, py, pz, E) ``(n, M, 4)`` and labels ``(n,)`` of jets drawn from the embedded sample."""
    sample = jets.load("sample:qcd", "sample:top")
    pt, eta, phi = np.moveaxis(sample.constituents.astype(np.float64), -1, 0)
    eta, phi = eta + sample.jet["y"][:, None], phi + sample.jet["phi"][:, None]
    p4 = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], -1).astype(np.float32)
    rng = np.random.default_rng(0)
    for start in range(0, count, ROWS):
        rows = rng.integers(0, len(sample), min(ROWS, count - start))
        yield p4[rows], sample.label[rows]


def top_reference(path: Path, count: int) -> None:
    names = [f"{x}_{i}" for i in range(200) for x in ("E", "PX", "PY", "PZ")] + [f"truth{x}" for x in "EXYZ"]
    start = 0
    with pd.HDFStore(path, "w", complib="blosc", complevel=5) as store:
        for p4, label in blocks(count):
            values = np.zeros((len(p4), 804), np.float32)
            values[:, : 4 * p4.shape[1]] = p4[..., [3, 0, 1, 2]].reshape(len(p4), -1)
            frame = pd.DataFrame(values, columns=names, index=np.arange(start, start + len(p4)))
            frame["ttv"], frame["is_signal_new"] = 1, label
            store.append("table", frame, index=False)
            start += len(p4)


def jetclass_columns(p4: np.ndarray, label: np.ndarray) -> dict[str, ak.Array]:
    real = p4[..., 3] > 0
    columns = {f"part_{x}": ak.unflatten(p4[..., i][real], real.sum(1)) for i, x in enumerate(COMPONENTS)}
    return columns | {
        "label_QCD": ak.Array((label == 0).astype("f4")),
        "label_Tbqq": ak.Array((label == 1).astype("f4")),
    }


def jetclass_root(path: Path, count: int) -> None:
    with uproot.recreate(path) as file:
        for number, (p4, label) in enumerate(blocks(count)):
            columns = jetclass_columns(p4, label)
            if not number:
                file.mktree("tree", {name: "var * float32" if "part" in name else "float32" for name in columns})
            file["tree"].extend(columns)


def jetclass_parquet(path: Path, count: int) -> None:
    writer = None
    for p4, label in blocks(count):
        columns = jetclass_columns(p4, label)
        table = pa.table({name: ak.to_arrow(values, extensionarray=False) for name, values in columns.items()})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def by_pandas(path: Path) -> int:
    return sum(len(frame) for frame in pd.read_hdf(path, "table", chunksize=ROWS))


def by_uproot(path: Path) -> int:
    return sum(len(rows) for rows in uproot.open(path)["tree"].iterate(step_size=ROWS, library="ak"))


def by_pyarrow(path: Path) -> int:
    return sum(len(batch) for batch in pq.ParquetFile(path).iter_batches(ROWS))


LAYOUTS: dict[str, tuple[Callable[[Path, int], None], str, str, Callable[[Path], int]]] = {
    "JetClass, ROOT": (jetclass_root, "a.root", "uproot", by_uproot),
    "JetClass, parquet": (jetclass_parquet, "a.parquet", "pyarrow", by_pyarrow),
    "top-tagging reference": (top_reference, "a.h5", "pandas", by_pandas),
}
"""Layout -> what writes it, the file's name, the library beside, and its bare reading."""


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def convert_rates(path: Path, count: int, library: str, bare: Callable[[Path], int], repeats: int) -> Rate:
    out = path.with_suffix(".converted.h5")
    convert([str(path)], out)
    pairs = [(seconds(lambda: convert([str(path)], out)), seconds(lambda: bare(path))) for _ in range(repeats)]
    ours, theirs = (count / median(column) for column in zip(*pairs, strict=True))
    return Rate("convert", ours, library, theirs, peak(path, out))


def peak(*words: Path) -> float:
    """Return the peak resident memory [MB] of a process that converts or encodes; what it wrote goes."""
    done = subprocess.run([sys.executable, "-c", PEAK, *words], capture_output=True, text=True, check=True)
    words[1].unlink()
    return float(done.stdout.split()[-1])


def encode_rates(path: Path, count: int, library: str, bare: Callable[[Path], int], repeats: int) -> Rate:
    out, run = path.with_suffix(".parquet.parquet"), trained(path.parent)
    pairs = [(seconds(lambda: encode(path, out, run)), seconds(lambda: bare(path))) for _ in range(repeats)]
    ours, theirs = (count / median(column) for column in zip(*pairs, strict=True))
    return Rate("encode", ours, library, theirs, peak(path, out, run))


def trained(folder: Path) -> Path:
    """Return a run of image-dvae, trained for an epoch: how good it is does not matter to its speed."""
    if not (folder / "run").exists():
        inference.train(inference.read("image-dvae", {"training.epochs": 1}), folder / "run")
    return folder / "run"


def encode(path: Path, out: Path, run: Path) -> None:
    """Write what ``jetvae encode RUN FILE -o OUT --draws 0`` writes."""
    with table(out, {}) as append:
        for part in answered(OpenRun.open(run), [str(path)], draws=0):
            append(part.rows)


RATES = (convert_rates, encode_rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jets", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"{options.jets:,} jets, medians of {options.repeats} repeats; jets a second, peak resident MB, ratio")
    with tempfile.TemporaryDirectory() as folder:
        for layout, (make, name, library, bare) in LAYOUTS.items():
            path = Path(folder) / name
            make(path, options.jets)
            assert bare(path) == options.jets
            for rates in RATES:
                rate = rates(path, options.jets, library, bare, options.repeats)
                print(
                    f"{layout:22} {rate.what:8} {rate.jets:9,.0f}  {rate.library:8} {rate.library_jets:10,.0f}  "
                    f"{rate.peak:6.0f} MB  {rate.jets / rate.library_jets:.2f}",
                    flush=True,
                )
            path.unlink()


if __name__ == "__main__":
    main()
