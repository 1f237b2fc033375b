"""Paths through latent space."""

import pytest
import torch

from analysis.evaluation.traversals import FINE, Step, traversals
from priors import parse


@pytest.mark.parametrize(
    ("latent", "steps"),
    [
        ("R2", 10),
        ("S1", 8),
        ("T2", 16),
        ("S2", 8),
        ("D3", 3),
        ("L3", 3),
        ("C2 x R1", 7),
        ("R1 | R2 x S1", 2 + 5 + 10 + 8),
    ],
)
def test_traversals_move_one_latent(latent, steps):
    """Features that differ from the base belong to the factor named; vertices are unit vectors, loops close."""
    space = parse(latent)
    torch.manual_seed(0)
    z = {label: first(value) for label, value in space.sample_posterior(torch.randn(1, space.outputs)).items()}
    found, points = traversals(space, z)
    assert points.shape == (steps, space.features_size)
    assert len({step.name for step in found}) == steps
    assert {step.factor for step in found} <= set(space.coordinate_factors)
    assert {step.coordinate for step in found} <= {*space.coordinate_names, ""}
    base = space.features(z)
    start = 0
    for label, factor in space.items:
        stop = start + factor.features_size
        mine = torch.tensor([step.factor == label or step.factor.startswith(f"{label}_") for step in found])
        outside = torch.cat([points[mine, :start], points[mine, stop:]], 1)
        torch.testing.assert_close(outside, torch.cat([base[:start], base[stop:]]).expand_as(outside))
        start = stop


def first(value):
    return {label: first(part) for label, part in value.items()} if isinstance(value, dict) else value[0]


def test_steps_of_a_superposition():
    """Its manifolds are one path of its own; within each, paths belong to the inner factor."""
    space = parse("R1 | S2 | L2")
    torch.manual_seed(0)
    z = {label: first(value) for label, value in space.sample_posterior(torch.randn(1, space.outputs)).items()}
    found = {step.name: step for step in traversals(space, z, FINE)[0]}
    assert found["M3_2"] == pytest.approx(Step("M3_2", "M3", float("nan"), "M3", ""), nan_ok=True)
    assert found["M3_R1_0 = -2.5"] == Step("M3_R1_0 = -2.5", "M3_R1_0", -2.5, "M3_R1", "M3_R1_0")
    assert found["M3_S2 = 0"] == Step("M3_S2 = 0", "M3_S2", 0.0, "M3_S2", "")
    edge = "M3_L2_0 to _1"
    assert found[f"{edge} = 0.5"] == Step(f"{edge} = 0.5", edge, 0.5, "M3_L2", "")
