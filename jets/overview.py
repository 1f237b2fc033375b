"""What a sample of jets is like, in one look: what a command says when jets enter it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jets.checks import Mended
from jets.dataset import Jets
from jets.weights import effective

LARGE = 0.01
"""Mean share of the pT of a jet that is lost, above which there is a warning."""
FEW_EFFECTIVE = 0.1
"""Effective number of jets beside their number, below which there is a warning."""
BLOCK = 4_000
"""Jets at a time."""
NOTHING = Mended()
"""Of a sample that needed no mending."""
ETA = ("eta", "y")
"""Columns of ``jet`` that are a jet's pseudorapidity or rapidity."""


class Range(NamedTuple):
    """The smallest, the middle and the largest of some numbers."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: NDArray) -> Range:
        """Return the range of values ``(n,)``."""
        return cls(float(values.min()), float(np.median(values)), float(values.max()))


@dataclass(frozen=True)
class Summary:
    """Numbers of a sample; None where they have no meaning, as of vectors.

    Attributes
    ----------
    jets, classes, sources
        Number of jets, of each class, and the files that they came from.
    vectors
        Length of the vectors, where the sample is of such.
    pt
        Of jets, the sum over their constituents [GeV].
    abs_eta
        Of jets, where the file has it.
    multiplicity
        Constituents of a jet.
    full
        Share of the jets that fill all constituents of the file, which may have cut them.
    limit, beyond
        Number of leading constituents used, and the mean share of a jet's pT in those beyond.
    image, outside
        Size of the image in eta and phi [rad], and the mean share of a jet's pT outside, of what the limit leaves.
    mended
        What was wrapped, centred, sorted and dropped when the jets were read.
    negative, effective
        Share of the weights that are negative, and the number of jets of equal weight that they are worth.
    events
        Number of events.
    """

    jets: int
    classes: dict[str, int]
    sources: tuple[str, ...]
    vectors: int | None = None
    pt: Range | None = None
    abs_eta: Range | None = None
    multiplicity: Range | None = None
    full: float | None = None
    limit: int | None = None
    beyond: float | None = None
    image: tuple[float, float] | None = None
    outside: float | None = None
    mended: Mended = NOTHING
    negative: float | None = None
    effective: float | None = None
    events: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name, as JSON holds them."""
        named = {name: None if value is None else value._asdict() for name, value in self._ranges.items()}
        return asdict(self) | named | {"sources": list(self.sources), "mended": self.mended._asdict()}

    @property
    def _ranges(self) -> dict[str, Range | None]:
        return {"pt": self.pt, "abs_eta": self.abs_eta, "multiplicity": self.multiplicity}

    @property
    def warnings(self) -> list[str]:
        """What seems wrong, a sentence each with the remedy."""
        found = []
        if (self.outside or 0) > LARGE:
            found.append(f"{self.outside:.1%} of the pT lies outside the image; widen [image] width or pixels")
        if (self.beyond or 0) > LARGE:
            found.append(
                f"{self.beyond:.1%} of the pT lies beyond {self.limit} constituents; raise [data] constituents"
            )
        if self.effective is not None and self.effective < FEW_EFFECTIVE * self.jets:
            found.append(f"the weights of {self.jets:,} jets are worth {self.effective:,.0f} jets of equal weight")
        return found

    def __str__(self) -> str:
        held = {name: count for name, count in self.classes.items() if count} or self.classes
        counts = ", ".join(f"{count:,} {name}" for name, count in held.items())
        what = "jets" if self.vectors is None else f"vectors of {self.vectors}"
        sources = f" from {', '.join(self.sources)}" if self.sources else ""
        lines = [f"{what}: {counts}{sources}"]
        lines += ["; ".join(parts) for parts in (self._kinematics, self._losses, self._counted, self._mends) if parts]
        return "\n".join(lines + [f"warning: {text}" for text in self.warnings])

    @property
    def _kinematics(self) -> list[str]:
        found = []
        if self.pt is not None:
            found.append(f"pT {self.pt.low:.4g} to {self.pt.high:.4g}, median {self.pt.median:.4g} GeV")
        if self.abs_eta is not None:
            found.append(f"|eta| to {self.abs_eta.high:.2f}, median {self.abs_eta.median:.2f}")
        if self.multiplicity is not None:
            low, median, high = self.multiplicity
            full = f" ({self.full:.0%} have all {high:.0f})" if self.full else ""
            found.append(f"{low:.0f} to {high:.0f} constituents, median {median:.0f}{full}")
        return found

    @property
    def _losses(self) -> list[str]:
        found = []
        if self.image is not None:
            found.append(f"{self.outside:.2%} of the pT outside the image of {self.image[0]:.3g} x {self.image[1]:.3g}")
        if self.limit is not None:
            found.append(f"{self.beyond:.2%} of the pT beyond {self.limit} constituents")
        return found

    @property
    def _counted(self) -> list[str]:
        found = []
        if self.effective is not None:
            found.append(f"weights: {self.negative:.1%} negative, worth {self.effective:,.0f} jets of equal weight")
        if self.events is not None:
            found.append(f"{self.events:,} events")
        return found

    @property
    def _mends(self) -> list[str]:
        done = {
            "wrapped": "azimuths of {:,} jets wrapped",
            "centred": "{:,} jets centred",
            "sorted": "{:,} jets sorted",
            "dropped": "{:,} empty constituents dropped",
        }
        return [text.format(getattr(self.mended, name)) for name, text in done.items() if getattr(self.mended, name)]


