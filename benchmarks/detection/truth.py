"""How much a network truly relies on each cue, measured on fresh pictures with the cue's own generator."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import nn

from benchmarks.detection.case import CaseSpec, Role
from benchmarks.detection.cues import Cue, composed_with
from benchmarks.detection.scenes import CORNERS, Scenes, draw_scenes, varied
from benchmarks.detection.shapes import Bytes
from benchmarks.detection.training import predicted

STRONG, PARTIAL, NEGATIVE = 0.85, 0.25, 0.10
FRESH = 480
"""Pictures that the truth is measured on; a cue of one class has about three quarters of them as recipients."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its Clopper–Pearson interval at 95 %."""

    value: float
    low: float
    high: float
    count: int

    def as_json(self) -> dict[str, Any]:
        """Plain values, rounded to four places."""
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "count": self.count,
        }


@dataclass(frozen=True, slots=True)
class Truth:
    """What was measured on one network.

    Attributes:
        accuracy: On fresh pictures without any cue.
        scores: The spurious score of each of the case's cues, in their order, pooled over its classes.
        class_scores: For each cue that goes with several classes, the score of each of them, in the cue's order; empty
            for the others.
        pulled_to: For each cue that training tied to no class, the class that its score is about; None for the others.
    """

    accuracy: Share
    scores: tuple[Share, ...]
    class_scores: tuple[tuple[Share, ...], ...] = ()
    pulled_to: tuple[int | None, ...] = ()

    @property
    def largest(self) -> float:
        """The largest score of any cue and class; 0 without a cue."""
        return max((share.value for share in (*self.scores, *chain.from_iterable(self.class_scores))), default=0.0)


def share_of(hits: NDArray[np.bool_]) -> Share:
    """The share of true entries.

    Raises:
        ValueError: There are none to count.
    """
    if not len(hits):
        raise ValueError("a share needs at least one picture to count")
    interval = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="exact")
    return Share(float(hits.mean()), float(interval.low), float(interval.high), len(hits))


def measured(case: CaseSpec, model: nn.Module) -> Truth:
    """Accuracy and spurious scores on pictures that neither training nor the audit has seen."""
    rng = np.random.default_rng([case.seed, 3])
    scenes = draw_scenes(rng, FRESH, pixels=case.pixels, half=case.half, placement=case.placement)
    bare = scenes.composed()
    before = predicted(model, varied(rng, bare) if case.variety else bare)
    scores = [spurious_scores(rng, model, scenes, cue, learned=case.presence == "with class") for cue in case.cues]
    pooled, alone, targets = zip(*scores, strict=True) if scores else ((), (), ())
    return Truth(share_of(before == scenes.labels), pooled, alone, targets)


def spurious_scores(
    rng: np.random.Generator, model: nn.Module, scenes: Scenes, cue: Cue, *, learned: bool
) -> tuple[Share, tuple[Share, ...], int | None]:
    """S = P(f(x with the cue of class c) = c | f(x) ≠ c), pooled over the cue's classes; x are of other classes.

    Args:
        rng: Places and phases of the cue.
        model: In evaluation mode.
        scenes: Fresh ones.
        cue: With its true generator.
        learned: The cue went with its classes in training. Where it went with none, it could pull towards any class:
            then the largest score over all classes and variants is given.

    Returns:
        The pooled score; that of each class where the cue goes with several; the class that the largest score is about,
        where the cue went with none.
    """
    before = predicted(model, scenes.composed())
    pulled: dict[tuple[int, int], NDArray[np.bool_]] = {}
    for variant in cue.classes:
        after = predicted(model, _wearing(rng, scenes, cue, variant))
        for target in [variant] if learned else range(len(scenes.classes)):
            recipients = (scenes.labels != target) & (before != target)
            pulled[variant, target] = after[recipients] == target
    if learned:
        alone = tuple(share_of(hits) for hits in pulled.values()) if len(pulled) > 1 else ()
        return share_of(np.concatenate(list(pulled.values()))), alone, None
    shares = {target: share_of(hits) for target, hits in pulled.items() if len(hits)}
    strongest = max(shares, key=lambda pair: shares[pair].value)
    return shares[strongest], (), strongest[1]


def _wearing(rng: np.random.Generator, scenes: Scenes, cue: Cue, label: int) -> Bytes:
    """All pictures with the cue of one class. A true feature is brought by its box, from pictures of its class."""
    if cue.family != "true_feature":
        return composed_with(rng, scenes, [(cue, np.full(len(scenes.labels), label))])
    pictures = scenes.composed()
    box = cue.box(pictures.shape[1])
    assert box is not None
    donors = rng.choice(np.flatnonzero(scenes.labels == label), len(pictures))
    rows, columns = slice(box[1], box[3]), slice(box[0], box[2])
    taken: Bytes = pictures[donors]
    pictures[:, rows, columns] = taken[:, rows, columns]
    return pictures


def role_of(case: CaseSpec, truth: Truth) -> Role:
    """What a case counts as: measured, never intended. Of two cues the one relied on less decides.

    A network is negative only where no class follows its cue: pooled over four classes, one that follows is hidden.
    """
    if case.training == "none":
        return "untrained"
    if case.placement in CORNERS:
        return "true_feature"
    if not truth.scores:
        return "negative"
    values = [score.value for score in truth.scores]
    decisive = max(values) if case.intended == "negative" else min(values)
    if decisive >= STRONG:
        return "strong"
    if decisive >= PARTIAL:
        return "partial"
    return "negative" if truth.largest < NEGATIVE else "between"
