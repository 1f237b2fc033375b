"""The figure of the correlation dimension: what it must show about jets, from a few of them."""

from jetvae.__main__ import main


def test_jets_have_more_dimensions_below_their_mass(tmp_path, capsys):
    """W and top jets lie above QCD jets just below their masses; all have hardly any dimensions at large scales."""
    file = tmp_path / "dimension.png"
    few = ["--jets", "200", "--points", "100", "250", "--seeds", "2", "--matrices", str(tmp_path)]
    assert main(["draw", "correlation", "--out", str(file), *few]) == 0
    assert file.stat().st_size > 10_000
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"wrote {file}"
    curves = {}
    for line in lines:
        name, _, values = line.partition(": ")
        if "GeV" in values:
            found = (part.split(" GeV: ") for part in values.split(", "))
            curves[name] = {int(scale): float(value.split("+-")[0]) for scale, value in found}
    assert list(curves) == ["qcd", "w", "top"]
    assert curves["w"][66] > 2 * curves["qcd"][66]
    assert curves["top"][99] > 2 * curves["w"][99]
    assert max(curve[max(curve)] for curve in curves.values()) < 0.3
    assert {file.name for file in tmp_path.glob("*.h5")} == {"qcd.h5", "w.h5", "top.h5"}
