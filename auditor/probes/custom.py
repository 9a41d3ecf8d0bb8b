"""Custom: does a transform of the user's own move the prediction?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.errors import ModelError
from auditor.evidence import CheckEvidence, Example, PairedEffects, ProbeEvidence
from auditor.probes import Probe
from auditor.records import Box, PlannedCheck
from auditor.registry import unknown_name
from auditor.subjects.user_code import reference_problem

if TYPE_CHECKING:
    from torch import Tensor

    from auditor.experiments.experiment import Experiment

UNEVEN = 0.05
"""One half may hold so much more than half of the pictures, as clusters stay together."""
UNCONTROLLED = "no control was given, and any change of a picture moves some predictions; name a matched `control`"


class Custom(Probe):
    """Reliance on a cue of your own: runs your transform and a matched control on every picture.

    `transform` is called with a picture (NumPy array, uint8, height × width × 3, RGB, in the size of the model's
    input) and a NumPy generator, and returns a picture of the same size: with your cue added, removed or changed.
    `control` is called in the same way, with the same random numbers, and makes a change that is as strong and leaves
    the cue alone: the same patch elsewhere, its pixels shuffled. Their difference is tested, on pictures that were not
    used to find it; without a control an effect stays suspected. `target` is the class that the cue should call:
    then it is also tested how often the prediction becomes that class. Several custom probes need a `name` each.

    The file is run, as an import would.
    """

    cue: ClassVar[str] = "what a transform of your own changes"
    recommendation: ClassVar[str] = (
        "Apply the transform at random to training pictures of all classes, or remove the cue from the data. Then "
        "audit again with the same transform and control."
    )
    order: ClassVar[int] = 8
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    name: str = Field("own", pattern=r"^[a-z0-9][a-z0-9_-]*$", description="Tells several custom probes apart.")
    transform: str | None = Field(
        None, description="file.py:callable relative to the spec, or package.module:callable; adds or changes the cue."
    )
    control: str | None = Field(None, description="The same for the matched control; without it nothing is confirmed.")
    target: str | None = Field(None, description="Class that the cue should call.")
    repeats_screen: int = Field(1, ge=1, le=16, description="Draws of the transform a picture on the discovery half.")
    repeats_confirm: int = Field(
        3, ge=1, le=64, description="Draws of the transform a picture on the confirmation half."
    )

    @classmethod
    def where(cls, region: Box | None) -> str:
        return cls.cue if region is None else f"what the transform '{region.name}' changes"

    @property
    def own_name(self) -> str:
        return self.name

    def mistakes(self, folder: Path) -> list[tuple[str, str]]:
        if self.transform is None:
            return [("transform", "is missing; write file.py:callable (the file relative to the spec)")]
        given = {"transform": self.transform, "control": self.control}
        found = {option: reference_problem(value, folder) for option, value in given.items() if value is not None}
        return [(option, what) for option, what in found.items() if what is not None]

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="custom",
            what=f"'{self.name}': the transform {self.transform or 'that the spec names'}, applied to every picture",
            control=self.control or "none: nothing can be confirmed",
            limit="flips minus control: ≥ .10 minor, ≥ .25 material, ≥ .60 severe; turns to the target minus control: "
            "≥ .15 minor, ≥ .50 material, ≥ .85 severe; q ≤ .05 on the confirmation half",
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="The owner knows of a cue that no other probe looks for.",
        )

    def forwards(self) -> float:
        screen, confirm = 2 * self.repeats_screen, 2 * self.repeats_confirm
        if self.control is None:
            screen, confirm = self.repeats_screen, 0
        return (screen + confirm) / 2 + UNEVEN * abs(screen - confirm)

    def run(self, experiment: Experiment) -> ProbeEvidence:
        before = experiment.predictor.forwards
        trial = None if self._why_not(experiment) else _Trial(experiment, self)
        return ProbeEvidence(
            probe=f"custom.{self.name}",
            checks=(self._untested(experiment),) if trial is None else tuple(trial.checks()),
            forwards=experiment.predictor.forwards - before,
            notes=() if trial is None else tuple(trial.notes),
            options=self.model_dump(mode="json"),
        )

    def _untested(self, experiment: Experiment) -> CheckEvidence:
        return CheckEvidence(kind="custom", region=Box(name=self.name), not_tested=self._why_not(experiment))

    def _why_not(self, experiment: Experiment) -> str | None:
        images = experiment.sample.images
        if self.transform is None:
            return "no transform is given"
        if images.is_floating_point():
            return "the spec's own input transform gives the model's inputs, and no pictures that could be changed"
        if images.shape[1] not in (1, 3):
            return f"pictures have {images.shape[1]} channels; a transform of your own gets RGB"
        return None


@dataclass(frozen=True, slots=True)
class _Shown:
    """Answers to a half's pictures: recipient (shown,), sorted; transform → float32 (shown, classes)."""

    half: str
    recipient: np.ndarray
    draw: np.ndarray
    scores: Mapping[str, np.ndarray]


