"""What commands saved, under ArviZ 1.x, without torch: ``python tests/analysis/arviz1.py RUN SCAN`` (.ci/arviz1)."""

import importlib.util
import sys
from pathlib import Path

import arviz
import matplotlib as mpl

sys.path.insert(0, str(Path(__file__).parents[2]))
mpl.use("Agg")

import analysis
from analysis import store
from analysis.measures import information, trust
from analysis.measures.containers import container
from analysis.measures.marginal import elpd
from analysis.measures.nuts_form import of_some, standard
from tests.analysis.arviz_calls import EVERYWHERE, OF_NUTS, OF_RUNS, OF_SCANS, call, side_by_side

PLOTS = ("plot_trace", "plot_rank", "plot_forest", "plot_pair", "plot_dist")


def main(run, scan):
    assert importlib.util.find_spec("torch") is None, "this test is for an environment without torch"
    tree_itself(run / "analysis.nc")
    guide = arviz.from_netcdf(run / "arviz.nc")
    groups = standard(store.open(run / "nuts.nc"), 0)
    nuts = container(of_some(groups, groups["posterior"]["jet"].values[:2]), {})
    points = elpd(store.open(scan / "scan.nc"))
    calls = [
        *((name, function, guide) for name, function in (EVERYWHERE | OF_RUNS).items()),
        *((name, function, nuts) for name, function in (EVERYWHERE | OF_NUTS).items()),
        *((name, function, points) for name, function in OF_SCANS.items()),
        ("side by side", side_by_side, guide, nuts),
    ]
    for name, function, *data in calls:
        if name == "rank" and data[0] is guide:
            continue  # ranks of one chain say nothing, and 1.x refuses them
        print(f"arviz {arviz.__version__}: {name}", flush=True)
        call(function, *data)


def tree_itself(path):
    """The evaluation of a run, as it is saved."""
    tree = store.open(path)
    jets = tree["posterior"]["jet"].values[:2]
    few = tree["posterior"].to_dataset().sel(jet=jets)
    data = arviz.from_netcdf(path)
    shown = {"jet": jets, "coordinate": few["coordinate"].values[-2:]}
    assert len(arviz.summary(data.posterior.to_dataset().sel(jet=jets))) == 2 * few.sizes["coordinate"]
    for name in PLOTS:
        getattr(arviz, name)(data, var_names=["z"], coords=shown, backend="matplotlib")
        mpl.pyplot.close("all")
    print(f"arviz {arviz.__version__}: summary, {', '.join(PLOTS)} accept the tree")
    print(analysis.summarise(tree)["elbo"], *information.describe(information.information(tree)), sep="\n")
    print(float(trust.importance(tree)["ess"].mean()))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
