"""The latent followed over a training."""

from analysis.studies import study
from analysis.studies.setup import Setup


def test_stability_goes_on_between_looks(tmp_path, monkeypatch):
    """Looks that were lost are not invented; one that was interrupted is taken again, at the same latents."""
    monkeypatch.setattr("analysis.studies.stability.MOST", 30)
    setup = Setup(tmp_path, seeds=2, changes={"data.limit": 60, "training.epochs": 2})
    expected = study("stability").follow(setup, "dvae")
    (tmp_path / "runs/stability-dvae/epoch2.npy").unlink()
    assert expected.shape == (2, 3, 60)
    assert (study("stability").follow(setup, "dvae") == expected).all()
