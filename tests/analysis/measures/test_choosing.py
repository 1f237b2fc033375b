"""Choices among k trainings, against sets counted by hand and by formula."""

from itertools import combinations
from math import comb, sqrt

import numpy as np
import pytest

from analysis.measures.choosing import agreement, chosen, mean_over, own, sets_of, share_chosen
from analysis.measures.few import share_error

RANDOM = np.random.default_rng(0)


def test_counted_by_hand():
    """Four trainings, best to worst; the second and the fourth are wrong: of six pairs {1,2} and {1,3} choose one."""
    wrong = np.array([False, True, False, True])
    best = own(np.array([4.0, 3.0, 2.0, 1.0]))
    assert share_chosen(wrong, best, 1).value == 2 / 4
    assert share_chosen(wrong, best, 2).value == 2 / 6
    assert share_chosen(wrong, best, 3).value == 1 / 4
    assert share_chosen(wrong, best, 4).value == 0
    assert share_chosen(~wrong, best, 4).value == 1


@pytest.mark.parametrize("k", [1, 2, 3, 5, 15])
def test_the_training_of_rank_r_is_the_best_of_k_by_the_formula(k):
    """That of rank r is chosen by the sets whose others are all behind it: C(n - r, k - 1) of C(n, k)."""
    n, values = 15, RANDOM.permutation(15.0 * np.arange(15))
    wrong = RANDOM.random(n) < 0.4
    expected = sum(comb(n - 1 - rank, k - 1) for rank, i in enumerate(np.argsort(-values)) if wrong[i]) / comb(n, k)
    assert share_chosen(wrong, own(values), k).value == pytest.approx(expected, abs=1e-12)


def test_error_of_single_trainings_is_binomial():
    wrong = np.arange(15) < 6
    assert share_chosen(wrong, own(RANDOM.random(15)), 1).error == pytest.approx(sqrt(0.4 * 0.6 / 14))


def test_error_is_that_of_the_trainings_left_out_one_by_one():
    n, k = 9, 3
    wrong, values = RANDOM.random(n) < 0.5, RANDOM.random(n)
    left = []
    for out in range(n):
        rest = [i for i in range(n) if i != out]
        left.append(np.mean([wrong[max(each, key=values.__getitem__)] for each in combinations(rest, k)]))
    sets = sets_of(n, k)
    found = mean_over(wrong[chosen(own(values), sets)], sets, n)
    assert found.error == pytest.approx(sqrt((n - 1) * np.var(left)))
    assert share_chosen(wrong, own(values), k).error >= found.error


def test_nothing_wrong_has_an_error():
    """That of the five choices of three that share no training."""
    found = share_chosen(np.zeros(15, bool), own(RANDOM.random(15)), 3)
    assert found == (0.0, share_error(0.0, 5))


@pytest.mark.parametrize(("share", "worse"), [(0.4, 1), (0.4, 0), (0.1, 1)])
def test_errors_cover(share, worse):
    """150 times 15 trainings whose wrong ones are worse by so many standard deviations: the truth is in two errors.

    A jackknife alone covers in 77, 89 and 51 of a hundred.
    """
    random = np.random.default_rng(1)

    def drawn(*shape):
        wrong = random.random(shape) < share
        return wrong, random.normal(size=shape) - worse * wrong

    wrong, values = drawn(40_000, 3)
    truth = np.take_along_axis(wrong, values.argmax(1)[:, None], 1).mean()
    found = [share_chosen(wrong, own(values), 3) for wrong, values in (drawn(15) for _ in range(150))]
    covered = np.mean([abs(each.value - truth) < 2 * each.error for each in found])
    assert covered > 0.86  # 0.95 +- 0.018
    assert np.mean([each.value for each in found]) == pytest.approx(truth, abs=0.05)


def test_mean_over_cases():
    """Of two cases the share is the mean; of one that stands twice the jackknife is the same."""
    wrong, rules = RANDOM.random((2, 15)) < 0.4, np.stack([own(x) for x in RANDOM.random((2, 15))])
    one, other = (share_chosen(wrong[i], rules[i], 3) for i in range(2))
    assert share_chosen(wrong, rules, 3).value == pytest.approx((one.value + other.value) / 2)
    twice, sets = share_chosen(wrong[[0, 0]], rules[[0, 0]], 3), sets_of(15, 3)
    alone = mean_over(wrong[0][chosen(rules[0], sets)], sets, 15)
    assert twice == pytest.approx((one.value, max(alone.error, share_error(one.value, 10))))


def test_agreement_is_a_vote():
    """Two of five are the other way round: sets of three with both of them choose wrongly, 3 of 10."""
    sign = np.array([1.0, 1.0, 1.0, -1.0, -1.0])
    rule = agreement(np.outer(sign, sign))
    assert share_chosen(sign < 0, rule, 3).value == 3 / 10
    assert share_chosen(sign < 0, rule, 5).value == 0


def test_what_failed_is_not_chosen():
    values = np.array([np.nan, -np.inf, -3.0])
    assert chosen(own(values), sets_of(3, 3)).tolist() == [2]
    assert np.isfinite(agreement(np.full((2, 2), np.nan))).all()


def test_many_sets_are_drawn_and_few_are_all():
    assert len(sets_of(15, 5)) == 3003
    drawn = sets_of(40, 5, most=1000)
    assert drawn.shape == (1000, 5)
    assert all(len(set(each)) == 5 for each in drawn.tolist())
    assert np.bincount(drawn.ravel(), minlength=40).min() > 80  # 125 +- 10 each
    assert len(sets_of(40, 40)) == 1
    with pytest.raises(ValueError, match="no 4 of 3"):
        sets_of(3, 4)


def test_the_order_of_trainings_does_not_matter():
    wrong, values = RANDOM.random(12) < 0.4, RANDOM.random(12)
    order = RANDOM.permutation(12)
    one, other = share_chosen(wrong, own(values), 3), share_chosen(wrong[order], own(values[order]), 3)
    np.testing.assert_allclose(one, other)


def test_all_in_one_set_have_no_jackknife():
    assert np.isnan(mean_over(np.ones(1), sets_of(3, 3), 3).error)
