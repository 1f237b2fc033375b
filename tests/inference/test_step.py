"""Where parameters lie in the vectors of a step."""

from __future__ import annotations

import copy

import torch
from torch import nn

from inference.step import Layout, State


class Mixed(nn.Module):
    """Parameters of two types, one of them turned round in memory, one without numbers."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Parameter(torch.arange(6.0).reshape(2, 3).T)
        self.fine = nn.Parameter(torch.arange(2.0, dtype=torch.float64))
        self.number = nn.Parameter(torch.tensor(7.0))
        self.none = nn.Parameter(torch.empty(0, 4))
        self.register_buffer("seen", torch.tensor(3))


def test_layout_keeps_every_number_and_the_order():
    model = Mixed()
    layout = Layout(model)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    vectors = layout.join(before)
    assert [(len(vector), vector.dtype) for vector in vectors] == [(7, torch.float32), (2, torch.float64)]
    views = layout.split(vectors)
    assert list(views) == list(before) == layout.names
    for name, view in views.items():
        assert torch.equal(view, before[name])
        assert view.dtype == before[name].dtype


def test_a_models_parameters_are_its_state():
    model = Mixed()
    before = copy.deepcopy(model)
    state = State.of(model)
    for mine, old in zip(model.parameters(), before.parameters(), strict=True):
        assert torch.equal(mine, old)
    state.parameters[0].add_(1.0)
    state.buffers[0].add_(1)
    assert torch.equal(model.wide, before.wide + 1)
    assert torch.equal(model.number, before.number + 1)
    assert torch.equal(model.fine, before.fine)
    assert int(model.seen) == 4


def test_replicas_are_views_of_one_state():
    models = [Mixed(), Mixed()]
    joined = State.stacked([State.of(model) for model in models])
    for r, model in enumerate(models):
        joined.replica(r).share(model)
    joined.parameters[0][1] = 0.0
    joined.parameters[1][0] = -1.0
    assert not models[1].wide.any()
    assert models[0].wide.any()
    assert bool((models[0].fine == -1).all())
    assert torch.equal(models[1].fine, torch.arange(2.0, dtype=torch.float64))
