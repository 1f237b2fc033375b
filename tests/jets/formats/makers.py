"""Files in public layouts, written with the libraries that their authors use; nothing here is of the readers."""

from typing import NamedTuple

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyhepmc
import uproot


class Truth(NamedTuple):
    """Jets of ragged particles: counts (n,), p4 (T, 4) = px, py, pz, E [GeV]; labels, weights, events (n,)."""

    counts: np.ndarray
    p4: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    event: np.ndarray

    @property
    def sums(self):
        return np.stack([self.of(i).sum(0) for i in range(len(self.counts))])

    def of(self, i):
        ends = np.cumsum(self.counts)
        return self.p4[ends[i] - self.counts[i] : ends[i]]

    def padded(self, width):
        result = np.zeros((len(self.counts), width, 4))
        for i, count in enumerate(self.counts):
            result[i, :count] = self.of(i)
        return result

    def ragged(self, values):
        return ak.unflatten(values, self.counts)

    def kinematics(self):
        px, py, pz, e = self.p4.T
        pt = np.hypot(px, py)
        return pt, np.arcsinh(pz / pt), np.arctan2(py, px), np.sqrt(np.maximum(e**2 - (self.p4[:, :3] ** 2).sum(1), 0))


def truth(seed=0, n=12, massive=True, most=40):
    """Narrow jets anywhere in azimuth, so that some lie across its cut; particles in no order of pT."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, most, n)
    total = counts.sum()
    axis = np.repeat(np.stack([rng.uniform(-2, 2, n), rng.uniform(-np.pi, np.pi, n)], 1), counts, 0)
    eta, phi = (axis + rng.normal(0, 0.15, (total, 2))).T
    pt, mass = rng.exponential(15, total) + 0.5, rng.choice([0.0, 0.13957, 0.93827], total) * massive
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    p4 = np.stack([px, py, pz, np.sqrt(px**2 + py**2 + pz**2 + mass**2)], 1)
    return Truth(counts, p4, rng.integers(0, 2, n), rng.normal(1, 1, n), rng.integers(1, 2**40, n))


def top_reference(path, t):
    p4 = t.padded(200)[..., [3, 0, 1, 2]].reshape(len(t.counts), -1).astype("f4")
    names = [f"{x}_{i}" for i in range(200) for x in ("E", "PX", "PY", "PZ")] + [
        "truthE",
        "truthPX",
        "truthPY",
        "truthPZ",
    ]
    frame = pd.DataFrame(np.hstack([p4, np.zeros((len(p4), 4), "f4")]), columns=names)
    frame["ttv"], frame["is_signal_new"] = 1, t.label
    frame.index = np.arange(len(frame)) * 7 + 375
    frame.to_hdf(path, key="table", format="table", complib="blosc", complevel=5)


def lhc_olympics(path, t):
    pt, eta, phi, _ = t.kinematics()
    rows = np.zeros((len(t.counts), 2101))
    for i, start in enumerate(np.cumsum(t.counts) - t.counts):
        own = slice(start, start + t.counts[i])
        rows[i, : 3 * t.counts[i]] = np.stack([pt[own], eta[own], phi[own]], 1).ravel()
    rows[:, 2100] = t.label
    pd.DataFrame(rows).to_hdf(path, key="df", format="fixed", complib="blosc", complevel=5)


def jetclass_columns(t):
    columns = {
        name: t.ragged(t.p4[:, i].astype("f4"))
        for i, name in enumerate(("part_px", "part_py", "part_pz", "part_energy"))
    }
    columns["part_deta"] = t.ragged(np.full(len(t.p4), 99.0, "f4"))
    return columns | {"jet_pt": np.hypot(*t.sums[:, :2].T).astype("f4")}


def jetclass_root(path, t):
    with uproot.recreate(path) as file:
        flags = {"label_QCD": (t.label == 0).astype("f4"), "label_Hbb": (t.label == 1).astype("f4")}
        file["tree"] = jetclass_columns(t) | flags


def jetclass_parquet(path, t):
    columns = {
        name: ak.to_arrow(ak.Array(values), extensionarray=False) for name, values in jetclass_columns(t).items()
    }
    pq.write_table(pa.table(columns | {"jet_label": pa.array(t.label, pa.int32())}), path)


def nano(path, t, names, puppi):
    """Two jets an event; candidates of the event in reverse order, with one between that is of no jet."""
    cands, link, index = names
    pt, eta, phi, mass = t.kinematics()
    events, rng = len(t.counts) // 2, np.random.default_rng(1)
    rows = {k: [] for k in ("pt", "eta", "phi", "mass", "w", "jet", "idx", "fat")}
    for event in range(events):
        own = np.concatenate(
            [np.arange(np.sum(t.counts[:j]), np.sum(t.counts[: j + 1])) for j in (2 * event, 2 * event + 1)]
        )
        jet = np.repeat([0, 1], t.counts[[2 * event, 2 * event + 1]])
        weight = rng.uniform(0.2, 1, len(own)) if puppi else np.ones(len(own))
        for key, values, extra in zip(
            ("pt", "eta", "phi", "mass"), (pt / np.tile(1, len(pt)), eta, phi, mass), (3.0, 0, 0, 0), strict=True
        ):
            scaled = values[own] / weight if key in ("pt", "mass") else values[own]
            rows[key].append(np.append(scaled, extra)[::-1])
        rows["w"].append(np.append(weight, 1.0)[::-1])
        rows["jet"].append(jet)
        rows["idx"].append(len(own) - np.arange(len(own)))
        rows["fat"].append(np.hypot(*t.sums[2 * event : 2 * event + 2, :2].T) / 0.9)
    columns = {f"{cands}_{k}": ak.Array(rows[k]) for k in ("pt", "eta", "phi", "mass")}
    if puppi:
        columns[f"{cands}_puppiWeight"] = ak.Array(rows["w"])
    columns |= {f"{link}_jetIdx": ak.Array(rows["jet"]), f"{link}_{index}": ak.Array(rows["idx"])}
    columns |= {"FatJet_pt": ak.Array(rows["fat"]), "FatJet_rawFactor": ak.Array([[0.1, 0.1]] * events)}
    columns |= {"event": t.event[: 2 * events : 2].astype("u8"), "genWeight": t.weight[: 2 * events : 2]}
    with uproot.recreate(path) as file:
        file["Events"] = columns


def pfnano(path, t):
    nano(path, t, ("PFCands", "FatJetPFCands", "pFCandsIdx"), puppi=True)


def nano_v15(path, t):
    nano(path, t, ("PFCand", "FatJetPFCand", "pfCandIdx"), puppi=False)


def hepmc(path, t, format="hepmc3"):
    """A jet an event, beside a neutrino and a parton, in MeV."""
    with pyhepmc.open(str(path), "w", format=format) as file:
        for i in range(len(t.counts)):
            event = pyhepmc.GenEvent(pyhepmc.Units.MEV, pyhepmc.Units.MM)
            event.event_number = int(t.event[i] % 2**31)
            event.weights = [float(t.weight[i]), 7.0]
            vertex = pyhepmc.GenVertex((0, 0, 0, 0))
            vertex.add_particle_in(pyhepmc.GenParticle((0, 0, 7e6, 7e6), 2212, 4))
            for p in t.of(i) * 1000:
                vertex.add_particle_out(pyhepmc.GenParticle(tuple(p), 211, 1))
            vertex.add_particle_out(pyhepmc.GenParticle((9e5, 0, 0, 9e5), 12, 1))
            vertex.add_particle_out(pyhepmc.GenParticle((0, 9e5, 0, 9e5), 21, 71))
            event.add_vertex(vertex)
            file.write(event)


def energyflow(path, t):
    pt, _, phi, mass = t.kinematics()
    pz, e = t.p4[:, 2], t.p4[:, 3]
    pdg = np.select([mass < 0.01, mass < 0.5], [22.0, -211.0], 2212.0)
    values = ak.to_numpy(
        ak.fill_none(
            ak.pad_none(t.ragged(np.stack([pt, np.arctanh(pz / e), phi % (2 * np.pi), pdg], 1)), 40),
            np.zeros(4),
            axis=1,
        )
    )
    np.savez(path, X=values, y=t.label.astype(float))


def jetnet(path, t):
    pt, eta, phi, _ = t.kinematics()
    sums = t.sums
    jet_pt = np.hypot(*sums[:, :2].T)
    jet_eta, jet_phi = np.arcsinh(sums[:, 2] / jet_pt), np.arctan2(sums[:, 1], sums[:, 0])
    features = np.zeros((len(t.counts), 40, 4), "f4")
    for i, start in enumerate(np.cumsum(t.counts) - t.counts):
        own = slice(start, start + t.counts[i])
        turn = (phi[own] - jet_phi[i] + np.pi) % (2 * np.pi) - np.pi
        features[i, : t.counts[i]] = np.stack(
            [eta[own] - jet_eta[i], turn, pt[own] / jet_pt[i], np.ones(t.counts[i])], 1
        )
    with h5py.File(path, "w") as file:
        file["particle_features"] = features
        file["jet_features"] = np.stack([jet_pt, jet_eta, np.zeros(len(jet_pt)), t.counts], 1).astype("f4")


def omnilearned(path, t):
    with h5py.File(path, "w") as file:
        pt, eta, phi, _ = t.kinematics()
        values = np.stack([eta, phi, np.log(pt), np.log(t.p4[:, 3])], 1)
        data = np.zeros((len(t.counts), 40, 4))
        for i, start in enumerate(np.cumsum(t.counts) - t.counts):
            data[i, : t.counts[i]] = values[start : start + t.counts[i]]
        file["data"], file["pid"], file["global"] = data, t.label, np.zeros((len(t.counts), 4))


def weaver(path, t):
    np.save(path, np.moveaxis(t.padded(64), 1, 2).astype("f4"))
    np.save(path.with_name(path.name.replace("vectors", "labels")), np.eye(2)[t.label])


def array_energy_first(path, t):
    np.save(path, t.padded(40)[..., [3, 0, 1, 2]])


def array_energy_last(path, t):
    np.savez(path, constituents=t.padded(50)[:, ::-1])
