"""Distance from the bulk, and entropies of images, against closed forms."""

import math

import numpy as np
from scipy.stats import chi2

from analysis.measures.typicality import Bulk, blurred_entropy, image_scores, shape_entropies


def test_bulk_ignores_a_compact_minority():
    """5 % of the jets in one far point: the bulk stays; distances of the rest follow chi-squared up to one factor."""
    random = np.random.default_rng(2)
    mixing = np.array([[1.0, 0.0], [0.7, 0.5]])
    normal = random.normal(size=(20000, 2)) @ mixing.T
    clean, dirty = Bulk.of(normal), Bulk.of(np.r_[normal, np.full((1000, 2), 4.0)])
    np.testing.assert_allclose(clean.centre, 0, atol=0.05)
    np.testing.assert_allclose(dirty.centre, clean.centre, atol=0.05)
    distance = clean.distance(normal)
    ratios = np.quantile(distance, (0.25, 0.5, 0.9)) / chi2.ppf((0.25, 0.5, 0.9), 2)
    np.testing.assert_allclose(ratios / ratios[1], 1, rtol=0.05)  # 20,000 jets know a quantile to 2 %


def test_entropy_of_blurred_images():
    """A point blurred by s pixels is a Gaussian of entropy ln(2 pi e s^2); two far points have ln 2 more."""
    one, two = np.zeros((2, 40, 40))
    one[20, 20] = 1
    two[8, 20] = two[32, 20] = 0.5
    expected = math.log(2 * math.pi * math.e * 4)
    found = blurred_entropy(np.stack([one, two]), [2.0])[:, 0]
    np.testing.assert_allclose(found, [expected, expected + math.log(2)], atol=2e-3)  # the blur is cut at 4 s
    profile = shape_entropies(np.stack([one, two, two.T]))[:, 2]  # across the principal axis, which is the last one
    line = math.log(2 * math.pi * math.e) / 2
    np.testing.assert_allclose(profile, [line, line + math.log(2), line], atol=2e-3)


def test_too_few_jets_have_no_bulk():
    """Five jets span no ellipsoid in three entropies; 30 give one in the one entropy alone."""
    random = np.random.default_rng(0)
    for jets, entropy in ((5, False), (30, True), (60, True)):
        found = image_scores(random.normal(size=(4, 3)), random.normal(size=(jets, 3)))
        assert np.isfinite(found["entropy"]).all() == entropy
        assert np.isfinite(found["typicality"]).all() == (jets == 60)


def test_jets_alike_and_jets_without_entropy():
    """A direction in which no jet varies counts for nothing; a NaN in the sample leaves the bulk as it is."""
    sample = np.random.default_rng(0).normal(size=(400, 2))
    flat = np.column_stack([sample, np.ones(400)])
    np.testing.assert_allclose(Bulk.of(flat).distance(flat), Bulk.of(sample).distance(sample), rtol=1e-6)
    holed = np.r_[sample, [[np.nan, 0.0]]]
    np.testing.assert_array_equal(Bulk.of(holed).centre, Bulk.of(sample).centre)
