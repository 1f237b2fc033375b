"""Latent spaces side by side, by the command."""

from jetvae.__main__ import main


def test_map_of_a_latent_space(range_run, tmp_path, capsys):
    out, run = tmp_path / "map.png", str(range_run.path)
    assert main(["draw", "latents", run, run, "--beta", "1", "--out", str(out)]) == 0
    assert "S1_0" in capsys.readouterr().out
    assert out.stat().st_size > 10_000
