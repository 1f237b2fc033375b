"""Write jets, images or vectors that a run generates: from its prior, one of its components, or along a latent."""

from __future__ import annotations

import argparse

from jetvae import options as shared


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shared.add(parser, "run")
    add = parser.add_argument
    add(
        "--n", type=shared.positive, metavar="N", default=1000, help="number of jets, or of steps along a latent [1000]"
    )
    out = {"metavar": "F", "required": True, "help": "jets: .h5; images: .nc; vectors: .npy"}
    shared.add(parser, out=out)
    add("--component", type=component, metavar="K", help="category or manifold to stay on: its number, or LABEL=K")
    add("--along", metavar="PATH", help="latent that moves, such as R4_0, all others staying where they are")
    add("--from", dest="start", metavar="F", help="first jet of these starts the path [a draw of the prior]")
    add(
        "--pt",
        type=shared.number,
        metavar="PT",
        help="pT of jets of clouds [GeV; drawn from those trained on]",
    )
    add("--noise", action="store_true", help="draw from p(x|z) instead of taking its mean")
    shared.add(parser, "beta", "seed")


def component(text: str) -> int | dict[str, int]:
    """Read ``K`` or ``LABEL=K``."""
    label, equals, number = text.rpartition("=")
    found = shared.whole(number)
    return {label: found} if equals else found


def run(options: argparse.Namespace) -> None:
    """Generate, and name the file."""
    from analysis.answers.opened import OpenRun
    from analysis.answers.written import assert_suffix, written

    trained = OpenRun.open(shared.best_run(options.run).path)
    assert_suffix(trained.recipe, options.out)
    found = trained.generate(
        options.n,
        component=options.component,
        along=options.along,
        start=options.start,
        pt=options.pt,
        noise=options.noise,
        seed=options.seed,
        beta=options.beta,
    )
    print(f"wrote {written(found, options.out)}")
