"""What every reader yields, four-momenta of the particles of jets, and how they become :class:`jets.Jets`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jets.axis import APART, NEAR
from jets.checks import LEAST_PT, MOST_PT
from jets.dataset import Jets
from jets.errors import JetFileError
from jets.formats import kinematics
from jets.notes import say
from jets.simulation.clustering import wrap
from jets.untrusted.room import assert_padded

Array = NDArray[np.float64]
SOFTEST = 1e-6
"""Transverse momentum [GeV] below which a particle is left out: rounding, or one along the beam."""
EVENTS = 0.1
"""Share of the pT far from the hardest particle above which these are no jets."""
ROUNDING = 1e-4
"""Of positions in float32 [rad], and more."""


@dataclass(frozen=True)
class Wanted:
    """What a user says of a file that does not say it itself; empty: as the file or its format has it.

    Attributes
    ----------
    format
        Name of the format, instead of the one that the content suggests.
    columns
        What the last axis of an array holds, such as ``pt,eta,phi`` or ``E,px,py,pz``.
    labels
        Names of the classes, in the order of the labels 0, 1, ...
    radius
        Of anti-kT, where a file holds events.
    jets
        ``leading`` or ``all`` of the jets of an event.
    collection
        Which jets of a file that holds several collections, such as ``FatJet``.
    """

    format: str = ""
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    radius: float | None = None
    jets: str = ""
    collection: str = ""


@dataclass(frozen=True)
class Particles:
    """Some jets as their file holds them.

    Attributes
    ----------
    p4
        ``(n, M, 4)``, (px, py, pz, E) of the particles [GeV]; zeros where there is none.
    label
        ``(n,)``, index into the classes of the file; None: all are of the first.
    columns
        The user's own columns of the jets, name -> ``(n,)``.
    weights, events
        ``(n,)`` each, where the file has them.
    stated
        ``(n,)``, the jets' pT [GeV] as the file states it, which the sum of the particles is held against.
    """

    p4: NDArray[np.floating]
    label: NDArray[np.int64] | None = None
    columns: Mapping[str, NDArray] = field(default_factory=dict)
    weights: Array | None = None
    events: NDArray[np.int64] | None = None
    stated: Array | None = None

    def __len__(self) -> int:
        return len(self.p4)

    def of(self, rows: slice | NDArray[np.int64]) -> Particles:
        """Return some of the jets."""
        label, weights, events, stated = (
            None if values is None else values[rows] for values in (self.label, self.weights, self.events, self.stated)
        )
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Particles(self.p4[rows], label, columns, weights, events, stated)  # type: ignore[arg-type]


class Reading(NamedTuple):
    """An opened file: its classes, what was assumed of it, and its jets, some at a time."""

    classes: tuple[str, ...]
    assumed: tuple[str, ...]
    parts: Iterator[Particles]


def jets_of(part: Particles, classes: tuple[str, ...], source: str) -> tuple[Jets | None, NDArray[np.int64]]:
    """Return these jets about their axes, constituents by falling pT, and which of them have particles.

    Jets without particles are left out; None instead of jets where all are.

    The axis is that of the sum of all that the file counts to the jet, also of what has energy and no pT, such as
    candidates of weight zero; ``jet`` holds its pt, mass [GeV], eta, phi, y and the number of constituents, beside the
    file's own columns.

    Raises
    ------
    JetFileError
        Columns of other lengths; momenta that are no finite numbers, or what no jet has (see :mod:`jets.checks`).
    """
    from jets.formats import describe  # numba takes half a second to import, which our own files need not wait for

    assert_lengths(part, source)
    total, counts = describe.summed(part.p4, SOFTEST)
    bad = ~np.isfinite(total).all(1)
    if bad.any():
        raise JetFileError(f"{source}: momenta of {bad.sum()} jets (first: jet {bad.argmax()}) are NaN or infinite")
    rows = np.flatnonzero(counts)
    if not len(rows):
        return None, rows
    axis, counts = kinematics.of_p4(total[rows]), counts[rows]
    axes = np.stack([axis["y"], axis["phi"]], 1)
    constituents, near = describe.about(part.p4, rows, counts, axes, SOFTEST, NEAR - ROUNDING)
    if not near:
        counts, constituents = mended(counts, constituents, source)
    columns = {name: values[rows] for name, values in numeric(part.columns).items()}
    label = np.zeros(len(rows), np.int64) if part.label is None else part.label[rows]
    weights = None if part.weights is None else part.weights[rows]
    events = None if part.events is None else part.events[rows]
    jet = columns | axis | {"n_constituents": counts}
    given: dict[str, Any] = {"sources": (source,), "weights": weights, "events": events}
    sound = near and usual(constituents)
    jets = Jets(constituents, label, classes, jet, **given, part=True, sound=sound)
    return jets, rows


def assert_lengths(part: Particles, source: str) -> None:
    """Assert that momenta are lists of four numbers, and that every column has a value for each jet.

    Raises
    ------
    JetFileError
        One has not.
    """
    if part.p4.ndim != 3 or part.p4.shape[2] != 4:
        raise JetFileError(f"{source}: momenta {part.p4.shape}: expected (jets, particles, 4); write it anew")
    beside = {"label": part.label, "weights": part.weights, "events": part.events, **part.columns}
    for name, values in beside.items():
        if values is not None and len(values) != len(part.p4):
            raise JetFileError(
                f"{source}: {name} has {len(values)} values for {len(part.p4)} jets; it needs one for each"
            )


def numeric(columns: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Return the columns that are numbers; text and dates cannot be observables.

    >>> list(numeric({"run": np.array([1]), "sample": np.array(["ttbar"])}))
    ['run']
    """
    return {name: np.asarray(values) for name, values in columns.items() if np.asarray(values).dtype.kind in "fiub"}


