"""Localisation: whether a map points at the object, and outlines it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.metrics import Metric, MetricContext, MetricResult
from auditor.records import Measurement
from auditor.trust.deciding import mean_of
from auditor.trust.references import reference_maps

TOLERANCE = 15 / 224
"""Of the pointing game, as a share of the shorter side: the source's 15 pixels on pictures of 224."""
NO_OBJECTS = "no picture has a mask or box"
NO_MAPS = "no picture with an object has a usable map"


class Localisation(Metric):
    """Whether each map points at the object and outlines it, beside noise, edges and a blob in the centre.

    `pointing_game` is the share of maps whose maximum lies on the object or within 15 pixels of it (on 224; scaled by
    the shorter side); where several pixels share the maximum, they count by their share of hits. `iou_at_T` is the
    overlap, intersection over union, of the object with the pixels above T per cent of the map's maximum. Mass and
    rank accuracy are measured by `relevance_mass`. None of it says whether a map can be trusted: a faithful map of a
    model that leans on the background lies off the object, so no map fails for it.

    Source: Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 2018, section 4.2 (pointing game);
    Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, section 3.2 (20 % of the maximum).
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"images": 32},
        "standard": {},
        "full": {"images": 256},
    }
    of_classes = False
    headlines = ("pointing_game", "iou_at_20", "iou_at_50")

    images: int = Field(64, ge=1, description="Pictures drawn from those of the sample that have a mask or box.")
    thresholds: tuple[float, ...] = Field(
        (0.2, 0.5), min_length=1, description="Shares of the map's maximum above which a pixel belongs to its outline."
    )

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        if context.sample.objects is None or not context.sample.has_object.any():
            nothing = [Measurement(name=name, value=None, count=0, reason=NO_OBJECTS) for name in self._names()]
            return MetricResult(of_maps={item.name: nothing for item in context.maps})
        rows = np.flatnonzero(context.sample.has_object)
        rows = np.sort(np.random.default_rng([context.seed, 4]).permutation(rows)[: self.images])
        nulls = reference_maps(context.sample.images[rows], rows, context.seed)
        of_maps = {
            item.name: self._measured(item.maps[rows], item.usable[rows], rows, context) for item in context.maps
        }
        of_nulls = {null.name: self._measured(null.maps, null.usable, rows, context) for null in nulls}
        return MetricResult(of_maps=of_maps, of_nulls=of_nulls)

    def _names(self) -> list[str]:
        return ["pointing_game", *(f"iou_at_{100 * threshold:g}" for threshold in self.thresholds)]

    def _measured(
        self, maps: np.ndarray, usable: np.ndarray, rows: np.ndarray, context: MetricContext
    ) -> list[Measurement]:
        """Of the maps of those rows, (m, height, width), that are usable."""
        kept = rows[usable]
        if not len(kept):
            return [Measurement(name=name, value=None, count=0, reason=NO_MAPS) for name in self._names()]
        assert context.sample.objects is not None
        pairs = list(zip(maps[usable], context.sample.objects[kept], strict=True))
        tolerance = TOLERANCE * min(maps.shape[-2:])
        values = [[points_at(heatmap, inside, tolerance) for heatmap, inside in pairs]]
        values += [[outline_overlap(heatmap, inside, share) for heatmap, inside in pairs] for share in self.thresholds]
        note = f"objects by {context.sample.object_source}; tolerance {tolerance:.1f} px; bootstrap interval"
        clusters = context.clusters_of(kept)
        return [
            mean_of(name, np.array(each), clusters, seed=context.seed, note=note)
            for name, each in zip(self._names(), values, strict=True)
        ]


def points_at(heatmap: np.ndarray, inside: np.ndarray, tolerance: float) -> float:
    """Share of the map's maxima (one, as a rule) that lie on the object or near it.

    Args:
        heatmap: (height, width).
        inside: bool (height, width), not empty.
        tolerance: Pixels.
    """
    import cv2

    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[heatmap == heatmap.max()] <= tolerance).mean())


def outline_overlap(heatmap: np.ndarray, inside: np.ndarray, threshold: float) -> float:
    """Intersection over union of the object with the pixels above a share of the map's maximum."""
    outline = heatmap > threshold * heatmap.max()
    return float((outline & inside).sum() / (outline | inside).sum())