def summary(
    jets: Jets,
    *,
    limit: int | None = None,
    steps: Sequence[str] = (),
    pixels: int | None = None,
    width: Sequence[float] | None = None,
) -> Summary:
    """Return what a sample is like; each jet counts once, whatever its weight.

    Parameters
    ----------
    jets
        N jets or vectors.
    limit
        Number of leading constituents used; all by default.
    steps, pixels, width
        Preprocessing steps, pixels along a side and size of a pixel (eta, phi) of the image, where one is made.

    Examples
    --------
    >>> from jets import load, summary
    >>> print(summary(load("sample:w"), limit=20))
    jets: 5,000 w from sample:w
    pT 527.7 to 669, median 597.8 GeV; |eta| to 2.00, median 0.72; 9 to 50 constituents, median 32 (9% have all 50)
    5.77% of the pT beyond 20 constituents
    warning: 5.8% of the pT lies beyond 20 constituents; raise [data] constituents
    """
    known: dict[str, Any] = {"jets": len(jets), "classes": jets.counts, "sources": jets.sources, "mended": jets.mended}
    if jets.weights is not None:
        known |= {"negative": float((jets.weights < 0).mean()), "effective": effective(jets.weights)}
    if jets.events is not None:
        known["events"] = len(np.unique(jets.events))
    if not len(jets):
        return Summary(**known)
    if jets.are_vectors:
        return Summary(**known, vectors=jets.constituents.shape[1])
    if limit is not None and limit < jets.constituents.shape[1]:
        known |= {"limit": limit}
    if pixels is not None and width is not None:
        known["image"] = (pixels * float(width[0]), pixels * float(width[1]))
    blocks = [measured(block, limit, steps, pixels, width) for block in _blocks(jets.constituents)]
    columns = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    eta = next((np.abs(jets.jet[name]) for name in ETA if name in jets.jet), np.empty(0))
    eta = eta[np.isfinite(eta)]
    known |= {"pt": Range.of(columns["pt"]), "multiplicity": Range.of(columns["multiplicity"])}
    known |= {"abs_eta": Range.of(eta) if len(eta) else None}
    known |= {"full": float((columns["multiplicity"] == jets.constituents.shape[1]).mean())}
    known |= {name: float(columns[name].mean()) for name in ("beyond", "outside") if name in columns}
    return Summary(**known)


def _blocks(constituents: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(constituents), BLOCK):
        yield constituents[start : start + BLOCK]


def measured(
    constituents: NDArray[np.float32],
    limit: int | None,
    steps: Sequence[str],
    pixels: int | None,
    width: Sequence[float] | None,
) -> dict[str, NDArray[np.float64]]:
    """Return pT [GeV], multiplicity and lost shares of the pT of each jet ``(N,)`` of constituents ``(N, M, 3)``."""
    pt = constituents[..., 0].astype(np.float64)
    total = pt.sum(1)
    found = {"pt": total, "multiplicity": (pt > 0).sum(1).astype(np.float64)}
    if limit is not None and limit < constituents.shape[1]:
        found["beyond"] = pt[:, limit:].sum(1) / total
    if pixels is not None and width is not None:
        found["outside"] = outside(constituents[:, :limit], steps, pixels, width) / total
    return found


def outside(
    constituents: NDArray[np.float32], steps: Sequence[str], pixels: int, width: Sequence[float]
) -> NDArray[np.float64]:
    """Return the pT [GeV] of constituents ``(N, M, 3)`` that lies outside the image, ``(N,)``."""
    import torch  # a second to import, which jets without an image need not wait for

    from jets.preprocess import prepare

    pt, *positions = prepare(torch.as_tensor(constituents), steps).numpy().transpose(2, 0, 1)
    places = [np.floor(x / np.float32(w) + np.float32(pixels / 2)) for x, w in zip(positions, width, strict=True)]
    inside = np.logical_and.reduce([(place >= 0) & (place < pixels) for place in places])
    return np.where(inside, 0.0, pt.astype(np.float64)).sum(1)
