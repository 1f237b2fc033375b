"""The latent space: one file per family of factors, their products and superpositions, and the string that names them.

>>> from priors import Normal, VonMises, parse
>>> Normal(1) | Normal(2) * VonMises(1)
R1 | R2 x S1
>>> parse("R4 x L2(alpha=.9,.9)")
R4 x L2(alpha=0.9)
"""

from priors.categorical import Categorical, RelaxedCategorical, StraightThroughCategorical
from priors.dirichlet import Dirichlet
from priors.errors import LatentStringError
from priors.families import FAMILIES
from priors.gaussian_mixture import GaussianMixture
from priors.grammar import parse
from priors.hyperbolic import Hyperbolic
from priors.kl import kl_per_coordinate
from priors.latent import Latent
from priors.normal import Normal
from priors.power_spherical import PowerSpherical
from priors.softmax_normal import SoftmaxNormal, laplace_approximation
from priors.space import Space
from priors.superposition import Superposition
from priors.vamp import VampPrior
from priors.von_mises import VonMises
from priors.von_mises_fisher import VonMisesFisher

__all__ = [
    "FAMILIES",
    "Categorical",
    "Dirichlet",
    "GaussianMixture",
    "Hyperbolic",
    "Latent",
    "LatentStringError",
    "Normal",
    "PowerSpherical",
    "RelaxedCategorical",
    "SoftmaxNormal",
    "Space",
    "StraightThroughCategorical",
    "Superposition",
    "VampPrior",
    "VonMises",
    "VonMisesFisher",
    "kl_per_coordinate",
    "laplace_approximation",
    "parse",
]
