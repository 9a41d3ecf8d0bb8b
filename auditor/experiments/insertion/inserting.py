"""Inserts a recovered mark into pictures without it: does the prediction turn to the class that the mark goes with?

Source: the spurious score, docs/methods.md, interventions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from auditor.evidence import DoseResponse, Example, PairedEffects
from auditor.experiments.experiment import (
    MINIMUM_RECIPIENTS,
    SCREEN_ALPHA,
    SCREEN_EFFECT,
    Experiment,
    paired,
    per_recipient,
    screen_p,
)
from auditor.interventions.painting import Stamp, shuffled, stamp
from auditor.records import Measurement
from auditor.shares import percent
from auditor.statistics.intervals import mean_interval

DOSES = (0.25, 0.5, 0.75, 1.0)
"""Shares of the mark's own opacity."""
GOES_WITH = 0.05
"""The mark goes with a class where its carriers are predicted so more often than the others, Fisher's exact p."""
EXAMPLES = 4


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies of the mark a recipient on each half; each with shuffled controls of its own."""

    screen: int
    confirm: int


@dataclass(frozen=True, slots=True)
class Insertion:
    """A mark, and where it is to be brought.

    Attributes:
        mark: As recovered from half A.
        target: The class that it goes with.
        recipients: bool (n,): pictures without it.
        others: Other classes' patches, recovered in the same way: controls beside the shuffled mark.
        moving: Whether it is painted at random places, else where it was found.
        forbidden: bool (n, height, width) or None: where the object lies; a moving mark is kept off it where it can.
    """

    mark: Stamp
    target: int
    recipients: np.ndarray
    others: tuple[Stamp, ...] = ()
    moving: bool = False
    forbidden: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class InsertionResult:
    """What inserting did.

    Attributes:
        screen, confirm: Spurious scores on the halves; confirm only where it stood out.
        doses: Spurious score over opacity, on half B.
        further: What the mark does elsewhere: said beside the verdict, and no control, since a network may read it
            anywhere.
    """

    screen: tuple[PairedEffects, ...]
    stood_out: bool
    confirm: tuple[PairedEffects, ...] = ()
    doses: tuple[DoseResponse, ...] = ()
    examples: tuple[Example, ...] = field(default=())
    further: tuple[Measurement, ...] = ()


def goes_with(predicted: np.ndarray, carriers: np.ndarray, members: np.ndarray) -> int | None:
    """The class that carriers are predicted as more often than the others; None where there is none.

    Args:
        predicted: int (n,).
        carriers: bool (n,).
        members: Indices that may be looked at (half A).

    Returns:
        The class of the smallest one-sided Fisher p after Holm's first step, if that is at most .05.
    """
    classes = np.unique(predicted[members])
    carry = carriers[members]
    best: tuple[float, int] | None = None
    for label in classes:
        own = predicted[members] == label
        table = np.array([[(own & carry).sum(), (~own & carry).sum()], [(own & ~carry).sum(), (~own & ~carry).sum()]])
        p = float(stats.fisher_exact(table, alternative="greater").pvalue)
        if best is None or p < best[0]:
            best = (p, int(label))
    return best[1] if best is not None and best[0] * len(classes) <= GOES_WITH else None


def insert(experiment: Experiment, insertion: Insertion, name: str, copies: Copies) -> InsertionResult | None:
    """Screen on half A, confirm on half B.

    Args:
        name: Of the region, for draws and pictures.

    Returns:
        None where half A holds too few pictures that are not of the class already.
    """
    work = _Inserting(experiment, insertion, name)
    first = work.test("A", copies.screen)
    if first is None:
        return None
    p = screen_p([first], experiment.seed)[0]
    stood_out = p <= SCREEN_ALPHA and float(np.mean(first.differences)) >= SCREEN_EFFECT
    if not stood_out:
        return InsertionResult((first,), stood_out=False)
    second = work.test("B", copies.confirm, keep=True)
    if second is None:
        return InsertionResult((first,), stood_out=True)
    return InsertionResult(
        (first,),
        stood_out=True,
        confirm=(second,),
        doses=(work.doses("B"),),
        examples=tuple(work.examples),
        further=() if insertion.moving else (work.elsewhere("B"),),
    )


class _Inserting:
    def __init__(self, experiment: Experiment, insertion: Insertion, name: str) -> None:
        self.experiment, self.insertion, self.name = experiment, insertion, name
        self.examples: list[Example] = []

    def recipients(self, half: str) -> np.ndarray:
        members = self.experiment.halves[half]
        able = self.insertion.recipients[members] & (self.experiment.predicted[members] != self.insertion.target)
        return np.asarray(members[able])

    def test(self, half: str, copies: int, *, keep: bool = False) -> PairedEffects | None:
        """Share of copies that turn to the class, and of shuffled and other-class marks that do."""
        members = self.recipients(half)
        if len(members) < MINIMUM_RECIPIENTS:
            return None
        recipient = np.repeat(members, copies)
        rng = self.experiment.rng("insertion", self.name, half)
        corners = self.corners(recipient, self.insertion.mark, rng)
        mark = self.insertion.mark
        height, width = self.experiment.size
        arms: list[tuple[str, list[Stamp], np.ndarray]] = [(mark.name, [mark] * len(recipient), corners)]
        offset = corners - np.asarray(mark.corner)
        scattered = [shuffled(mark, height, width, rng) for _ in recipient]
        arms.append((scattered[0].name, scattered, np.asarray([s.corner for s in scattered]) + offset))
        for other in self.insertion.others:
            arms.append((other.name, [other] * len(recipient), np.asarray(other.corner) + offset))
        turned = []
        for arm_name, stamps, places in arms:
            scores = self.scores(recipient, stamps, places, f"insertion: {arm_name}, half {half}")
            turned.append(scores.argmax(axis=1) == self.insertion.target)
            if keep and len(turned) == 1:
                self.keep(recipient, corners, scores)
        return paired(
            "spurious_score", half, turned[0], np.asarray(turned[1:]), recipient, self.experiment.clusters,
            [arm[0] for arm in arms[1:]],
        )  # fmt: skip

    def scores(self, recipient: np.ndarray, stamps: Sequence[Stamp], places: np.ndarray, what: str) -> np.ndarray:
        images = self.experiment.sample.images
        return self.experiment.predict(
            len(recipient),
            lambda start, stop: stamp(images, recipient[start:stop], stamps[start:stop], places[start:stop]),
            what,
        )

    def corners(self, recipient: np.ndarray, mark: Stamp, rng: np.random.Generator) -> np.ndarray:
        """Where each copy goes: its own place, or a random one off the object."""
        if not self.insertion.moving:
            return np.tile(np.asarray(mark.corner), (len(recipient), 1))
        height, width = self.experiment.size
        h, w = mark.alpha.shape
        chosen = []
        for i in recipient:
            tries = np.column_stack([rng.integers(0, width - w + 1, 12), rng.integers(0, height - h + 1, 12)])
            if self.insertion.forbidden is None:
                chosen.append(tries[0])
                continue
            covered = [self.insertion.forbidden[i, y : y + h, x : x + w].mean() for x, y in tries]
            chosen.append(tries[int(np.argmin(covered))])
        return np.asarray(chosen)

    def keep(self, recipient: np.ndarray, corners: np.ndarray, scores: np.ndarray) -> None:
        """Pictures worth showing: the surest that turned, one a recipient."""
        experiment, target = self.experiment, self.insertion.target
        hits = np.flatnonzero(scores.argmax(axis=1) == target)
        shown: set[int] = set()
        for pair in hits[np.argsort(-scores[hits, target], kind="stable")]:
            i = int(recipient[pair])
            if i in shown or len(shown) == EXAMPLES:
                continue
            shown.add(i)
            picture = stamp(
                experiment.sample.images, recipient[pair : pair + 1], [self.insertion.mark], corners[pair : pair + 1]
            )
            before = int(experiment.scores[i].argmax())
            self.examples.append(
                Example(
                    recipient=i,
                    donor=-1,
                    change="the recovered mark is painted on it",
                    picture=experiment.keep_picture(f"{self.name}-inserted-{len(shown)}", picture[0].numpy()),
                    before=experiment.classes[before],
                    before_score=float(experiment.scores[i, before]),
                    after=experiment.classes[target],
                    after_score=float(scores[pair, target]),
                )
            )

    def elsewhere(self, half: str) -> Measurement:
        """Share of predictions that turn when the mark is painted at random places that it shares least with."""
        members, mark = self.recipients(half), self.insertion.mark
        rng = self.experiment.rng("elsewhere", self.name, half)
        (height, width), (h, w) = self.experiment.size, mark.alpha.shape
        places = []
        for _ in members:
            tries = np.column_stack([rng.integers(0, width - w + 1, 12), rng.integers(0, height - h + 1, 12)])
            shared = np.prod(np.maximum(0, np.array([w, h]) - np.abs(tries - np.asarray(mark.corner))), axis=1)
            places.append(tries[int(shared.argmin())])
        scores = self.scores(members, [mark] * len(members), np.asarray(places), "insertion elsewhere")
        turned = (scores.argmax(axis=1) == self.insertion.target).astype(float)
        low, high = mean_interval(turned, self.experiment.clusters[members], seed=self.experiment.seed)
        return Measurement(
            name="turned_elsewhere",
            value=float(turned.mean()),
            low=low,
            high=high,
            count=len(np.unique(self.experiment.clusters[members])),
            note=f"half {half}, the mark at random places; no control subtracted",
        )

    def doses(self, half: str) -> DoseResponse:
        """Spurious score at shares of the mark's own opacity, beside the shuffled mark at the same."""
        members = self.recipients(half)
        mark = self.insertion.mark
        height, width = self.experiment.size
        rates, lows, highs, controls = [], [], [], []
        for share in DOSES:
            rng = self.experiment.rng("dose", self.name, str(share))
            corners = self.corners(members, mark, rng)
            fainter = mark.fainter(share)
            scattered = [shuffled(fainter, height, width, rng) for _ in members]
            offset = corners - np.asarray(mark.corner)
            placed = np.asarray([s.corner for s in scattered]) + offset
            what = f"insertion at {percent(share)} of its opacity"
            turned = (
                self.scores(members, [fainter] * len(members), corners, what).argmax(axis=1) == self.insertion.target
            )
            control = self.scores(members, scattered, placed, what).argmax(axis=1) == self.insertion.target
            values = per_recipient(turned, members)
            low, high = mean_interval(values, self.experiment.clusters[members], seed=self.experiment.seed)
            rates.append(float(values.mean()))
            lows.append(low)
            highs.append(high)
            controls.append(float(control.mean()))
        return DoseResponse(
            what="the inserted mark",
            strength="share of its own opacity",
            outcome=f"predictions that turn to {self.experiment.classes[self.insertion.target]}",
            strengths=DOSES,
            rates=tuple(rates),
            lows=tuple(lows),
            highs=tuple(highs),
            controls=tuple(controls),
            count=len(members),
        )
