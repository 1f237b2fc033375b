"""The model card: what a run is, what goes in and comes out, on what it was trained, how well it does, its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from analysis import store
from analysis.deployment.agreement import LARGEST, Agreement
from analysis.deployment.answer import Answer, Column
from analysis.deployment.packages import versions
from analysis.deployment.written import OPSET
from analysis.evaluation.centred import kl_at_centre
from analysis.measures.summary import summarise
from inference.recipe import Recipe
from inference.run import Run
from jets.errors import UserError
from priors.lookup import user_address

ABOUT = {
    "parameters": "parameters of the posterior, unconstrained: the encoder's output",
    "centres": "centre of the posterior, in the coordinates that reports use",
    "kl_terms": "KL of the posterior from the prior, by its terms",
    "kl": "their sum",
    "reconstruction": "-ln p(x given z) at the centre z of the posterior",
    "elbo": "reconstruction + kl: the score; larger is more anomalous",
}
"""Output -> what it is."""
DATA = {
    "pixels": "an image of {pixels} x {pixels} pixels of {eta:g} x {phi:g} (eta, phi), of sum 1",
    "clouds": "a cloud of particles: share of the jet's pT, rapidity, azimuth",
    "vectors": "the vector as it is",
}


class Exported(NamedTuple):
    """What an export wrote, for the card.

    Attributes
    ----------
    files
        File -> its outputs.
    left_out
        File -> output -> which operator forbids it.
    agreements
        How each file compares with the run.
    """

    files: Mapping[str, Sequence[str]]
    left_out: Mapping[str, Mapping[str, str]]
    agreements: Sequence[Agreement]


def export_card(run: Run, answer: Answer, exported: Exported) -> str:
    """Return the card of an export, Markdown."""
    parts = [*about(run), *inputs(run.recipe, answer), *outputs(answer, exported), *check(exported), *usage(exported)]
    return "\n".join([*parts, *trained_on(run), *numbers(run), *limits(run, answer), *made_with()]) + "\n"


def bundle_card(run: Run) -> str:
    """Return the card of a bundle, Markdown."""
    call = ["## How to open it", "", "```", "jetvae open F.zip -o DIR", "```", "", "In Python: `jetvae.open('F.zip')`."]
    answer = Answer(run.vae, run.recipe)
    parts = [*about(run), *inputs(run.recipe, answer), *call, "", *trained_on(run), *numbers(run)]
    return "\n".join([*parts, *limits(run, answer), *made_with()]) + "\n"


def about(run: Run) -> list[str]:
    """Return what the model is."""
    recipe, model = run.recipe, run.recipe.model
    kind = "plain autoencoder" if model.kind == "ae" else "variational autoencoder"
    return [
        f"# {run.path.name}: {kind}, latent space {model.latent}",
        "",
        recipe.description or "",
        "",
        f"Encoder {list(model.encoder)}, decoder {list(model.decoder)} ({model.architecture}, {model.activation}); "
        f"likelihood `{model.likelihood}` at resolution beta = {model.beta}"
        + (f", exported at {float(run.vae.likelihood.beta):.4g}" if model.beta.is_range else "")
        + f"; {sum(weight.numel() for weight in run.vae.parameters()):,} weights. All of it: `config.toml`.",
        "",
    ]


def inputs(recipe: Recipe, answer: Answer) -> list[str]:
    """Return what goes in, and what is done to it."""
    lines = ["## Input", ""]
    if recipe.model.inputs is not None:
        return [*lines, f"`constituents` (jets, {recipe.model.inputs}) float32: vectors.", ""]
    lines += [
        "`constituents` (jets, constituents, 3) float32: pT [GeV], rapidity and azimuth [rad] relative to the jet axis "
        "(azimuth differences within +-pi), falling pT, padded with zeros. Any number of jets and of constituents"
        + (f", of which the {answer.most} leading ones are used." if answer.most else "."),
        "",
    ]
    kind = "clouds" if recipe.model.clouds else "pixels"
    eta, phi = recipe.image.width
    seen = DATA[kind].format(pixels=recipe.image.pixels, eta=eta, phi=phi)
    return [*lines, f"Done inside: {', '.join((*recipe.image.steps, seen))}. A jet without pT there is NaN.", ""]


def outputs(answer: Answer, exported: Exported) -> list[str]:
    """Return what comes out of which file."""
    lines = ["## Output", "", "| output | what | columns | unit |", "|---|---|---|---|"]
    for name in answer.outputs:
        mine = [column for column in answer.columns() if column.output == name]
        unit = ", ".join(sorted({column.unit for column in mine} - {""})) or "1"
        lines.append(f"| `{name}` | {ABOUT[name]} | {shortened(mine)} | {unit} |")
    lines.append("")
    for file, kept in exported.files.items():
        opset = f" (opset {OPSET})" if file.endswith(".onnx") else ""
        lines.append(f"- `{file}`{opset}: {', '.join(kept)}")
        lines += [f"  - left out: `{name}`, {why}" for name, why in exported.left_out.get(file, {}).items()]
    for file in exported.left_out.keys() - exported.files.keys():
        lines.append(f"- `{file}`: left out, {next(iter(exported.left_out[file].values()))}")
    sites = kl_at_centre(answer.vae) if answer.recipe.model.kind == "vae" else []
    if sites:
        names = ", ".join(site.removeprefix("z_") for site in sites)
        lines += ["", f"The KL of {names} has no closed form: it is ln q - ln p at the centre, not its expectation."]
    return [*lines, "", "All at the centre of the posterior, without noise: not the average over draws of reports.", ""]


def shortened(columns: Sequence[Column], most: int = 12) -> str:
    """Return the names of columns, of many the first and the last."""
    names = [column.name for column in columns]
    return ", ".join(names) if len(names) <= most else f"{names[0]} ... {names[-1]} ({len(names)})"


def check(exported: Exported) -> list[str]:
    """Return how the files compare with the run."""
    rule = (
        f"Each file beside the run's own code; limit {LARGEST:g} of max(1, size), for sums in single precision. "
        "Left out are jets on an edge, where rounding decides: a constituent on that of a pixel or on a mirror's axis"
    )
    return ["## Self-check", "", rule, "", *(f"- {agreement}" for agreement in exported.agreements), ""]


def usage(exported: Exported) -> list[str]:
    """Return how to call each file, in three lines."""
    calls = {
        "encoder.onnx": [
            "import onnxruntime",
            'session = onnxruntime.InferenceSession("encoder.onnx")',
            'outputs = session.run(None, {"constituents": constituents})  # numpy, in the order above',
        ],
        "model.pt": [
            "import torch",
            'module = torch.jit.load("model.pt")  # module.columns names its columns; coffea: torch_wrapper',
            "table = module(torch.from_numpy(constituents))  # (jets, columns)",
        ],
        "model.pt2": [
            "import torch",
            'module = torch.export.load("model.pt2").module()',
            "outputs = module(torch.from_numpy(constituents))  # output name -> tensor",
        ],
    }
    lines = ["## How to call it", "", "```python"]
    for file in exported.files:
        lines += [*calls[file], ""]
    python = ["import jetvae", 'run = jetvae.open(".")  # this folder', "run.encode(jets, draws=0)"]
    return [*lines, *python, "```", ""]


def trained_on(run: Run) -> list[str]:
    """Return on what it was trained."""
    provenance = run.provenance
    counts = [
        f"- {part}: " + ", ".join(f"{count:,} {name}" for name, count in each.items())
        for part, each in provenance["counts"].items()
    ]
    files = ", ".join(f"`{name}`" for name in run.recipe.data.files)
    return [
        "## Trained on",
        "",
        f"{files}, fingerprint `{provenance['data_fingerprint']}`; {len(run.history)} epochs, "
        f"seed {run.recipe.training.seed}.",
        "",
        *counts,
        "",
    ]


def numbers(run: Run) -> list[str]:
    """Return what is known of its quality: the losses, and AUCs where the run was evaluated."""
    ended = run.ended
    lines = ["## Numbers", "", f"Training loss {ended['loss']:.4g}, reconstruction {ended['reconstruction']:.4g} nat, "]
    lines[-1] += f"KL {ended['kl']:.4g} nat a jet, after {len(run.history)} epochs."
    try:
        tree = store.of_run(run.path / "analysis.nc", run.digest)
        known: dict[str, Any] = {} if tree is None else summarise(tree)
    except (UserError, OSError, ValueError, LookupError):
        known = {}
    if known:
        aucs = ", ".join(f"{name} {auc['value']:.3f}" for name, auc in known["auc"].items())
        told = f"; AUC of {known['signal']}: {aucs}" if aucs else ""
        lines += ["", f"Held-out jets: ELBO {known['elbo']:.4g} nat{told}."]
    else:
        lines += ["", "Not evaluated on held-out jets when this was written (`jetvae summary RUN`)."]
    return [*lines, ""]


def limits(run: Run, answer: Answer) -> list[str]:
    """Return what it is not good for."""
    lines = [
        "## Limits",
        "",
        "- A score ranks jets like those of the training sample: other pT, radius, detector or simulation move it.",
        "- Scores follow the jet's mass and multiplicity: look at mass windows before a cut.",
    ]
    if not run.recipe.model.clouds and run.recipe.model.inputs is None:
        lines.append("- A constituent on the edge of two pixels falls into either by rounding; the score follows.")
    if run.recipe.model.clouds:
        lines.append("- The likelihood of clouds is not normalised: scores compare jets of one run alone.")
    if any(user_address(type(factor)) for factor in run.vae.latent.factors):
        lines.append("- The latent space names a family of a user's own module, which must be importable.")
    return [*lines, ""]


def made_with() -> list[str]:
    """Return the versions of what made it."""
    return ["## Made with", "", ", ".join(f"{name} {value}" for name, value in versions().items()), ""]
