"""scikit-learn, where it is installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from analysis.store import Missing


def scikit_learn(module: str, name: str) -> Any:
    """Return a class of one of scikit-learn's modules.

    Raises
    ------
    Missing
        It is not installed.

    Examples
    --------
    >>> scikit_learn("mixture", "GaussianMixture").__name__
    'GaussianMixture'
    """
    try:
        return getattr(import_module(f"sklearn.{module}"), name)
    except ImportError:
        raise Missing('scikit-learn is not installed: pip install "jetvae[baselines]"') from None
