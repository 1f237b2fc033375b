"""Run -> DataTree: the only room of the analysis that imports torch, Pyro and the models."""
