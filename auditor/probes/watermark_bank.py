"""Watermark bank: does inserting a watermark, a stamp or a logo move the prediction?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from auditor.evidence import CheckEvidence, DoseResponse, Example, PairedEffects, ProbeEvidence
from auditor.probes import Probe
from auditor.records import Box, PlannedCheck
from auditor.statistics.intervals import mean_interval

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.experiment import Experiment
    from auditor.interventions.stamping import Arm

MarkName = Literal["latin", "cjk", "url", "copyright", "date", "ruler", "marker", "logo"]
OPACITIES = (0.3, 0.5, 1.0)
SCREENED_OPACITIES = (0.5, 1.0)
SCRAMBLES = 6
"""Different scrambled copies of a mark at a place, dealt out over the pictures: one could resemble something."""
_CONTROL_WORDS = {"scrambled": "the mark's pixels scrambled", "rectangle": "a plain rectangle of the same energy"}


class WatermarkBank(Probe):
    """Reliance on watermarks that the sample need not contain: inserts marks of a bank and watches the answers.

    Latin and Chinese text, a web address, a copyright tag, a date stamp, a ruler, a marker letter and a logo disc are
    drawn at three places with opacities .3, .5 and 1. The watermark gap is how many right answers (without labels:
    unchanged predictions) a mark costs, beyond what its own pixels cost in scrambled order or spread as a plain
    translucent rectangle of the same energy, whichever costs more. An attractor is a class whose probability the mark
    raises more than they do. A mark that merely hides something costs as much when it is scrambled.

    Source: Li et al., "A Whac-A-Mole Dilemma: Shortcuts Come in Multiples Where Mitigating One Amplifies Others", CVPR
    2023 (ImageNet-W); controls and tests are ours, docs/methods.md.
    """

    cue: ClassVar[str] = "an inserted watermark"
    recommendation: ClassVar[str] = (
        "Remove watermarks from the training data (inpainting or cropping), or stamp random text, dates and logos on "
        "training pictures of all classes. Then audit again with the watermark bank."
    )
    order: ClassVar[int] = 5
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "standard": {"marks": ("latin", "cjk", "copyright", "date", "ruler", "marker", "logo")},
        "full": {"placements": 9, "shortlist": 2},
    }

    marks: tuple[MarkName, ...] = Field(
        ("latin", "cjk", "url", "copyright", "date", "ruler", "marker", "logo"),
        min_length=1,
        description="Marks of the bank that are inserted.",
    )
    placements: int = Field(
        3, ge=1, le=9, description="Places and opacities a picture on the confirmation half; 9 are all."
    )
    shortlist: int = Field(1, ge=1, le=8, description="Marks that may go to the confirmation half.")

    @classmethod
    def where(cls, region: Box | None) -> str:
        return cls.cue if region is None else f"{cls.cue} ({region.name.removeprefix('bank:')})"

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="overlay",
            what=f"{len(self.marks)} kinds of watermark, inserted at three places with opacities .3, .5 and 1",
            control="the mark's pixels scrambled, and a plain rectangle of its energy, at the same place and opacity",
            limit="watermark gap: ≥ .10 minor, ≥ .20 material, ≥ .35 severe, or a class gains ≥ .25; q ≤ .05",
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="Networks trained on pictures from the web read watermarks, since these go with classes.",
        )

    def forwards(self) -> float:
        return (2 * len(self.marks) + 3 * self.placements * self.shortlist) / 2

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.interventions.marks import too_small

        before = experiment.predictor.forwards
        why = {name: too_small(name, *experiment.size) for name in self.marks}
        screens = [screen for name in self.marks if why[name] is None for screen in _screens(_Bank(experiment, name))]
        standing = sorted((screen for screen in screens if screen.stood_out), key=lambda s: (s.p, -s.effect))
        chosen = list(dict.fromkeys(screen.bank.name for screen in standing))[: self.shortlist]
        checks = [
            CheckEvidence(kind="overlay", region=Box(name=f"bank:{name}"), not_tested=reason)
            for name, reason in why.items()
            if reason is not None
        ]
        for bank in dict.fromkeys(screen.bank for screen in screens):
            shown = bank.confirming(self.placements) if bank.name in chosen else None
            # a class has a check of its own only where it attracts: there are many classes
            checks += [_check(s, shown) for s in screens if s.bank is bank and (s.attractor is None or s.stood_out)]
        return ProbeEvidence(
            probe="watermark_bank",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            options=self.model_dump(mode="json"),
        )


@dataclass(frozen=True, slots=True)
class _Shown:
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
class _Outcome:
    """What the mark and its controls did to those pictures that can show it.

    Attributes:
        keep: (shown,) which pictures those are.
        values: Arm → (kept,) right answer lost, or probability of the attractor.
        hits: (kept,) which are worth showing.
    """

    shown: _Shown
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


class _Bank:
    """One mark at its places, its controls, and what the model says to them."""

    def __init__(self, experiment: Experiment, name: str) -> None:
        from auditor.interventions.stamping import Stamper

        self.experiment, self.name = experiment, name
        rng = experiment.rng("watermark-bank", name)
        self.stamper = Stamper(experiment.sample.images, name, rng, scrambles=SCRAMBLES)

    @property
    def words(self) -> str:
        return self.stamper.marks[0].words

    def show(self, half: str, placements: int, opacities: Sequence[float], arms: Sequence[Arm]) -> _Shown:
        """Insert the mark and its controls into every picture of a half.

        Places and opacities are dealt out like a Latin square: each picture sees `placements` of them in turn, and
        each of them comes up equally often.
        """
        members, levels, places = self.experiment.halves[half], len(opacities), len(self.stamper.marks)
        first = self.experiment.rng("watermark-deal", half).permutation(len(members))
        turn = (first[:, None] + np.arange(placements)).ravel() % (places * levels)
        recipient = np.repeat(members, placements)
        place, opacity = (turn % levels + turn // levels) % places, np.asarray(opacities)[turn % levels]

        def scores(arm: Arm) -> np.ndarray:
            def make(start: int, stop: int) -> Tensor:
                return self.stamper.compose(arm, recipient[start:stop], place[start:stop], opacity[start:stop])

            return self.experiment.predict(len(recipient), make, f"watermark bank: {self.words}, half {half}")

        return _Shown(recipient, place, opacity, {arm: scores(arm) for arm in arms})

    def confirming(self, placements: int) -> _Shown | None:
        """The mark on the confirmation half; None where the budget does not hold it."""
        arms: tuple[Arm, ...] = ("mark", "scrambled", "rectangle")
        if self.experiment.budget < len(arms) * placements * len(self.experiment.halves["B"]):
            return None
        return self.show("B", placements, OPACITIES, arms)

    def outcome(self, shown: _Shown, attractor: int | None) -> _Outcome:
        """Right answers lost; or the probability of an attractor, in pictures that were not taken for it before."""
        predicted, labels = self.experiment.predicted, self.experiment.sample.labels
        after = {arm: scores.argmax(axis=1) for arm, scores in shown.scores.items()}
        if attractor is not None:
            keep = predicted[shown.recipient] != attractor
            probability = {arm: scores[keep, attractor].astype(float) for arm, scores in shown.scores.items()}
            return _Outcome(shown, keep, probability, after["mark"][keep] == attractor)
        truth = np.where(labels >= 0, labels, predicted)
        right = (predicted == truth)[shown.recipient]
        lost = {arm: (right & (classes != truth[shown.recipient])).astype(float) for arm, classes in after.items()}
        return _Outcome(shown, np.ones(len(right), dtype=bool), lost, lost["mark"] > lost["scrambled"])

    def effects(self, outcome: _Outcome, half: str, attractor: int | None) -> PairedEffects:
        """The mark against the control that does more, by recipient."""
        from auditor.experiment import paired

        name, control = "watermark_gap" if attractor is None else "attractor", outcome.control
        values, clusters = outcome.values, self.experiment.clusters
        return paired(
            name, half, values["mark"], values[control][None], outcome.recipient, clusters, [_CONTROL_WORDS[control]]
        )

    def attractor(self, shown: _Shown) -> int:
        """The class whose probability rises most over the scrambled mark, where it was not predicted."""
        rise = shown.scores["mark"] - shown.scores["scrambled"]
        others = np.ones_like(rise)
        others[np.arange(len(rise)), self.experiment.predicted[shown.recipient]] = 0
        return int(((rise * others).sum(axis=0) / np.maximum(others.sum(axis=0), 1)).argmax())


@dataclass(frozen=True, slots=True)
class _Screen:
    """What half A showed: of the watermark gap, or of the class that a mark attracts most."""

    bank: _Bank
    attractor: int | None
    effects: PairedEffects
    p: float

    @property
    def effect(self) -> float:
        return float(np.mean(self.effects.differences)) if len(self.effects) else 0.0

    @property
    def stood_out(self) -> bool:
        from auditor.experiment import SCREEN_ALPHA, SCREEN_EFFECT

        return self.p <= SCREEN_ALPHA and self.effect >= SCREEN_EFFECT


def _screens(bank: _Bank) -> list[_Screen]:
    from auditor.experiment import screen_p

    shown = bank.show("A", 1, SCREENED_OPACITIES, ("mark", "scrambled"))
    asked = [None, bank.attractor(shown)]
    tests = [bank.effects(bank.outcome(shown, attractor), "A", attractor) for attractor in asked]
    ps = screen_p(tests, bank.experiment.seed)
    return [_Screen(bank, *row) for row in zip(asked, tests, ps, strict=True)]


def _check(screen: _Screen, shown: _Shown | None) -> CheckEvidence:
    """A mark's check for the whole sample, or for the class that it attracts."""
    bank, attractor = screen.bank, screen.attractor
    name = None if attractor is None else bank.experiment.classes[attractor]
    evidence = CheckEvidence(
        kind="overlay",
        region=Box(name=f"bank:{bank.name}"),
        class_name=name,
        screen=(screen.effects,),
        stood_out=screen.stood_out,
        out_of_budget=screen.stood_out and shown is None,
        facts={"mark": bank.words},
    )
    if shown is None or not screen.stood_out:
        return evidence
    outcome = bank.outcome(shown, attractor)
    if not outcome.keep.any():
        return evidence
    words = "share of right answers lost" if name is None else f"probability of {name}"
    return evidence.model_copy(
        update={
            "confirm": (bank.effects(outcome, "B", attractor),),
            "doses": (_dose(bank, outcome, words),),
            "examples": _examples(bank, outcome),
        }
    )


