"""What a sample of jets is made of: one name for everything.

>>> import jetvae
>>> jetvae.parse("R1 | R2 x S1")
R1 | R2 x S1
>>> jetvae.load("sample:w").counts
{'w': 5000}

Each name is imported when it is first used; the command of the same name is ``jetvae`` (``jetvae --help``).
"""

from __future__ import annotations

from importlib import import_module
from os.path import isfile
from pathlib import Path
from typing import Any

HOMES = {
    "Beta": "models",
    "ELBO": "inference.lower_bound",
    "Jets": "jets",
    "Latent": "priors",
    "ModelConfig": "models",
    "Recipe": "inference.recipe",
    "Run": "inference.run",
    "Space": "priors",
    "UserError": "jets.errors",
    "VAE": "models",
    "auc": "analysis.measures.tagging",
    "build": "models",
    "concatenate": "jets",
    "elbo": "inference.lower_bound",
    "emd": "jets.emd",
    "emds": "jets.emd.events",
    "evaluate": "analysis.evaluation.tree",
    "export": "analysis.deployment.export",
    "fit": "analysis.answers.fitted",
    "from_arrays": "jets",
    "image_vae": "models",
    "load": "jets",
    "pairwise": "jets.emd",
    "parse": "priors",
    "pieces": "jets",
    "read": "inference.recipe",
    "report": "analysis.report.run_page",
    "save": "jets",
    "summarise": "analysis.measures.summary",
    "to_arviz": "analysis.answers.to_arviz",
    "train": "analysis.answers.fitted",
}
"""Public name -> the module that holds it."""
ORIGINALS = {"report": "write_report"}
"""Public name -> what it is called there, where that differs."""

__all__ = ["__version__", "open", *sorted(HOMES)]


def open(path: Any, jets: Any = None, *, trust: bool = False) -> Any:  # shadows the built-in on purpose
    """Open a trained run, a folder, once: an :class:`analysis.answers.opened.OpenRun`.

    It holds recipe, model, jets, split and history, and encodes, scores, reconstructs and generates jets.

    Parameters
    ----------
    path
        The run folder, or a file that ``jetvae export --bundle`` wrote.
    jets
        The jets that it was trained on, where they were not read from a file.
    trust
        Whether to import the user's module that its latent space names, if it names one: importing runs its code.

    Raises
    ------
    RunError
        There is no run in that folder.
    BundleError
        The file is no bundle, or damaged.
    """
    if str(path).endswith(".zip") and isfile(path):
        path = import_module("analysis.deployment.bundle").opened(Path(path))
    return import_module("analysis.answers.opened").OpenRun.open(path, jets=jets, trust=trust)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # here, since it imports much of the standard library

        return version("jetvae")
    if name not in HOMES:
        raise AttributeError(f"module 'jetvae' has no attribute {name!r}; it has {', '.join(__all__)}")
    from jetvae.packages import assert_ours

    assert_ours()
    return getattr(import_module(HOMES[name]), ORIGINALS.get(name, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
