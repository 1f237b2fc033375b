"""A saved tree under ArviZ 1.x, without torch: ``python tests/analysis/arviz1.py TREE.nc`` (run by .ci/arviz1)."""

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

PLOTS = ("plot_trace", "plot_rank", "plot_forest", "plot_pair", "plot_dist")


def main(path):
    assert importlib.util.find_spec("torch") is None, "this test is for an environment without torch"
    tree = store.open(path)
    jets = tree["posterior"]["jet"].values[:2]
    few = tree["posterior"].to_dataset().sel(jet=jets)
    data = arviz.from_netcdf(path)
    assert len(arviz.summary(data.posterior.to_dataset().sel(jet=jets))) == 2 * few.sizes["coordinate"]
    for name in PLOTS:
        getattr(arviz, name)(data, var_names=["z"], coords={"jet": jets}, backend="matplotlib")
        mpl.pyplot.close("all")
    print(f"arviz {arviz.__version__}: summary, {', '.join(PLOTS)} accept the tree")
    print(analysis.summarise(tree)["elbo"], *information.describe(information.information(tree)), sep="\n")
    print(float(trust.importance(tree)["ess"].mean()))


if __name__ == "__main__":
    main(sys.argv[1])
