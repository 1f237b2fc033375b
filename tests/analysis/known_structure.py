"""What a search could have found on a circle and a plane, made by hand."""

import numpy as np
import xarray as xr

from analysis.store import NATS

POINTS = np.random.default_rng(0).normal(size=(60, 3)) * [3, 2, 1]


def tree_of(latents=("S1", "R2"), lead=0.0, level=("", ""), correlation=0.9, unit="GeV"):
    """A tree as :func:`analysis.evaluation.structures.tree_of` makes it, of two sides of two classes."""
    path = {
        "side": ["all", "all", "all", "side 1"],
        "before": ["R0", "R0", "S1", "S1"],
        "manifold": ["R1", "S1", "T2", "R1"],
        "generation": [0, 0, 1, 2],
        "gain": [1.0, 1.5, 0.001, -0.5],
        "gain_error": [0.1, 0.1, 0.01, 0.1],
        "log_evidence": [-2.0, -1.5, -1.499, -1.2],
        "kl": [1.0, 1.2, 1.3, 0.8],
        "parameters": [100, 110, 120, 100],
        "followed": [False, True, False, False],
        "seconds": [3.0, 3.0, 3.0, 3.0],
    }
    parting = {"side": "all", "way": "pieces", "before": "S1", "after": "S1 | R2", "gain": 0.7, "gain_error": 0.02}
    side_of = np.repeat([0, 1], 30)
    factors = {
        "side": ("factor", [0, 1, 1]),
        "kind": ("factor", ["angle", "real", "real"]),
        "kl": ("factor", [2.0, 1.0, 0.5], NATS),
        "reach": ("factor", [10.0, 5.0, 1.0]),
        "correlation": (("factor", "observable"), [[correlation, np.nan], [0.1, -0.95], [0.2, 0.1]]),
        "information": (("factor", "observable"), np.ones((3, 2)), NATS),
    }
    count = len(latents)
    groups = {
        "path": xr.Dataset({name: ("step", np.array(values)) for name, values in path.items()}),
        "partings": xr.Dataset({name: ("parting", [value]) for name, value in (parting | {"followed": True}).items()}),
        "sides": xr.Dataset(
            {
                "latent": ("side", list(latents)),
                "as_good": ("side", list(level[:count])),
                "path": ("side", ["side 1", "side 2"][:count]),
                "weight": ("side", [0.6, 0.4] if count == 2 else [1.0]),
                "log_evidence": ("side", [-1.2, -0.8][:count], NATS),
                "points": ("side", [30, 30][:count]),
            }
        ),
        "points": xr.Dataset(
            {
                "place": (("point", "component"), POINTS),
                "probability": (("side", "point"), np.eye(2)[:count, side_of]),
                "side_of": ("point", side_of),
                "log_p": ("point", np.full(60, -1.0), NATS),
                "number": ("point", np.arange(60)),
            }
        ),
        "factors": xr.Dataset(factors, {"factor": ["0: S1_0", "1: R_0", "1: R_1"], "observable": ["mass", "width"]}),
        "constant_data": xr.Dataset({"class_name": ("point", np.repeat(["w", "qcd", "w"], 20))}),
    }
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {"latent": " | ".join(latents), "density_lead": lead, "density_lead_error": 0.01, "unit": unit}
    tree.attrs |= {"beta": 10.0, "trained_on": 45, "held_out": 15, "data": ["a.h5", "b.h5"], "seed": 0}
    return tree
