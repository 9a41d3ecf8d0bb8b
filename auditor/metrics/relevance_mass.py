"""Relevance mass: how much of a map lies on the object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from auditor.metrics import MapSet, Metric, MetricContext, MetricResult
from auditor.records import Measurement
from auditor.statistics.intervals import mean_interval

NO_OBJECTS = "no picture has a mask or box"
NO_MAPS = "no picture with an object has a usable map"


class RelevanceMass(Metric):
    """How much of each map lies on the object, beside what a map that knows nothing would put there.

    `mass_accuracy` is the share of the map's sum within the object; `rank_accuracy` the share of the object among as
    many of the strongest pixels as the object has (pixels of equal strength count by their chance). A flat map
    scores the object's share of the picture, given as `area`; `enrichment` is mass over area, 1 for a map that does
    not look for the object. Low mass is no proof of a shortcut, and high mass no proof of its absence: only the
    interventions decide that.

    Source: Arras, Osman and Samek, "CLEVR-XAI", Information Fusion 2022, eq. 10 and 11.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {}, "standard": {}, "full": {}}

    def measure(self, context: MetricContext) -> MetricResult:
        return MetricResult(of_maps={item.name: _of_maps(item, context) for item in context.maps})


def _of_maps(item: MapSet, context: MetricContext) -> list[Measurement]:
    names = ("mass_accuracy", "rank_accuracy", "area", "enrichment")
    objects = context.sample.objects
    if objects is None or not context.sample.has_object.any():
        return [Measurement(name=name, value=None, count=0, reason=NO_OBJECTS) for name in names]
    rows = np.flatnonzero(context.sample.has_object & item.usable)
    if not len(rows):
        return [Measurement(name=name, value=None, count=0, reason=NO_MAPS) for name in names]
    mass = np.array([mass_accuracy(item.maps[row], objects[row]) for row in rows])
    rank = np.array([rank_accuracy(item.maps[row], objects[row]) for row in rows])
    area = objects[rows].mean(axis=(1, 2))
    clusters = context.clusters_of(rows)
    note = f"objects by {context.sample.object_source}; bootstrap interval"

    def measurement(name: str, values: np.ndarray, upper: float = 1.0) -> Measurement:
        low, high = mean_interval(values, clusters, seed=context.seed, upper=upper)
        value = float(values.mean())
        return Measurement(
            name=name, value=value, low=min(low, value), high=max(high, value), count=len(rows), note=note
        )

    return [
        measurement("mass_accuracy", mass),
        measurement("rank_accuracy", rank),
        measurement("area", area),
        measurement("enrichment", mass / area, upper=float((1 / area).max())),
    ]


def mass_accuracy(heatmap: np.ndarray, inside: np.ndarray) -> float:
    """Share of the map's sum that lies inside.

    Args:
        heatmap: (height, width), non-negative, not all zero.
        inside: bool (height, width).
    """
    values = heatmap.astype(np.float64)
    return float(values[inside].sum() / values.sum())


def rank_accuracy(heatmap: np.ndarray, inside: np.ndarray) -> float:
    """Share of the K strongest pixels that lie inside, K being the pixels inside; ties count by their chance.

    Args:
        heatmap: (height, width).
        inside: bool (height, width), not empty.
    """
    size = int(inside.sum())
    threshold = np.partition(heatmap, heatmap.size - size, axis=None)[heatmap.size - size]
    above, tied = heatmap > threshold, heatmap == threshold
    chance = (tied & inside).sum() / tied.sum()
    return float(((above & inside).sum() + (size - above.sum()) * chance) / size)
