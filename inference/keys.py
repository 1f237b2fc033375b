"""The keys of a recipe, table by table: what each means, its default, and the range in which it makes sense."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from inference.schedules import Schedule
from jets.preprocess import WIDTH
from models import Beta
from models.table import Table

LARGEST = 1e6
"""Of a weight or of nats; more only overflows."""
LR = (1e-12, 10.0)
"""Learning rates with which a weight of order one neither stays where it is nor is lost in one step."""
CUT_TO_NOTHING = 1e-6
"""Adam divides a gradient by its own size, unless it is as small as 1e-8."""
RANGES = {"lr": LR, "beta": (Beta.LEAST, Beta.MOST), "kl_weight": (0.0, LARGEST), "capacity": (0.0, LARGEST)}
"""Key that can be scheduled -> the values that make sense."""
DecayRate = Annotated[float, Field(ge=0, lt=1)]
PixelSize = Annotated[float, Field(ge=1e-6, le=10)]


UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def bytes_of(size: str) -> float:
    """Return a size of memory in bytes.

    >>> bytes_of("2GB"), bytes_of("1.5 GiB")
    (2000000000.0, 1610612736.0)

    Raises
    ------
    ValueError
        It is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d*)?) ?([MGT]i?B)", size.strip())
    if not found:
        raise ValueError("expected a size of memory, as 2GB or 1.5GiB")
    return float(found[1]) * UNITS[found[2]]


class DataConfig(Table):
    """The ``[data]`` table: which jets, and how they are split."""

    files: tuple[str, ...] = Field(("sample:qcd", "sample:top"), min_length=1, description="sources F or F:class")
    fraction: dict[str, float] = Field({}, description="class -> part of its training and validation jets to keep")
    limit: int | None = Field(None, ge=1, description="training jets of each class at most, before fraction")
    test: float = Field(1 / 3, gt=0, lt=1, description="part of each class held out for testing, never thinned")
    validation: float = Field(0.1, ge=0, lt=1, description="part of the rest watched during training")
    constituents: int | None = Field(None, ge=1, description="leading constituents used; all by default")
    mixture: dict[str, Annotated[float, Field(ge=0, le=LARGEST)]] = Field(
        {}, description="class -> its share of the training jets, in any unit; as many of each are kept as make it"
    )
    split: Literal["counted", "hashed"] = Field(
        "counted",
        description="counted: parts of the wanted sizes; hashed: the side of each jet by its event number, or by "
        "itself where it has none, whatever jets are beside it",
    )
    window: int | None = Field(None, ge=1, description="jets that are shuffled together; all by default")
    memory: str | None = Field(
        None,
        description="memory that the process may take, as '2GB': jets stay on disk, and a window of them is read ahead",
    )
    cache: str = Field("runs/jets-cache", description="folder for what is noted of jets that stay on disk")
    resident: bool = Field(True, description="keep all jets on the device; false: stream batches from host memory")

    @field_validator("memory")
    @classmethod
    def is_memory(cls, memory: str | None) -> str | None:
        """Assert that memory is a size.

        Raises
        ------
        ValueError
            It is not.
        """
        if memory is not None:
            bytes_of(memory)
        return memory


class ImageConfig(Table):
    """The ``[image]`` table: from constituents to pixels."""

    pixels: int = Field(40, ge=2, le=1000, description="pixels along each side")
    width: tuple[PixelSize, PixelSize] = Field(WIDTH, description="pixel size in (eta, phi)")
    steps: tuple[Literal["centre", "rotate", "flip"], ...] = Field(
        ("centre", "rotate", "flip"), description="preprocessing steps"
    )
    turn: bool = Field(False, description="turn and mirror each training jet at random, anew in each step")


class TrainingConfig(Table):
    """The ``[training]`` table: optimiser, length, seed, device."""

    epochs: int = Field(30, ge=1, le=10_000_000, description="passes over the training jets")
    batch_size: int = Field(100, ge=2, description="jets per step")
    lr: float = Field(5e-3, ge=LR[0], le=LR[1], description="Adam's learning rate")
    clip: float = Field(0.0, ge=0, le=LARGEST, description="norm to which a longer gradient is cut; 0: never")
    adam_betas: tuple[DecayRate, DecayRate] = Field((0.9, 0.99), description="Adam's decay rates of the two moments")
    seed: int = Field(0, ge=0, lt=2**31, description="fixes split, initial weights, order and noise on one device")
    restarts: int = Field(
        1, ge=1, le=100, description="trainings, of which that with the lowest loss on the training jets is kept"
    )
    restarts_by: Literal["loss", "share"] = Field(
        "loss",
        description="which of the restarts is kept: that of the lowest loss, or that with the least share of the "
        "training jets in the mixtures that the prior makes rare",
    )
    objective: Literal["elbo", "iwae"] = Field("elbo", description="bound to maximise")
    particles: int = Field(8, ge=1, le=100_000, description="draws per jet of the iwae bound")
    kl_weight: float = Field(
        1.0, ge=0, le=LARGEST, description="weight of the KL in the loss; 1 makes the loss minus the ELBO"
    )
    free_bits: float = Field(
        0.0, ge=0, le=LARGEST, description="KL of a coordinate below which it is not reduced further [nat]"
    )
    capacity: float | None = Field(
        None, ge=0, le=LARGEST, description="KL to aim at [nat]; none: as little as possible"
    )
    plateau: int = Field(0, ge=0, description="epochs without a better validation loss before lr is halved; 0: never")
    early_stop: int = Field(
        0, ge=0, description="epochs without a better validation loss before the end, at the best one; 0: never"
    )
    max_skipped: int = Field(10, ge=0, description="steps with a non-finite loss or gradient before training fails")
    precision: Literal["float32", "tf32", "bf16"] = Field("float32", description="of the networks; all else is float32")
    compile: bool | Literal["auto"] = Field("auto", description="compile the step; auto: when it pays for itself")
    tensorboard: bool = Field(False, description="also write TensorBoard events into the run folder")
    threads: int = Field(
        1, ge=1, le=1024, description="CPU threads within one operation; part of what a seed reproduces"
    )
    checkpoint_seconds: float = Field(5.0, ge=0, description="least time between two checkpoints [s]")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes CUDA where there is one")

    @field_validator("clip")
    @classmethod
    def leaves_something(cls, clip: float) -> float:
        """Assert that a gradient that is cut is not cut to nothing beside Adam's epsilon.

        Raises
        ------
        ValueError
            It is.
        """
        if 0 < clip < CUT_TO_NOTHING:
            raise ValueError(f"input should be 0 (never) or at least {CUT_TO_NOTHING:g}")
        return clip


class ScheduleConfig(Table):
    """The ``[schedule]`` table: numbers that move during training; each ends at the recipe's own value by default."""

    lr: Schedule = Field(Schedule(), description="learning rate")
    beta: Schedule = Field(Schedule(), description="resolution")
    kl_weight: Schedule = Field(Schedule(), description="weight of the KL")
    capacity: Schedule = Field(Schedule(), description="KL to aim at [nat]")

    @model_validator(mode="after")
    def in_range(self) -> ScheduleConfig:
        """Assert that no schedule leaves the range of its key.

        Raises
        ------
        ValueError
            One starts or stops outside.
        """
        for key, (low, high) in RANGES.items():
            schedule = getattr(self, key)
            for end in ("start", "stop"):
                value = getattr(schedule, end)
                if value is not None and not low <= value <= high:
                    raise ValueError(f"{key} = {{ {end} = {value:g} }} is not between {low:g} and {high:g}")
        return self
