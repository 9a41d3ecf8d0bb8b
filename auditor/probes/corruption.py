"""Corruption: how much of the accuracy is left under noise, blur, weather and compression?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from auditor.evidence import CheckEvidence, DoseResponse, Example, ProbeEvidence
from auditor.probes import Probe
from auditor.records import Measurement, PlannedCheck
from auditor.statistics.intervals import mean_interval, wilson

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.experiments.experiment import Experiment
    from auditor.interventions.corruptions import Corruptor

FamilyName = Literal[
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "motion_blur",
    "brightness",
    "contrast",
    "fog",
    "jpeg",
    "pixelate",
    "crop",
    "letterbox",
]
GEOMETRY: tuple[FamilyName, ...] = ("crop", "letterbox")
"""They change what of a picture is seen and where, not how well: they stand beside the mean over corruptions."""
ALL_FAMILIES: tuple[FamilyName, ...] = tuple(
    name
    for name in FamilyName.__args__  # type: ignore[attr-defined]
    if name not in GEOMETRY
)
"""Those of the literature, whose mean is comparable."""
Severity = Literal[1, 2, 3, 4, 5]


class Corruption(Probe):
    """Robustness to common corruptions: accuracy under noise, blur, glare, haze, compression and coarse pixels.

    This is no test of a shortcut and confirms none: it measures how the accuracy (without labels: the agreement with
    the untouched pictures) falls as pictures get worse, so that an owner can set limits: `corruption.accuracy_fog`,
    `corruption.mean_corruption_accuracy`, `corruption.retained_share`. Crops and added letterboxes (preset full, or by
    name) are measured beside them and stay out of the mean.

    Source: Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
    ICLR 2019; strengths between those of CIFAR-10-C and ImageNet-C by the size of the input.
    """

    cue: ClassVar[str] = "pictures free of noise, blur and compression"
    recommendation: ClassVar[str] = (
        "Augment training with the corruptions that cost most, or collect pictures that have them. Then audit again "
        "with the corruption probe."
    )
    order: ClassVar[int] = 10
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"families": ("gaussian_noise", "defocus_blur", "jpeg"), "severities": (3,)},
        "standard": {},
        "full": {"severities": (1, 2, 3, 5), "families": (*ALL_FAMILIES, *GEOMETRY)},
    }

    families: tuple[FamilyName, ...] = Field(ALL_FAMILIES, min_length=1, description="Corruptions that are applied.")
    severities: tuple[Severity, ...] = Field((3,), min_length=1, description="Severities, of 1 to 5.")

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="corruption",
            what=f"{len(self.families)} common corruptions at {_severity_words(self.severities)}",
            control="none: accuracy on the untouched pictures is set beside it",
            limit="only the policy's own limits (corruption.<measurement>)",
            minimum_count=1,
            severity="that of the limit",
            rationale="Cameras, networks and weather spoil pictures in use in ways that a test set does not show.",
        )

    def forwards(self) -> float:
        return float(len(self.families) * len(self.severities))

    def run(self, experiment: Experiment) -> ProbeEvidence:
        before = experiment.predictor.forwards
        trial = _Trial(experiment, sorted(set(self.severities)))
        for name in dict.fromkeys(self.families):
            trial.measure(name)
        notes = [f"no budget was left for {', '.join(trial.left_out)}"] if trial.left_out else []
        return ProbeEvidence(
            probe="corruption",
            checks=(trial.check(),),
            forwards=experiment.predictor.forwards - before,
            notes=(*notes, *trial.notes),
            options=self.model_dump(mode="json"),
        )


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the model said under one corruption.

    Attributes:
        words: Of the corruption.
        right: bool (severities, pictures).
        after, after_score: (severities, pictures): class and its probability.
    """

    name: str
    words: str
    right: np.ndarray
    after: np.ndarray
    after_score: np.ndarray


