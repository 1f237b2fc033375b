"""ArviZ's own figures of calibration and of k-hat, where jetvae trust left what they need."""

import numpy as np
import pytest
import xarray as xr

from analysis.report.inputs import Known
from analysis.report.page import attempted
from analysis.report.sections import arviz
from analysis.store import Missing


def simulated(narrow):
    """300 truths and 99 draws of six coordinates, those of the last too narrow by a factor."""
    random = np.random.default_rng(0)
    names = [f"R6_{k}" for k in range(6)]
    truth, draws = random.normal(size=(300, 6)), random.normal(size=(99, 300, 6))
    draws[..., -1] *= narrow
    found = {"truth": (("simulation", "coordinate"), truth), "z": (("draw", "simulation", "coordinate"), draws)}
    return xr.DataTree.from_dict({"simulation": xr.Dataset(found, {"coordinate": names})})


def test_the_least_even_ranks_come_first():
    part = arviz.calibration(Known("run", {"trust": simulated(0.2)}))
    assert len(part.figure.axes) == 4
    assert part.figure.axes[0].get_title() == "R6_5"
    assert "300 simulated truths among 99 draws" in part.caption
    share = part.numbers["R6_5"]
    assert 0 < float(share.min()) < float(share.max()) < 1


@pytest.mark.parametrize("answer", [arviz.calibration, arviz.khat])
def test_what_was_not_measured_is_named(answer):
    known = Known("run", {"trust": Missing("not measured yet: jetvae trust run")})
    assert attempted(answer, known).missing == "not measured yet: jetvae trust run"


def test_a_likelihood_without_draws_has_no_ranks():
    part = attempted(arviz.calibration, Known("run", {"trust": xr.DataTree()}))
    assert "cannot be drawn from" in part.missing
