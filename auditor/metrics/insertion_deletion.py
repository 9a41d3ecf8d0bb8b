"""Insertion and deletion: whether the pixels that a map calls important are those that the score rests on."""

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

NULLS = 3
"""Maps that know nothing."""
RANDOM = "random map"
BLANK = "every map among the pictures drawn is blank"
NAMES = ("insertion_auc", "deletion_auc", "faithfulness", "faithfulness_over_bar")


class InsertionDeletion(Metric):
    """Whether the pixels that a map ranks first are those that the score rests on.

    Deletion blurs the picture's pixels, most important first; insertion restores them in the blurred picture in the
    same order. The score followed is the probability of the explained class
    (of a difference: the one less the other), and each curve's area is its mean over
    the share of pixels: a faithful map has a high insertion and a low deletion area. `faithfulness` is insertion minus
    deletion, which is zero on average for a random order. A map must also keep up with other maps that know nothing
    (the picture's edges, a blob in the centre): `faithfulness_over_bar` is the same less four fifths of what the better
    of them gains. Ties of a map follow a random order. Filled pictures look like no real ones, so this says whether a
    map can be trusted, never what the model relies on.

    Source: Petsiuk, Das and Saenko, "RISE", BMVC 2018, section 4.1.
    """

    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"standard": {}, "full": {"images": 64, "steps": 20}}
    rule = "Insertion minus deletion has to clear the bar."
    follows_score = True
    headlines = ("faithfulness",)

    images: int = Field(24, ge=1, description="Pictures drawn from the sample.")
    steps: int = Field(10, ge=2, le=100, description="Steps from the whole to the blurred picture.")

    def forwards(self, work: Workload = USUAL) -> float:
        each = 1 + (work.map_sets + NULLS) * 2 * (self.steps - 1)
        return work.share(self.images) * each

    def measure(self, context: MetricContext) -> MetricResult:
        if not context.maps:
            return MetricResult()
        trial = self._trial(context)
        every = np.arange(len(trial.rows))
        curves = {RANDOM: trial.curves(trial.random, every, RANDOM)}
        for null in reference_maps(trial.pictures, trial.rows, context.seed):
            if null.name != RANDOM:
                curves[null.name] = trial.curves(trial.ranks(null.maps, every), every, null.name)
        nulls = {name: areas(each) for name, each in curves.items()}
        of_maps: dict[str, list[Measurement]] = {}
        trust: dict[str, str] = {}
        for item in context.maps:
            usable = np.flatnonzero(item.usable[trial.rows])
            if not len(usable):
                of_maps[item.name] = [Measurement(name=name, value=None, count=0, reason=BLANK) for name in NAMES]
                trust[item.name] = UNDECIDED
                continue
            curves[item.name] = trial.curves(trial.ranks(item.maps[trial.rows], usable), usable, item.name)
            found = areas(curves[item.name])
            against = {name: each[:, usable] for name, each in nulls.items()}
            of_maps[item.name] = _measurements(found, against, trial.rows[usable], context)
            trust[item.name] = verdict(*of_maps[item.name][2:4], units=context.units(trial.rows[usable]))
        of_nulls = {name: _measurements(each, nulls, trial.rows, context)[:3] for name, each in nulls.items()}
        drawn = {name: _mean_curves(each) for name, each in curves.items()}
        shares = (np.arange(self.steps + 1) / self.steps).tolist()
        table = {"shares": shares, "images": len(trial.rows), "curves": drawn, "nulls": list(nulls)}
        return MetricResult(of_maps=of_maps, of_nulls=of_nulls, trust=trust, tables={"insertion_deletion": table})

    def _trial(self, context: MetricContext) -> _Trial:
        """Draw the pictures, blur them, score the blurred ones once for all methods."""
        import torch

        draw = np.random.default_rng([context.seed, 0])
        pool = context.explained()
        rows = np.sort(pool[draw.permutation(len(pool))[: self.images]])
        images = context.sample.images[torch.from_numpy(rows)].float()
        hidden = blurred(images)
        pixels = images.shape[-2] * images.shape[-1]
        random = np.stack([draw.permutation(pixels) for _ in rows]).astype(np.int32)
        ends = context.followed(context.scores[rows], rows), context.followed(context.predictor.scores(hidden), rows)
        return _Trial(context, self.steps, rows, images, hidden, random, ends)


