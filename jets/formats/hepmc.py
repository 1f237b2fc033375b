"""HepMC 2 and 3, also compressed: the visible final particles of each event, clustered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jets.errors import JetFileError
from jets.formats import texts
from jets.formats.clustering import clustered
from jets.formats.containers import kind, needed, text_head
from jets.formats.particles import Particles, Reading, Wanted, padded

WHAT = "HepMC 2, 3 (text)"
USES = ("labels", "radius", "jets")
NEUTRINOS = (12, 14, 16)
EVENTS = 200
MOST = 2_000_000
"""Particles of an event."""
LAST = b"END_EVENT_LISTING"
VERTEX = re.compile(rb"\nV -(\d+) -?\d+ \[([\d,]*)\](?= |\r|\n)")
PARTICLE = re.compile(rb"\nP (\d+) (-?\d+) ")
"""Lines of HepMC 3: a vertex, its status and the particles that go in; a particle and where it comes from."""
FORMATS = {"HepMC::Asciiv3": "hepmc3", "HepMC::IO_GenEvent": "hepmc2"}
"""What the first lines hold -> what pyhepmc calls the format."""


def recognised(path: Path) -> bool:
    """Whether the text begins as HepMC's does."""
    return kind(path) == "text" and "HepMC::" in text_head(path)


def read(path: Path, wanted: Wanted) -> Reading:
    """Open a file; jets are anti-kT with R = 0.8, the leading one of each event; the weight is the event's first.

    Raises
    ------
    JetFileError
        It is of another format of HepMC's.
    """
    needed("pyhepmc", path)
    version = next((name for words, name in FORMATS.items() if words in text_head(path)), "")
    if not version:
        raise JetFileError(f"{path}: HepMC, but neither Asciiv3 nor IO_GenEvent; write it with HepMC 3")
    radius, which = wanted.radius or 0.8, wanted.jets or "leading"
    assumed = (f"particles of status 1 without neutrinos, GeV; anti-kT R = {radius:g}, {which} jets; first weight",)
    return Reading(wanted.labels or (path.name.split(".")[0],), assumed, parts(path, version, radius, which))


