"""A latent space: the product of factors, each a Pyro sample site."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from priors.latent import Latent

POINT = "R0"
"""The space without latents in a latent string."""


class Space(nn.Module):
    """The product of latent factors; ``*`` multiplies spaces, ``|`` superposes them.

    >>> from priors import Normal, SoftmaxNormal
    >>> space = Normal(4) * SoftmaxNormal(2, alpha=0.9)
    >>> space, space.factors, space.labels
    (R4 x L2(alpha=0.9), (R4, L2(alpha=0.9)), ('R4', 'L2'))

    Without factors it is a point, ``R0``: the manifold without latents in ``R0 | R3``, and one in products.

    >>> Space() | Normal(3), Space() * Normal(3)
    (R0 | R3, R3)

    Parameters
    ----------
    factors
        Latent factors or spaces; spaces are flattened.

    Raises
    ------
    TypeError
        Something else than a factor or a space.
    """

    def __init__(self, *factors: Latent | Space) -> None:
        super().__init__()
        flat = [leaf for factor in factors for leaf in (factor.factors if isinstance(factor, Space) else (factor,))]
        if not all(isinstance(factor, Latent) for factor in flat):
            raise TypeError(f"a latent space is a product of priors.Latent factors, got {factors!r}")
        self._factors = nn.ModuleList(flat)
        self.labels = unique_labels([factor.label for factor in flat])
        self.outputs = sum(factor.outputs for factor in flat)
        self.features_size = sum(factor.features_size for factor in flat)

    @property
    def factors(self) -> tuple[Latent, ...]:
        """The factors, in the order of the encoder head."""
        return tuple(self._factors)  # type: ignore[arg-type]

    @property
    def items(self) -> tuple[tuple[str, Latent], ...]:
        """Pairs (label, factor)."""
        return tuple(zip(self.labels, self.factors, strict=True))

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """Name of every reported coordinate: ``R4_0``, ``R4_1``, ..."""
        return tuple(f"{label}_{name}" for label, factor in self.items for name in factor.coordinate_labels)

    @property
    def coordinate_kinds(self) -> tuple[str, ...]:
        """Kind of every reported coordinate: ``real``, ``angle``, ``simplex``, ..."""
        return tuple(kind for factor in self.factors for kind in factor.coordinate_kinds)

    @property
    def coordinate_units(self) -> tuple[str, ...]:
        """Unit of every reported coordinate: ``rad`` of an angle, ``""`` of a pure number."""
        return tuple(unit for factor in self.factors for unit in factor.coordinate_units)

    @property
    def coordinate_factors(self) -> tuple[str, ...]:
        """Label of the factor that every reported coordinate belongs to; inside a superposition ``M2_R1``.

        >>> from priors import parse
        >>> parse("R2 x (R1 | S1)").coordinate_factors
        ('R2', 'R2', 'M2', 'M2', 'M2_R1', 'M2_S1')
        """
        return tuple(
            label + inner.removeprefix(factor.label)  # the second of two equal factors is R4b here
            for label, factor in self.items
            for inner in factor.coordinate_factors
        )

    def split(self, head: Tensor) -> dict[str, Tensor]:
        """Cut encoder outputs ``(..., outputs)`` into one head per factor."""
        pieces = head.split([factor.outputs for factor in self.factors], dim=-1)
        return dict(zip(self.labels, pieces, strict=True))

    def sample_prior(self) -> dict[str, Any]:
        """Draw every factor from its prior in a Pyro model, at sites ``z_<label>``; returns label -> value."""
        return {label: factor.sample_prior(f"z_{label}") for label, factor in self.items}

    def sample_posterior(self, head: Tensor) -> dict[str, Any]:
        """Draw every factor in a Pyro guide from encoder outputs ``(..., outputs)``; returns label -> value.

        Raises
        ------
        ValueError
            The encoder's output holds NaN or infinity, while Pyro validates.
        """
        heads = self.split(head)
        return {label: factor.sample_posterior(f"z_{label}", heads[label]) for label, factor in self.items}

    def features(self, z: Mapping[str, Any]) -> Tensor:
        """Return what the decoder sees, ``(..., features_size)``, of values by label."""
        return joined([factor.features(z[label]) for label, factor in self.items])

    def coordinates(self, z: Mapping[str, Any]) -> Tensor:
        """Return every reported coordinate of a draw, ``(..., len(coordinate_names))``."""
        return joined([factor.coordinates(z[label]) for label, factor in self.items])

    def points(self, head: Tensor) -> Tensor:
        """Return the posterior's centre in every reported coordinate, ``(..., len(coordinate_names))``."""
        heads = self.split(head)
        return joined([factor.point(factor.posterior(heads[label])) for label, factor in self.items])

    def describe(self) -> list[dict[str, Any]]:
        """Return one row per site: coordinates, support, prior, posterior, KL, encoder outputs, decoder features."""
        return [row for label, factor in self.items for row in factor.describe_sites(f"z_{label}")]

    def information(self, head: Tensor) -> dict[str, Tensor]:
        """Return label -> KL to report in nats, ``(..., n)``, for the factors whose KL of training is not it."""
        heads = self.split(head)
        found = {label: factor.information(heads[label]) for label, factor in self.items}
        return {label: nats for label, nats in found.items() if nats is not None}

    def narrowed(self, head: Tensor, width: Tensor) -> Tensor:
        """Return the head ``(..., outputs)`` of posteriors narrower by about ``width`` ``(..., 1)``."""
        heads = self.split(head)
        return joined([factor.narrowed(heads[label], width) for label, factor in self.items])

    def anneal(self, progress: float) -> None:
        """Pass the progress of training, 0 to 1, to factors with a schedule."""
        for factor in self.factors:
            factor.anneal(progress)

    def connect(self, encode: Callable[[Tensor], Tensor], inputs: Tensor) -> None:
        """Hand the encoder (inputs to heads ``(..., outputs)``) to priors that are made of posteriors.

        Their pseudo-inputs, parameters, start at the first of ``inputs``: call it before making the optimiser.
        """
        for label, factor in self.items:
            factor.connect(partial(self._head, label, encode), inputs)

    def _head(self, label: str, encode: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        return self.split(encode(inputs))[label]

    def __mul__(self, other: Latent | Space) -> Space:
        return Space(self, other)

    def __or__(self, other: Latent | Space) -> Space:
        from priors.superposition import Superposition

        return Space(Superposition([self, other]))

    def __str__(self) -> str:
        texts = [str(factor) for factor in self.factors] or [POINT]
        return texts[0] if len(texts) == 1 else " x ".join(f"({text})" if bare_sum(text) else text for text in texts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from pandas import DataFrame

        return DataFrame(self.describe()).to_html(index=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and str(self) == str(other)

    # Modules are collected by identity: equal spaces keep their own parameters.
    __hash__ = nn.Module.__hash__


def unique_labels(labels: list[str]) -> tuple[str, ...]:
    """Distinguish equal labels by letters: ``b`` to ``z``, then ``aa``, ``ab``, ...

    >>> unique_labels(["R4", "S1", "R4"]), unique_labels(["R1"] * 28)[-3:]
    (('R4', 'S1', 'R4b'), ('R1z', 'R1aa', 'R1ab'))
    """
    seen: Counter[str] = Counter()
    result = []
    for label in labels:
        seen[label] += 1
        result.append(label if seen[label] == 1 else label + letters(seen[label]))
    return tuple(result)


def letters(number: int) -> str:
    """Return the number of a factor, from 1, in letters, as columns of a table are counted.

    >>> letters(2), letters(26), letters(27), letters(703)
    ('b', 'z', 'aa', 'aaa')
    """
    before, last = divmod(number - 1, 26)
    return (letters(before) if before else "") + string.ascii_lowercase[last]


def bare_sum(text: str) -> bool:
    """Whether the text of a factor is a superposition outside parentheses.

    >>> bare_sum("R1 | R2"), bare_sum("(R1 | R2)(learn=true)")
    (True, False)
    """
    return "|" in text and not text.startswith("(")


def joined(pieces: list[Tensor]) -> Tensor:
    """Concatenate tensors ``(..., n)`` along the last dimension after broadcasting the leading ones.

    >>> joined([torch.zeros(5, 2), torch.zeros(3, 5, 1)]).shape
    torch.Size([3, 5, 3])
    """
    if len(pieces) == 1:
        return pieces[0]
    batch = torch.broadcast_shapes(*(piece.shape[:-1] for piece in pieces))
    return torch.cat([piece.expand(*batch, piece.shape[-1]) for piece in pieces], dim=-1)
