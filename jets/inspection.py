"""What a file of jets holds and what was assumed of it, as its reader finds it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jets.dataset import Jets
from jets.errors import JetFileError
from jets.formats import AS_FOUND, Wanted, assert_used, is_foreign, jets_of, reading_of, whole
from jets.loading import OURS, load
from jets.overview import Range, Summary, summary
from jets.preprocess import STEPS, WIDTH
from jets.simulation.settings import settings_of
from jets.sources import SAMPLE, located

NAME = "jetvae"
"""Name of our own format."""
PIXELS = 40
BINS = 24
CLOSURE = 0.01
"""Mean difference from the stated pT above which it seems wrong."""


@dataclass(frozen=True)
class Inspection:
    """What is in a file.

    Attributes
    ----------
    path, format, sha256
        The file, the format that it is of, and its checksum.
    assumed
        What the file does not say itself.
    summary
        Numbers of its jets, with the pT that an image of 40 x 40 and the constituent limit lose.
    empty
        Jets without particles, left out.
    closure
        Of the jets, pT of the sum of the particles over the pT that the file states; None where it states none.
    histograms
        Name -> (edges, counts) of pT, mass [GeV], multiplicity.
    simulated
        Of a file of ``jetvae simulate``, what it was made with; see :func:`jets.simulation.settings.settings_of`.
    """

    path: str
    format: str
    sha256: str
    assumed: tuple[str, ...]
    summary: Summary
    empty: int
    closure: Range | None
    histograms: dict[str, tuple[list[float], list[int]]]
    simulated: dict[str, str] = field(default_factory=dict)

    @property
    def warnings(self) -> list[str]:
        """What seems wrong."""
        found = list(self.summary.warnings)
        if self.closure is not None and abs(self.closure.median - 1) > CLOSURE:
            found.append(f"the particles add up to {self.closure.median:.3f} of the pT that the file states (median)")
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON holds it."""
        closure = None if self.closure is None else self.closure._asdict()
        histograms = {name: {"edges": edges, "counts": counts} for name, (edges, counts) in self.histograms.items()}
        found: dict[str, Any] = {
            "path": self.path,
            "format": self.format,
            "sha256": self.sha256,
            "assumed": list(self.assumed),
        }
        found |= {"simulated": self.simulated} if self.simulated else {}
        found |= {"summary": self.summary.to_dict(), "empty": self.empty, "closure": closure}
        return found | {"histograms": histograms, "warnings": self.warnings}


def inspect(path: str | Path, wanted: Wanted = AS_FOUND, *, limit: int | None = None) -> Inspection:
    """Read a file and return what is in it.

    Parameters
    ----------
    path
        A file of any format that is known, or part of the embedded sample: ``sample:qcd``.
    wanted
        What the user says of it.
    limit
        Constituents beyond which pT counts as lost.

    Raises
    ------
    JetFileError
        It cannot be read as jets.
    """
    file = located(str(path))[0] if str(path).startswith(SAMPLE) else Path(path)
    if not file.is_file():
        raise JetFileError(f"{file}: no such file")
    ratios: list[NDArray[np.float64]] = []
    name, total = NAME, 0
    assumed: tuple[str, ...] = ()
    simulated: dict[str, str] = {}
    if wanted.format or is_foreign(file):
        name, reading = reading_of(file, wanted)
        assumed, parts = reading.assumed, []
        for part in reading.parts:
            total += len(part.p4)
            found, _ = jets_of(part, reading.classes, str(file))
            parts += [] if found is None else [found]
            if part.stated is not None:
                ratios.append(np.hypot(*part.p4[..., :2].sum(1).T) / np.where(part.stated > 0, part.stated, np.nan))
        jets = whole(parts, str(file))
    else:
        assert_used(file, wanted, OURS)
        jets = load(str(path))
        total = len(jets)
        simulated = settings_of(file) if file.suffix == ".h5" else {}
    ratio = np.concatenate(ratios) if ratios else np.empty(0)
    ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
    image: dict[str, Any] = {} if jets.are_vectors else {"steps": tuple(STEPS), "pixels": PIXELS, "width": WIDTH}
    return Inspection(
        str(path), name, checksum(file), assumed, summary(jets, limit=limit, **image), total - len(jets),
        Range.of(ratio) if len(ratio) else None, dict(histograms(jets)), simulated,
    )  # fmt: skip


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def histograms(jets: Jets) -> Iterator[tuple[str, tuple[list[float], list[int]]]]:
    """Yield name, edges and counts of pT and mass [GeV] and multiplicity, the outer 1 % on either side left out."""
    if jets.are_vectors:
        return
    pt = jets.constituents[..., 0].astype(np.float64)
    values = {"pT [GeV]": pt.sum(1), "constituents": (pt > 0).sum(1).astype(np.float64)}
    if "mass" in jets.jet:
        values["mass [GeV]"] = jets.jet["mass"].astype(np.float64)
    for name, numbers in values.items():
        known = numbers[np.isfinite(numbers)]
        if len(known):
            low, high = np.quantile(known, [0.01, 0.99])
            counts, edges = np.histogram(known, BINS, (low, high if high > low else low + 1))
            yield name, (edges.tolist(), counts.tolist())