class _Trial:
    """All corruptions on all pictures that have a label, or on all where none has."""

    def __init__(self, experiment: Experiment, severities: Sequence[int]) -> None:
        from auditor.interventions.corruptions import Corruptor

        self.experiment, self.severities = experiment, severities
        labels = experiment.sample.labels
        self.labelled = bool((labels >= 0).any())
        self.members = np.flatnonzero(labels >= 0) if self.labelled else np.arange(len(labels))
        self.truth = (labels if self.labelled else experiment.predicted)[self.members]
        self.clean = experiment.predicted[self.members] == self.truth
        self.clusters = experiment.clusters[self.members]
        self.corruptor: Corruptor = Corruptor(experiment.sample.images, experiment.rng("corruption"))
        self.answers: list[_Answers] = []
        self.left_out: list[str] = []
        self.notes: list[str] = []
        if self.labelled and len(self.members) < len(labels):
            self.notes.append(f"{len(labels) - len(self.members)} pictures without a label were left out")
        if experiment.sample.images.is_floating_point():
            self.notes.append("the model's own inputs were corrupted, stretched to 0..1 by the sample's range")

    @property
    def outcome(self) -> str:
        return "accuracy" if self.labelled else "agreement"

    def measure(self, name: str) -> None:
        """One corruption at all severities, where the budget holds it."""
        from auditor.interventions.corruptions import FAMILIES

        experiment, count = self.experiment, len(self.members)
        words = FAMILIES[name].words
        total = count * len(self.severities)
        if experiment.budget < total:
            self.left_out.append(words)
            return
        found = [self._scores(name, severity, words) for severity in self.severities]
        after = np.stack([scores.argmax(axis=1) for scores in found])
        after_score = np.stack([scores.max(axis=1) for scores in found])
        self.answers.append(_Answers(name, words, after == self.truth, after, after_score))

    def _scores(self, name: str, severity: int, words: str) -> np.ndarray:
        def make(start: int, stop: int) -> Tensor:
            return self.corruptor.compose(name, severity, self.members[start:stop])

        return self.experiment.predict(len(self.members), make, f"corruption: {words}, severity {severity}")

    def check(self) -> CheckEvidence:
        """Everything measured, and the sentence that sums it up."""
        if not self.answers:
            return CheckEvidence(kind="corruption", not_tested="no budget was left for any corruption")
        return CheckEvidence(
            kind="corruption",
            described=self._sentence(),
            further=tuple(self._measurements()),
            doses=tuple(self._dose(answers) for answers in self.answers),
            examples=self._examples(),
            facts={"severities": list(self.severities)},
        )

    def _measurements(self) -> list[Measurement]:
        every = np.concatenate([answers.right for answers in self._worse()])
        severities = _severity_words(self.severities)
        found = [
            self._share(f"{self.outcome}_{answers.name}", answers.right, f"{answers.words}, {severities}")
            for answers in self.answers
        ]
        words = f"mean over {len(self._worse())} corruptions, {severities}"
        found.append(self._share(f"mean_corruption_{self.outcome}", every, words))
        if self.labelled:
            found.append(
                self._share("retained_share", every, f"of the pictures classified right before; {words}", self.clean)
            )
        return found

    def _share(self, name: str, right: np.ndarray, note: str, among: np.ndarray | None = None) -> Measurement:
        """Share of right answers over pictures; a picture's own corruptions are averaged first."""
        keep = np.ones(len(self.members), dtype=bool) if among is None else among
        if not keep.any():
            return Measurement(
                name=name, value=None, count=0, reason="no picture was classified right before", note=note
            )
        values, clusters = right[:, keep].mean(axis=0), self.clusters[keep]
        low, high = self._interval(values, clusters)
        return Measurement(
            name=name, value=float(values.mean()), low=low, high=high, count=len(np.unique(clusters)), note=note
        )

    def _interval(self, values: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
        """Wilson where each picture stands alone and is right or wrong, else the clustered bootstrap."""
        if len(np.unique(clusters)) == len(values) and np.isin(values, (0.0, 1.0)).all():
            return wilson(int(values.sum()), len(values))
        return mean_interval(values, clusters, seed=self.experiment.seed)

    def _dose(self, answers: _Answers) -> DoseResponse:
        rows = np.concatenate([self.clean[None], answers.right]).astype(float)
        bounds = [self._interval(row, self.clusters) for row in rows]
        return DoseResponse(
            what=answers.words,
            strength="severity",
            outcome="accuracy" if self.labelled else "share of unchanged predictions",
            strengths=(0.0, *(float(severity) for severity in self.severities)),
            rates=tuple(float(row.mean()) for row in rows),
            lows=tuple(low for low, _ in bounds),
            highs=tuple(high for _, high in bounds),
            count=len(self.members),
        )

    def _worse(self) -> list[_Answers]:
        """Those that go into the mean."""
        return [answers for answers in self.answers if answers.name not in GEOMETRY] or self.answers

    def _sentence(self) -> str:
        worse = self._worse()
        shares = [float(answers.right.mean()) for answers in worse]
        worst = int(np.argmin(shares))
        mean, lowest = 100 * float(np.mean(shares)), 100 * shares[worst]
        under = f"Under {len(worse)} common corruptions at {_severity_words(self.severities)}"
        if self.labelled:
            kept = f"{mean:.0f} % of the answers are right on average, {100 * self.clean.mean():.0f} % without them"
        else:
            kept = f"{mean:.0f} % of the predictions stay as they were on average"
        return f"{under}, {kept}; the least is {lowest:.0f} % under {worse[worst].words}."

    def _examples(self, wanted: int = 4) -> tuple[Example, ...]:
        """One picture of each of the corruptions that cost most: the surest answer that turned wrong."""
        experiment = self.experiment
        found = []
        for answers in sorted(self.answers, key=lambda answers: float(answers.right.mean()))[:wanted]:
            lost = np.where(self.clean & ~answers.right, answers.after_score, -1.0)
            level, at = np.unravel_index(int(lost.argmax()), lost.shape)
            if lost[level, at] < 0:
                continue
            i, severity = int(self.members[at]), self.severities[int(level)]
            picture = self.corruptor.compose(answers.name, severity, self.members[at : at + 1])[0].numpy()
            found.append(
                Example(
                    recipient=i,
                    donor=-1,
                    change=f"{answers.words} of severity {severity} is applied",
                    picture=experiment.keep_picture(f"corruption-{answers.name}-{severity}-{i}", picture),
                    before=experiment.classes[int(experiment.predicted[i])],
                    before_score=float(experiment.scores[i].max()),
                    after=experiment.classes[int(answers.after[level, at])],
                    after_score=float(answers.after_score[level, at]),
                )
            )
        return tuple(found)


def _severity_words(severities: Sequence[int]) -> str:
    ordered = [str(severity) for severity in sorted(set(severities))]
    if len(ordered) == 1:
        return f"severity {ordered[0]} of 5"
    return f"severities {', '.join(ordered[:-1])} and {ordered[-1]} of 5"
