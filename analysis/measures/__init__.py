"""DataTree -> Dataset: the numbers, by numpy, scipy, xarray and arviz alone."""
