from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from auditor.metrics import MetricContext
from auditor.metrics.calibration import Calibration
from auditor.records import Measurement
from tests.metrics.contexts import guesses, scored


def measured(context: MetricContext, **options: int) -> dict[str, Measurement]:
    return {item.name: item for item in Calibration(**options).measure(context).measurements}


def confident(confidence: list[float] | np.ndarray, right: list[bool] | np.ndarray) -> MetricContext:
    """Two classes; the first is always predicted."""
    confidence = np.asarray(confidence)
    return scored(np.stack([confidence, 1 - confidence], axis=1), np.where(right, 0, 1))


def test_the_calibration_error_is_that_reckoned_by_hand() -> None:
    # four at .9 of which two are right, and one at .6 that is right: (4 · |.5 − .9| + 1 · |1 − .6|) / 5 = .4
    # one more at .7 that is wrong: (1.6 + .4 + .7) / 6 = .45
    context = confident([0.9, 0.9, 0.9, 0.9, 0.6, 0.7], [True, True, False, False, True, False])

    error = measured(context)["expected_calibration_error"]

    assert error.value == pytest.approx(0.45, abs=1e-6)
    assert error.low <= error.value <= error.high


def test_excess_and_lack_cancel_within_a_bin_and_not_between_bins() -> None:
    context = confident([0.66, 0.74], [True, False])

    assert measured(context, bins=2)["expected_calibration_error"].value == pytest.approx(0.2, abs=1e-6)
    assert measured(context, bins=10)["expected_calibration_error"].value == pytest.approx(0.54, abs=1e-6)


def test_a_confidence_on_an_edge_belongs_to_the_lower_bin() -> None:
    rows = Calibration(bins=2).measure(scored(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]), np.array([0, 0]))).tables

    assert [(row["confidence"], row["count"]) for row in rows["reliability"]] == [(0.5, 1), (1.0, 1)]


@pytest.mark.parametrize("classes", [2, 5])
def test_the_brier_score_is_that_of_scikit_learn(classes: int) -> None:
    scores, labels = guesses(60, classes)
    single = scores.astype(np.float32).astype(np.float64)

    score = measured(scored(scores, labels))["brier_score"]

    if classes == 2:
        expected = 2 * brier_score_loss(labels, single[:, 1])
    else:
        expected = sum(brier_score_loss(labels == index, single[:, index]) for index in range(classes))
    assert score.value == pytest.approx(expected, abs=1e-6)
    assert score.low < score.value < score.high


def test_the_reliability_table_leaves_empty_bins_out_and_counts_every_picture() -> None:
    scores, labels = guesses(80, 3)

    rows = Calibration().measure(scored(scores, labels)).tables["reliability"]

    assert sum(row["count"] for row in rows) == 80
    assert all(row["count"] > 0 and row["low"] <= row["accuracy"] <= row["high"] for row in rows)
    assert [row["confidence"] for row in rows] == sorted(row["confidence"] for row in rows)
    right = sum(row["accuracy"] * row["count"] for row in rows)
    assert right == pytest.approx((scores.argmax(axis=1) == labels).sum())


def test_intervals_allow_calibrated_models_perfection_and_deny_it_to_overconfident_ones() -> None:
    rng = np.random.default_rng(5)
    calibrated, overconfident = 0, 0
    for _ in range(20):
        confidence = rng.uniform(0.55, 0.99, 120)
        luck = rng.random(120)
        calibrated += measured(confident(confidence, luck < confidence))["expected_calibration_error"].low == 0
        overconfident += measured(confident(confidence, luck < 0.5))["expected_calibration_error"].low > 0.1

    assert calibrated >= 18
    assert overconfident >= 18


def test_a_handful_that_is_all_right_proves_little() -> None:
    few = measured(confident([0.99, 0.98, 0.99], [True] * 3))
    many = measured(confident([0.99, 0.98, 0.99] * 100, [True] * 300))

    assert few["expected_calibration_error"].high > 0.6
    assert few["brier_score"].high > 0.5
    assert many["expected_calibration_error"].high < 0.05


def test_without_labels_only_confidence_is_measured() -> None:
    scores, _ = guesses(12, 3)

    result = Calibration().measure(scored(scores, np.full(12, -1)))

    confidence, error, brier = result.measurements
    assert confidence.value == pytest.approx(scores.max(axis=1).mean(), abs=1e-6)
    assert (error.value, error.count, error.reason) == (None, 0, "the sample has no labels")
    assert (brier.value, brier.count, brier.reason) == (None, 0, "the sample has no labels")
    assert result.tables == {}


def test_calibration_is_not_defined_where_a_picture_can_have_several_labels() -> None:
    context = scored(*guesses(12, 3))
    several = replace(context, model=replace(context.model, output="sigmoid"))

    assert "several labels" in measured(several)["expected_calibration_error"].reason
    assert measured(several)["brier_score"].value is None


def test_one_cluster_alone_says_nothing_of_the_error() -> None:
    scores, labels = guesses(12, 3)

    error = measured(scored(scores, labels, clusters=np.zeros(12, int)))["expected_calibration_error"]

    assert (error.low, error.high) == (0.0, 1.0)
