"""A program: the command line in double precision, in which two trainings that should be equal are seen to be."""

import sys

import torch

from jetvae.__main__ import main

if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    sys.exit(main(sys.argv[1:]))