def _dose(bank: _Bank, outcome: _Outcome, words: str) -> DoseResponse:
    """The outcome by opacity, beside the control that does more."""
    from auditor.experiment import per_recipient

    control, experiment = outcome.control, bank.experiment
    opacity = outcome.shown.opacity[outcome.keep]
    rows = []
    for strength in np.unique(opacity):
        at = opacity == strength
        recipient = outcome.recipient[at]
        values, compared = (per_recipient(outcome.values[arm][at], recipient) for arm in ("mark", control))
        low, high = mean_interval(values, experiment.clusters[np.unique(recipient)], seed=experiment.seed)
        rows.append((float(strength), float(values.mean()), low, high, float(compared.mean()), len(values)))
    strengths, rates, lows, highs, controls, counts = zip(*rows, strict=True)
    return DoseResponse(
        what=f"opacity of {bank.words}; control: {_CONTROL_WORDS[control]}",
        strength="opacity",
        outcome=words,
        strengths=strengths,
        rates=rates,
        lows=lows,
        highs=highs,
        controls=controls,
        count=min(counts),
    )


def _examples(bank: _Bank, outcome: _Outcome, wanted: int = 4) -> tuple[Example, ...]:
    """The surest changed answers, one a picture, as the model saw them."""
    experiment, shown = bank.experiment, outcome.shown
    scores = shown.scores["mark"]
    after, before = scores.argmax(axis=1), experiment.predicted[shown.recipient]
    rows = np.flatnonzero(outcome.keep)[outcome.hits]
    rows = rows[after[rows] != before[rows]]
    rows = rows[np.argsort(-scores[rows].max(axis=1), kind="stable")]
    _, first = np.unique(shown.recipient[rows], return_index=True)
    found = []
    for row in rows[np.sort(first)][:wanted]:
        i, at, opacity = int(shown.recipient[row]), shown.place[row : row + 1], shown.opacity[row : row + 1]
        mark = bank.stamper.marks[int(at[0])]
        picture = bank.stamper.compose("mark", shown.recipient[row : row + 1], at, opacity)[0].numpy()
        found.append(
            Example(
                recipient=i,
                donor=-1,
                change=f"{mark.words} of opacity {opacity[0]:.0%} lies over the {mark.place.replace('-', ' ')}",
                picture=experiment.keep_picture(f"bank-{bank.name}-{mark.place}-{opacity[0]:.1f}-{i}", picture),
                before=experiment.classes[int(before[row])],
                before_score=float(experiment.scores[i].max()),
                after=experiment.classes[int(after[row])],
                after_score=float(scores[row].max()),
            )
        )
    return tuple(found)
