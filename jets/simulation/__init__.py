"""Simulated jets: collisions, a detector, clustering, truth and substructure, in reproducible blocks.

:func:`jets.simulation.sample.simulate` makes the HDF5 file of a :class:`jets.simulation.config.Config`. Pythia and
fastjet come with the extra ``simulate`` and are imported where they are used.
"""
