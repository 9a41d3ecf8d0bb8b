"""ROAD: remove what a map calls important, fill the gap so that it does not show, and see whether the class goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.metrics import USUAL, Metric, MetricContext, MetricResult, Workload
from auditor.records import Measurement
from auditor.trust.deciding import UNDECIDED, Gain, mean_of, verdict
from auditor.trust.imputation import impute
from auditor.trust.references import reference_maps

if TYPE_CHECKING:
    from torch import Tensor

NOISE = 0.01
"""Standard deviation of the noise on imputed pixels, as a share of the pixels' range."""
TOLERANCE = 1e-4
"""How exactly the imputation is solved, as a share of the range: on photos of 224 pixels the result is then within the
noise of the exact one."""
AT_ONCE = 200_000
"""Values that a CPU imputes at once: what fits into its cache."""
NULLS = 3
"""Maps that know nothing."""
BLANK = "every map among the pictures drawn is blank"
NAMES = ("road_morf", "road_lerf", "road", "road_over_bar")
RANDOM = "random map"


class Road(Metric):
    """Whether the class goes when what a map calls important is removed, and stays when the rest is.

    ROAD removes the most relevant pixels first (`road_morf`), or the least relevant first (`road_lerf`); what is
    removed becomes the weighted mean of its neighbours, solved for all removed pixels together, plus a little noise,
    so that the shape of the gap tells the model nothing. Each is the mean probability of the explained class over the
    percentiles; `road` is the second minus the first, which is zero on average for a random map, as a random order is
    as random from its end. A map must also keep up with other maps that know nothing (the picture's edges, a blob in
    the centre): `road_over_bar` is the same less four fifths of what the better of them gains. Ties of a map are broken
    at random. The table also gives the share of pictures that keep their class at each percentile, which is what the
    source reports.

    Source: Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", ICML 2022.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "standard": {},
        "full": {"images": 32, "percentiles": (10, 20, 30, 40, 50, 60, 70, 80, 90)},
    }
    rule = "Least relevant first minus most relevant first has to clear the bar."
    follows_score = True
    headlines = ("road",)

    images: int = Field(8, ge=1, description="Pictures drawn from the sample.")
    percentiles: tuple[int, ...] = Field(
        (10, 30, 50, 70, 90), min_length=1, description="Shares of the pixels removed, per cent, 1 to 99."
    )

    def forwards(self, work: Workload = USUAL) -> float:
        """As for all metrics; imputing costs as much again."""
        return work.share(self.images) * (work.map_sets + NULLS) * 2 * len(self.percentiles)

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        draw = np.random.default_rng([context.seed, 6])
        pool = context.explained()
        rows = np.sort(pool[draw.permutation(len(pool))[: self.images]])
        trial = _Trial.of(context, rows, self.percentiles)
        every = np.arange(len(rows))
        references = reference_maps(context.sample.images[rows], rows, context.seed)
        followed = {null.name: trial.followed(null.maps, every, null.name) for null in references}
        nulls = {name: scores.mean(axis=2) for name, (scores, _) in followed.items()}
        of_maps: dict[str, list[Measurement]] = {}
        trust: dict[str, str] = {}
        for item in context.maps:
            usable = np.flatnonzero(item.usable[rows])
            if not len(usable):
                of_maps[item.name] = [Measurement(name=name, value=None, count=0, reason=BLANK) for name in NAMES]
                trust[item.name] = UNDECIDED
                continue
            followed[item.name] = trial.followed(item.maps[rows], usable, item.name)
            against = {name: each[:, usable] for name, each in nulls.items()}
            of_maps[item.name] = _measurements(followed[item.name][0].mean(axis=2), against, rows[usable], context)
            trust[item.name] = verdict(*of_maps[item.name][2:4], units=context.units(rows[usable]))
        of_nulls = {name: _measurements(each, nulls, rows, context)[:3] for name, each in nulls.items()}
        table = {
            "percentiles": list(self.percentiles),
            "images": len(rows),
            "nulls": list(nulls),
            "probability": {name: _curves(scores) for name, (scores, _) in followed.items()},
            "same_class": {name: _curves(kept) for name, (_, kept) in followed.items()},
        }
        return MetricResult(of_maps=of_maps, of_nulls=of_nulls, trust=trust, tables={"road": table})


@dataclass(frozen=True)
class _Trial:
    """The pictures drawn, and what all methods share.

    Attributes:
        images: float32 (m, channels, height, width), on the predictor's device.
        rows: (m,) rows of the sample.
        ties: float64 (m, pixels), the order of pixels that a map does not tell apart.
        value_range: Of a pixel, from the least to the greatest value.
    """

    context: MetricContext
    percentiles: tuple[int, ...]
    images: Tensor
    rows: np.ndarray
    ties: np.ndarray
    value_range: float

    @classmethod
    def of(cls, context: MetricContext, rows: np.ndarray, percentiles: tuple[int, ...]) -> _Trial:
        sample = context.sample.images
        images = sample[rows].float().to(context.predictor.device)
        value_range = float(sample.max() - sample.min()) if sample.is_floating_point() else 255.0
        pixels = images.shape[-2] * images.shape[-1]
        ties = np.stack([np.random.default_rng([context.seed, 7, int(row)]).random(pixels) for row in rows])
        return cls(context, percentiles, images, rows, ties, value_range)

    def followed(self, maps: np.ndarray, chosen: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
        """Probability of the class, and whether it is kept, most relevant first (0) and least relevant first (1).

        Args:
            maps: (m, height, width).
            chosen: Which of the pictures, (k,).

        Returns:
            float64 and bool, (2, k, percentiles).
        """
        import torch

        size, each = maps[0].size, len(self.percentiles)
        ranks = np.empty((len(chosen), size), np.int32)
        for index, place in enumerate(chosen):
            order = np.lexsort((self.ties[place], -maps[place].reshape(-1)))
            ranks[index, order] = np.arange(size, dtype=np.int32)
        # both orders of one picture follow each other; the least relevant first is the same order from its end
        orders = np.stack([ranks, size - 1 - ranks], axis=1).reshape(-1, *maps.shape[-2:])

        at_once = max(1, AT_ONCE // self.images[0].numel()) if self.images.device.type == "cpu" else len(orders) * each

        def compose(start: int, stop: int) -> Tensor:
            steps = range(start, stop, at_once)
            return torch.cat([self._removed(chosen, orders, np.arange(at, min(stop, at + at_once))) for at in steps])

        name, report = f"ROAD: {what}", self.context.progress
        scores = self.context.predictor.scores_of(
            len(orders) * each, compose, progress=lambda done, total: report(done, total, name)
        )
        rows = np.repeat(self.rows[chosen], 2 * each)
        probability = self.context.followed(scores, rows).astype(np.float64)
        kept = self.context.kept(scores, rows)
        shape = (len(chosen), 2, each)
        return probability.reshape(shape).transpose(1, 0, 2), kept.reshape(shape).transpose(1, 0, 2)

    def _removed(self, chosen: np.ndarray, orders: np.ndarray, index: np.ndarray) -> Tensor:
        """Pictures at one percentile each; the noise depends on picture, order and percentile, not on the method."""
        import torch

        order, step = np.divmod(index, len(self.percentiles))
        place = chosen[order // 2]
        images = self.images[torch.from_numpy(place)]
        gone = (orders[0].size * np.array(self.percentiles)[step] / 100).astype(int)
        known = torch.from_numpy(orders[order] >= gone[:, None, None]).to(images.device)
        filled = impute(images, known, tolerance=TOLERANCE * self.value_range)
        seeds = zip(self.rows[place].tolist(), (order % 2).tolist(), step.tolist(), strict=True)
        draws = [np.random.default_rng([self.context.seed, 8, *seed]) for seed in seeds]
        noise = np.stack([draw.standard_normal(images.shape[1:], dtype=np.float32) for draw in draws])
        noisy = filled + NOISE * self.value_range * torch.from_numpy(noise).to(images.device)
        return torch.where(known[:, None], images, noisy)


def _curves(values: np.ndarray) -> dict[str, list[float]]:
    most, least = values.mean(axis=1)
    return {"morf": most.tolist(), "lerf": least.tolist()}


def _measurements(
    found: np.ndarray, nulls: Mapping[str, np.ndarray], rows: np.ndarray, context: MetricContext
) -> list[Measurement]:
    """Args: found: (2, m), most and least relevant first; nulls: name → the same."""
    gains = {name: each[1] - each[0] for name, each in nulls.items() if name != RANDOM}
    values = found[1] - found[0]
    gain = Gain(
        values, np.zeros_like(values), gains, context.clusters_of(rows), context.seed, span=2 * (1 - context.least)
    )
    mean, least = "mean probability over the percentiles", context.least
    return [
        *(
            mean_of(
                name, values, gain.clusters, seed=context.seed, lower=least, note=f"{mean}, {which} pixels gone first"
            )
            for name, values, which in zip(NAMES, found, ("most relevant", "least relevant"), strict=False)
        ),
        gain.over_noise(NAMES[2], "least minus most relevant first; 0 on average for a random map"),
        gain.over_bar(NAMES[3]),
    ]
