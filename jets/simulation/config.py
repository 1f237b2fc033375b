"""What fixes a simulated sample: its process, its size, its seed and Pythia's settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from jets.errors import UserError
from jets.simulation.tunes import DEFAULT, why_not

CLASSES = ("qcd", "top", "w")
"""Classes of the samples that there were first, in the order of their labels; a later one comes behind them."""
LEVELS = ("parton", "hadron", "tracks")
# Vincia prints its settings and papers at each start unless told to log nothing but failures.
SHOWERS = {"simple": (), "vincia": ("PartonShowers:model = 2", "Print:verbosity = 1")}
RETIRED = "dire"
BEFORE_LEVELS: dict[str, Any] = {
    **{"level": ["hadron"], "shower": "simple", "hadronisation": "on", "detector": "on"},
    "tune": DEFAULT,
}
"""What a sample of before there was a choice does not say."""
MAX_PTHAT = 7000.0

COMMON = (
    "Print:quiet = on",
    "Beams:eCM = 14000.",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",
    "Random:setSeed = on",
)
HADRONIC_W = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")
UNSEEN_Z = ("23:onMode = off", "23:onIfAny = 12 14 16")
DARK_HADRONS = {4900111: "5", 4900211: "5", 4900113: "1 2 3 4 5", 4900213: "1 2 3 4 5"}
INVISIBLE = 0.3


def dark_decays() -> tuple[str, ...]:
    """Return the settings of dark mesons of 20 GeV: invisible, or to quarks: spin 0 to the heaviest, spin 1 to any.

    The share of invisible ones is r_inv of Cohen, Lisanti & Lou 1503.00009, 0.3.
    """
    found: list[str] = []
    for meson, quarks in DARK_HADRONS.items():
        share = (1 - INVISIBLE) / len(quarks.split())
        found += [f"{meson}:m0 = 20.", f"{meson}:oneChannel = 1 {INVISIBLE} 0 51 -51"]
        found += [f"{meson}:addChannel = 1 {share:.4f} 91 {quark} -{quark}" for quark in quarks.split()]
    return tuple(found)


def scalar_decays() -> tuple[str, ...]:
    """Return the settings of a scalar that decays to pairs of the five light quarks, each as often.

    >>> scalar_decays()[0]
    '36:oneChannel = 1 0.2 100 1 -1'
    """
    return tuple(f"36:{'add' if q > 1 else 'one'}Channel = 1 0.2 100 {q} -{q}" for q in range(1, 6))


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
        *UNSEEN_Z,
    ),
    # A Z' to two dark quarks of SU(2), heavier than the W', since a part of each jet is not seen.
    "dark": (
        "HiddenValley:ffbar2Zv = on",
        "4900023:m0 = 1700.",
        "4900023:mMin = 1300.",
        "4900023:mMax = 2500.",
        "4900023:doForceWidth = on",
        "4900023:mWidth = 200.",
        "4900023:onMode = off",
        "4900023:onIfAny = 4900101",
        "HiddenValley:Ngauge = 2",
        "HiddenValley:nFlav = 2",
        "HiddenValley:FSR = on",
        "HiddenValley:fragment = on",
        "HiddenValley:alphaOrder = 1",
        "HiddenValley:Lambda = 10.",
        "HiddenValley:pTminFSR = 11.",
        "HiddenValley:probVector = 0.75",
        "4900101:m0 = 10.",
        "51:m0 = 1.",
        *dark_decays(),
    ),
    # Boosted by a Z that nobody sees: a Higgs boson, and one of 150 GeV with four prongs by two scalars of 40 GeV.
    "higgs": ("HiggsSM:ffbar2HZ = on", "25:onMode = off", "25:onIfAny = 5", *UNSEEN_Z),
    "z4": (
        "HiggsSM:ffbar2HZ = on",
        "25:m0 = 150.",
        "25:doForceWidth = on",
        "25:mWidth = 0.01",
        "25:oneChannel = 1 1. 100 36 36",
        "36:m0 = 40.",
        "36:mMin = 30.",
        "36:doForceWidth = on",
        "36:mWidth = 0.01",
        *scalar_decays(),
        *UNSEEN_Z,
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
        ``qcd``, ``top``, ``w``, ``higgs``, ``z4`` or ``dark``.
    n
        Jets in the file.
    seed
        With a block's number it seeds both Pythia and the detector.
    max_constituents
        Stored per jet, the hardest.
    pthat_min, pthat_max
        Window of the hard process' transverse momentum, GeV; not used for ``w`` and ``dark``.
    mpi
        Whether multiparton interactions are on.
    events_per_block
        Collisions between two seeds.
    compact
        Whether the file is quantised to be small.
    level
        What is clustered, one or several of ``LEVELS``: partons before hadronisation, all particles, or the charged
        ones. Of several, the first selects the jets, and each level has a file. By default hadron; without
        hadronisation parton.
    shower
        Pythia's parton shower: ``simple`` or ``vincia``.
    hadronisation
        ``on`` or ``off``, in Pythia. It stays on at the level parton, whose events are then those of the level hadron.
    detector
        ``on`` or ``off``; by default on, unless partons are clustered, which meet no detector.
    tune
        Pythia's tune to proton collisions, a number of :data:`jets.simulation.tunes.TUNES`; by default Monash 2013.

    Raises
    ------
    SimulationError
        An unknown process, level, shower or tune, a number that is too small, an empty window of pTHat, hadrons without
        hadronisation, or dark quarks as partons or in Vincia.

    Examples
    --------
    >>> Config("w", n=100).seed
    0
    >>> Config("w", hadronisation="off").level, Config("w", level=("parton", "hadron")).detector
    (('parton',), 'off')
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
    level: tuple[str, ...] = ()
    shower: str = "simple"
    hadronisation: str = "on"
    detector: str = ""
    tune: int = DEFAULT

    def __post_init__(self) -> None:
        level = tuple(self.level) or (("parton",) if self.hadronisation == "off" else ("hadron",))
        object.__setattr__(self, "level", level)
        object.__setattr__(self, "detector", self.detector or ("off" if "parton" in level else "on"))
        if self.process not in PROCESSES:
            raise SimulationError(f"no process {self.process!r}; there are {', '.join(PROCESSES)}")
        for name, least in (("n", 1), ("seed", 0), ("max_constituents", 1), ("events_per_block", 1)):
            if getattr(self, name) < least:
                raise SimulationError(f"{name} is {getattr(self, name)}; expected a whole number of at least {least}")
        if not 0 < self.pthat_min < self.pthat_max < MAX_PTHAT:
            raise SimulationError(
                f"expected 0 < pthat_min < pthat_max < {MAX_PTHAT:.0f} GeV, got {self.pthat_min} and {self.pthat_max}"
            )
        self._assert_generated()

    def _assert_generated(self) -> None:
        """Assert that levels, shower, tune, hadronisation and detector go together."""
        if self.shower == RETIRED:
            raise SimulationError("Pythia has no Dire shower since 8.316: give --shower simple or vincia")
        given = {"level": self.level, "shower": (self.shower,)}
        given |= {"hadronisation": (self.hadronisation,), "detector": (self.detector,)}
        known = {"level": LEVELS, "shower": SHOWERS, "hadronisation": ("on", "off"), "detector": ("on", "off")}
        for name, values in given.items():
            if not set(values) <= set(known[name]) or len(set(values)) < len(values):
                raise SimulationError(f"{name} is {' '.join(values)}; expected {', '.join(known[name])}, each once")
        if self.hadronisation == "off" and self.level != ("parton",):
            raise SimulationError(
                f"--hadronisation off leaves only partons, not {' and '.join(self.level)}: give --level parton, or "
                "leave hadronisation on (--level parton then clusters the partons of the same events)"
            )
        if self.process == "dark" and ("parton" in self.level or self.shower != "simple"):
            raise SimulationError(
                "dark quarks are no jets, and only the simple shower radiates from them: leave out "
                "--level parton, --hadronisation off and --shower vincia"
            )
        if reason := why_not(self.tune, self.shower):
            raise SimulationError(reason)
        if self.detector == "on" and "parton" in self.level:
            raise SimulationError("partons meet no detector: give --detector off, or leave parton out of --level")

    def generated(self) -> tuple[str, ...]:
        """Return the options of level, shower, hadronisation, detector and tune, where they are not the default.

        >>> Config("w", level=("parton", "hadron"), shower="vincia").generated()
        ('--level', 'parton', 'hadron', '--shower', 'vincia')
        """
        found = [] if self.level == ("hadron",) else ["--level", *self.level]
        usual = {"shower": "simple", "hadronisation": "on", "detector": "off" if "parton" in self.level else "on"}
        for name, value in usual.items():
            found += [] if getattr(self, name) == value else [f"--{name}", getattr(self, name)]
        found += [] if self.tune == DEFAULT else ["--tune", str(self.tune)]
        return tuple(found)

    def settings(self) -> list[str]:
        """Return the Pythia settings, without the seed.

        >>> Config("qcd").settings()[-2:]
        ['PhaseSpace:pTHatMin = 450.0', 'PhaseSpace:pTHatMax = 1200.0']
        """
        window = [f"PhaseSpace:pTHatMin = {self.pthat_min}", f"PhaseSpace:pTHatMax = {self.pthat_max}"]
        mpi = f"PartonLevel:MPI = {'on' if self.mpi else 'off'}"
        # The production of a resonance is a 2 -> 1 process, without a pTHat.
        process = [*PROCESSES[self.process], *([] if self.process in ("w", "dark") else window)]
        hadrons = [] if self.hadronisation == "on" else ["HadronLevel:all = off"]
        # A tune is a set of settings, which those below may change.
        tune = [] if self.tune == DEFAULT else [f"Tune:pp = {self.tune}"]
        return [*tune, *COMMON, mpi, *process, *SHOWERS[self.shower], *hadrons]


def classes_of(process: str) -> tuple[str, ...]:
    """Return the classes that a sample of a process names, its own among them at the place of its label.

    >>> classes_of("w"), classes_of("dark")
    (('qcd', 'top', 'w'), ('qcd', 'top', 'w', 'dark'))
    """
    return tuple(dict.fromkeys((*CLASSES, process)))


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide the numbers."""
    from importlib.metadata import version  # 0.03 s that a command that prints its help need not wait

    return {name: version(name) for name in ("pythia8mc", "fastjet", "numpy")}


def sample_record(config: Config) -> dict[str, object]:
    """Return configuration, settings and versions: all that a sample depends on, ready for JSON."""
    # A list, which is what JSON gives back.
    return {
        **asdict(config),
        "level": list(config.level),
        "pythia_settings": config.settings(),
        "versions": versions(),
    }
