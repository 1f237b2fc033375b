"""The share of a process in a training that several do together: its part of each batch, and what all agree on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """The share of this process: that of number ``rank``, counted from 0, ``of`` so many."""

    rank: int = 0
    of: int = 1

    def part(self, tensor: Tensor, dim: int = -1) -> Tensor:
        """Return the part of this process along a dimension."""
        return tensor if self.of == 1 else tensor.chunk(self.of, dim)[self.rank].contiguous()

    def total(self, tensor: Tensor) -> Tensor:
        """Return the sum over processes, as an operation that a graph can hold."""
        from torch.distributed import _functional_collectives as collectives

        assert dist.group.WORLD is not None
        return collectives.wait_tensor(collectives.all_reduce(tensor, "sum", dist.group.WORLD))

    def means(self, vectors: Sequence[Tensor]) -> list[Tensor]:
        """Return the means over processes of vectors ``(n,)``, those of one type of number in one exchange."""
        if self.of == 1:
            return list(vectors)
        found: dict[int, Tensor] = {}
        for kind in dict.fromkeys(vector.dtype for vector in vectors):
            numbers = [i for i, vector in enumerate(vectors) if vector.dtype == kind]
            mean = self.total(torch.cat([vectors[i] for i in numbers])) / self.of
            found |= dict(zip(numbers, mean.split([len(vectors[i]) for i in numbers]), strict=True))
        return [found[i] for i in range(len(vectors))]

    def first(self, make: Callable[[], T]) -> T:
        """Return what the first process makes, to all."""
        if self.of == 1:
            return make()
        found = [make() if self.rank == 0 else None]
        dist.broadcast_object_list(found)
        return found[0]  # type: ignore[return-value]

    def any(self, flag: bool) -> bool:
        """Whether it is so in any process; all wait for each other."""
        if self.of == 1:
            return flag
        found = torch.tensor(float(flag), device="cuda" if dist.get_backend() == "nccl" else "cpu")
        dist.all_reduce(found)
        return bool(found > 0)


ALONE = Share()
CURRENT = [ALONE]
"""The last is that of the training in progress."""


def current() -> Share:
    """Return the share of this process in the training in progress."""
    return CURRENT[-1]
