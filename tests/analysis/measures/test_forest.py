"""Trees as arrays say what scikit-learn says."""

import numpy as np
import pytest

from analysis.measures.forest import Forest

ensemble = pytest.importorskip("sklearn.ensemble")


def rows(count, seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 4))
    return x, x[:, 0] * x[:, 1] + 0.5 * random.normal(size=count) > 0


def test_the_same_as_scikit_learn():
    x, signal = rows(3000, 0)
    models = [
        ensemble.HistGradientBoostingClassifier(max_iter=40, random_state=k).fit(x[k::2], signal[k::2]) for k in (0, 1)
    ]
    new = rows(500, 1)[0]
    theirs = np.mean([model.decision_function(new) for model in models], 0)
    np.testing.assert_allclose(Forest.of(models).log_odds(new), theirs, rtol=1e-9, atol=1e-9)


def test_it_learns_and_weights_count():
    x, signal = rows(4000, 2)
    new, truth = rows(2000, 3)
    found = Forest.fitted(x, signal, np.ones(len(x)), 0).log_odds(new)
    assert ((found > 0) == truth).mean() > 0.72
    heavy = Forest.fitted(x, signal, np.where(signal, 20.0, 1.0), 0).log_odds(new)
    assert np.median(heavy - found) == pytest.approx(np.log(20), abs=1.0)


def test_a_row_with_nan_has_none():
    x, signal = rows(1000, 4)
    found = Forest.fitted(x, signal, np.ones(len(x)), 0).log_odds(np.array([[0.0, np.nan, 0, 0], [0.0, 0, 0, 0]]))
    assert np.isnan(found[0])
    assert np.isfinite(found[1])
