"""Tests and power against closed forms, published figures and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from auditor.statistics.testing import (
    above_chance,
    across_kinds,
    mcnemar_power,
    minimum_detectable_effect,
    recipients_needed,
    sign_flip_test,
)


def test_sign_flip_of_all_positive_differences_is_one_over_two_to_the_n() -> None:
    raw, adjusted = sign_flip_test(np.ones((1, 6)), range(6), seed=0)

    assert raw[0] == pytest.approx(1 / 64)
    assert adjusted[0] == pytest.approx(1 / 64)


def test_no_difference_gives_p_one() -> None:
    raw, adjusted = sign_flip_test(np.zeros((2, 20)), range(20), seed=0)

    assert raw.tolist() == [1, 1]
    assert adjusted.tolist() == [1, 1]


def test_clusters_are_the_units() -> None:
    differences = np.ones((1, 12))

    raw, _ = sign_flip_test(differences, np.arange(12) // 2, seed=0)

    assert raw[0] == pytest.approx(1 / 64)


def test_adjusted_p_keeps_the_family_wise_error_rate() -> None:
    rng = np.random.default_rng(0)
    alarms = 0
    for trial in range(200):
        noise = rng.integers(0, 2, (8, 40)) - rng.integers(0, 2, (8, 40))
        _, adjusted = sign_flip_test(noise.astype(float), range(40), seed=trial, draws=299)
        alarms += adjusted.min() <= 0.05

    assert stats.binomtest(alarms, 200, 0.05, alternative="greater").pvalue > 0.01


def test_missing_recipients_do_not_count() -> None:
    differences = np.full((2, 20), np.nan)
    differences[0, :6] = 1
    differences[1] = np.tile([1, -1], 10)

    raw, _ = sign_flip_test(differences, range(20), seed=1)

    assert raw[0] < 0.03
    assert raw[1] > 0.4


@pytest.mark.parametrize(("count", "expected"), [(32, 0.25), (64, 0.15), (128, 0.095)])
def test_minimum_detectable_effect_matches_the_published_figures(count: int, expected: float) -> None:
    assert minimum_detectable_effect(count) == pytest.approx(expected, abs=0.006)


def test_power_agrees_with_simulation() -> None:
    rng = np.random.default_rng(3)
    effect, count, control = 0.2, 40, 0.04
    target = rng.random((4000, count)) < control + effect
    other = rng.random((4000, count)) < control
    wins, losses = (target & ~other).sum(1), (~target & other).sum(1)
    p = stats.binom.sf(wins - 1, wins + losses, 0.5)

    assert mcnemar_power(effect, count) == pytest.approx((p <= 0.05).mean(), abs=0.025)


def test_too_few_recipients_detect_nothing() -> None:
    assert minimum_detectable_effect(4) is None
    assert minimum_detectable_effect(0) is None


def test_recipients_needed_is_the_smallest_number_with_the_power() -> None:
    needed = recipients_needed(0.25)

    assert mcnemar_power(0.25, needed) >= 0.8
    assert minimum_detectable_effect(needed) == pytest.approx(0.25, abs=0.01)


def test_kinds_are_corrected_by_benjamini_hochberg_and_by_holm_where_they_overlap() -> None:
    adjusted = {"border": [0.01, 0.04], "corner": [0.03], "background": [1.0]}

    independent = across_kinds(adjusted, overlapping=False)
    overlapping = across_kinds(adjusted, overlapping=True)

    assert independent["border"] == pytest.approx([0.03, 0.12])
    assert independent["corner"] == pytest.approx([0.045])
    assert overlapping["border"] == pytest.approx([0.03, 0.12])
    assert overlapping["corner"] == pytest.approx([0.06])


def test_above_chance_is_the_exact_binomial() -> None:
    assert above_chance(6, 6, 0.5) == pytest.approx(1 / 64)
    assert above_chance(3, 6, 0.5) > 0.5
