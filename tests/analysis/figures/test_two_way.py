"""AUC both ways: every score of a model has a row, with the spread of the seeds."""

import numpy as np
import xarray as xr

from analysis.figures.two_way import two_ways


def test_rows_and_spread():
    labels = {
        "model": ["ae", "none"],
        "score": ["reconstruction", "kl", "entropy"],
        "background": ["qcd", "top"],
        "contamination": [0.0, 0.05],
        "seed": [0, 1, 2],
        "anomaly": ["qcd", "top"],
    }
    values = np.broadcast_to([0.7, 0.9, 0.8], (2, 3, 2, 2, 2, 3)).swapaxes(-1, -2).copy()
    auc = xr.DataArray(values, labels, list(labels))
    auc.loc[{"model": "ae", "score": ["kl", "entropy"]}] = np.nan
    auc.loc[{"model": "none", "score": ["kl", "reconstruction"]}] = np.nan
    figure = two_ways(auc, [("top", "qcd"), ("qcd", "top")], {"ae": "AE"})
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["AE: reconstruction", "no network: entropy"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["top among QCD", "QCD among top"]
    for axes in (left, right):
        line, _, (bars,) = axes.containers[0]
        np.testing.assert_allclose(line.get_xdata(), 0.8)
        np.testing.assert_allclose([part[:, 0] for part in bars.get_segments()], [[0.7, 0.9]] * 2)
