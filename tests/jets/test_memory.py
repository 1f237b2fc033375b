"""Jets of arrays: every way to give the same four-momenta gives the same jets; errors name the field."""

import awkward as ak
import numpy as np
import pytest
import vector

import jets
from jets import JetFileError
from tests.jets.formats import makers
from tests.jets.formats.test_formats import four_momenta

T = makers.truth(n=30)
PT, ETA, PHI, MASS = T.kinematics()
PX, PY, PZ, E = T.p4.T


def rectangular(values, fill=0.0):
    return ak.to_numpy(ak.fill_none(ak.pad_none(T.ragged(values), 50), fill))


def lists(values):
    return ak.to_list(T.ragged(values))


def vectors():
    fields = {"rho": PT, "eta": ETA, "phi": PHI, "tau": MASS}
    return ak.unflatten(ak.zip(fields, with_name="Momentum4D"), T.counts)


def of_vector():
    return vector.zip({"px": T.ragged(PX), "py": T.ragged(PY), "pz": T.ragged(PZ), "E": T.ragged(E)})


def masked():
    missing = rectangular(np.ones(len(PT)), 0.0) == 0
    return {
        name: np.ma.array(rectangular(values, 7.0), mask=missing)
        for name, values in {"pt": PT, "eta": ETA, "phi": PHI, "mass": MASS}.items()
    }


def ragged(**values):
    return {name: T.ragged(column) for name, column in values.items()}