class Counted:
    """Events and particles of a text as its lines say; pyhepmc ends at a damaged line as if the file did.

    Attributes
    ----------
    events, particles, declared
        Lines of events, lines of particles, and how many of these other lines announce.
    """

    def __init__(self, path: Path, version: str) -> None:
        self.path, self.version = path, version
        self.events = self.particles = self.declared = 0
        self.rest, self.last = b"", b""
        self.room = 0, 0  # vertices and particles of the event at hand
        self.fault = ""  # pyhepmc takes what is raised while it reads for the end of the file

    def take(self, data: bytes) -> None:
        """Count the lines that end in the next piece of the file, or with it; the last piece is empty.

        Raises
        ------
        JetFileError
            An event has more particles than any collider makes.
        """
        lines, newline, rest = (self.rest + (data or b"\n")).rpartition(b"\n")
        self.rest = rest
        if not newline:
            return
        lines = b"\n" + lines
        self.particles += lines.count(b"\nP ")
        for words in map(bytes.split, re.findall(rb"\n(E .*)", lines)):
            self.events += 1
            self.declared += whole(words, 3) if self.version == "hepmc3" else 0
            if self.version == "hepmc2":
                self.assert_listed(words, 11, 12 + whole(words, 11))
        if self.version == "hepmc3":
            self.assert_within(lines + b"\n")
        else:
            for words in map(bytes.split, re.findall(rb"\n(V .*)", lines)):
                self.declared += whole(words, 7) + whole(words, 8)
                self.assert_listed(words, 9)
        self.last = lines.rstrip().rpartition(b"\n")[2] or self.last
        if self.particles > MOST * max(self.events, 1):
            raise JetFileError(f"{self.path}: over {MOST:,} particles in an event; get it again, or write it anew")

    def assert_listed(self, words: list[bytes], *places: int) -> None:
        """Assert that a line lists as many numbers as it says at these places, which pyhepmc makes room for first.

        Raises
        ------
        JetFileError
            It does not.
        """
        said = [whole(words, place) for place in places]
        if min(said) < 0 or sum(said) + places[0] + len(places) != len(words):
            line = b" ".join(words[:12]).decode("ascii", "replace")[:60]
            self.fault = f"{self.path}: damaged: the line {line!r} lists other numbers than it says; get it again"
            raise JetFileError(self.fault)

    def assert_within(self, lines: bytes) -> None:
        """Assert that vertices and particles of HepMC 3 name none that their event does not have.

        pyhepmc goes to wherever such a number leads in memory.

        Raises
        ------
        JetFileError
            One does.
        """
        for part in re.split(rb"(?=\nE )", lines):
            if part.startswith(b"\nE "):
                words = part[1 : part.index(b"\n", 1)].split()
                self.room = whole(words, 2), whole(words, 3)
            vertices, particles = VERTEX.findall(part), PARTICLE.findall(part)
            known = (len(vertices), len(particles)) == (part.count(b"\nV "), part.count(b"\nP "))
            of = [int(number) for number, _ in vertices] + [-int(origin) for _, origin in particles]
            on = [int(each) for _, into in vertices for each in into.split(b",") if each]
            on += [int(number) for number, _ in particles] + [int(origin) for _, origin in particles]
            if not known or max(of, default=0) > self.room[0] or max(on, default=0) > self.room[1]:
                self.fault = (
                    f"{self.path}: damaged: a line names a vertex or particle that its event lacks; get it again"
                )
                raise JetFileError(self.fault)

    def assert_all(self, events: int, particles: int) -> None:
        """Assert that so many events and particles are all that the text holds, and that it is whole.

        Raises
        ------
        JetFileError
            They are not.
        """
        if self.fault:
            raise JetFileError(self.fault)
        if LAST not in self.last + self.rest:
            raise JetFileError(
                f"{self.path}: was cut: it does not end with {LAST.decode()}; get it again, or add that line if it is "
                "whole"
            )
        if (events, particles) != (self.events, self.particles) or self.declared != particles:
            raise JetFileError(
                f"{self.path}: damaged: {self.events} events announce {self.declared} particles; it has lines of "
                f"{self.particles}, of which {particles} in {events} events can be read; get it again"
            )


def whole(words: list[bytes], place: int) -> int:
    """Return a whole number among the words of a line; -1 where there is none."""
    return int(words[place]) if len(words) > place and words[place].isdigit() else -1


def parts(path: Path, version: str, radius: float, which: str) -> Iterator[Particles]:
    """Yield the jets of some events.

    Raises
    ------
    JetFileError
        The file is damaged.
    """
    import pyhepmc

    momenta, weights, numbers = [], [], []
    counted, events, particles = Counted(path, version), 0, 0
    with texts.opened(path, counted.take) as text, pyhepmc.open(text, format=version) as file:
        for event in file:
            events, particles = events + 1, particles + len(event.particles)
            event.set_units(pyhepmc.Units.MomentumUnit.GEV, event.length_unit)
            momenta.append(visible(event))
            weights.append(event.weights[0] if event.weights else 1.0)
            numbers.append(event.event_number)
            if len(momenta) == EVENTS:
                yield of_events(path, momenta, weights, numbers, radius, which)
                momenta, weights, numbers = [], [], []
        while text.read(2**18):  # what is behind a damaged line
            pass
    counted.assert_all(events, particles)
    if momenta:
        yield of_events(path, momenta, weights, numbers, radius, which)


def visible(event: object) -> np.ndarray:
    """Return (px, py, pz, E) ``(M, 4)`` of the final particles that are no neutrinos."""
    chosen = [p.momentum for p in event.particles if p.status == 1 and abs(p.pid) not in NEUTRINOS]  # type: ignore[attr-defined]
    return np.array([(p.px, p.py, p.pz, p.e) for p in chosen], np.float64).reshape(-1, 4)


def of_events(path: Path, momenta: list, weights: list, numbers: list, radius: float, which: str) -> Particles:
    """Return the jets of events."""
    p4 = padded(np.array([len(event) for event in momenta], int), np.concatenate(momenta))
    known = None if set(weights) == {1.0} else np.array(weights, np.float64)
    return clustered(path, p4, radius, which, None, np.array(numbers, np.int64), known)
