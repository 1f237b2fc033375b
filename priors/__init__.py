"""The latent space: one file per family of factors, their products, and the string that names them.

>>> from priors import parse
>>> parse("R4 x L2(alpha=.9,.9)")
R4 x L2(alpha=0.9)
"""

from priors.dirichlet import Dirichlet
from priors.families import FAMILIES
from priors.grammar import LatentStringError, parse
from priors.kl import kl_per_coordinate
from priors.latent import Latent
from priors.normal import Normal
from priors.softmax_normal import SoftmaxNormal, laplace_approximation
from priors.space import Space

__all__ = [
    "FAMILIES",
    "Dirichlet",
    "Latent",
    "LatentStringError",
    "Normal",
    "SoftmaxNormal",
    "Space",
    "kl_per_coordinate",
    "laplace_approximation",
    "parse",
]
