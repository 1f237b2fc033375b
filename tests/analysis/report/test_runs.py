"""Several runs: what their files say, and which is shown."""

from analysis.report.inputs import of_run
from analysis.report.runs import chosen, overview
from analysis.report.sections import topology


def test_several_runs_are_listed_and_the_best_shown(run, printed, tmp_path):
    table = overview([run.path, tmp_path])
    assert table["complete"].values.tolist() == [True, False]
    assert float(table["loss"][0]) == run.history[-1]["validation_loss"]
    known = of_run(chosen(table))
    known.sources["runs"] = table
    part, _ = topology.QUESTION.answered(known).parts
    assert part.reading.startswith("1 complete run of 2. ")
    assert chosen(overview([tmp_path, run.path])) == run.path
    assert chosen(overview([tmp_path])) == tmp_path
