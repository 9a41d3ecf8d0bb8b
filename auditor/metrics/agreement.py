"""Agreement: whether the methods point at the same places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.map_areas import areas_of
from auditor.media import EVERY
from auditor.metrics import Metric, MetricContext, MetricResult
from auditor.records import Measurement
from auditor.statistics.intervals import mean_intervals
from auditor.trust.deciding import mean_of
from auditor.trust.references import reference_maps

ALONE = "no other method has usable maps of the same pictures"


class Agreement(Metric):
    """Whether the methods point at the same places, and how far each is an edge detector or a centre prior.

    Maps are averaged over areas first, so that a fine map and a coarse one can be compared.
    `agreement_rank_correlation` is the mean Spearman correlation with the maps of the other methods,
    `agreement_overlap` the overlap (intersection over union) of the hottest fifth; both over pictures on which the two
    maps are usable. The table holds every pair with its interval over pictures, and each method with the picture's
    edges and with a blob in the centre; of clips and volumes in all three dimensions. Methods can agree and be wrong
    together, so agreement decides nothing.

    Source: Krishna et al., "The Disagreement Problem in Explainable Machine Learning", TMLR 2024, section 3.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"images": 16},
        "standard": {},
        "full": {"images": 128},
    }
    media = EVERY
    of_classes = False
    headlines = ("agreement_rank_correlation", "agreement_overlap")

    images: int = Field(32, ge=1, description="Pictures drawn from the sample.")
    side: int = Field(28, ge=2, description="Areas along the longer side over which maps are averaged first.")
    top: float = Field(0.2, gt=0, lt=1, description="Share of areas that counts as the hottest.")

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        draw = np.random.default_rng([context.seed, 5])
        rows = np.sort(draw.permutation(len(context.sample))[: self.images])
        nulls = [
            null
            for null in reference_maps(context.sample.images[rows], rows, context.seed)
            if null.name != "random map"
        ]
        names = [*(item.name for item in context.maps), *(null.name for null in nulls)]
        maps = [*(item.maps[rows] for item in context.maps), *(null.maps for null in nulls)]
        usable = np.array([*(item.usable[rows] for item in context.maps), *(null.usable for null in nulls)])
        ranks, tops, varies = areas_of(maps, self.side, self.top)
        usable &= varies
        rank = np.einsum("imp,jmp->ijm", ranks, ranks)
        both = np.einsum("imp,jmp->ijm", tops, tops)
        size = tops.sum(axis=2)
        overlap = both / np.maximum(size[:, None] + size[None] - both, 1)
        defined = usable[:, None] & usable[None]
        methods = [item.method for item in context.maps]
        of_maps = {
            item.name: _measured(
                {"agreement_rank_correlation": rank[index], "agreement_overlap": overlap[index]},
                np.array([other != item.method for other in methods])[:, None] & defined[index, : len(methods)],
                rows,
                context,
            )
            for index, item in enumerate(context.maps)
        }
        table: dict[str, Any] = {"names": names, "nulls": [null.name for null in nulls], "images": len(rows)}
        table["counts"] = defined.sum(axis=2).tolist()
        for key, values, lower in (("rank", rank, -1.0), ("top", overlap, 0.0)):
            lows, highs = _intervals(values, defined, context.clusters_of(rows), context.seed, lower)
            table |= {key: _means(values, defined), f"{key}_low": lows, f"{key}_high": highs}
        return MetricResult(of_maps=of_maps, tables={"agreement": table})


def _measured(
    against: Mapping[str, np.ndarray], defined: np.ndarray, rows: np.ndarray, context: MetricContext
) -> list[Measurement]:
    """Mean over the other methods, then over pictures that have any.

    Args:
        against: Name → (sets, m), of which the first rows are those of `defined`.
        defined: bool (methods, m).
    """
    partners = defined.sum(axis=0)
    kept = partners > 0
    found = []
    for name, values in against.items():
        if not kept.any():
            found.append(Measurement(name=name, value=None, count=0, reason=ALONE))
            continue
        means = (values[: len(defined)] * defined).sum(axis=0)[kept] / partners[kept]
        lower = -1.0 if name == "agreement_rank_correlation" else 0.0
        clusters = context.clusters_of(rows[kept])
        note = f"with {int(partners.max())} maps of other methods"
        found.append(mean_of(name, means, clusters, seed=context.seed, lower=lower, note=note))
    return found


def _means(values: np.ndarray, defined: np.ndarray) -> list[list[float | None]]:
    """Mean over pictures where both are usable, None where there is no such picture."""
    count = defined.sum(axis=2)
    total = (values * defined).sum(axis=2)
    return [
        [float(t / n) if n else None for t, n in zip(totals, counts, strict=True)]
        for totals, counts in zip(total, count, strict=True)
    ]


def _intervals(
    values: np.ndarray, defined: np.ndarray, clusters: np.ndarray, seed: int, lower: float
) -> tuple[list[list[float | None]], list[list[float | None]]]:
    """Of every two different maps; None where there is no such picture, and of a map with itself."""
    first, second = np.triu_indices(len(values), 1)
    bounds = []
    for found in mean_intervals(values[first, second], defined[first, second], clusters, seed=seed, lower=lower):
        square = np.full(values.shape[:2], np.nan)
        square[first, second] = square[second, first] = found
        bounds.append([[None if np.isnan(value) else float(value) for value in row] for row in square])
    return bounds[0], bounds[1]
