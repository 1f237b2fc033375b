"""``R1 | R2 x S1``: a category chooses the manifold that a jet lives on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from pyro import poutine
from torch import Tensor, nn

from priors.categorical import Categorical
from priors.latent import Latent
from priors.space import Space, joined, unique_labels
from priors.text import format_options


class Superposition(Latent):
    r"""A sum of manifolds M1 + M2 + ...: a category c and, given it, the latents of manifold c alone.

    .. math::
        KL = KL(q(c|x)\,\|\,p(c)) + \sum_c q(c|x) \sum_{i \in M_c} KL(q(z_i|x)\,\|\,p(z_i))

    Sites: the category under the factor's own name, ``z_M2``, enumerated exactly; the latents of every manifold
    under ``z_M2_R1``, ``z_M2_R2``, ..., each masked (no log probability, no KL) where another manifold is chosen.
    The decoder sees the category and the features of the chosen manifold, zero for the others. A manifold may hold
    no latents (``R0``): of a jet there the decoder sees the category alone, which is all that it costs.

    >>> from priors import Normal, VonMises
    >>> Superposition([Normal(1), Normal(2) * VonMises(1)]), Superposition([Space(), Normal(3)])
    (R1 | R2 x S1, R0 | R3)

    Parameters
    ----------
    branches
        At least two factors or spaces, one for each manifold.
    weights, learn
        Prior of the category, see :class:`priors.Categorical`.

    Raises
    ------
    ValueError
        Fewer than two branches, or a branch with an enumerated category of its own: the sum over it would count
        it once for every value where its branch is off.
    """

    symbol = "M"
    family = Categorical.family
    kind = "category"

    def __init__(
        self, branches: Sequence[Latent | Space], weights: Sequence[float] | None = None, learn: bool = False
    ) -> None:
        spaces = [branch for part in branches for branch in manifolds(part)]
        if len(spaces) < 2:
            raise ValueError("a superposition needs at least two manifolds")
        for factor in (factor for space in spaces for factor in space.factors):
            if isinstance(factor, Superposition) or getattr(factor, "infer", None):
                raise ValueError(
                    f"{factor} is enumerated and cannot stand inside a manifold of a superposition: write the "
                    "manifolds out (R1 x S1 | R2 x S1), or give the category posterior=straight-through"
                )
        category = Categorical(len(spaces), weights, learn)
        super().__init__(
            len(spaces),
            outputs=category.outputs + sum(space.outputs for space in spaces),
            features=category.features_size + sum(space.features_size for space in spaces),
            options=category.options,
        )
        self.category, self.branches = category, nn.ModuleList(spaces)
        labels = iter(unique_labels([factor.label for space in spaces for factor in space.factors]))
        self.labels = tuple(tuple(next(labels) for _ in space.factors) for space in spaces)

    @property
    def items(self) -> Iterator[tuple[int, str, Latent]]:
        """Manifold number, label and factor of everything that the manifolds hold."""
        for number, (labels, space) in enumerate(zip(self.labels, self.branches, strict=True)):
            for label, factor in zip(labels, space.factors, strict=True):  # type: ignore[arg-type]
                yield number, label, factor

    @property
    def coordinate_count(self) -> int:
        """The probabilities of the manifolds, then the coordinates of each."""
        return len(self.coordinate_labels)

    @property
    def coordinate_labels(self) -> tuple[str, ...]:
        """``0``, ``1``, ... for the manifolds, then ``R1_0``, ``R2_0``, ..."""
        inner = (f"{label}_{name}" for _, label, factor in self.items for name in factor.coordinate_labels)
        return self.category.coordinate_labels + tuple(inner)

    @property
    def coordinate_kinds(self) -> tuple[str, ...]:
        """``category`` for the manifolds, then the kinds of their coordinates."""
        inner = (kind for *_, factor in self.items for kind in factor.coordinate_kinds)
        return self.category.coordinate_kinds + tuple(inner)

    @property
    def coordinate_factors(self) -> tuple[str, ...]:
        """``M2`` for the manifolds, then ``M2_R1``, ``M2_R2``, ... for their coordinates."""
        inner = (f"{self.label}_{label}" for _, label, factor in self.items for _ in factor.coordinate_labels)
        return (self.label,) * self.category.coordinate_count + tuple(inner)

    def split(self, head: Tensor) -> dict[str, Tensor]:
        """Cut ``head`` ``(..., outputs)`` into that of the category and one per factor."""
        names = ["category", *(label for _, label, _ in self.items)]
        sizes = [self.category.outputs, *(factor.outputs for *_, factor in self.items)]
        return dict(zip(names, head.split(sizes, dim=-1), strict=True))

    def narrowed(self, head: Tensor, width: Tensor) -> Tensor:
        """Narrow the posteriors of the manifolds by ``width`` ``(..., 1)``; the category's head stays."""
        heads = self.split(head)
        inner = [factor.narrowed(heads[label], width) for _, label, factor in self.items]
        return torch.cat([heads["category"], *inner], -1)

    def prior(self) -> Any:
        """Distributions of the category and of each factor, by label."""
        return {"category": self.category.prior()} | {label: factor.prior() for _, label, factor in self.items}

    def posterior(self, head: Tensor) -> Any:
        """Posteriors of the category and of each factor, by label, from ``head`` ``(..., outputs)``."""
        heads = self.split(head)
        inner = {label: factor.posterior(heads[label]) for _, label, factor in self.items}
        return {"category": self.category.posterior(heads["category"])} | inner

    def sample_prior(self, site: str) -> dict[str, Any]:
        """Draw the category and every factor from their priors in a Pyro model; returns label -> value."""
        z = {"category": self.category.sample_prior(site)}
        for number, label, factor in self.items:
            with poutine.mask(mask=z["category"][..., number] > 0.5):
                z[label] = factor.sample_prior(f"{site}_{label}")
        return z

    def sample_posterior(self, site: str, head: Tensor) -> dict[str, Any]:
        """Draw the category and every factor, given ``head`` ``(..., outputs)``, in a Pyro guide; label -> value.

        Raises
        ------
        ValueError
            The head holds NaN or infinity, while Pyro validates.
        """
        heads = self.split(head)
        z = {"category": self.category.sample_posterior(site, heads["category"])}
        for number, label, factor in self.items:
            with poutine.mask(mask=z["category"][..., number] > 0.5):
                z[label] = factor.sample_posterior(f"{site}_{label}", heads[label])
        return z

    def features(self, z: Mapping[str, Any]) -> Tensor:
        """Return the category and the features of the chosen manifold, ``(..., features_size)``."""
        chosen = z["category"]
        inner = [factor.features(z[label]) * chosen[..., number, None] for number, label, factor in self.items]
        return joined([chosen, *inner])

    def coordinates(self, z: Mapping[str, Any]) -> Tensor:
        """Return the one-hot category and the coordinates of every manifold, ``(..., coordinate_count)``."""
        return joined([z["category"], *(factor.coordinates(z[label]) for _, label, factor in self.items)])

    def point(self, posterior: Any) -> Tensor:
        """Return the manifolds' probabilities and the centres in every manifold, ``(..., coordinate_count)``."""
        inner = [factor.point(posterior[label]) for _, label, factor in self.items]
        return joined([posterior["category"].probs, *inner])

    def anneal(self, progress: float) -> None:
        """Pass the progress of training, 0 to 1, on to the manifolds."""
        for *_, factor in self.items:
            factor.anneal(progress)

    def _head(self, label: str, encode: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        return self.split(encode(inputs))[label]

    def connect(self, encode: Callable[[Tensor], Tensor], inputs: Tensor) -> None:
        """Hand the encoder, inputs to heads ``(..., outputs)``, on to the manifolds."""
        for _, label, factor in self.items:
            factor.connect(partial(self._head, label, encode), inputs)

    def describe_sites(self, site: str) -> list[dict[str, Any]]:
        """Return one row for the category and one for each factor."""
        rows = [self.category.describe(site) | {"factor": str(self)}]
        for number, label, factor in self.items:
            rows += [
                row | {"factor": f"{factor} of manifold {number}"} for row in factor.describe_sites(f"{site}_{label}")
            ]
        return rows

    def __str__(self) -> str:
        text = " | ".join(str(branch) for branch in self.branches)
        return f"({text}){format_options(self.options)}" if self.options else text

    __repr__ = __str__


def manifolds(part: Latent | Space) -> list[Space]:
    """Return the branches of a plain superposition, or the part itself as a single one."""
    if isinstance(part, Space) and len(part.factors) == 1:
        part = part.factors[0]
    if isinstance(part, Superposition) and not part.options:
        return list(part.branches)  # type: ignore[arg-type]
    return [part if isinstance(part, Space) else Space(part)]
