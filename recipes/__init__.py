"""Complete, runnable configurations, one TOML each: ``jetvae train NAME``."""
