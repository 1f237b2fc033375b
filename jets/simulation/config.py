"""What fixes a simulated sample: its process, its size, its seed and Pythia's settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from jets.errors import UserError

CLASSES = ("qcd", "top", "w")
MAX_PTHAT = 7000.0

COMMON = (
    "Print:quiet = on",
    "Beams:eCM = 14000.",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
    "Random:setSeed = on",
)
HADRONIC_W = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")
# The W' is heavy enough that its W has pT near m / 2 = 600 GeV, and wide enough to fill the window of jet pT evenly.
PROCESSES: dict[str, tuple[str, ...]] = {
    "qcd": ("HardQCD:all = on",),
    "top": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *HADRONIC_W),
    "w": (
        "NewGaugeBoson:ffbar2Wprime = on",
        "Wprime:coup2WZ = 1.",
        "34:m0 = 1250.",
        "34:mMin = 1050.",
        "34:mMax = 1700.",
        "34:doForceWidth = on",
        "34:mWidth = 100.",
        "34:onMode = off",
        "34:onIfAll = 24 23",
        *HADRONIC_W,
        "23:onMode = off",
        "23:onIfAny = 12 14 16",
    ),
}


class SimulationError(UserError):
    """A sample that cannot be made as asked; its message is one line that says what to do."""


@dataclass(frozen=True)
class Config:
    """What fixes a sample of jets; two equal configurations give equal files.

    Attributes
    ----------
    process
        ``qcd``, ``top`` or ``w``.
    n
        Jets in the file.
    seed
        With a block's number it seeds both Pythia and the detector.
    max_constituents
        Stored per jet, the hardest.
    pthat_min, pthat_max
        Window of the hard process' transverse momentum, GeV; not used for ``w``.
    mpi
        Whether multiparton interactions are on.
    events_per_block
        Collisions between two seeds.
    compact
        Whether the file is quantised to be small.

    Raises
    ------
    SimulationError
        An unknown process, a number that is too small, or an empty window of pTHat.

    Examples
    --------
    >>> Config("w", n=100).seed
    0
    """

    process: str
    n: int = 10_000
    seed: int = 0
    max_constituents: int = 80
    pthat_min: float = 450.0
    pthat_max: float = 1200.0
    mpi: bool = False
    events_per_block: int = 2000
    compact: bool = False

    def __post_init__(self) -> None:
        if self.process not in PROCESSES:
            raise SimulationError(f"no process {self.process!r}; there are {', '.join(PROCESSES)}")
        for name, least in (("n", 1), ("seed", 0), ("max_constituents", 1), ("events_per_block", 1)):
            if getattr(self, name) < least:
                raise SimulationError(f"{name} is {getattr(self, name)}; expected a whole number of at least {least}")
        if not 0 < self.pthat_min < self.pthat_max < MAX_PTHAT:
            raise SimulationError(
                f"expected 0 < pthat_min < pthat_max < {MAX_PTHAT:.0f} GeV, got {self.pthat_min} and {self.pthat_max}"
            )

    def settings(self) -> list[str]:
        """Return the Pythia settings, without the seed.

        >>> Config("qcd").settings()[-2:]
        ['PhaseSpace:pTHatMin = 450.0', 'PhaseSpace:pTHatMax = 1200.0']
        """
        window = [f"PhaseSpace:pTHatMin = {self.pthat_min}", f"PhaseSpace:pTHatMax = {self.pthat_max}"]
        mpi = f"PartonLevel:MPI = {'on' if self.mpi else 'off'}"
        # The resonance production of w is a 2 -> 1 process, without a pTHat.
        return [*COMMON, mpi, *PROCESSES[self.process], *([] if self.process == "w" else window)]


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide the numbers."""
    from importlib.metadata import version  # 0.03 s that a command that prints its help need not wait

    return {name: version(name) for name in ("pythia8mc", "fastjet", "numpy")}


def sample_record(config: Config) -> dict[str, object]:
    """Return configuration, settings and versions: all that a sample depends on, ready for JSON."""
    return {**asdict(config), "pythia_settings": config.settings(), "versions": versions()}
