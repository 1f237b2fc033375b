"""Complete, runnable configurations, one TOML each: ``python -m inference.svi NAME``."""
