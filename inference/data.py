"""From jets to batches: the split, thinned classes, and images made on the training device."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.events import parted_by_event
from inference.recipe import DataConfig, ImageConfig, Recipe, RecipeError
from jets.preprocess import outside, pixelise, prepare, turn

if TYPE_CHECKING:
    from jets import Jets

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Indices of the training, validation and test jets, each ascending."""

    train: Index
    validation: Index
    test: Index


def split(jets: Jets, config: DataConfig, seed: int) -> Split:
    """Split each class by ``seed``, then keep ``config.fraction`` of its training and validation jets.

    ``config.limit`` thins the classes before that, training and validation jets in the same proportion. The test
    part depends on neither, so results at different mixtures are scored on the same jets. Of jets with event numbers
    it is the events that are split; no event has jets in two parts.

    Raises
    ------
    RecipeError
        A fraction for a class that the data lack, or outside 0..1.
    """
    unknown = set(config.fraction) - set(jets.classes)
    if unknown:
        raise RecipeError(f"fraction: unknown class {sorted(unknown)[0]!r}; the data have {', '.join(jets.classes)}")
    parts: tuple[list[Index], ...] = ([], [], [])
    for name, (test, validation, train) in zip(jets.classes, parted(jets, config, seed), strict=True):
        share = config.fraction.get(name, 1.0)
        if not 0 <= share <= 1:
            raise RecipeError(f"fraction: {name} = {share} is not between 0 and 1")
        share *= min(1.0, (config.limit or math.inf) / max(1, len(train)))
        for part, index in zip(parts, (_thin(train, share), _thin(validation, share), test), strict=True):
            part.append(index)
    result = Split(*(np.sort(np.concatenate(part)) for part in parts))
    if len(result.train) < 2:
        raise RecipeError(f"only {len(result.train)} jets are left to train on; raise fraction or give more data")
    return result


def parted(jets: Jets, config: DataConfig, seed: int) -> list[tuple[Index, ...]]:
    """Return the test, validation and training part of each class, in random order."""

    def cut(index: Index, number: int) -> tuple[Index, ...]:
        order = np.random.default_rng((seed, number)).permutation(index)
        test, rest = np.split(order, [round(config.test * len(order))])
        validation, train = np.split(rest, [round(config.validation * len(rest))])
        return test, validation, train

    count = len(jets.classes)
    if jets.events is not None:
        return parted_by_event(jets.label, jets.events, count, cut)
    return [cut(np.flatnonzero(jets.label == i), i) for i in range(count)]


def _thin(index: Index, share: float) -> Index:
    return index[: round(share * len(index))]


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


FAR = 2.0
"""Vectors whose middle is further from zero than this many times their spread are centred for the networks."""
SPREADS = (1e-15, 1e15)
"""Spreads of vectors whose squares single precision holds."""
FINEST = 1e-6
"""Spread beside the largest entry below which single precision keeps hardly a digit of it."""


def completed(recipe: Recipe, jets: Jets) -> Recipe:
    """Fill in what the data decide: of vectors, how many numbers they hold, of what size, and about which middle.

    Raises
    ------
    RecipeError
        The likelihood does not describe these data, or single precision does not hold them, or all are alike.
    """
    if not jets.are_vectors:
        return recipe
    if recipe.model.likelihood != "normal":
        raise RecipeError(f"{', '.join(jets.sources)}: vectors need [model] likelihood = 'normal'")
    if recipe.model.architecture != "dense":
        raise RecipeError(f"{', '.join(jets.sources)}: vectors need [model] architecture = 'dense'")
    try:
        size = size_of(jets.constituents)
    except ValueError as error:
        raise RecipeError(f"{', '.join(jets.sources) or 'vectors'}: {error}") from None
    return recipe.model_copy(update={"model": recipe.model.model_copy(update=size)})


def size_of(vectors: NDArray[np.floating]) -> dict[str, Any]:
    """Return ``inputs``, ``scale`` and ``shift`` of a model of vectors ``(N, K)``.

    A column that is constant is no hindrance.

    Raises
    ------
    ValueError
        All are alike, or single precision does not hold them.
    """
    exact = vectors.astype(np.float64)
    middle, spread = exact.mean(0), float(np.sqrt(exact.var(0).mean()))
    largest = np.abs(exact).max()
    if spread == 0:
        raise ValueError("all points are alike; there is nothing to train on")
    if not SPREADS[0] <= spread <= SPREADS[1]:
        raise ValueError(f"the spread of the points is {spread:.3g}; multiply them, so that it is about 1")
    if spread < FINEST * largest:
        raise ValueError(
            f"the spread of the points, {spread:.3g}, is lost in single precision beside {largest:.3g}; "
            f"subtract their mean"
        )
    size: dict[str, Any] = {"inputs": vectors.shape[1], "scale": float(f"{vectors.std():.4g}"), "shift": None}
    if np.abs(middle).max() > FAR * spread:
        size |= {"scale": float(f"{spread:.4g}"), "shift": tuple(float(f"{place:.9g}") for place in middle)}
    return size


def data_for(jets: Jets, recipe: Recipe, device: torch.device) -> Data:
    """Return the jets as what the recipe's likelihood describes: images, clouds or vectors."""
    kind = Vectors if jets.are_vectors else Clouds if recipe.model.clouds else Images
    return kind(jets, recipe.image, device, recipe.data.constituents, resident=recipe.data.resident)


def shuffled(index: Index, seed: int, epoch: int) -> Tensor:
    """Return ``index`` in the order of one epoch; a function of (seed, epoch) alone, so a resumed run repeats it."""
    return torch.as_tensor(np.random.default_rng((seed, 1 + epoch)).permutation(index))
