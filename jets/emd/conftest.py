"""Doctest collection imports every module; the CUDA one needs Triton, which comes only with CUDA builds of torch."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("triton") else ["cuda.py"]
