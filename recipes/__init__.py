"""Complete, runnable configurations, one TOML each: ``jetvae train NAME``."""

from importlib.resources import files


def names() -> list[str]:
    """Return the recipes that come with the package.

    >>> "image-dvae" in names()
    True
    """
    return sorted(item.name.removesuffix(".toml") for item in files("recipes").iterdir() if item.name.endswith(".toml"))
