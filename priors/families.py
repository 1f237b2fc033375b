"""The table of families: letter in a latent string -> what builds it. A new family is one file and one line here."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from priors.categorical import categorical
from priors.dirichlet import Dirichlet
from priors.gaussian_mixture import GaussianMixture
from priors.hyperbolic import Hyperbolic
from priors.latent import Latent
from priors.lookup import UnknownFamilyError, load, shipped
from priors.normal import Normal
from priors.power_spherical import PowerSpherical
from priors.softmax_normal import SoftmaxNormal
from priors.vamp import VampPrior
from priors.von_mises import VonMises
from priors.von_mises_fisher import VonMisesFisher

POSTERIORS: dict[str, type[Latent]] = {"von_mises": VonMises, "power": PowerSpherical, "vmf": VonMisesFisher}


def sphere(dim: int, posterior: str | None = None, **options: Any) -> Latent:
    """Build S^k: a von Mises circle for k = 1, a power spherical posterior beyond, or the one that is named.

    >>> sphere(1), sphere(2), sphere(2, posterior="vmf"), sphere(1, concentration=2)
    (S1, S2, S2(posterior=vmf), S1(concentration=2))

    Raises
    ------
    ValueError
        The posterior is none of ``von_mises``, ``power``, ``vmf``, or is a von Mises beyond the circle.
    """
    name = posterior or ("von_mises" if dim == 1 else "power")
    if name not in POSTERIORS or (name == "von_mises" and dim > 1):
        raise ValueError(f"the posterior of S{dim} is one of power, vmf{', von_mises' * (dim == 1)}; got {name!r}")
    return POSTERIORS[name](dim, **options)


FAMILIES: dict[str, Callable[..., Latent]] = {
    "R": Normal,
    "S": sphere,
    "T": VonMises,
    "D": Dirichlet,
    "L": SoftmaxNormal,
    "C": categorical,
    "G": GaussianMixture,
    "V": VampPrior,
    "H": Hyperbolic,
}
"""Letter -> what builds the factor, called with a dimension, the components of ``G2:3``, and options by name."""


def family(letter: str) -> Callable[..., Latent]:
    """Return the family with that letter, from the table or the entry points ``jetvae.priors``.

    >>> family("R")
    <class 'priors.normal.Normal'>

    Raises
    ------
    UnknownFamilyError
        No family has that letter; the message lists those there are.
    """
    if letter in FAMILIES:
        return FAMILIES[letter]
    entries = shipped()
    if letter in entries:
        return load(entries[letter])
    known = [*FAMILIES, *entries]
    near = difflib.get_close_matches(letter, known, 1, 0.0)
    hint = f" (nearest: {near[0]})" if near else ""
    raise UnknownFamilyError(f"unknown family {letter!r}; known: {', '.join(known)}{hint}, or my_module:MyPrior(2)")
