"""Calibration: whether the model is right as often as its own confidence says."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.media import EVERY
from auditor.metrics import Metric, MetricContext, MetricResult
from auditor.records import Measurement
from auditor.statistics.intervals import clopper_pearson, mean_interval, wilson

NO_LABELS = "the sample has no labels"
SEVERAL_LABELS = "each picture can have several labels, and the sample names one of them"
RESAMPLES = 1999
CALIBRATED_DRAWS = 999


class Calibration(Metric):
    """Whether the model is right as often as it says: calibration error, Brier score, reliability diagram.

    Confidence is the probability of the predicted class. `expected_calibration_error` is the mean over pictures of
    |accuracy − confidence| of the bin that the picture falls into; bins are of equal width, as in the source, so that
    numbers compare with those published. It is never below zero, hence too high on small samples even for a perfectly
    calibrated model: its note says what such a model would show on as many pictures, and its interval, the basic
    bootstrap, which corrects for that, is widened to hold the estimate, and down to 0 where the estimate is no more
    than perfect calibration gives in 97.5 % of draws.
    `brier_score` sums the squared error over all classes: 0 is perfect, 2 is sure and wrong every time.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, eq. 3; Brier, "Verification of forecasts
    expressed in terms of probability", Monthly Weather Review 1950; Bröcker and Smith, "Increasing the reliability of
    reliability diagrams", Weather and Forecasting 2007 (draws from the model's own confidence).
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {}, "standard": {}, "full": {}}
    media = EVERY

    bins: int = Field(15, ge=2, le=100, description="Bins of confidence, of equal width from 0 to 1.")

    def measure(self, context: MetricContext) -> MetricResult:
        confidence = context.scores.max(axis=1).astype(np.float64)
        found = [_mean_confidence(context, confidence)]
        rows = np.flatnonzero(context.sample.labels >= 0)
        several = context.model.output == "sigmoid" and context.scores.shape[1] > 1
        if several or not len(rows):
            reason = SEVERAL_LABELS if several else NO_LABELS
            names = ("expected_calibration_error", "brier_score")
            found += [Measurement(name=name, value=None, count=0, reason=reason) for name in names]
            return MetricResult(found)
        correct = context.predicted[rows] == context.sample.labels[rows]
        found += [self._error(context, rows, confidence[rows], correct), _brier_score(context, rows)]
        return MetricResult(found, tables={"reliability": self._reliability(confidence[rows], correct)})

    def _bin(self, confidence: np.ndarray) -> np.ndarray:
        """Bin of each confidence: (m − 1) / bins < confidence ≤ m / bins."""
        return np.asarray(np.ceil(confidence * self.bins).astype(int) - 1).clip(0, self.bins - 1)

    def _reliability(self, confidence: np.ndarray, correct: np.ndarray) -> list[dict[str, Any]]:
        """Each bin that is not empty: mean confidence, accuracy with its Wilson interval, count."""
        of_bin, table = self._bin(confidence), []
        for index in np.unique(of_bin):
            inside = of_bin == index
            count, right = int(inside.sum()), int(correct[inside].sum())
            low, high = wilson(right, count)
            table.append(
                {
                    "confidence": float(confidence[inside].mean()),
                    "accuracy": right / count,
                    "low": low,
                    "high": high,
                    "count": count,
                }
            )
        return table

    def _error(
        self, context: MetricContext, rows: np.ndarray, confidence: np.ndarray, correct: np.ndarray
    ) -> Measurement:
        """Expected calibration error; clusters are resampled whole."""
        excess = correct - confidence
        # (clusters, bins): each cluster's sum of excesses in each bin; the error is the sum of the bins' magnitudes
        _, cluster = np.unique(context.clusters_of(rows), return_inverse=True)
        sums = np.zeros((int(cluster.max()) + 1, self.bins))
        np.add.at(sums, (cluster, self._bin(confidence)), excess)
        sizes = np.bincount(cluster).astype(np.float64)
        value = float(np.abs(sums.sum(axis=0)).sum() / len(rows))
        low, high = _resampled(sums, sizes, context.seed)
        calibrated = self._of_a_calibrated_model(confidence, context.seed)
        usual = f"{100 * calibrated.mean():.0f} %"
        if value <= np.quantile(calibrated, 0.975):
            low = 0.0
        if correct.all() or not correct.any():
            # resampling never sees what did not happen; accuracy itself can still lie within its exact interval
            ends = [abs(end - confidence.mean()) for end in clopper_pearson(int(correct.sum()), len(rows))]
            low, high = min(low, *ends), max(high, *ends)
        return Measurement(
            name="expected_calibration_error",
            value=value,
            low=max(0.0, min(low, value)),
            high=min(1.0, max(high, value)),
            count=len(rows),
            note=f"{self.bins} bins of equal width; perfect calibration would show {usual} here",
        )

    def _of_a_calibrated_model(self, confidence: np.ndarray, seed: int) -> np.ndarray:
        """Calibration errors of a model that is right exactly as often as it says, one a draw."""
        draws = np.random.default_rng([seed, 1])
        member = np.eye(self.bins)[self._bin(confidence)]
        errors = [
            np.abs(((draws.random(len(confidence)) < confidence) - confidence) @ member).sum() / len(confidence)
            for _ in range(CALIBRATED_DRAWS)
        ]
        return np.array(errors)


