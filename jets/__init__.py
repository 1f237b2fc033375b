"""Jets and their metric: read, simulate, preprocess, pixelise.

>>> import jets
>>> jets.load("sample:qcd", "sample:top")
Jets(10000 qcd, 10000 top; up to 50 constituents)
"""

from jets.dataset import JetFileError, Jets, concatenate
from jets.hdf5 import load, save

__all__ = ["JetFileError", "Jets", "concatenate", "load", "save"]
