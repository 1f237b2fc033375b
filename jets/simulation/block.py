"""One reproducible block of simulated jets: collisions, detector, clustering, truth and substructure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jets.simulation import clustering, generator, levels, truth
from jets.simulation.config import PROCESSES, Config, classes_of
from jets.simulation.substructure import substructure

if TYPE_CHECKING:
    from numpy.typing import NDArray


BATCH = 500
SHARED = ("label", "event_number")
"""Arrays of a block that all its levels have in common."""
# Between the event numbers of two processes, so that files of both can be joined.
EVENTS_APART = 10**12


def simulate_block(config: Config, block: int) -> dict[str, NDArray]:
    """Simulate the jets of a block; they depend on ``config.seed`` and ``block``, not on other blocks.

    Parameters
    ----------
    config
        The sample's configuration.
    block
        Number of the block, from 0.

    Returns
    -------
    dict
        Arrays with one row per jet: ``constituents`` (J, M, 3), ``kind`` (J, M), ``jet`` (J, 6), ``label`` (J,),
        ``subst`` (J, 11), ``truth`` (J, columns of the process); units as in
        :func:`jets.simulation.sample_file.layout`. Of several levels, those of the second and third have the level's
        name behind an @, the rows are the same jets, and ``event_number`` (J,) says of which event.

    Raises
    ------
    SimulationError
        If Pythia cannot start with these settings, or gives up all events of a batch.
    """
    for_pythia, for_detector = np.random.SeedSequence(config.seed, spawn_key=(block,)).spawn(2)
    # Seed 0 means "by the clock" to Pythia.
    seed = 1 + int(for_pythia.generate_state(1)[0]) % generator.MAX_SEED
    pythia = generator.start(config.settings(), seed)
    rng = np.random.default_rng(for_detector)
    sizes = [min(BATCH, config.events_per_block - done) for done in range(0, config.events_per_block, BATCH)]
    parts = [_simulate_batch(config, pythia, size, rng) for size in sizes]
    # Pythia may give up an event, so that batches are numbered by the events asked for.
    for number, part in enumerate(parts):
        if "event_number" in part:
            part["event_number"] += list(PROCESSES).index(config.process) * EVENTS_APART
            part["event_number"] += block * config.events_per_block + number * BATCH
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def of_level(arrays: dict[str, NDArray], config: Config, level: str) -> dict[str, NDArray]:
    """Return a block's arrays at one of its levels, under their plain names.

    >>> of_level({"jet": 1, "jet@hadron": 2, "label": 3}, Config("w", level=("parton", "hadron")), "hadron")
    {'jet': 2, 'label': 3}
    """
    if level == config.level[0]:
        return {name: array for name, array in arrays.items() if "@" not in name}
    own = {name.removesuffix(f"@{level}"): array for name, array in arrays.items() if name.endswith(f"@{level}")}
    return own | {name: arrays[name] for name in SHARED if name in arrays}


def _simulate_batch(config: Config, pythia: object, events: int, rng: np.random.Generator) -> dict[str, NDArray]:
    collisions = generator.generate(pythia, config.process, events)
    hard, first = collisions.hard, levels.selecting(config)
    candidates = levels.seen(config, collisions, rng)
    jets = clustering.leading_jets(candidates[first], len(hard.pthat))
    accepted, matched = truth.match(hard, jets.event, jets.axis)
    jets, whole = clustering.select(jets, accepted), np.arange(accepted.sum())
    matched = generator.Hard(*(column[accepted] for column in matched))
    found = {first: jets}
    for level in config.level:
        if level != first:
            found[level], theirs = clustering.partners(candidates[level], len(hard.pthat), jets)
            whole = np.intersect1d(whole, theirs)
    arrays: dict[str, NDArray] = {}
    for level in config.level:
        mine = clustering.select(found[level], np.isin(found[level].event, jets.event[whole]))
        named = _of_jets(config, mine, generator.Hard(*(column[whole] for column in matched)))
        arrays |= named if level == config.level[0] else {f"{name}@{level}": array for name, array in named.items()}
    arrays["label"] = np.full(len(whole), classes_of(config.process).index(config.process), np.uint8)
    if len(config.level) > 1:
        arrays["event_number"] = jets.event[whole].astype(np.int64)
    return arrays


def _of_jets(config: Config, jets: clustering.ClusteredJets, matched: generator.Hard) -> dict[str, NDArray]:
    """Return the arrays of jets at one level and their hard processes, one row each."""
    constituents, kind = clustering.padded(jets, config.max_constituents)
    return {
        "constituents": constituents,
        "kind": kind,
        "jet": jets.axis.astype(np.float32),
        "subst": substructure(clustering.momenta(jets.pt, jets.y, jets.phi, jets.counts)),
        "truth": truth.table(config.process, matched, jets.axis),
    }
