"""Files of jets of every layout: what a user gets from one is its jets, their classes, columns, weights and events."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import jets
from jets.convert import convert
from tests.jets.formats import makers, tables

from .kinds import Kind

SHARED = Path(__file__).parents[3] / "shared" / "formats"
"""Excerpts of public files, where they are at hand."""
MADE: dict[str, tuple[Callable[[Path, Any], object], str]] = {
    "top_reference": (makers.top_reference, "a.h5"),
    "lhc_olympics": (makers.lhc_olympics, "a.h5"),
    "jetnet": (makers.jetnet, "q.hdf5"),
    "omnilearned": (makers.omnilearned, "a.h5"),
    "mod": (tables.mod, "a.h5"),
    "jetclass_root": (makers.jetclass_root, "a.root"),
    "jetclass_parquet": (makers.jetclass_parquet, "a.parquet"),
    "pfnano": (makers.pfnano, "a.root"),
    "nano_v15": (makers.nano_v15, "a.root"),
    "old_pfnano": (tables.old_pfnano, "a.root"),
    "hepmc": (makers.hepmc, "a.hepmc"),
    "energyflow": (makers.energyflow, "a.npz"),
    "weaver": (makers.weaver, "a_vectors.npy"),
    "array_npy": (makers.array_energy_first, "a.npy"),
    "array_npz": (makers.array_energy_last, "a.npz"),
    "lists_parquet": (tables.list_columns, "a.parquet"),
    "records_parquet": (tables.awkward_records, "a.parquet"),
    "nested_parquet": (tables.nested_lists, "a.parquet"),
    "lists_root": (tables.root_lists, "a.root"),
    "long_csv": (tables.long_csv, "a.csv"),
    "long_parquet": (tables.long_parquet, "a.parquet"),
    "semicolons_gz": (tables.semicolons, "a.csv.gz"),
    "wide_csv": (tables.wide_csv, "a.csv"),
    "bare_csv": (tables.bare_csv, "a.csv"),
}
"""Kind -> maker and name of a file in a public layout."""
PUBLIC = ("delphes_puppi.root", "edm4hep_20.root", "hepmc2_pp_weights.hepmc.gz", "hepmc3_eeH_10.hepmc3.gz",
          "jetclass2_50.root", "pfnano_5.root", "jetclass2_a.parquet", "made/jetnet_layout_t.hdf5")  # fmt: skip


def digest(path: Path) -> str:
    """Return a digest of all that is read of a file."""
    found = jets.load(path)
    result = hashlib.sha256(found.fingerprint.encode())
    for group in (found.jet, found.subst, found.truth):
        for name, values in group.items():
            result.update(name.encode() + np.asarray(values + 0.0).tobytes())
    return result.hexdigest()


def rows(path: Path) -> str:
    """Return how many jets a file holds, those without particles included.

    Names of columns, labels and numbers can be damaged in formats without checksums so that nobody knows.
    """
    return str(sum(piece.count for piece in jets.pieces(path)))


def nothing(path: Path) -> str:
    """Return nothing: in a table of particles the number of a jet is a number as any other."""
    return path.suffix


def maker(make: Callable[[Path, Any], object], name: str) -> Callable[[Path], Sequence[Path]]:
    """Return what makes a small file of a layout."""

    def seeds(folder: Path) -> Sequence[Path]:
        make(folder / name, makers.truth(n=10, massive=False))
        return [folder / name]

    return seeds


def public(name: str) -> Callable[[Path], Sequence[Path]]:
    """Return what copies an excerpt of a public file."""

    def seeds(folder: Path) -> Sequence[Path]:
        path = folder / Path(name).name
        path.write_bytes((SHARED / name).read_bytes())
        return [path]

    return seeds


def own(folder: Path) -> Sequence[Path]:
    """Write jets as save and as convert write them."""
    sample = jets.load("sample:qcd", "sample:top")[9990:10010]
    weighted = sample.with_(weights=np.linspace(0.5, 2, 20), events=np.arange(20) // 2)
    saved = jets.save(folder / "saved.h5", weighted)
    return [saved, convert([str(saved)], folder / "converted.h5").path]


def older(folder: Path) -> Sequence[Path]:
    """Write jets as before there were checksums, and as others write them: h5py's defaults."""
    sample = jets.load("sample:qcd", "sample:top")[9990:10010]
    options: dict[str, Any] = {"plain": {}, "packed": {"compression": "gzip", "shuffle": True}}
    for name, how in options.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.attrs["classes"] = list(sample.classes)
            file.create_dataset("constituents", data=sample.constituents, **how)
            file.create_dataset("label", data=sample.label.astype("u1"), **how)
            file.create_dataset("jet", data=np.stack(list(sample.jet.values()), 1), **how)
            file["jet"].attrs["columns"] = list(sample.jet)
    return [folder / f"{name}.h5" for name in options]


def vectors(folder: Path) -> Sequence[Path]:
    """Write vectors."""
    np.save(folder / "points.npy", np.random.default_rng(0).normal(size=(30, 3)).astype("f4"))
    return [folder / "points.npy"]


KINDS = [
    Kind("own", own, digest, weight=4.0),
    Kind("older", older, digest, structure=rows, weight=2.0),
    Kind("vectors", vectors, digest, structure=rows),
    *(
        Kind(name, maker(*made), digest, structure=nothing if name.startswith("long") else rows)
        for name, made in MADE.items()
    ),
    *(
        Kind(Path(name).name.split(".")[0], public(name), digest, structure=rows, weight=0.3 if "root" in name else 1.0)
        for name in PUBLIC
        if (SHARED / name).exists()
    ),
]