def _resampled(sums: np.ndarray, sizes: np.ndarray, seed: int) -> tuple[float, float]:
    """Basic bootstrap interval of the calibration error over the rows of `sums`."""
    from scipy.stats import DegenerateDataWarning, bootstrap

    def error(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        total = np.zeros(drawn.shape[:-1])
        for column in sums.T:
            if column.any():
                total += np.abs(column[drawn].sum(axis=axis))
        return np.asarray(total / sizes[drawn].sum(axis=axis))

    if len(sums) < 2:
        return 0.0, 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)
        interval = bootstrap(
            (np.arange(len(sums)),),
            error,
            n_resamples=RESAMPLES,
            batch=max(1, 1_000_000 // len(sums)),
            vectorized=True,
            method="basic",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    return float(interval.low), float(interval.high)


def _mean_confidence(context: MetricContext, confidence: np.ndarray) -> Measurement:
    """Needs no labels: how sure the model is on the whole."""
    low, high = mean_interval(confidence, context.clusters_of(np.arange(len(confidence))), seed=context.seed)
    value = float(confidence.mean())
    return Measurement(
        name="mean_confidence", value=value, low=min(low, value), high=max(high, value), count=len(confidence)
    )


def _brier_score(context: MetricContext, rows: np.ndarray) -> Measurement:
    """Mean squared distance between the probabilities and the truth, summed over classes: 0 to 2."""
    scores = context.scores[rows].astype(np.float64)
    truth = np.zeros_like(scores)
    truth[np.arange(len(rows)), context.sample.labels[rows]] = 1
    values = ((scores - truth) ** 2).sum(axis=1)
    value = float(values.mean())
    low, high = mean_interval(values, context.clusters_of(rows), seed=context.seed, upper=2.0)
    correct = context.predicted[rows] == context.sample.labels[rows]
    if correct.all() or not correct.any():
        # as for the calibration error: the share of pictures that could still have gone the other way, and at what cost
        at_least, at_most = clopper_pearson(int(correct.sum()), len(rows))
        other = (scores**2).sum(axis=1) + 1 - (0 if correct.all() else 2 * scores.max(axis=1))
        could = value + (at_most - at_least) * (float(other.mean()) - value)
        low, high = max(0.0, min(low, could)), min(2.0, max(high, could))
    return Measurement(
        name="brier_score",
        value=value,
        low=min(low, value),
        high=max(high, value),
        count=len(rows),
        note="summed over classes: 0 is perfect, 2 is sure and wrong every time; bootstrap interval",
    )
