"""One reproducible block of simulated jets: collisions, detector, clustering, truth and substructure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jets.simulation import clustering, detector, generator, truth
from jets.simulation.config import CLASSES
from jets.simulation.substructure import substructure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jets.simulation.config import Config

BATCH = 500


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
        :func:`jets.simulation.sample_file.layout`.

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
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _simulate_batch(config: Config, pythia: object, events: int, rng: np.random.Generator) -> dict[str, NDArray]:
    particles, hard = generator.generate(pythia, config.process, events)
    jets = clustering.leading_jets(detector.detect(particles, rng), len(hard.pthat))
    accepted, matched = truth.match(hard, jets.event, jets.axis)
    jets = clustering.select(jets, accepted)
    matched = generator.Hard(*(column[accepted] for column in matched))
    constituents, kind = clustering.padded(jets, config.max_constituents)
    return {
        "constituents": constituents,
        "kind": kind,
        "jet": jets.axis.astype(np.float32),
        "label": np.full(len(kind), CLASSES.index(config.process), np.uint8),
        "subst": substructure(clustering.momenta(jets.pt, jets.y, jets.phi, jets.counts)),
        "truth": truth.table(config.process, matched, jets.axis),
    }
