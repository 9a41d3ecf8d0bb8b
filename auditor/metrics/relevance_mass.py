"""Relevance mass: how much of a map lies on the object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from auditor.metrics import Metric, MetricContext, MetricResult
from auditor.records import Measurement
from auditor.trust.deciding import mean_of
from auditor.trust.references import reference_maps

NO_OBJECTS = "no picture has a mask or box"
NO_MAPS = "no picture with an object has a usable map"
NULL_IMAGES = 64
"""Pictures on which the maps that know nothing are measured."""
NAMES = ("mass_accuracy", "rank_accuracy", "area", "enrichment")


class RelevanceMass(Metric):
    """How much of each map lies on the object, beside what a map that knows nothing would put there.

    `mass_accuracy` is the share of the map's sum within the object; `rank_accuracy` the share of the object among as
    many of the strongest pixels as the object has (pixels of equal strength count by their chance). A flat map
    scores the object's share of the picture, given as `area`; `enrichment` is mass over area, 1 for a map that does
    not look for the object. The same is measured of noise, edges and a blob in the centre, on some of the pictures.
    Low mass is no proof of a shortcut, and high mass no proof of its absence: only the interventions decide that, and
    no map is trusted or distrusted for it.

    Source: Arras, Osman and Samek, "CLEVR-XAI", Information Fusion 2022 (relevance mass accuracy).
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {}, "standard": {}, "full": {}}
    of_classes = False
    headlines = ("mass_accuracy", "rank_accuracy")

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        if context.sample.objects is None or not context.sample.has_object.any():
            nothing = [Measurement(name=name, value=None, count=0, reason=NO_OBJECTS) for name in NAMES]
            return MetricResult(of_maps={item.name: nothing for item in context.maps})
        rows = np.flatnonzero(context.sample.has_object)
        some = np.sort(np.random.default_rng([context.seed, 12]).permutation(rows)[:NULL_IMAGES])
        nulls = reference_maps(context.sample.images[some], some, context.seed)
        return MetricResult(
            of_maps={item.name: _measured(item.maps[rows], item.usable[rows], rows, context) for item in context.maps},
            of_nulls={null.name: _measured(null.maps, null.usable, some, context) for null in nulls},
        )


def _measured(maps: np.ndarray, usable: np.ndarray, rows: np.ndarray, context: MetricContext) -> list[Measurement]:
    """Of the maps of those rows, (m, height, width), that are usable."""
    kept = rows[usable]
    if not len(kept):
        return [Measurement(name=name, value=None, count=0, reason=NO_MAPS) for name in NAMES]
    assert context.sample.objects is not None
    objects = context.sample.objects[kept]
    pairs = list(zip(maps[usable], objects, strict=True))
    mass = np.array([mass_accuracy(heatmap, inside) for heatmap, inside in pairs])
    rank = np.array([rank_accuracy(heatmap, inside) for heatmap, inside in pairs])
    area = objects.mean(axis=(1, 2))
    clusters = context.clusters_of(kept)
    note = f"objects by {context.sample.object_source}; bootstrap interval"
    return [
        mean_of("mass_accuracy", mass, clusters, seed=context.seed, note=note),
        mean_of("rank_accuracy", rank, clusters, seed=context.seed, note=note),
        mean_of("area", area, clusters, seed=context.seed, note=note),
        mean_of("enrichment", mass / area, clusters, seed=context.seed, upper=float((1 / area).max()), note=note),
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
