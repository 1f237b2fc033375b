"""The question: how to reproduce it."""

from __future__ import annotations

from analysis.report.inputs import Known
from analysis.report.page import Part, Question, Table
from inference.entry import NOT_WEIGHTED
from jets.command import command


def origin(known: Known) -> Part:
    """Name the command, the seed, the data and the machine."""
    p = known.provenance
    rows = [
        ["command", p["command"]],
        ["seed", str(p["seed"])],
        ["started", p["started"]],
        ["commit", p["git"] or "not run from a checkout"],
        ["data", f"{', '.join(p['data'])} (SHA-256 {p['data_fingerprint'][:16]}…)"],
        ["machine", p["machine"]],
        ["trained on", ", then ".join(p.get("devices", ["not recorded"]))],
        ["versions", ", ".join(f"{name} {version or '(source tree)'}" for name, version in p["versions"].items())],
        ["this page", command("report", known.name)],
    ]
    rows += [["weights", NOT_WEIGHTED]] if "weight" in known.tree["constant_data"] else []
    return Part("origin", "On one device the seed fixes everything.", table=Table(["", ""], rows))


def recipe(known: Known) -> Part:
    """Print the recipe."""
    return Part("recipe", "", text=known.source("recipe"))


QUESTION = Question("reproduction", "How to reproduce it?", (origin, recipe))
