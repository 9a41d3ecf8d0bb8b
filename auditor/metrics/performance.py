"""Performance: accuracy over all, by class, and which classes are mixed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.media import EVERY
from auditor.metrics import Metric, MetricContext, MetricResult
from auditor.records import Measurement
from auditor.statistics.intervals import mean_interval, wilson
from auditor.statistics.testing import ALPHA, above_chance

NO_LABELS = "the sample has no labels"
MATRIX_CLASSES = 50
"""More classes than this, labelled or predicted, and the confusion table lists pairs instead of a matrix."""


class Performance(Metric):
    """How often the model is right: over all, by class, and which classes it mixes up.

    `accuracy` counts every picture alike, `macro_accuracy` every class that has pictures (the balanced accuracy or mean
    recall). Only pictures with a label count. A shortcut can hide behind both: a model that reads a tag is right as
    long as the tag is there.

    Source: Wilson, JASA 1927 (intervals of shares); Brodersen et al., "The balanced accuracy and its posterior
    distribution", ICPR 2010.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {}, "standard": {}, "full": {}}
    media = EVERY

    pairs: int = Field(20, ge=1, le=1000, description="Confused pairs that are listed where a matrix is too large.")

    def measure(self, context: MetricContext) -> MetricResult:
        rows = np.flatnonzero(context.sample.labels >= 0)
        if not len(rows):
            names = ("accuracy", "macro_accuracy")
            return MetricResult([Measurement(name=name, value=None, count=0, reason=NO_LABELS) for name in names])
        labels, predicted = context.sample.labels[rows], context.predicted[rows]
        return MetricResult(
            measurements=[_accuracy(context, rows), _macro_accuracy(context, rows)],
            tables={"per_class": _per_class(context, labels, predicted), "confusion": self._confusion(context, rows)},
        )

    def _confusion(self, context: MetricContext, rows: np.ndarray) -> dict[str, Any]:
        """Counts of (true, predicted): a matrix, true class in rows, or the most frequent mistakes."""
        labels, predicted = context.sample.labels[rows], context.predicted[rows]
        classes = np.union1d(labels, predicted)
        if len(classes) <= MATRIX_CLASSES:
            matrix = np.zeros((len(classes), len(classes)), dtype=int)
            np.add.at(matrix, (np.searchsorted(classes, labels), np.searchsorted(classes, predicted)), 1)
            return {"classes": [context.class_name(int(index)) for index in classes], "matrix": matrix.tolist()}
        wrong = labels != predicted
        counted = Counter(zip(labels[wrong].tolist(), predicted[wrong].tolist(), strict=True))
        worst = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[: self.pairs]
        return {"pairs": [[context.class_name(true), context.class_name(said), n] for (true, said), n in worst]}


def _accuracy(context: MetricContext, rows: np.ndarray) -> Measurement:
    """Share of labelled pictures that are classified right; Wilson, or over clusters where pictures belong together."""
    labels = context.sample.labels[rows]
    correct = context.predicted[rows] == labels
    count, right = len(rows), int(correct.sum())
    clusters = context.clusters_of(rows)
    grouped = len(np.unique(clusters)) < count
    if grouped:
        low, high = mean_interval(correct, clusters, seed=context.seed)
    else:
        low, high = wilson(right, count)
    # a sample of one class has no majority to beat: then guessing among all classes is the rival
    majority = float(np.bincount(labels).max() / count)
    guessing = 1 / max(2, context.scores.shape[1])
    chance = max(guessing, majority) if majority < 1 else guessing
    kind = "bootstrap over clusters" if grouped else "Wilson"
    p = above_chance(right, count, chance)
    beyond = "above" if p <= ALPHA else "not shown to be above"
    note = f"{kind} interval; {beyond} chance ({chance:.2f}), one-sided p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
    return Measurement(name="accuracy", value=right / count, low=low, high=high, count=count, note=note)


def _macro_accuracy(context: MetricContext, rows: np.ndarray) -> Measurement:
    """Mean over classes of their accuracy: the mean over pictures, each weighted so that all classes weigh the same."""
    labels = context.sample.labels[rows]
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    weights = len(rows) / (len(counts) * counts[inverse])
    values = weights * (context.predicted[rows] == labels)
    value = min(1.0, float(values.mean()))
    low, high = mean_interval(
        values, context.clusters_of(rows), seed=context.seed, upper=max(1.0, float(weights.max()))
    )
    return Measurement(
        name="macro_accuracy",
        value=value,
        low=min(low, value),
        high=max(value, min(1.0, high)),
        count=len(rows),
        note=f"mean over the {len(counts)} classes that have pictures; bootstrap over pictures",
    )


def _per_class(context: MetricContext, labels: np.ndarray, predicted: np.ndarray) -> list[dict[str, Any]]:
    """One row an output, Wilson intervals; no value where the sample has no picture of the class."""
    rows = []
    for index in range(context.scores.shape[1]):
        of_class = labels == index
        count, right = int(of_class.sum()), int((predicted[of_class] == index).sum())
        low, high = wilson(right, count)
        rows.append(
            {
                "class": context.class_name(index),
                "n": count,
                "correct": right,
                "value": right / count if count else None,
                "low": low,
                "high": high,
            }
        )
    return rows
