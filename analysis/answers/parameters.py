"""The parameters of a posterior by name, as a table holds them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from priors import Space


def posterior_parameters(space: Space, head: Tensor) -> dict[str, Tensor]:
    """Return name -> parameter of q(z | x), each ``(B,)``, of jets with encoder outputs ``(B, outputs)``.

    Those that Pyro names, behind the factor's label: of a family made by transforming another, those of the latter.

    >>> import torch
    >>> from priors import parse
    >>> list(posterior_parameters(parse("R1 x C2"), torch.zeros(3, 4)))
    ['R1_loc_0', 'R1_scale_0', 'C2_probs_0', 'C2_probs_1']
    """
    heads = space.split(head)
    found: dict[str, Tensor] = {}
    for label, factor in space.items:
        posterior = factor.posterior(heads[label])
        nested = posterior if isinstance(posterior, dict) else {"": posterior}
        for inner, distribution in nested.items():
            found |= named(label if inner in ("", "category") else f"{label}_{inner}", distribution, len(head))
    return found


def named(label: str, distribution: Any, jets: int) -> dict[str, Tensor]:
    """Return the parameters of one distribution, a column for each number."""
    columns: dict[str, Tensor] = {}
    for name, value in tensors(distribution).items():
        own = value.dim() > 0 and len(value) == jets
        flat = (value if own else value.expand(jets, *value.shape)).reshape(jets, -1)
        columns |= {f"{label}_{name}_{i}": flat[:, i] for i in range(flat.shape[1])}
    return columns


def tensors(distribution: Any) -> dict[str, Tensor]:
    """Return the parameters that a distribution has by name, or the one that it is made of."""
    while True:
        names = set(getattr(distribution, "arg_constraints", {}))
        names -= {"logits"} if "probs" in names else set()
        values = {name: getattr(distribution, name, None) for name in sorted(names)}
        found = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        if found or not hasattr(distribution, "base_dist"):
            return found
        distribution = distribution.base_dist
