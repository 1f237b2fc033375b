"""Files in general layouts, written with pandas, pyarrow, awkward, numpy and uproot; nothing here is of the readers."""

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import uproot


def mod(path, t, *, simulated=False):
    """As energyflow writes it: names of columns are attributes, an index of one more than there are jets."""
    pt, _, phi, mass = t.kinematics()
    rows = np.stack([pt, np.arctanh(t.p4[:, 2] / t.p4[:, 3]), phi % (2 * np.pi), mass, 0 * pt + 211, 0 * pt], 1)
    index = np.r_[0, np.cumsum(t.counts)].astype(np.uint32)
    jet_pt = np.hypot(*t.sums[:, :2].T)
    with h5py.File(path, "w") as file:

        def write(name, values, columns):
            file[name] = values
            file[name].attrs.create("cols", np.asarray(columns, dtype="S"))

        write("jets_i", np.stack([t.label, t.event], 1), ["quality", "evn"])
        write("jets_f", np.stack([jet_pt, t.weight, 2 * jet_pt], 1), ["jet_pt", "weight", "gen_jet_pt"])
        for name in ("pfcs", "gens") if simulated else ("pfcs",):
            write(
                name,
                rows * ([2, 1, 1, 2, 1, 1] if name == "gens" else np.ones(6)),
                ["pt", "y", "phi", "m", "pid", "vertex"],
            )
            file[f"{name}_index"] = index


def old_pfnano(path, t, *, jets="FatJet"):
    """Two jets an event, each with its own candidates, which lack their PUPPI weight; the jet's pT is corrected."""
    pt, eta, phi, mass = t.kinematics()
    weight = np.random.default_rng(1).uniform(0.2, 1, len(pt))
    events = len(t.counts) // 2
    per_event = t.counts[: 2 * events].reshape(-1, 2).sum(1)
    number = np.concatenate([np.repeat([0, 1], pair) for pair in t.counts[: 2 * events].reshape(-1, 2)])
    own = {"pt": pt / weight, "eta": eta, "phi": phi, "mass": mass / weight, "puppiWeight": weight, "jetIdx": number}
    total = per_event.sum()
    columns = {f"{jets}PFCands_{name}": ak.unflatten(values[:total], per_event) for name, values in own.items()}
    columns[f"{jets}_pt"] = ak.Array((np.hypot(*t.sums[: 2 * events, :2].T) / 0.9).reshape(-1, 2).tolist())
    columns[f"{jets}_rawFactor"] = ak.Array([[0.1, 0.1]] * events)
    columns |= {"event": t.event[: 2 * events : 2].astype("u8"), "genWeight": t.weight[: 2 * events : 2]}
    with uproot.recreate(path) as file:
        file["Events"] = columns


def of_jets(t):
    """Columns of the jets, as their users name them."""
    return {
        "label": t.label,
        "weight": t.weight,
        "event_number": t.event,
        "sample": np.array([f"s{i}" for i in t.label]),
    }


def list_columns(path, t, prefix="constituents_"):
    pt, eta, phi, mass = t.kinematics()
    lists = {f"{prefix}{x}": t.ragged(v) for x, v in {"pt": pt, "eta": eta, "phi": phi, "mass": mass}.items()}
    arrow = {name: ak.to_arrow(values, extensionarray=False) for name, values in lists.items()}
    pq.write_table(pa.table(arrow | {name: pa.array(values) for name, values in of_jets(t).items()}), path)


def awkward_records(path, t):
    """Momentum4D records as ``ak.to_parquet`` writes them."""
    fields = dict(zip(("px", "py", "pz", "E"), np.ascontiguousarray(t.p4.T), strict=True))
    columns = {"particles": ak.unflatten(ak.zip(fields, with_name="Momentum4D"), t.counts)}
    columns |= {name: ak.Array(values.tolist() if name == "sample" else values) for name, values in of_jets(t).items()}
    ak.to_parquet(ak.zip(columns, depth_limit=1), path)


def nested_lists(path, t):
    rows = [t.of(i)[:, [3, 0, 1, 2]].tolist() for i in range(len(t.counts))]
    pq.write_table(pa.table({"momenta": rows} | {name: pa.array(values) for name, values in of_jets(t).items()}), path)


def root_lists(path, t):
    pt, eta, phi, _ = t.kinematics()
    own = {name: values for name, values in of_jets(t).items() if name != "sample"}
    with uproot.recreate(path) as file:
        file["meta"] = {"x": np.arange(3)}
        lists = {"pt": pt, "eta": eta, "phi": phi, "energy": t.p4[:, 3]}
        file["jets"] = {f"pfcand_{name}": t.ragged(values) for name, values in lists.items()} | own


def long_frame(t):
    pt, eta, phi, mass = t.kinematics()
    frame = pd.DataFrame(
        {"jet": np.repeat(np.arange(len(t.counts)) * 3, t.counts), "pt": pt, "eta": eta, "phi": phi, "m": mass}
    )
    for name, values in of_jets(t).items():
        frame[name] = np.repeat(values, t.counts)
    return frame.drop(columns="event_number").assign(event=np.repeat(t.event, t.counts))


def long_csv(path, t):
    long_frame(t).to_csv(path, index=False)


def long_parquet(path, t):
    long_frame(t).to_parquet(path)


def semicolons(path, t):
    long_frame(t).to_csv(path, index=False, sep=";", compression="gzip")


def wide_frame(t):
    values = t.padded(40)
    columns = {f"{x}_{i}": values[:, i, k] for i in range(40) for k, x in enumerate(("PX", "PY", "PZ", "E"))}
    return pd.DataFrame(columns | of_jets(t))


def wide_csv(path, t):
    wide_frame(t).to_csv(path, index=False)


def bare_csv(path, t):
    np.savetxt(path, t.padded(40).reshape(len(t.counts), -1), delimiter=",")


def bare_text(path, t):
    np.savetxt(path, t.padded(40)[..., [3, 0, 1, 2]].reshape(len(t.counts), -1))


def jet_in_front(path, t):
    p4 = t.padded(40)
    np.save(path, np.concatenate([p4.sum(1, keepdims=True), p4], 1))