class _Trial:
    """The transform and its control on both halves."""

    def __init__(self, experiment: Experiment, probe: Custom) -> None:
        from auditor.interventions.own_transform import OwnTransform

        self.experiment, self.probe = experiment, probe
        folder = Path(experiment.sample.extras.get("folder", "."))
        given = {"transform": probe.transform, "control": probe.control}
        self.transforms = {arm: OwnTransform(value, folder) for arm, value in given.items() if value is not None}
        if probe.target is not None and probe.target not in experiment.classes:
            known = list(experiment.classes)
            raise ModelError(f"probes.custom.target: {unknown_name('class', probe.target, known)}")
        self.notes: list[str] = []
        self._check_determinism()
        if experiment.sample.images.shape[1] == 1:
            self.notes.append("grey pictures are given to the transforms as RGB; what comes back is made grey again")

    def checks(self) -> list[CheckEvidence]:
        """The whole sample's check, and that of the target class."""
        from auditor.experiments.experiment import SCREEN_ALPHA, SCREEN_EFFECT, screen_p

        screen = self._show("A", self.probe.repeats_screen)
        targets = [None] if self.probe.target is None else [None, self.experiment.classes.index(self.probe.target)]
        tests = [self._effects(screen, target) for target in targets]
        ps = screen_p(tests, self.experiment.seed)
        stood_out = [
            bool(len(test)) and p <= SCREEN_ALPHA and float(np.mean(test.differences)) >= SCREEN_EFFECT
            for test, p in zip(tests, ps, strict=True)
        ]
        confirmed = self._confirming() if any(stood_out) else None
        return [
            self._check(target, test, stands, confirmed if confirmed is not None else screen)
            for target, test, stands in zip(targets, tests, stood_out, strict=True)
        ]

    def _confirming(self) -> _Shown | None:
        """The confirmation half; None without a control, or where the budget does not hold it."""
        total = len(self.transforms) * self.probe.repeats_confirm * len(self.experiment.halves["B"])
        if self.probe.control is None or self.experiment.budget < total:
            return None
        return self._show("B", self.probe.repeats_confirm)

    def _check(self, target: int | None, screen: PairedEffects, stood_out: bool, shown: _Shown) -> CheckEvidence:
        confirm = (self._effects(shown, target),) if stood_out and shown.half == "B" else ()
        return CheckEvidence(
            kind="custom",
            region=Box(name=self.probe.name),
            class_name=self.probe.target if target is not None else None,
            screen=(screen,),
            stood_out=stood_out,
            confirm=confirm,
            out_of_budget=stood_out and not confirm and self.probe.control is not None,
            uncontrolled=UNCONTROLLED if self.probe.control is None else None,
            examples=self._examples(shown, target) if stood_out else (),
            facts={arm: transform.reference for arm, transform in self.transforms.items()},
        )

    def _show(self, half: str, repeats: int) -> _Shown:
        members = self.experiment.halves[half]
        recipient, draw = np.repeat(members, repeats), np.tile(np.arange(repeats), len(members))
        scores = {arm: self._scores(arm, recipient, draw, half) for arm in self.transforms}
        return _Shown(half, recipient, draw, scores)

    def _scores(self, arm: str, recipient: np.ndarray, draw: np.ndarray, half: str) -> np.ndarray:
        import torch

        def make(start: int, stop: int) -> Tensor:
            pairs = zip(recipient[start:stop], draw[start:stop], strict=True)
            return torch.from_numpy(np.stack([self._picture(arm, int(i), int(k)) for i, k in pairs]))

        return self.experiment.predict(len(recipient), make, f"custom: {arm} '{self.probe.name}', half {half}")

    def _picture(self, arm: str, index: int, draw: int) -> np.ndarray:
        """One picture under a transform; the control gets the same random numbers."""
        sample = self.experiment.sample
        name = [*b"custom", *self.probe.name.encode()]
        seed = [self.experiment.seed, *name, index, draw]
        return self.transforms[arm](sample.images[index].numpy(), seed, sample.pictures[index].name)

    def _check_determinism(self) -> None:
        for arm, transform in self.transforms.items():
            first, second = (self._picture(arm, 0, 0) for _ in range(2))
            if not np.array_equal(first, second):
                self.notes.append(
                    f"{transform.reference} gives different pictures for the same random numbers: use the generator "
                    "that it gets, or the audit cannot be repeated"
                )

    def _effects(self, shown: _Shown, target: int | None) -> PairedEffects:
        """Changed predictions, or turns to the target where it was not predicted; transform against control."""
        from auditor.experiments.experiment import paired

        predicted = self.experiment.predicted[shown.recipient]
        after = {arm: scores.argmax(axis=1) for arm, scores in shown.scores.items()}
        keep = np.ones(len(predicted), dtype=bool) if target is None else predicted != target
        happened = {arm: (said != predicted if target is None else said == target)[keep] for arm, said in after.items()}
        control = happened["control"][None] if "control" in happened else np.empty((0, int(keep.sum())))
        names = [self.transforms["control"].reference] if "control" in happened else []
        name = "flip_rate" if target is None else "spurious_score"
        recipient = shown.recipient[keep]
        return paired(name, shown.half, happened["transform"], control, recipient, self.experiment.clusters, names)

    def _examples(self, shown: _Shown, target: int | None, wanted: int = 4) -> tuple[Example, ...]:
        """The surest changed answers, one a picture."""
        experiment, scores = self.experiment, shown.scores["transform"]
        after, before = scores.argmax(axis=1), experiment.predicted[shown.recipient]
        rows = np.flatnonzero((after != before) & (True if target is None else after == target))
        rows = rows[np.argsort(-scores[rows].max(axis=1), kind="stable")]
        _, first = np.unique(shown.recipient[rows], return_index=True)
        return tuple(self._example(shown, int(row)) for row in rows[np.sort(first)][:wanted])

    def _example(self, shown: _Shown, row: int) -> Example:
        experiment, i, draw = self.experiment, int(shown.recipient[row]), int(shown.draw[row])
        scores = shown.scores["transform"][row]
        picture = self._picture("transform", i, draw)
        return Example(
            recipient=i,
            donor=-1,
            change=f"the transform '{self.probe.name}' is applied",
            picture=experiment.keep_picture(f"custom-{self.probe.name}-{i}-{draw}", picture),
            before=experiment.classes[int(experiment.predicted[i])],
            before_score=float(experiment.scores[i].max()),
            after=experiment.classes[int(scores.argmax())],
            after_score=float(scores.max()),
        )
