"""What an ArviZ user calls, one list for 0.23 and 1.x: on a run's data, on those of NUTS beside it, on a scan."""

import warnings

import arviz
import matplotlib as mpl

ONE = int(arviz.__version__.partition(".")[0]) >= 1
PLAIN = {"backend": "matplotlib"} if ONE else {}


def posterior(data):
    return data["posterior"].to_dataset() if ONE else data.posterior


def group(data, name):
    return data[name].to_dataset() if ONE else data[name]


def names(data):
    """A variable or two, and two jets: what a user looks at together."""
    found = list(posterior(data).data_vars)
    return {"var_names": found[:2], "coords": {"jet": posterior(data)["jet"].values[:2]}}


def plot(name):
    """A plotting function by its name, on the matplotlib backend."""
    return lambda *given, **options: getattr(arviz, name)(*given, **options, **PLAIN)


def summary(data):
    assert len(arviz.summary(data)) > 2
    return arviz.summary(data, **({"sample_dims": ["chain", "draw"]} if ONE else {"kind": "stats"}))


def prior_posterior(data):
    if ONE:
        return plot("plot_prior_posterior")(data, **names(data))
    return arviz.plot_dist_comparison(data, **names(data))


def ppc(data, which):
    if ONE:
        return plot("plot_ppc_dist")(data, group=f"{which}_predictive", num_samples=20)
    return arviz.plot_ppc(data, group=which, num_pp_samples=20, random_seed=0)


def observable(data):
    """On 1.x the one whose name ln p(x) has; on 0.23 the last, which a model of two epochs does not always miss."""
    return list(group(data, "observed_data").data_vars)[0 if ONE else -1]


def loo_pit(data):
    """Of one observable at a time; with an image's pixels there is none."""
    if ONE:
        return arviz.loo_pit(data, var_names=observable(data))
    return arviz.loo_pit(data, y=observable(data))


def plot_loo_pit(data):
    if ONE:
        return plot("plot_loo_pit")(data, var_names=observable(data))
    return arviz.plot_loo_pit(data, y=observable(data))


EVERYWHERE = {
    "summary": summary,
    "trace": lambda data: plot("plot_trace")(data, **names(data)),
    "trace of all": lambda data: plot("plot_trace")(data),
    "rank": lambda data: plot("plot_rank")(data, **names(data)),
    "forest": lambda data: plot("plot_forest")(data),
    "pair": lambda data: plot("plot_pair")(data, **names(data)),
    "posterior": lambda data: plot("plot_dist" if ONE else "plot_posterior")(data, **names(data)),
    "autocorr": lambda data: plot("plot_autocorr")(data, **names(data)),
    "prior and posterior": prior_posterior,
    "ess": arviz.ess,
    "plot_ess": lambda data: plot("plot_ess")(data, **names(data)),
    "mcse": arviz.mcse,
    "plot_mcse": lambda data: plot("plot_mcse")(data, **names(data)),
    "hdi": arviz.hdi,
}
"""Name -> call, for anything with a posterior and a prior."""
OF_RUNS = {
    "ppc": lambda data: ppc(data, "posterior"),
    "prior ppc": lambda data: ppc(data, "prior"),
    "loo": lambda data: arviz.loo(data, pointwise=True),
    "khat": lambda data: plot("plot_khat")(arviz.loo(data, pointwise=True)),
    "compare": lambda data: arviz.compare({"one": data, "other": data}),
    "loo_pit": loo_pit,
    "plot_loo_pit": plot_loo_pit,
}
"""Those that need ln p(x) and predictions."""
OF_NUTS = {
    "rhat": arviz.rhat,
    "bfmi": arviz.bfmi,
    "energy": lambda data: plot("plot_energy")(data),
    "divergences": lambda data: plot("plot_pair")(data, **names(data), **({} if ONE else {"divergences": True})),
}
"""Those that need a sampler."""


def side_by_side(guide, nuts):
    """A forest of guide and NUTS."""
    if ONE:
        return plot("plot_forest")({"guide": guide, "NUTS": nuts})
    return arviz.plot_forest([guide, nuts], model_names=["guide", "NUTS"], combined=True)


OF_SCANS = {
    "compare": lambda scan: plot("plot_compare")(arviz.compare(scan)),
    "khat": lambda scan: plot("plot_khat")(next(iter(scan.values()))),
}
"""Those that take a scan."""


def call(function, *data):
    """Call, with what ArviZ itself still warns of left aside, and close the figures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function(*data)
    mpl.pyplot.close("all")
    return result
