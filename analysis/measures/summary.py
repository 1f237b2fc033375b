"""The numbers of a run, as a dictionary that ``jetvae summary --json`` prints.

The JSON document has these keys, which stay:

==========================  ==========================================================================================
``auc.<score>.value``       area under the ROC curve, ``signal`` against all other classes, larger scores counted as
                            signal; never reoriented. Scores: ``reconstruction``, ``kl``, ``elbo`` (minus the bound),
                            ``latent_<coordinate>``, ``mixture_<k>``. It and the means below are weighted where the
                            jets have event weights; NaN where those cancel
``auc.<score>.error``       its bootstrap standard error
``unscored.<score>``        jets left out of that AUC because their score is NaN; absent where there are none
``category``                of a latent category: ``auc`` and ``accuracy`` of the one with the wider jets, each with
                            value and error; ``chosen``, ``share``, ``width`` (see :mod:`analysis.measures.categories`)
``kl.<coordinate>``         mean KL [nat] of each coordinate, or of each factor where the KL does not split
``elbo``                    mean ELBO [nat per jet]
``reconstruction``          mean of -ln p(x|z) [nat per jet]
``jets_per_second``         median training rate
``counts.<part>.<class>``   jets trained on, validated on, tested on, and ``scored`` here
``dimension``               of a run of a range of beta: lists ``beta``, ``kl`` [nat], ``distortion``, ``D1``, ``D2``,
                            equally long; see :mod:`analysis.evaluation.resolutions`
``signal``, ``classes``     the class counted as signal, and all classes of the jets scored
``restarts``                of a run that is the best of several trainings: ``kept``, the number of the one, and
                            ``loss``, that of each on the training jets [nat per jet], null of one that failed
``run``                     the run's folder
``latent``, ``beta``        the string of its latent space, its resolution
==========================  ==========================================================================================
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from analysis.measures.categories import category
from analysis.measures.tagging import auc_table, unscored
from analysis.measures.weighting import mean_of, say_if_cancelled
from analysis.store import array, class_names, classes, names, signal_of


def summarise(tree: xr.DataTree, signal: str | None = None) -> dict[str, Any]:
    """Return the numbers of a tree (see :mod:`analysis.measures.summary` for the keys).

    ``signal`` is the class to be tagged, by default the last one of which jets are scored.

    Raises
    ------
    UnknownClassError
        ``signal`` is not a class of the tree.
    """
    known = classes(tree)
    label = class_names(tree)
    signal = signal_of([name for name in known if (label == name).any()] if signal is None else known, signal)
    kl = mean_of(tree, "information/kl")
    say_if_cancelled(tree)
    return (
        {
            "run": tree.attrs["run"],
            "latent": tree.attrs["latent"],
            "beta": float(tree.attrs["beta"]),
            "classes": known,
            "signal": signal,
            "auc": {name: estimate._asdict() for name, estimate in auc_table(tree, signal).items()},
            "category": category(tree, signal),
            "kl": {name: float(kl.sel(kl_term=name)) for name in names(kl, "kl_term")},
            "elbo": float(mean_of(tree, "sample_stats/elbo")),
            "reconstruction": float(mean_of(tree, "sample_stats/reconstruction")),
            "jets_per_second": float(tree.attrs["jets_per_second"]),
            "counts": json.loads(tree.attrs["train_counts"])
            | {"scored": {name: int(np.sum(label == name)) for name in known}},
        }
        | lacking(tree)
        | ({"dimension": dimension_lists(tree)} if "dimension" in tree else {})
    )


def lacking(tree: xr.DataTree) -> dict[str, dict[str, int]]:
    """Return under ``unscored`` how many jets have no number, of the scores that some jets lack; empty without any."""
    found = unscored(array(tree, "scores/score_value"))
    return {"unscored": found} if found else {}


def dimension_lists(tree: xr.DataTree) -> dict[str, list[float]]:
    """Return the curves against resolution as lists; of evaluations of before there were rate and D, without them."""
    columns = ["beta", "kl", "distortion", "D1", "D2", *[name for name in ("rate", "D") if name in tree["dimension"]]]
    return {name: np.asarray(array(tree, f"dimension/{name}"), float).tolist() for name in columns}
