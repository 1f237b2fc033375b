"""Drawing functions fill the axes that they are given, so that a user can put several on one figure."""

import inspect
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

import analysis.figures
from analysis.figures.style import COLOURS, figure_of
from analysis.measures.calibration import calibrate
from analysis.measures.correlation_dimension import KINDS, SHOWN, TRUE, Dimension
from analysis.measures.mass_windows import auc_in_windows
from analysis.measures.meaning import meaning
from analysis.measures.simplex_priors import compare
from analysis.measures.tagging import auc_table
from analysis.store import class_names, classes
from tests.analysis import known_structure

ROOM = Path(analysis.figures.__file__).parent


def drawing_functions():
    """``module.function`` -> each function ``draw_...`` of one axes."""
    found = {}
    for path in sorted(ROOM.glob("*.py")):
        module = import_module(f"analysis.figures.{path.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            first = next(iter(inspect.signature(function, eval_str=True).parameters.values()), None)
            if name.startswith("draw_") and function.__module__ == module.__name__ and first.annotation is Axes:
                found[f"{path.stem}.{name}"] = function
    return found


FUNCTIONS = drawing_functions()
RANDOM = np.random.default_rng(0)
BETA = np.geomspace(0.1, 2, 7)


def curves():
    """Against resolution, of two coordinates, with what is exact."""
    number = np.linspace(2, 0.3, 7)
    along = dict.fromkeys(("kl", "distortion", "D1", "D2", "exact_kl", "exact_distortion"), ("beta", number))
    along |= {f"{name}_error": ("beta", 0.1 * number) for name in ("kl", "distortion", "D1", "D2")}
    widths = {"sigma": (("beta", "coordinate"), np.full((7, 2), 0.5)), "rms": (("beta", "coordinate"), np.ones((7, 2)))}
    spectrum = {"kl_spectrum": (("beta", "kl_term"), np.stack([number, number / 2], 1))}
    labels = {"beta": BETA, "kl_term": ["R2_0", "R2_1"], "coordinate": ["R2_0", "R2_1"]}
    attributes = {"power": 2, "scale": 1.0, "unit": "", "spectrum": [4.0, 1.0]}
    return xr.Dataset(along | widths | spectrum | {"consistent": ("beta", number > 1)}, labels, attributes)


def hunted():
    """Of jets of a window and beside it, those that pass, made up."""
    place = np.linspace(-1, 1, 301)
    inside = np.abs(place) < 1 / 3
    columns = {"tail": RANDOM.random(301), "place": place, "inside": inside, "beside": ~inside}
    return xr.Dataset(
        {name: ("jet", each) for name, each in columns.items()}, attrs={"edges": (40.0, 65.0, 105.0, 170.0)}
    )


def known_samples():
    """What balls and Gaussians give, made up."""
    by_dimension, by_number = np.ones((len(KINDS), len(TRUE))), np.ones((len(KINDS), len(SHOWN), 2))
    tables = dict.fromkeys(("ratio", "spread"), (("kind", "dimension"), by_dimension))
    tables |= {f"{name}_by_number": (("kind", "shown", "number"), by_number) for name in ("ratio", "spread")}
    labels = {"kind": list(KINDS), "dimension": TRUE, "shown": list(SHOWN), "number": [250, 500]}
    return xr.Dataset(tables, labels, {"points": 500})


def ranked():
    """Three topologies."""
    columns = {name: ("topology", [0.0, -0.1, -1.0]) for name in ("difference", "elbo")}
    columns |= {"difference_error": ("topology", [0.0, 0.1, 0.1]), "kept": ("topology", [True, True, False])}
    return xr.Dataset(columns, {"topology": ["S1", "R2", "R1"]})


def loops():
    """A loop that is real and one that is noise."""
    bars = {"birth": ("loop", [0.1, 0.2]), "death": ("loop", [1.0, 0.3]), "cloud": ("loop", ["S1", "S1"])}
    return xr.Dataset(bars | {"found": ("name", [1])}, {"name": ["S1"]})


def simulation():
    """Ranks of two coordinates."""
    groups = {"truth": (("simulation", "coordinate"), RANDOM.normal(size=(50, 2)))}
    groups |= {"z": (("draw", "simulation", "coordinate"), RANDOM.normal(size=(99, 50, 2)))}
    return calibrate(xr.DataTree.from_dict({"simulation": xr.Dataset(groups, {"coordinate": ["R2_0", "R2_1"]})}))


def against_nuts():
    """Shift and ratio of widths."""
    columns = {name: (("jet", "coordinate"), RANDOM.uniform(0.5, 1, (9, 2))) for name in ("shift", "sd_ratio")}
    return xr.Dataset(columns, {"coordinate": ["R2_0", "R2_1"]})


def image():
    """One image (eta, phi)."""
    return xr.DataArray(RANDOM.random((4, 4)), {"eta": np.arange(4.0), "phi": np.arange(4.0)}, ["eta", "phi"])


def two_ways():
    """AUC of one model and the scores that it has."""
    labels = {"model": ["vae", "none"], "score": ["reconstruction", "kl"], "seed": [0]}
    return xr.DataArray(RANDOM.random((2, 2, 1)), labels, list(labels))


def fractions():
    """AUC of two taggers."""
    labels = {"fraction": [1.0, 0.1], "seed": [0, 1], "tagger": ["a", "b"]}
    return xr.DataArray(RANDOM.random((2, 2, 2)), labels, list(labels))


def passes():
    """KL of each pass of an annealed training."""
    labels = {"pass": ["down", "up", "down again"], "beta": BETA}
    return xr.DataArray(RANDOM.random((3, len(BETA))), labels, list(labels))


def found_dimensions():
    """Of two estimators and two seeds."""
    labels = {"true": [2, 5], "estimator": ["VAE", "pairs"], "seed": [0, 1]}
    return xr.DataArray(RANDOM.random((2, 2, 2)), labels, list(labels))


def areas():
    """AUC of two models with two and three mixtures."""
    labels = {"mixtures": [2, 3], "model": ["LDA", "D"], "seed": [0, 1]}
    return xr.DataArray(RANDOM.random((2, 2, 2)), labels, list(labels))


def smearing():
    """On its exact lines."""
    columns = dict.fromkeys(("smearing", "distance"), (("seed", "beta"), BETA[None]))
    columns |= {f"exact_{name}": ("beta", BETA) for name in ("smearing", "distance")}
    return xr.Dataset(columns, {"beta": BETA}, {"spectrum": [4.0, 1.0]})


def plan():
    """Between two jets of three constituents."""
    jets = {name: ((name, "property"), RANDOM.random((3, 3))) for name in ("first_jet", "second_jet")}
    return xr.Dataset(jets | {"plan": (("first_jet", "second_jet"), np.eye(3)), "emd": 10.0})


def of_rulers():
    """D2 of two rulers."""
    curve = dict.fromkeys(("D2", "D2_error"), (("ruler", "scale"), np.ones((2, 7))))
    return xr.Dataset(curve, {"ruler": ["EMD", "MMD"], "scale": BETA}, {"at": 0.2})


def told():
    """What two rulers tell of one another; of the second not even two seeds do."""
    return xr.DataArray([[1.0, 0.5], [0.9, np.nan]], {"ruler": ["EMD", "MMD"]}, ["ruler", "other"])


def trainings():
    """Three of one recipe, of which one is wrong."""
    columns = {"auc": ("start", [0.9, 0.1, 0.8]), "bound": ("start", [-30.0, -31.0, -32.0])}
    columns |= {"wrong": ("start", [False, True, False]), "chosen": ("rule", [0])}
    return xr.Dataset(columns, {"start": range(3), "rule": ["bound"], "case": "DVAE"})


def windows():
    """A score in the whole range of mass and in a window."""
    return auc_in_windows(*RANDOM.random((4, 9)), [(0, np.inf), (0.2, 0.8)])


@pytest.fixture(scope="module")
def drawn(tree, known_tree):
    """``module.function`` -> what it draws."""
    mine = meaning(known_tree).isel(sample=0)
    nats = xr.DataArray(np.arange(5.0), {"coordinate": mine["coordinate"]}, ["coordinate"])
    jets = {"qcd": Dimension(np.geomspace(10, 200, 5), *np.ones((3, 5)))}
    points = np.asarray(tree["guide_params"]["point"])[:, 1]
    weights = np.column_stack([points, 1 - points, 0 * points])
    return {
        "clouds.draw_cloud": (RANDOM.random((5, 3)), 1.0),
        "complexity.draw_band": (RANDOM.random(60), RANDOM.random(60), COLOURS[0], "qcd"),
        "correlation_dimension.draw_jets": (jets, 600.0),
        "correlation_dimension.draw_true": (known_samples(),),
        "correlation_dimension.draw_number": (known_samples(),),
        "curse.draw_found": (found_dimensions(),),
        "dimension.draw_one_sample": (curves(),),
        "dimension.draw_dimensions": (curves(),),
        "dimension.draw_rate_distortion": (curves(),),
        "dimension.draw_switching": (curves(),),
        "dimension.draw_widths": (curves(),),
        "dimension.draw_hierarchy": (curves(),),
        "fractions.draw_fractions": (fractions(), {"a": "first", "b": "second"}),
        "hysteresis.draw_hysteresis": (passes(), curves()),
        "images.draw_image": (image(), LogNorm(1e-5, 1)),
        "lda.draw_auc": (areas(), [["a", "b"], ["c", "d"]]),
        "latent_map.draw_points": (tree, None),
        "latent_map.draw_spread": (tree,),
        "latents.draw_kl_spectrum": (tree,),
        "latents.draw_histogram": (points, tree, "simplex"),
        "latents.draw_by_class": (points, np.linspace(0, 1, 11), tree),
        "rulers.draw_dimension": (of_rulers(),),
        "rulers.draw_shares": (told(), np.eye(2, dtype=bool)),
        "restarts.draw_trainings": (trainings(), {"bound": "training bound"}),
        "simplex_priors.draw_densities": (compare([1, 0.25], np.zeros(2), np.ones(2)),),
        "smearing.draw_smearing": (smearing(),),
        "stability.draw_epochs": (np.arange(3), RANDOM.random((3, 60))),
        "stability.draw_classes": (RANDOM.random(60), np.repeat(["qcd", "top"], 30)),
        "excess.draw_spectrum": (hunted(), 0.1),
        "excess.draw_pulls": (hunted(), 0.1),
        "mass_windows.draw_score": ({"qcd": (RANDOM.random(9), RANDOM.random(9))}, "score"),
        "mass_windows.draw_windows": (windows(), "top in QCD"),
        "meaning.draw_meaning": (mine["correlation"], mine["best"], nats),
        "structures.draw_search_path": (known_structure.tree_of(),),
        "structures.draw_points_by_side": (known_structure.tree_of(), known_structure.POINTS),
        "tagging.draw_roc": (tree, "top", auc_table(tree, "top")),
        "topology.draw_differences": (ranked(),),
        "topology.draw_loops": (loops(),),
        "transport.draw_plan": (plan(), ("a", "b")),
        "triangle.draw_triangle": (weights, class_names(tree), classes(tree), ("a", "b", "c")),
        "trust.draw_calibration": (simulation(),),
        "trust.draw_nuts": (against_nuts(),),
        "two_way.draw_scores": (two_ways(), {("vae", "kl"): "VAE: KL"}, ("top among QCD", COLOURS[0], "o")),
    }


def test_every_drawing_function_is_here(drawn):
    assert set(drawn) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_two_on_one_figure(name, drawn):
    """Each axes holds its own drawing and nothing of the other's; nobody makes a figure of their own."""
    figure = Figure(figsize=(8, 4))
    left, right, idle = figure.subplots(1, 3)
    for axes in (left, right):
        FUNCTIONS[name](axes, *drawn[name])
    assert left.has_data()
    assert right.has_data()
    assert len(left.get_children()) == len(right.get_children())
    assert not idle.has_data()
    figure.savefig(Path("/dev/null"), format="png")


def test_figures_of_axes(drawn):
    """What makes a figure gives its function the panels that were asked for."""
    name = "dimension.draw_dimensions"
    assert len(figure_of(FUNCTIONS[name], *drawn[name], size=(3, 2)).axes) == 1


def test_several_samples_on_one_axes():
    axes = Figure().subplots()
    for colour, label in zip(COLOURS, ("qcd", "w"), strict=False):
        FUNCTIONS["dimension.draw_dimensions"](axes, curves(), label, colour)
    assert [line.get_label() for line in axes.lines] == ["qcd $D_2$", "qcd $D_1$", "w $D_2$", "w $D_1$"]
