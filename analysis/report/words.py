"""Numbers as the words of a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def plus_minus(value: float, error: float) -> str:
    """Return a number with its error, of which two digits are given, down to the fourth decimal.

    >>> plus_minus(0.91234, 0.0123), plus_minus(1234.5, 150), plus_minus(2.5, 0)
    ('0.912 ± 0.012', '1,230 ± 150', '2.5')
    """
    if not (math.isfinite(value) and math.isfinite(error)) or error <= 0:
        return f"{value:.4g}"
    digits = min(4, 1 - math.floor(math.log10(error)))
    value, error = round(value, digits), round(error, digits)
    return f"{value:,.{max(0, digits)}f} ± {error:,.{max(0, digits)}f}"


def spread(values: NDArray[np.floating]) -> str:
    """Return the median of several values, and their range.

    >>> spread(np.array([0.91, 0.9, 0.94]))
    '0.910 (0.900 to 0.940)'
    """
    return f"{np.median(values):.3f} ({np.min(values):.3f} to {np.max(values):.3f})"


def counted(number: int, noun: str) -> str:
    """Return a number of things.

    >>> counted(1, "jet"), counted(2000, "jet")
    ('1 jet', '2,000 jets')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(items: Iterable[str]) -> str:
    """Return items as a list in words.

    >>> listed(["a", "b", "c"]), listed(["a"])
    ('a, b and c', 'a')
    """
    *first, last = [*items] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def counts(of_classes: Mapping[str, int]) -> str:
    """Return the number of jets of each class that has some.

    >>> counts({"qcd": 6000, "top": 0, "w": 12})
    '6,000 qcd and 12 w'
    """
    return listed(f"{count:,} {name}" for name, count in of_classes.items() if count) or "no"


def jets_of(of_classes: Mapping[str, int], files: Iterable[str]) -> str:
    """Return the number of jets of each class in words; those of a file without labels, named as it, have no class.

    >>> jets_of({"qcd": 6000, "top": 12}, ["sample:qcd", "sample:top"]), jets_of({"mine": 7}, ["data/mine.h5"])
    ('6,000 qcd and 12 top jets', '7 unlabelled jets')
    """
    found = [name for name, count in of_classes.items() if count]
    if len(found) == 1 and any(Path(file).stem == found[0] for file in files):
        return f"{of_classes[found[0]]:,} unlabelled jets"
    return f"{counts(of_classes)} jets"
