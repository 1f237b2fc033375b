"""The table of families: letter in a latent string -> class. A new family is one file and one line here."""

from __future__ import annotations

from priors.dirichlet import Dirichlet
from priors.latent import Latent
from priors.normal import Normal
from priors.softmax_normal import SoftmaxNormal

FAMILIES: dict[str, type[Latent]] = {
    "R": Normal,
    "D": Dirichlet,
    "L": SoftmaxNormal,
}
