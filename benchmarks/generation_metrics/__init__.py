"""Distances between samples of jets, in jetnet's definitions (Kansal et al. 2106.11535, 2211.10295)."""
