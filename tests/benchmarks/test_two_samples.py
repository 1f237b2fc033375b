"""Trainings of other samples in one step: each run is of its own sample, and is compared like any other."""

import json

import numpy as np

from analysis.evaluation.chosen import choose
from analysis.evaluation.resolutions import measure
from analysis.measures.probing import objective
from benchmarks import two_samples


def test_each_run_is_of_its_own_sample(tmp_path, monkeypatch):
    """Of two Gaussians whose long axes are exchanged each model tells its own points more cheaply, by nats."""
    monkeypatch.setattr(two_samples, "EPOCHS", 40)
    samples = [two_samples.sample(sizes, (9, k)) for k, sizes in enumerate(((4, 0.4, 0.4), (0.4, 4, 0.4)))]
    runs = two_samples.trained(samples, [3, 4], tmp_path)
    for run, jets in zip(runs, samples, strict=True):
        assert run.complete
        assert run.jets is jets
        assert run.provenance["data_fingerprint"] == jets.fingerprint
        assert len(run.split.test) == 200
    cost = np.empty((2, 2))
    for i, model in enumerate(runs):
        for k, own in enumerate(runs):
            held = own.jets[own.split.test]
            cost[i, k] = objective(measure(model, choose(model, held), 200, [0.8])).mean()
    assert (np.diag(cost) < cost[0, 1] - 1).all()
    assert (np.diag(cost) < cost[1, 0] - 1).all()
    row = two_samples.row("equal", 0, runs)
    assert row["p"] < 0.01


def test_a_stopped_run_goes_on(tmp_path, monkeypatch, capsys):
    """Rows that are kept are not measured again, and the report counts them."""
    monkeypatch.setattr(two_samples, "CASES", {"equal": (two_samples.SIZES, two_samples.SIZES, 1, 5)})
    seen = []

    def one(case, pairs, out):
        seen.extend(pairs)
        curves = dict.fromkeys(two_samples.CURVES, 0.5)
        rows = [{"case": case, "pair": pair, "p": (pair + 0.5) / 5, "of_curves": curves} for pair in pairs]
        rows = [row | {"off": 0.25, "up_to": None, "most_at": 1.0} for row in rows]
        with out.open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    monkeypatch.setattr(two_samples, "measure", one)
    out = tmp_path / "rows.jsonl"
    two_samples.main(["--out", str(out), "--pairs", "2"])
    two_samples.main(["--out", str(out)])
    assert seen == [0, 1, 2, 3, 4]
    text = capsys.readouterr().out
    assert "equal: 5 pairs of 600 points" in text
    assert "all curves  p <= 0.01, 0.05, 0.1: 0.000  0.000  0.200   uniform: 1.000" in text
