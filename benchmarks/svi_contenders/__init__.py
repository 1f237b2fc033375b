"""What ``python -m benchmarks.svi`` compares: each contender trains the same model on the same images."""