PADDED = {"eta": rectangular(ETA, 9.0), "phi": rectangular(PHI, np.nan), "mass": rectangular(MASS)}
MOMENTA = {"px": PX, "py": PY, "pz": PZ}
WAYS = {
    "awkward": lambda: jets.from_arrays(**ragged(pt=PT, eta=ETA, phi=PHI, mass=MASS)),
    "padded": lambda: jets.from_arrays(pt=rectangular(PT), **PADDED),
    "lists": lambda: jets.from_arrays(energy=lists(E), **{name: lists(values) for name, values in MOMENTA.items()}),
    "arrays in a list": lambda: jets.from_arrays(
        mass=lists(MASS), **{name: list(map(np.asarray, lists(values))) for name, values in MOMENTA.items()}
    ),
    "rapidity and energy": lambda: jets.from_arrays(**ragged(pt=PT, y=np.arctanh(PZ / E), phi=PHI, E=E)),
    "pseudorapidity and energy": lambda: jets.from_arrays(**ragged(pt=PT, eta=ETA, phi=PHI, E=E)),
    "records": lambda: jets.from_arrays(vectors()),
    "vector": lambda: jets.from_arrays(of_vector()),
    "masked": lambda: jets.from_arrays(**masked()),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_jets(way):
    found = WAYS[way]()
    assert (np.abs(four_momenta(found) - T.sums) < 2e-5 * T.sums[:, 3:]).all()
    np.testing.assert_array_equal(found.jet["n_constituents"], T.counts)
    expected = WAYS["lists"]().constituents
    np.testing.assert_allclose(found.constituents[:, : expected.shape[1]], expected, rtol=1e-5, atol=2e-6)
    assert found.classes == ("jets",)


def test_relative_positions_stay_about_the_axis():
    w = jets.load("sample:w")[:50]
    pt, eta, phi = np.moveaxis(w.constituents, -1, 0)
    found = jets.from_arrays(pt=pt, y=eta, phi=phi, classes=["w"])
    assert np.abs(found.jet["eta"]).max() < 0.1
    np.testing.assert_allclose(found.constituents[..., 0], pt, rtol=1e-6)
    assert np.abs(found.constituents[..., 1:] - w.constituents[..., 1:])[pt > 0].max() < 0.1
    assert found.counts == {"w": 50}


def test_labels_weights_events_and_columns(capsys):
    names = np.array(["qcd", "top"])[T.label]
    empty = [[] if i == 4 else row for i, row in enumerate(lists(PT))]
    others = {x: [[] if i == 4 else row for i, row in enumerate(lists(v))] for x, v in {"eta": ETA, "phi": PHI}.items()}
    found = jets.from_arrays(
        pt=empty, **others, mass=0.13957, label=names, classes=["top", "qcd"], weight=T.weight, event=T.event,
        run=np.arange(30),
    )  # fmt: skip
    kept = np.delete(np.arange(30), 4)
    assert found.classes == ("top", "qcd")
    assert [found.classes[i] for i in found.label] == names[kept].tolist()
    np.testing.assert_array_equal(found.weights, T.weight[kept])
    np.testing.assert_array_equal(found.events, T.event[kept])
    np.testing.assert_array_equal(found.jet["run"], kept)
    assert "1 jets (first: jet 4) have no particles" in capsys.readouterr().err
    assert jets.from_arrays(pt=empty, **others, label=T.label).classes == ("class_0", "class_1")


GOOD = {"pt": [[5.0, 4.0], [3.0]], "eta": [[0.1, 0.2], [0.3]], "phi": [[0.1, 0.2], [0.3]]}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"eta": [[0.1, 0.2], [0.3, 0.4]]}, "eta has 2 particles in jet 1, pt 1"),
        ({"eta": [[0.1, 0.2]]}, "eta has 1 jets, pt 2"),
        ({"phi": [[0.1, np.nan], [0.3]]}, r"phi of 1 jets \(first: jet 0\)"),
        ({"pt": [[5.0, 4.0], [-3.0]]}, r"pt of 1 jets \(first: jet 1\).*negative"),
        ({"phi": None}, "pt, eta make no momentum"),
        ({"pt": [["a", "b"], ["c"]]}, "pt is of type"),
        ({"pt": np.ones(2)}, r"pt has shape \(2,\)"),
        ({"pt": 5.0, "eta": 0.1, "phi": 0.1}, "no particles"),
        ({"pt": ak.Array([[5.0, None], [3.0]])}, "pt is .*none of them missing"),
        ({"label": [0, 1, 1]}, "label has shape"),
        ({"label": [0, -1]}, "label needs"),
        ({"label": ["w", "z"], "classes": ["w"]}, "'z' is not among"),
        ({"classes": ["w", "z"]}, "label is missing"),
        ({"weight": [1.0, -1.0]}, "weights sum to 0"),
        ({"weight": [1.0]}, "weight has shape"),
        ({"event": [0.5, 1.0]}, "event numbers|whole number"),
        ({"run": [1.0, 2.0, 3.0]}, "'run' has shape"),
        ({"pt": [[], []], "eta": [[], []], "phi": [[], []]}, "no jet that holds a particle"),
        ({"pt": [], "eta": [], "phi": []}, "no jet that holds a particle"),
        ({"records": ak.Array([[{"pt": 5.0}]])}, "records and pt"),
        ({"pt": [[5e6, 4e6], [3e6]]}, "MeV"),
    ],
)
def test_errors_name_the_field(changes, said):
    with pytest.raises(JetFileError, match=said) as error:
        jets.from_arrays(**(GOOD | changes))
    assert "\n" not in str(error.value)


def test_records_without_momenta():
    with pytest.raises(JetFileError, match="have the fields charge"):
        jets.from_arrays(ak.Array([[{"charge": 1}]]))
    with pytest.raises(JetFileError, match="have the fields none"):
        jets.from_arrays(np.ones((3, 4, 4)))


def test_constituents_are_those_of_vector():
    """Rapidity and azimuth about the sum, by the vector library."""
    found = WAYS["lists"]()
    for i in range(len(T.counts)):
        own = vector.array(dict(zip(("px", "py", "pz", "E"), np.ascontiguousarray(T.of(i).T), strict=True)))
        axis = own.sum()
        order = np.argsort(-own.pt, kind="stable")
        expected = np.stack([own.pt, own.rapidity - axis.rapidity, own.deltaphi(axis)], 1)[order]
        np.testing.assert_allclose(found.constituents[i, : T.counts[i]], expected, rtol=1e-6, atol=1e-6)