def usual(constituents: NDArray[np.float32]) -> bool:
    """Whether each jet has a pT that jets have."""
    total = constituents[..., 0].sum(1, dtype=np.float64)
    return bool((total >= LEAST_PT).all() and (total <= MOST_PT).all())


def mended(
    counts: NDArray[np.int64], constituents: NDArray[np.float32], source: str
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return counts and constituents of jets of which some hold particles far from their axis."""
    relative = constituents[np.arange(constituents.shape[1]) < counts[:, None]].astype(np.float64)
    counts, relative = near_the_hardest(counts, relative, source)
    return counts, padded(counts, near_the_axis(counts, relative, source).astype(np.float32))


def near_the_hardest(counts: NDArray, relative: Array, source: str) -> tuple[NDArray, Array]:
    """Return counts and constituents ``(T, 3)`` without those farther from the hardest than jets are wide.

    Raises
    ------
    JetFileError
        They hold much of the pT.
    """
    row = np.repeat(np.arange(len(counts)), counts)
    away = relative[:, 1:] - relative[np.cumsum(counts) - counts, 1:][row]
    far = (np.abs(away[:, 0]) > APART) | (np.abs(wrap(away[:, 1])) > APART)
    if not far.any():
        return counts, relative
    share = relative[far, 0].sum() / relative[:, 0].sum()
    if share > EVENTS:
        raise JetFileError(
            f"{source}: {share:.0%} of the pT lies over {APART:g} from the hardest particle: these are whole events, "
            "not jets; give jets, or events as HepMC, which are clustered"
        )
    say(
        f"{source}: {far.sum():,} constituents of {len(set(row[far])):,} jets are over {APART:g} from the hardest; "
        f"left out, {share:.2%} of the pT (the jets' own four-momenta keep them)"
    )
    return np.bincount(row[~far], minlength=len(counts)), relative[~far]


def near_the_axis(counts: NDArray, relative: Array, source: str) -> Array:
    """Return constituents ``(T, 3)``, those of jets that lie off the axis of their sum about their centroid instead.

    The axis of a jet along the beam is that of its energy, far from where its transverse momentum is.
    """
    row, first = np.repeat(np.arange(len(counts)), counts), np.cumsum(counts) - counts
    hardest = relative[first, 2][row]
    places = np.stack([relative[:, 1], hardest + wrap(relative[:, 2] - hardest)], 1)
    centroid = np.add.reduceat(relative[:, :1] * places, first) / np.add.reduceat(relative[:, :1], first)
    off = np.asarray((np.abs(centroid) > NEAR - ROUNDING).any(1))
    if not off.any():
        return relative
    say(f"{source}: {off.sum():,} jets have most pT over {NEAR:g} from their axis; constituents are about its centroid")
    shifted = np.concatenate([relative[:, :1], places - centroid[row]], 1)
    return np.where(off[row, None], shifted, relative)


def padded(counts: NDArray[np.integer], flat: NDArray) -> NDArray:
    """Return particles ``(T, k)`` of jets one after the other as ``(n, M, k)``, zeros where there is none.

    >>> padded(np.array([1, 2]), np.arange(12.0).reshape(3, 4))[..., 3]
    array([[ 3.,  0.],
           [ 7., 11.]])
    """
    if len(counts) and (counts.min() < 0 or counts.sum() != len(flat)):
        raise JetFileError(f"{len(flat)} particles for jets of {counts.sum()}")
    longest, each = int(counts.max(initial=0)), flat.shape[-1] * flat.itemsize
    assert_padded(len(counts), longest, each, flat.nbytes)
    result = np.zeros((len(counts), longest, flat.shape[-1]), flat.dtype)
    result[np.arange(result.shape[1]) < counts[:, None]] = flat
    return result
