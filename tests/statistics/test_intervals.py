from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta
from statsmodels.stats.proportion import proportion_confint

from auditor.statistics.intervals import clopper_pearson, mean_interval, mean_intervals, wilson


def test_wilson_is_the_closed_form() -> None:
    z, n, p = 1.959963984540054, 40, 0.75
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert wilson(30, 40) == pytest.approx((centre - half, centre + half), abs=1e-12)


def test_clopper_pearson_is_the_beta_quantile() -> None:
    assert clopper_pearson(3, 20) == pytest.approx((beta.ppf(0.025, 3, 18), beta.ppf(0.975, 4, 17)), abs=1e-9)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_share_intervals_contain_their_share_and_stay_in_range(interval) -> None:
    for count in (1, 2, 7, 64, 1000):
        for successes in {0, 1, count // 2, count - 1, count}:
            low, high = interval(successes, count)
            assert 0 <= low <= successes / count <= high <= 1


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_nothing_counted_is_not_known(interval) -> None:
    assert interval(0, 0) == (0, 1)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
@pytest.mark.parametrize(("successes", "count"), [(-1, 4), (5, 4)])
def test_impossible_counts_are_refused(interval, successes: int, count: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        interval(successes, count)


def test_sixty_four_of_sixty_four_is_not_sure() -> None:
    low, high = mean_interval(np.ones(64), seed=0)
    assert (low, high) == (pytest.approx(proportion_confint(64, 64, method="beta")[0]), 1)
    assert low == pytest.approx(0.025 ** (1 / 64))


def test_identical_values_inside_the_range_widen_to_both_sides() -> None:
    low, high = mean_interval(np.full(10, 0.25), seed=0, lower=-1, upper=1)
    elsewhere = 1 - 0.025**0.1
    assert (low, high) == pytest.approx((0.25 - elsewhere * 1.25, 0.25 + elsewhere * 0.75))


def test_one_cluster_is_the_whole_range_almost() -> None:
    low, high = mean_interval([0.2, 0.6, 0.7], ["a", "a", "a"], seed=0)
    assert low < 0.02
    assert high > 0.97


def test_clusters_that_repeat_their_values_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(3)
    once = rng.random(20)
    alone = mean_interval(once, seed=0)
    repeated = mean_interval(np.repeat(once, 50), np.repeat(np.arange(20), 50), seed=0)
    pretended = mean_interval(np.repeat(once, 50), seed=0)
    assert repeated == pytest.approx(alone, abs=1e-9)
    assert pretended[1] - pretended[0] < 0.3 * (alone[1] - alone[0])


def test_larger_clusters_weigh_more() -> None:
    low, high = mean_interval([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"], seed=0)
    assert low <= 0.75 <= high


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(1).random(30)
    assert mean_interval(values, seed=7) == mean_interval(values, seed=7)
    assert mean_interval(values, seed=7) != mean_interval(values, seed=8)


@pytest.mark.parametrize(("share", "count"), [(0.5, 32), (0.9, 64)])
def test_covers_the_true_mean_about_as_often_as_it_says(share: float, count: int) -> None:
    rng = np.random.default_rng(0)
    draws = (rng.random((200, count)) < share).astype(float)
    intervals = [mean_interval(values, seed=index) for index, values in enumerate(draws)]
    assert np.mean([low <= share <= high for low, high in intervals]) >= 0.9


def test_two_values_alone_still_contain_their_mean() -> None:
    for values in ([0.0, 1.0], [0.0, 0.0, 0.0, 1.0], [1 / 3, 1 / 3 + 1e-12]):
        low, high = mean_interval(values, seed=0)
        assert 0 <= low <= np.mean(values) <= high <= 1


@pytest.mark.parametrize("values", [[], [[0.5]], [0.5, np.nan], [1.5], [-0.1]])
def test_values_that_cannot_be_are_refused(values) -> None:
    with pytest.raises(ValueError):
        mean_interval(values, seed=0)


def test_a_cluster_is_needed_for_each_value() -> None:
    with pytest.raises(ValueError, match="one cluster a value"):
        mean_interval([0.1, 0.2], ["a"], seed=0)


def test_many_means_get_the_intervals_of_a_bootstrap_written_out() -> None:
    rng = np.random.default_rng(3)
    values, defined = rng.random((3, 12)), rng.random((3, 12)) < 0.8
    clusters = np.repeat(np.arange(6), 2)
    drawn = np.random.default_rng(7).multinomial(6, np.full(6, 1 / 6), size=999)

    lows, highs = mean_intervals(values, defined, clusters, seed=7)

    for row in range(3):
        means = []
        for counts in drawn:
            weights = counts[clusters] * defined[row]
            means.append(np.average(values[row], weights=weights) if weights.any() else np.nan)
        expected = np.nanpercentile(means, [2.5, 97.5])
        assert (lows[row], highs[row]) == (pytest.approx(expected[0]), pytest.approx(expected[1]))


def test_many_means_are_close_to_the_interval_of_each() -> None:
    values = np.random.default_rng(0).random((1, 60))

    lows, highs = mean_intervals(values, np.ones((1, 60), bool), np.arange(60), seed=0)

    assert (lows[0], highs[0]) == pytest.approx(mean_interval(values[0], seed=0), abs=0.01)


def test_of_many_means_a_steady_one_is_not_sure_and_an_undefined_one_has_no_interval() -> None:
    defined = np.array([[True] * 4, [False] * 4, [True, False, False, False]])
    values = np.where(defined, 0.5, np.nan)

    lows, highs = mean_intervals(values, defined, np.arange(4), seed=0)

    assert (lows[0], highs[0]) == pytest.approx(mean_interval(values[0], seed=0))
    assert np.isnan([lows[1], highs[1]]).all()
    assert (lows[2], highs[2]) == pytest.approx(mean_interval([0.5], seed=0))
    assert highs[2] - lows[2] > highs[0] - lows[0]


def test_no_means_have_no_intervals() -> None:
    lows, highs = mean_intervals(np.zeros((0, 4)), np.zeros((0, 4), bool), np.arange(4), seed=0)

    assert lows.shape == highs.shape == (0,)
