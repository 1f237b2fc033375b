"""``load``: jets of any source in memory, with errors that name the file, the field and the remedy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from jets.dataset import Jets, concatenate
from jets.errors import JetFileError
from jets.formats import Wanted, assert_used, is_foreign, jets_in
from jets.hdf5 import opened
from jets.notes import LOG
from jets.sources import SAMPLES, expanded, located, of_class
from jets.vectors import holds_particles, load_vectors, names_vectors

OURS = "this format"
"""What our own files are called where something is said of them that they say themselves."""


def load(
    *sources: str | Path,
    format: str = "",
    columns: str | Sequence[str] = (),
    labels: str | Sequence[str] = (),
    radius: float | None = None,
    jets: str = "",
    collection: str = "",
) -> Jets:
    """Read jets from one or more sources ``F`` or ``F:class`` and join them.

    ``F`` is a file of any format that is known (see docs/data.md), a glob ``data/*.root``, a folder, or part of the
    embedded sample: ``sample:qcd``, ``sample:top``, ``sample:w``. Classes come from the file's labels; ``F:class``
    selects that class from a file of several, and names the jets of a file of one. Vectors instead of jets come from
    ``F.npy`` or a toy, ``toy:torus(n=1000)``.

    Parameters
    ----------
    sources
        Where the jets are.
    format, columns, labels, radius, jets, collection
        What the files do not say themselves, see :class:`jets.formats.Wanted`; names in a list, or between commas.

    Raises
    ------
    JetFileError
        Missing file, wrong format, unknown class, or values that no jet can have (see :class:`jets.Jets`).

    Examples
    --------
    >>> load("sample:qcd", "sample:top").counts
    {'qcd': 10000, 'top': 10000}
    """
    wanted = Wanted(format, listed(columns), listed(labels), radius, jets, collection)
    if not sources:
        raise JetFileError(f"no data given; name an HDF5 file or one of {', '.join(SAMPLES)}")
    return concatenate(timed(source, wanted) for source in expanded(sources))


def listed(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return names in a list, or between commas.

    >>> listed("pt, eta,phi"), listed(["qcd"]), listed("")
    (('pt', 'eta', 'phi'), ('qcd',), ())
    """
    found = names.split(",") if isinstance(names, str) else names
    return tuple(name.strip() for name in found if name.strip())


def timed(source: str, wanted: Wanted) -> Jets:
    """Load one source; what it took is a detail of the log."""
    begun = time.perf_counter()
    jets = load_one(source, wanted)
    LOG.debug("%s: %d jets in %.1f s", source, len(jets), time.perf_counter() - begun)
    return jets


def load_one(source: str, wanted: Wanted) -> Jets:
    """Return all jets of a single source.

    Raises
    ------
    JetFileError
        It cannot be read as jets.
    """
    if are_vectors(source, wanted):
        assert_used(Path(source), wanted, "vectors")
        return load_vectors(source)
    path, named = located(source)
    if path.is_file() and (wanted.format or is_foreign(path)):
        return of_class(jets_in(path, wanted), named, path).with_(sources=(source,))
    assert_used(path, wanted, OURS)
    with opened(path) as stored:
        jets = stored.jets()
    return of_class(jets, named, path).with_(sources=(source,))


def are_vectors(source: str, wanted: Wanted) -> bool:
    """Whether a source is one of vectors rather than of jets."""
    return names_vectors(source) and not wanted.format and not holds_particles(source)
