"""What a model says to pictures with a mark of the bank on them, beside the mark's controls.

Source: docs/methods.md, watermark bank.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from auditor.evidence import DoseResponse, Example, PairedEffects
from auditor.experiments.experiment import Experiment, paired, per_recipient
from auditor.interventions.stamping import Arm, Stamper, dealt
from auditor.records import Measurement
from auditor.shares import percent
from auditor.statistics.intervals import mean_interval

OPACITIES = (0.3, 0.5, 1.0)
SCREENED_OPACITIES = (0.5, 1.0)
SCRAMBLES = 6
"""Different scrambled copies of a mark at a place, dealt out over the pictures: one could resemble something."""
CONTROL_WORDS = {"scrambled": "the mark's pixels scrambled", "plain": "its plain outline of the same energy"}


@dataclass(frozen=True, slots=True)
class Shown:
    """Pictures of a half with a mark and with its controls.

    Attributes:
        recipient: (shown,) sorted.
        place, opacity: (shown,) where the mark lay, and how opaque.
        scores: Arm → float32 (shown, classes).
    """

    recipient: np.ndarray
    place: np.ndarray
    opacity: np.ndarray
    scores: Mapping[Arm, np.ndarray]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the mark and its controls did to those pictures that can show it.

    Attributes:
        keep: (shown,) which pictures those are.
        values: Arm → (kept,) right answer lost, or probability of the attractor.
        hits: (kept,) which are worth showing.
    """

    shown: Shown
    keep: np.ndarray
    values: Mapping[Arm, np.ndarray]
    hits: np.ndarray

    @property
    def recipient(self) -> np.ndarray:
        return np.asarray(self.shown.recipient[self.keep])

    @property
    def control(self) -> Arm:
        """The control that does more: the mark must exceed every one."""
        controls: list[Arm] = [arm for arm in self.values if arm != "mark"]
        return max(controls, key=lambda arm: float(self.values[arm].sum()))


