"""A reference is sampled again where its draws fall short, and only there."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from analysis.evaluation import reference as module
from analysis.measures.nuts_form import standard
from inference import to_jax
from inference.folder import RunError
from jetvae.__main__ import main
from tests.analysis.measures.test_reference import sampled

JETS = [4, 7, 9]


def sampler(monkeypatch, bad):
    """Let the sampler return independent draws, with a divergence in jets ``bad[i]`` of its i-th call."""
    calls = []

    def sample_run(run, *, jets, thin, acceptance, seed, **_):
        numbers = JETS if isinstance(jets, int) else list(jets)
        tree = sampled()
        tree.attrs["sampler"] = "numpyro"
        for group in tree.children.values():
            group.dataset = group.to_dataset().sel(jet=numbers)
        tree["posterior_nuts/z"].values[0, 0, :, 0] = seed
        tree["sample_stats_nuts/diverging"].values[0, 0] = np.isin(numbers, bad[len(calls)])
        calls.append((numbers, thin, acceptance))
        return tree

    monkeypatch.setattr(module, "sample_run", sample_run)
    return calls


def test_only_what_falls_short_is_sampled_again(monkeypatch):
    calls = sampler(monkeypatch, [[4, 9], [9], []])
    tree = module.reference(None, jets=3, seed=20)
    assert [numbers for numbers, *_ in calls] == [JETS, [4, 9], [9]]
    assert all(later[1] > first[1] and later[2] > first[2] for first, later in pairwise(calls))
    assert tree["reference/met"].values.all()
    assert tree["posterior_nuts/jet"].values.tolist() == JETS
    assert tree["posterior_nuts/z"].values[0, 0, :, 0].tolist() == [21, 20, 22]
    xr.testing.assert_identical(standard(tree)["reference"].to_dataset(), tree["reference"].to_dataset())


def test_what_never_meets_it_is_said(monkeypatch):
    calls = sampler(monkeypatch, [[7], [7], [7]])
    tree = module.reference(None, jets=3)
    assert len(calls) == 3
    assert tree["reference/met"].values.tolist() == [True, False, True]


def test_what_jax_cannot_take_is_refused_at_once(trained, monkeypatch):
    """Pyro's chains run one at a time, for hours; it says no energies, so that nothing it draws meets the standard."""
    monkeypatch.setattr(to_jax, "OPERATIONS", {})
    with pytest.raises(RunError, match=r"no JAX translation of .*; Pyro's sampler would take hours"):
        module.reference(trained, jets=2)


@pytest.mark.parametrize("flag", ["--chains", "--draws", "--warm-up"])
def test_the_standard_fixes_the_counts(flag, trained, capsys):
    assert main(["nuts", str(trained.path), "--standard", flag, "7"]) == 2
    assert f"leave out {flag}" in capsys.readouterr().err
