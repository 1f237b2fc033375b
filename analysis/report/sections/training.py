"""The question: what was trained on what."""

from __future__ import annotations

from analysis.report.inputs import Known
from analysis.report.page import Part, Question, Table
from analysis.report.words import counted, jets_of, listed
from analysis.store import Missing

PARTS = ("train", "validation", "test", "scored")
ARTICLE = {"vae": "A variational autoencoder", "ae": "A plain autoencoder"}


def trained(known: Known) -> Part:
    """Say what was trained on what, in one sentence."""
    model, training, data = (known.recipe[table] for table in ("model", "training", "data"))
    seed, epochs = training["seed"], counted(training["epochs"], "epoch")
    kept = known.provenance.get("weights_epoch")
    early = f" (it keeps the weights of epoch {kept}, the best)" if kept else ""
    held = f"{jets_of(known.provenance['counts']['train'], data['files'])} of {listed(data['files'])}"
    reading = (
        f"{ARTICLE.get(model['kind'], 'A model')} with latent space {model['latent']} and {model['likelihood']} "
        f"likelihood, {at_resolution(known)}, trained for at most {epochs}{early}, seed {seed}, "
        f"on {held}. Labels were not used."
    )
    short = f"{model['latent']}, {model['likelihood']} likelihood, {at_resolution(known)}; trained on {held}."
    return Part("trained", reading, verdict=short)


def at_resolution(known: Known) -> str:
    """Return the resolution in words, in GeV too where the data have a scale."""
    beta = known.recipe["model"]["beta"]
    if isinstance(beta, list):
        return f"for every resolution β from {beta[0]:g} to {beta[1]:g}"
    return f"at the resolution β = {beta:g}"


def jets(known: Known) -> Part:
    """Count the jets of each class in each part."""
    of_parts = dict(known.provenance["counts"])
    if not isinstance(known.sources.get("tree", Missing()), Missing):
        of_parts["scored"] = known.numbers["counts"]["scored"]
    names = list(dict.fromkeys(name for part in of_parts.values() for name in part))
    rows = [[name, *(f"{of_parts[part].get(name, 0):,}" for part in PARTS if part in of_parts)] for name in names]
    return Part("jets", "", table=Table(["class", *(part for part in PARTS if part in of_parts)], rows))


QUESTION = Question("training", "What was trained on what?", (trained, jets))
