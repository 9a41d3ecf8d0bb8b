"""Watermark bank: does inserting a watermark, a stamp or a logo move the prediction?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from auditor.evidence import CheckEvidence, PairedEffects, ProbeEvidence
from auditor.probes import Probe
from auditor.records import Box, Measurement, PlannedCheck

if TYPE_CHECKING:
    from auditor.experiments.experiment import Experiment
    from auditor.experiments.marking import MarkTrial, Shown

MarkName = Literal["latin", "cjk", "url", "copyright", "date", "ruler", "marker", "logo"]
ATTRACTOR_EFFECT = 0.10
"""A class stands out on half A where a mark raises its probability by this much over the scrambled mark."""
UNEVEN = 0.05
"""One half may hold so much more than half of the pictures, as clusters stay together."""


class WatermarkBank(Probe):
    """Reliance on watermarks that the sample need not contain: inserts marks of a bank and watches the answers.

    Latin and Chinese text, a web address, a copyright tag, a date stamp, a ruler, a marker letter and a logo disc are
    drawn at three places with opacities .3, .5 and 1. The watermark gap is how many right answers (without labels:
    unchanged predictions) a mark costs, beyond what its own pixels cost in scrambled order or spread over its plain
    outline with the same energy, whichever costs more. An attractor is a class whose probability the mark raises more
    than they do. A mark that merely hides something, or merely looks like any bright stroke, does as much scrambled.

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
            control="the mark's pixels scrambled, and its plain outline of the same energy, in the same place",
            limit="watermark gap: ≥ .10 minor, ≥ .20 material, ≥ .35 severe, or a class gains ≥ .25; q ≤ .05",
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="Networks trained on pictures from the web read watermarks, since these go with classes.",
        )

    def forwards(self) -> float:
        screen, confirm = 2 * len(self.marks), 3 * self.placements * self.shortlist
        return (screen + confirm) / 2 + UNEVEN * abs(screen - confirm)

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiments.marking import MarkTrial
        from auditor.interventions.marks import too_small

        before = experiment.predictor.forwards
        why = {name: too_small(name, *experiment.size) for name in self.marks}
        screens = [
            screen for name in self.marks if why[name] is None for screen in _screens(MarkTrial(experiment, name))
        ]
        standing = sorted((screen for screen in screens if screen.stood_out), key=lambda s: (s.p, -s.effect))
        chosen = list(dict.fromkeys(screen.trial.name for screen in standing))[: self.shortlist]
        checks = [
            CheckEvidence(kind="overlay", region=Box(name=f"bank:{name}"), not_tested=reason)
            for name, reason in why.items()
            if reason is not None
        ]
        for trial in dict.fromkeys(screen.trial for screen in screens):
            shown = trial.confirming(self.placements) if trial.name in chosen else None
            # a class has a check of its own only where it attracts: there are many classes
            checks += [_check(s, shown) for s in screens if s.trial is trial and (s.attractor is None or s.stood_out)]
        return ProbeEvidence(
            probe="watermark_bank",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            options=self.model_dump(mode="json"),
        )


@dataclass(frozen=True, slots=True)
class _Screen:
    """What half A showed: of the watermark gap, or of the class that a mark attracts most."""

    trial: MarkTrial
    attractor: int | None
    effects: PairedEffects
    p: float
    effect: float
    stood_out: bool
    further: tuple[Measurement, ...]


def _screens(trial: MarkTrial) -> Iterator[_Screen]:
    from auditor.experiments.experiment import SCREEN_ALPHA, SCREEN_EFFECT, screen_p

    shown = trial.screen()
    for attractor in (None, trial.attractor(shown)):
        effects = trial.effects(trial.outcome(shown, attractor), "A", attractor)
        p = screen_p([effects], trial.experiment.seed)[0]
        effect = float(np.mean(effects.differences)) if len(effects) else 0.0
        stood_out = p <= SCREEN_ALPHA and effect >= (SCREEN_EFFECT if attractor is None else ATTRACTOR_EFFECT)
        further = (trial.largest_raise(shown),) if attractor is None else ()
        yield _Screen(trial, attractor, effects, p, effect, stood_out, further)


def _check(screen: _Screen, shown: Shown | None) -> CheckEvidence:
    """A mark's check for the whole sample, or for the class that it attracts."""
    trial, attractor = screen.trial, screen.attractor
    name = None if attractor is None else trial.experiment.classes[attractor]
    evidence = CheckEvidence(
        kind="overlay",
        region=Box(name=f"bank:{trial.name}"),
        class_name=name,
        screen=(screen.effects,),
        stood_out=screen.stood_out,
        out_of_budget=screen.stood_out and shown is None,
        further=screen.further,
        facts={"mark": trial.words},
    )
    outcome = trial.outcome(shown, attractor) if shown is not None and screen.stood_out else None
    if outcome is None or not outcome.keep.any():
        return evidence
    confirmed = {
        "confirm": (trial.effects(outcome, "B", attractor),),
        "doses": (trial.dose(outcome, "share of right answers lost" if name is None else f"probability of {name}"),),
        "examples": trial.examples(outcome),
    }
    return evidence.model_copy(update=confirmed)
