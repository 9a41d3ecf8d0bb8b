"""Class consistency: whether what a map calls hot is enough for the class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.metrics import USUAL, Metric, MetricContext, MetricResult, Workload
from auditor.records import Measurement
from auditor.trust.blurring import blurred
from auditor.trust.deciding import UNDECIDED, Gain, mean_of, verdict
from auditor.trust.references import reference_maps

if TYPE_CHECKING:
    from torch import Tensor

REGION = 0.05
"""Standard deviation of the blur that joins hot pixels to regions, as a share of the shorter side."""
RANDOM, MOVED = "random map", "the same shape moved"
NULLS = 3
"""Maps that know nothing."""
BLANK = "every map among the pictures drawn is blank"
NAMES = ("class_probability_kept", "class_kept", "class_consistency", "class_consistency_over_bar")


class ClassConsistency(Metric):
    """Whether the hot region alone, with all else blurred, still gives the class.

    The hottest fifth of the picture is kept, after a light blur of the map that makes regions of pixels.
    `class_probability_kept` is then the mean probability of the explained class, `class_kept` the share of pictures
    that keep it, and `class_consistency` the first number less that of the same area kept at random: the same shape,
    moved to a place drawn at random (around the edge where need be). A map must also keep up with the maps that know
    nothing (regions of noise, the picture's edges, a blob in the centre): `class_consistency_over_bar` is the first
    number less four fifths of what the best of them gains over the moved shape.

    Source: the sufficiency of DeYoung et al., "ERASER", ACL 2020, section 4, on pixels.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"images": 16},
        "standard": {},
        "full": {"images": 64},
    }
    rule = (
        "The probability of the class when only the hottest fifth is kept has to clear the bar, with the same shape at "
        "a random place for noise."
    )
    follows_score = True
    headlines = ("class_consistency",)

    images: int = Field(24, ge=1, description="Pictures drawn from the sample.")
    area: float = Field(0.2, gt=0, lt=1, description="Share of the pixels that is kept.")

    def forwards(self, work: Workload = USUAL) -> float:
        return work.share(self.images) * (2 * work.map_sets + NULLS)

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        trial = self._trial(context)
        nulls = {
            null.name: trial.kept(trial.hottest(null.maps, self.area), null.name)
            for null in reference_maps(trial.pictures, trial.rows, context.seed)
        }
        of_maps: dict[str, list[Measurement]] = {}
        trust: dict[str, str] = {}
        for item in context.maps:
            usable = item.usable[trial.rows]
            if not usable.any():
                of_maps[item.name] = [Measurement(name=name, value=None, count=0, reason=BLANK) for name in NAMES]
                trust[item.name] = UNDECIDED
                continue
            hot = trial.hottest(item.maps[trial.rows], self.area)
            own, moved = trial.kept(hot, item.name), trial.kept(trial.moved(hot), f"{item.name}, moved")
            against = {name: each[0, usable] for name, each in nulls.items()}
            rows = trial.rows[usable]
            of_maps[item.name] = found = _measurements(own[:, usable], moved[:, usable], against, rows, context)
            trust[item.name] = verdict(*found[2:4], units=context.units(rows))
        of_nulls = {
            name: _measurements(each, nulls[RANDOM], {}, trial.rows, context)[:3] for name, each in nulls.items()
        }
        return MetricResult(of_maps=of_maps, of_nulls=of_nulls, trust=trust)

    def _trial(self, context: MetricContext) -> _Trial:
        import torch

        draw = np.random.default_rng([context.seed, 9])
        pool = context.explained()
        rows = np.sort(pool[draw.permutation(len(pool))[: self.images]])
        pictures = context.sample.images[torch.from_numpy(rows)].float()
        height, width = pictures.shape[-2:]
        shifts = np.stack([draw.integers(1, height, len(rows)), draw.integers(1, width, len(rows))], axis=1)
        ties = draw.random((len(rows), height * width))
        return _Trial(context, rows, pictures, blurred(pictures), shifts, ties)


@dataclass(frozen=True)
class _Trial:
    """The pictures drawn, and what all methods share.

    Attributes:
        rows: (m,) rows of the sample.
        pictures, hidden: float32 (m, channels, height, width).
        shifts: int (m, 2), by how much a shape is moved down and to the right.
        ties: (m, pixels), the order of pixels that a map does not tell apart.
    """

    context: MetricContext
    rows: np.ndarray
    pictures: Tensor
    hidden: Tensor
    shifts: np.ndarray
    ties: np.ndarray

    def hottest(self, maps: np.ndarray, area: float) -> np.ndarray:
        """The region that a map ranks first, bool (m, height, width); exactly the area asked for."""
        import cv2

        hot = np.zeros((len(maps), maps[0].size), bool)
        spread = REGION * min(maps.shape[-2:])
        for index, heatmap in enumerate(maps):
            region = cv2.GaussianBlur(heatmap, (0, 0), spread, borderType=cv2.BORDER_REFLECT)
            order = np.lexsort((self.ties[index], -region.reshape(-1)))
            hot[index, order[: max(1, round(area * heatmap.size))]] = True
        return hot.reshape(maps.shape)

    def moved(self, hot: np.ndarray) -> np.ndarray:
        """The same shapes elsewhere, around the edge where need be."""
        return np.stack(
            [np.roll(one, tuple(shift), axis=(0, 1)) for one, shift in zip(hot, self.shifts.tolist(), strict=True)]
        )

    def kept(self, hot: np.ndarray, what: str) -> np.ndarray:
        """Probability of the class (0) and whether it stays (1) when only that is kept, float64 (2, m)."""
        import torch

        shown = torch.from_numpy(hot)[:, None]
        report = self.context.progress
        scores = self.context.predictor.scores_of(
            len(hot),
            lambda start, stop: torch.where(shown[start:stop], self.pictures[start:stop], self.hidden[start:stop]),
            progress=lambda done, total: report(done, total, f"class consistency: {what}"),
        )
        context = self.context
        return np.stack([context.followed(scores, self.rows), context.kept(scores, self.rows)]).astype(np.float64)


def _measurements(
    own: np.ndarray, moved: np.ndarray, nulls: Mapping[str, np.ndarray], rows: np.ndarray, context: MetricContext
) -> list[Measurement]:
    """Args: own, moved: (2, m), probability and whether the class stays; nulls: name → probability (m,)."""
    noise = moved[0]
    gain = Gain(
        noise if own is moved else own[0], noise, nulls, context.clusters_of(rows), context.seed, span=1 - context.least
    )
    return [
        mean_of(NAMES[0], own[0], gain.clusters, seed=context.seed, lower=context.least),
        mean_of(NAMES[1], own[1], gain.clusters, seed=context.seed),
        gain.over_noise(NAMES[2], f"less {noise.mean():.3f} of the same area at random"),
        gain.over_bar(NAMES[3]),
    ]