@dataclass(frozen=True)
class _Trial:
    """The pictures drawn, and what all methods share.

    Attributes:
        rows: (m,) rows of the sample.
        pictures, blurred: float32 (m, channels, height, width).
        random: int32 (m, pixels), each pixel's rank in a random order.
        ends: Scores of the whole and of the blurred pictures, (m,) each.
    """

    context: MetricContext
    steps: int
    rows: np.ndarray
    pictures: Tensor
    blurred: Tensor
    random: np.ndarray
    ends: tuple[np.ndarray, np.ndarray]

    def ranks(self, maps: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Each pixel's rank, 0 the most important, int32 (m, pixels); pictures that are not chosen stay random."""
        ranks = self.random.copy()
        for place in chosen:
            order = np.lexsort((self.random[place], -maps[place].reshape(-1)))
            ranks[place, order] = np.arange(len(order), dtype=np.int32)
        return ranks

    def curves(self, ranks: np.ndarray, chosen: np.ndarray, what: str) -> np.ndarray:
        """Scores along insertion (0) and deletion (1), float64 (2, chosen, steps + 1); the ends are shared."""
        import torch

        inner = self.steps - 1
        every_rank = torch.from_numpy(ranks).view(len(ranks), 1, *self.pictures.shape[-2:])
        pixels = ranks.shape[1]
        places = torch.from_numpy(chosen)

        def compose(start: int, stop: int) -> Tensor:
            index = torch.arange(start, stop)
            place = places[index // (2 * inner)]
            deletes = (index // inner % 2).bool()
            first = (index % inner + 1) * pixels // self.steps
            # where the original shows: the first pixels on insertion, all others on deletion
            shown = (every_rank[place] < first.view(-1, 1, 1, 1)) ^ deletes.view(-1, 1, 1, 1)
            return torch.where(shown, self.pictures[place], self.blurred[place])

        predictor, report = self.context.predictor, self.context.progress
        name = f"insertion and deletion: {what}"
        scores = predictor.scores_of(
            len(chosen) * 2 * inner, compose, progress=lambda done, total: report(done, total, name)
        )
        followed = self.context.followed(scores, np.repeat(self.rows[chosen], 2 * inner))
        curves = np.empty((2, len(chosen), self.steps + 1))
        curves[:, :, 1:-1] = followed.reshape(len(chosen), 2, inner).transpose(1, 0, 2)
        whole, blurred = self.ends[0][chosen], self.ends[1][chosen]
        curves[0, :, 0], curves[0, :, -1] = blurred, whole
        curves[1, :, 0], curves[1, :, -1] = whole, blurred
        return curves


def areas(curves: np.ndarray) -> np.ndarray:
    """Areas under curves over the share of pixels, last axis gone."""
    from scipy.integrate import trapezoid

    return np.asarray(trapezoid(curves, dx=1 / (curves.shape[-1] - 1), axis=-1))


def _mean_curves(curves: np.ndarray) -> dict[str, list[float]]:
    insertion, deletion = curves.mean(axis=1)
    return {"insertion": insertion.tolist(), "deletion": deletion.tolist()}


def _measurements(
    found: np.ndarray, nulls: Mapping[str, np.ndarray], rows: np.ndarray, context: MetricContext
) -> list[Measurement]:
    """Areas, their difference, and that less the bar.

    Args:
        found: (2, m): insertion and deletion.
        nulls: Name → the same of each map that knows nothing.
    """
    gains = {name: each[0] - each[1] for name, each in nulls.items() if name != RANDOM}
    values = found[0] - found[1]
    # a random order shows as random a set of pixels while they come as while they go
    gain = Gain(
        values, np.zeros_like(values), gains, context.clusters_of(rows), context.seed, span=2 * (1 - context.least)
    )
    back, gone = "mean probability while pixels come back", "mean probability while pixels go"
    least = context.least
    return [
        mean_of("insertion_auc", found[0], gain.clusters, seed=context.seed, lower=least, note=back),
        mean_of("deletion_auc", found[1], gain.clusters, seed=context.seed, lower=least, note=gone),
        gain.over_noise("faithfulness", "insertion minus deletion; 0 on average for a random order"),
        gain.over_bar("faithfulness_over_bar"),
    ]
