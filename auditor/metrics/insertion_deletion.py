"""Insertion and deletion: whether the pixels that a map calls important are those that the score rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.metrics import MapSet, Metric, MetricContext, MetricResult
from auditor.records import Measurement
from auditor.statistics.intervals import mean_interval

if TYPE_CHECKING:
    from torch import Tensor

BLUR = 0.1
"""Standard deviation of the blur as a share of the picture's shorter side: shapes go, the colours of areas stay."""
DECIDABLE = 16
"""With as many maps, an interval around zero means that the map is no better than chance."""
LEAST = 4
"""With fewer maps nothing is said: resampling them would be surer than they allow."""
EXPECTED_MAP_SETS, EXPECTED_SAMPLE = 6, 128
"""What `forwards` assumes, as neither is known before the model is loaded."""
BLANK = "every map among the pictures drawn is blank"


class InsertionDeletion(Metric):
    """Whether the pixels that a map ranks first are those that the score rests on.

    Deletion blurs the picture's pixels, most important first; insertion restores them in the blurred picture in the
    same order. The score followed is the probability of the predicted class, and each curve's area is its mean over
    the share of pixels: a faithful map has a high insertion and a low deletion area. `faithfulness` is insertion minus
    deletion, less the same for a random order of the pixels of the same picture; above zero the map knows more than
    chance. Ties of a map follow that random order. Filled pictures look like no real ones, so this says whether
    a map can be trusted, never what the model relies on.

    Source: Petsiuk, Das and Saenko, "RISE", BMVC 2018, section 4.1.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"standard": {}, "full": {"images": 64, "steps": 20}}

    images: int = Field(32, ge=1, description="Pictures drawn from the sample.")
    steps: int = Field(10, ge=2, le=100, description="Steps from the whole to the blurred picture.")

    def forwards(self) -> float:
        """Upper bound of forwards an image for a sample of 128 and six sets of maps; more sets cost more."""
        each = 1 + (EXPECTED_MAP_SETS + 1) * 2 * (self.steps - 1)
        return self.images * each / EXPECTED_SAMPLE

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        trial = self._trial(context)
        shares = np.arange(self.steps + 1) / self.steps
        chance = trial.curves(trial.random, np.arange(len(trial.rows)), "a random order")
        of_maps: dict[str, list[Measurement]] = {}
        trust: dict[str, str] = {}
        drawn = {"random order": _mean_curves(chance)}
        for item in context.maps:
            usable = np.flatnonzero(item.usable[trial.rows])
            if not len(usable):
                names = ("insertion_auc", "deletion_auc", "faithfulness")
                of_maps[item.name] = [Measurement(name=name, value=None, count=0, reason=BLANK) for name in names]
                trust[item.name] = "not enough data"
                continue
            curves = trial.curves(trial.ranks(item, usable), usable, item.name)
            of_maps[item.name] = _measurements(curves, chance[:, usable], shares, trial.rows[usable], context)
            trust[item.name] = _verdict(of_maps[item.name][-1])
            drawn[item.name] = _mean_curves(curves)
        table = {"shares": shares.tolist(), "images": len(trial.rows), "curves": drawn}
        return MetricResult(of_maps=of_maps, trust=trust, tables={"insertion_deletion": table})

    def _trial(self, context: MetricContext) -> _Trial:
        """Draw the pictures, blur them, score the blurred ones once for all methods."""
        import torch

        draw = np.random.default_rng([context.seed, 0])
        count = min(self.images, len(context.sample))
        rows = np.sort(draw.permutation(len(context.sample))[:count])
        images = context.sample.images[torch.from_numpy(rows)].float()
        blurred = torch.from_numpy(np.stack([_blur(image.numpy()) for image in images]))
        pixels = images.shape[-2] * images.shape[-1]
        random = np.stack([draw.permutation(pixels) for _ in rows]).astype(np.int32)
        targets = context.predicted[rows]
        every = np.arange(len(rows))
        ends = context.scores[rows, targets], context.predictor.scores(blurred)[every, targets]
        return _Trial(context, self.steps, rows, images, blurred, random, targets, ends)


@dataclass(frozen=True)
class _Trial:
    """The pictures drawn, and what all methods share.

    Attributes:
        rows: (m,) rows of the sample.
        images, blurred: float32 (m, channels, height, width).
        random: int32 (m, pixels), each pixel's rank in a random order.
        targets: (m,) class followed.
        ends: Scores of the whole and of the blurred pictures, (m,) each.
    """

    context: MetricContext
    steps: int
    rows: np.ndarray
    images: Tensor
    blurred: Tensor
    random: np.ndarray
    targets: np.ndarray
    ends: tuple[np.ndarray, np.ndarray]

    def ranks(self, item: MapSet, chosen: np.ndarray) -> np.ndarray:
        """Each pixel's rank, 0 the most important, int32 (m, pixels); rows that are not chosen stay random."""
        ranks = self.random.copy()
        for place in chosen:
            order = np.lexsort((self.random[place], -item.maps[self.rows[place]].reshape(-1)))
            ranks[place, order] = np.arange(len(order), dtype=np.int32)
        return ranks

    def curves(self, ranks: np.ndarray, chosen: np.ndarray, what: str) -> np.ndarray:
        """Scores along insertion (0) and deletion (1), float64 (2, chosen, steps + 1); the ends are shared."""
        import torch

        inner = self.steps - 1
        every_rank = torch.from_numpy(ranks).view(len(ranks), 1, *self.images.shape[-2:])
        pixels = ranks.shape[1]
        places = torch.from_numpy(chosen)

        def compose(start: int, stop: int) -> Tensor:
            index = torch.arange(start, stop)
            place = places[index // (2 * inner)]
            deletes = (index // inner % 2).bool()
            first = (index % inner + 1) * pixels // self.steps
            # where the original shows: the first pixels on insertion, all others on deletion
            shown = (every_rank[place] < first.view(-1, 1, 1, 1)) ^ deletes.view(-1, 1, 1, 1)
            return torch.where(shown, self.images[place], self.blurred[place])

        predictor, report = self.context.predictor, self.context.progress
        name = f"insertion and deletion: {what}"
        scores = predictor.scores_of(
            len(chosen) * 2 * inner, compose, progress=lambda done, total: report(done, total, name)
        )
        followed = scores[np.arange(len(scores)), np.repeat(self.targets[chosen], 2 * inner)]
        curves = np.empty((2, len(chosen), self.steps + 1))
        curves[:, :, 1:-1] = followed.reshape(len(chosen), 2, inner).transpose(1, 0, 2)
        whole, blurred = self.ends[0][chosen], self.ends[1][chosen]
        curves[0, :, 0], curves[0, :, -1] = blurred, whole
        curves[1, :, 0], curves[1, :, -1] = whole, blurred
        return curves


def _blur(image: np.ndarray) -> np.ndarray:
    """Gaussian blur of each channel, (channels, height, width)."""
    import cv2

    spread = BLUR * min(image.shape[-2:])
    return np.stack([cv2.GaussianBlur(plane, (0, 0), spread, borderType=cv2.BORDER_REFLECT) for plane in image])


def _mean_curves(curves: np.ndarray) -> dict[str, list[float]]:
    insertion, deletion = curves.mean(axis=1)
    return {"insertion": insertion.tolist(), "deletion": deletion.tolist()}


def _measurements(
    curves: np.ndarray, chance: np.ndarray, shares: np.ndarray, rows: np.ndarray, context: MetricContext
) -> list[Measurement]:
    """Areas under both curves, and their difference less that of the random order; intervals over pictures."""
    from scipy.integrate import trapezoid

    insertion, deletion = trapezoid(curves, shares, axis=-1)
    random_insertion, random_deletion = trapezoid(chance, shares, axis=-1)
    faithfulness = (insertion - deletion) - (random_insertion - random_deletion)
    clusters = context.clusters_of(rows)

    def measurement(name: str, values: np.ndarray, lower: float, upper: float, note: str) -> Measurement:
        low, high = mean_interval(values, clusters, seed=context.seed, lower=lower, upper=upper)
        value = float(values.mean())
        return Measurement(
            name=name, value=value, low=min(low, value), high=max(high, value), count=len(rows), note=note
        )

    random = f"of a random order: {random_insertion.mean():.3f} insertion, {random_deletion.mean():.3f} deletion"
    return [
        measurement("insertion_auc", insertion, 0.0, 1.0, random),
        measurement("deletion_auc", deletion, 0.0, 1.0, random),
        measurement("faithfulness", faithfulness, -2.0, 2.0, "insertion minus deletion, less that of a random order"),
    ]


def _verdict(faithfulness: Measurement) -> str:
    """Passed above chance, failed below it or not above it on enough maps."""
    low, high, count = faithfulness.low, faithfulness.high, faithfulness.count
    if low is None or high is None or count < LEAST:
        return "not enough data"
    if low > 0:
        return "passed"
    return "failed" if high < 0 or count >= DECIDABLE else "not enough data"