class MarkTrial:
    """One mark at its places, its controls, and what the model says to them."""

    def __init__(self, experiment: Experiment, name: str) -> None:
        self.experiment, self.name = experiment, name
        rng = experiment.rng("watermark-bank", name)
        self.stamper = Stamper(experiment.sample.images, name, rng, scrambles=SCRAMBLES)

    @property
    def words(self) -> str:
        return self.stamper.marks[0].words

    def show(self, half: str, placements: int, opacities: Sequence[float], arms: Sequence[Arm]) -> Shown:
        """Insert the mark and its controls into every picture of a half, at places and opacities dealt out."""
        members = self.experiment.halves[half]
        recipient = np.repeat(members, placements)
        place, opacity = dealt(len(members), placements, opacities, self.experiment.rng("watermark-deal", half))

        def scores(arm: Arm) -> np.ndarray:
            def make(start: int, stop: int) -> Tensor:
                return self.stamper.compose(arm, recipient[start:stop], place[start:stop], opacity[start:stop])

            return self.experiment.predict(len(recipient), make, f"watermark bank: {self.words}, half {half}")

        return Shown(recipient, place, opacity, {arm: scores(arm) for arm in arms})

    def screen(self) -> Shown:
        """One place and opacity a picture of half A; the scrambled mark alone is the control."""
        return self.show("A", 1, SCREENED_OPACITIES, ("mark", "scrambled"))

    def confirming(self, placements: int) -> Shown | None:
        """The mark on the confirmation half; None where the budget does not hold it."""
        arms: tuple[Arm, ...] = ("mark", "scrambled", "plain")
        if self.experiment.budget < len(arms) * placements * len(self.experiment.halves["B"]):
            return None
        return self.show("B", placements, OPACITIES, arms)

    def outcome(self, shown: Shown, attractor: int | None) -> Outcome:
        """Right answers lost; or the probability of an attractor, in pictures that were not taken for it before."""
        predicted, labels = self.experiment.predicted, self.experiment.sample.labels
        after = {arm: scores.argmax(axis=1) for arm, scores in shown.scores.items()}
        if attractor is not None:
            keep = predicted[shown.recipient] != attractor
            probability = {arm: scores[keep, attractor].astype(float) for arm, scores in shown.scores.items()}
            return Outcome(shown, keep, probability, after["mark"][keep] == attractor)
        truth = np.where(labels >= 0, labels, predicted)
        right = (predicted == truth)[shown.recipient]
        lost = {arm: (right & (classes != truth[shown.recipient])).astype(float) for arm, classes in after.items()}
        return Outcome(shown, np.ones(len(right), dtype=bool), lost, lost["mark"] > lost["scrambled"])

    def effects(self, outcome: Outcome, half: str, attractor: int | None) -> PairedEffects:
        """The mark against the control that does more, by recipient."""
        name, control = "watermark_gap" if attractor is None else "attractor", outcome.control
        values, clusters = outcome.values, self.experiment.clusters
        return paired(
            name, half, values["mark"], values[control][None], outcome.recipient, clusters, [CONTROL_WORDS[control]]
        )

    def attractor(self, shown: Shown) -> int:
        """The class whose probability rises most over the scrambled mark, where it was not predicted."""
        return int(self._rise(shown, shown.scores["scrambled"]).argmax())

    def largest_raise(self, shown: Shown) -> Measurement:
        """How far the mark raises a class over the untouched pictures; of all classes the most."""
        before = self.experiment.scores[shown.recipient]
        label = int(self._rise(shown, before).argmax())
        keep = self.experiment.predicted[shown.recipient] != label
        values = (shown.scores["mark"] - before)[keep, label].astype(float)
        clusters = self.experiment.clusters[shown.recipient[keep]]
        low, high = (
            mean_interval(values, clusters, seed=self.experiment.seed, lower=-1.0) if len(values) else (0.0, 0.0)
        )
        return Measurement(
            name="largest_raise",
            value=float(values.mean()) if len(values) else 0.0,
            low=low,
            high=high,
            count=len(np.unique(clusters)),
            note=f"half A; probability of {self.experiment.classes[label]}, the class raised most, over the untouched "
            "pictures; scrambled marks may raise it as much",
        )

    def _rise(self, shown: Shown, over: np.ndarray) -> np.ndarray:
        """Mean rise of each class's probability with the mark, in pictures that were not taken for it: (classes,)."""
        others = np.ones_like(over)
        others[np.arange(len(over)), self.experiment.predicted[shown.recipient]] = 0
        rise = (shown.scores["mark"] - over) * others
        return np.asarray(rise.sum(axis=0) / np.maximum(others.sum(axis=0), 1))

    def dose(self, outcome: Outcome, words: str) -> DoseResponse:
        """The outcome by opacity, beside the control that does more."""
        control, experiment, opacity = outcome.control, self.experiment, outcome.shown.opacity[outcome.keep]
        rows = []
        for strength in np.unique(opacity):
            at = opacity == strength
            recipient = outcome.recipient[at]
            values, compared = (per_recipient(outcome.values[arm][at], recipient) for arm in ("mark", control))
            low, high = mean_interval(values, experiment.clusters[np.unique(recipient)], seed=experiment.seed)
            rows.append((float(strength), float(values.mean()), low, high, float(compared.mean()), len(values)))
        strengths, rates, lows, highs, controls, counts = zip(*rows, strict=True)
        return DoseResponse(
            what=f"opacity of {self.words}; control: {CONTROL_WORDS[control]}",
            strength="opacity",
            outcome=words,
            strengths=strengths,
            rates=rates,
            lows=lows,
            highs=highs,
            controls=controls,
            count=min(counts),
        )

    def examples(self, outcome: Outcome, wanted: int = 4) -> tuple[Example, ...]:
        """The surest changed answers, one a picture, as the model saw them."""
        experiment, shown = self.experiment, outcome.shown
        scores = shown.scores["mark"]
        after, before = scores.argmax(axis=1), experiment.predicted[shown.recipient]
        rows = np.flatnonzero(outcome.keep)[outcome.hits]
        rows = rows[after[rows] != before[rows]]
        rows = rows[np.argsort(-scores[rows].max(axis=1), kind="stable")]
        _, first = np.unique(shown.recipient[rows], return_index=True)
        return tuple(
            Example(
                recipient=int(shown.recipient[row]),
                donor=-1,
                **self._illustrated(shown, row),
                before=experiment.classes[int(before[row])],
                before_score=float(experiment.scores[shown.recipient[row]].max()),
                after=experiment.classes[int(after[row])],
                after_score=float(scores[row].max()),
            )
            for row in rows[np.sort(first)][:wanted]
        )

    def _illustrated(self, shown: Shown, row: int) -> dict[str, str]:
        """What was done to one picture, in words, and the picture as the model saw it."""
        at, opacity = slice(row, row + 1), float(shown.opacity[row])
        mark = self.stamper.marks[int(shown.place[row])]
        picture = self.stamper.compose("mark", shown.recipient[at], shown.place[at], shown.opacity[at])[0].numpy()
        name = f"bank-{self.name}-{mark.place}-{opacity:.1f}-{shown.recipient[row]}"
        change = f"{mark.words} of opacity {percent(opacity)} lies over the {mark.place.replace('-', ' ')}"
        return {"change": change, "picture": self.experiment.keep_picture(name, picture)}
