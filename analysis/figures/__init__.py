"""Dataset -> Axes or Figure: what the numbers look like."""
