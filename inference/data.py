"""From jets to batches of what the model describes: images and clouds, made on the training device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.recipe import ImageConfig, Recipe, RecipeError
from jets.preprocess import outside, pixelise, prepare, turn

if TYPE_CHECKING:
    from jets import Jets

Index = NDArray[np.int64]


class Data(ABC):
    """Jets or vectors on a device, prepared once; what the model describes is made batch by batch and never stored.

    Its kinds say how: :meth:`prepared` once, :meth:`make` for each batch.

    Parameters
    ----------
    jets
        N jets.
    config
        Preprocessing and pixels.
    device
        Where batches are made.
    constituents
        Number of leading constituents used; all by default.
    resident
        Whether constituents live on the device; else they stay in host memory and are sent ahead batch by batch.
    """

    def __init__(
        self,
        jets: Jets,
        config: ImageConfig,
        device: torch.device,
        constituents: int | None = None,
        *,
        resident: bool = True,
    ) -> None:
        home = device if resident else torch.device("cpu")
        self.config = config
        kept = jets.constituents if jets.are_vectors else jets.constituents[:, :constituents]
        self.constituents = self.prepared(torch.as_tensor(kept).to(home, torch.get_default_dtype()))
        if not resident and device.type == "cuda":
            self.constituents = self.constituents.pin_memory()
        self.device, self.resident = device, resident
        self._block: Tensor | None = None

    @abstractmethod
    def prepared(self, constituents: Tensor) -> Tensor:
        """Return constituents ``(N, M, 3)``, or vectors ``(N, K)``, as they are kept."""

    @abstractmethod
    def make(self, constituents: Tensor) -> Tensor:
        """Return the data of prepared constituents, ``(B, K)`` or ``(B, M, 3)``."""

    def make_training(self, constituents: Tensor) -> Tensor:
        """Return the same of jets to train on, turned at random where the recipe says so."""
        return self.make(constituents)

    def __len__(self) -> int:
        return len(self.constituents)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Return the data of these jets, ``(len(index), ...)``."""
        return self.make(self.constituents[index.to(self.constituents.device)].to(self.device))

    def batches(self, index: Index | Tensor, size: int) -> Iterator[Tensor]:
        """Yield the data of ``size`` jets at a time, in the order of ``index``."""
        for rows in torch.as_tensor(index).split(size):
            yield self[rows]

    def feed(self, batches: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (constituents, rows) of each batch ``(steps, ...)`` of jet numbers, on the device.

        Resident: all constituents, and the jet numbers. Streamed: the batch's own, fetched one batch ahead, always at
        the same place in memory, as a captured step needs it.
        """
        if self.resident:
            yield from ((self.constituents, rows) for rows in batches.to(self.device))
            return
        own = torch.arange(batches[0].numel(), device=self.device).reshape(batches[0].shape)
        with ThreadPoolExecutor(1) as ahead:
            pending = ahead.submit(self._send, batches[0])
            for following in [*batches[1:], None]:
                sent = pending.result()
                if following is not None:
                    pending = ahead.submit(self._send, following)
                self._block = sent if self._block is None else self._block.copy_(sent)
                yield self._block, own

    def _send(self, rows: Tensor) -> Tensor:
        return self.constituents[rows.flatten()].to(self.device, non_blocking=True)


class JetData(Data):
    """Jets with constituents: preprocessed, and turned at random in training where the recipe says so."""

    def prepared(self, constituents: Tensor) -> Tensor:
        """Return constituents ``(N, M, 3)`` after the steps of the recipe's preprocessing."""
        return prepare(constituents, self.config.steps)

    def make_training(self, constituents: Tensor) -> Tensor:
        """Return the data of jets to train on, each turned at random where the recipe says so."""
        return self.make(turn(constituents) if self.config.turn else constituents)

    def picture(self, clouds: Tensor) -> Tensor:
        """Return clouds ``(B, M, 3)`` as images ``(B, pixels**2)``, each of sum 1."""
        return pixelise(clouds, self.config.pixels, self.config.width).flatten(1)


class Images(JetData):
    """Jet images, each of sum 1."""

    def prepared(self, constituents: Tensor) -> Tensor:
        """Return constituents ``(N, M, 3)`` after the steps of the recipe's preprocessing.

        Raises
        ------
        RecipeError
            A jet that lies outside the image: its image would be empty.
        """
        found = super().prepared(constituents)
        empty = outside(found, self.config.pixels, self.config.width)
        if bool(empty.any()):
            raise RecipeError(
                f"{int(empty.sum())} jets (first: jet {int(empty.int().argmax())}) have no pT inside the image of "
                f"{' x '.join(f'{self.config.pixels * step:.3g}' for step in self.config.width)}; drop them, or widen "
                f"[image] width or pixels"
            )
        return found

    def make(self, constituents: Tensor) -> Tensor:
        """Return images ``(B, pixels**2)`` of prepared constituents ``(B, M, 3)``."""
        return self.picture(constituents)


class Clouds(JetData):
    """Jets as particle clouds: weights that sum to one, eta, phi."""

    def make(self, constituents: Tensor) -> Tensor:
        """Return clouds ``(B, M, 3)`` of total weight 1 from prepared constituents ``(B, M, 3)``."""
        pt = constituents[..., :1]
        return torch.cat([pt / pt.sum(-2, keepdim=True), constituents[..., 1:]], -1)


class Vectors(Data):
    """Plain vectors ``(N, K)``: points of a toy or of a user's file."""

    def prepared(self, constituents: Tensor) -> Tensor:
        """Return them as they are."""
        return constituents

    def make(self, constituents: Tensor) -> Tensor:
        """Return them as they are."""
        return constituents


def data_for(jets: Jets, recipe: Recipe, device: torch.device) -> Data:
    """Return the jets as what the recipe's likelihood describes: images, clouds or vectors."""
    kind = Vectors if jets.are_vectors else Clouds if recipe.model.clouds else Images
    return kind(jets, recipe.image, device, recipe.data.constituents, resident=recipe.data.resident)
