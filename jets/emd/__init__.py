"""The Energy Mover's Distance of jets, fast enough to train on and with bounds that say how exact it is.

`emd` is one distance per pair of clouds, differentiable; `pairwise` the matrix of all pairs of a sample. Alternatives
to the distance are in `jets.emd.metrics`; events of any length, by EnergyFlow's signatures, in `jets.emd.events`.
"""

from jets.emd.checks import CloudError
from jets.emd.distance import METHODS, Distance, emd
from jets.emd.pairs import pairwise

__all__ = ["METHODS", "CloudError", "Distance", "emd", "pairwise"]
