"""Background: does the prediction follow what lies around the object?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.evidence import CheckEvidence, ProbeEvidence
from auditor.probes import Probe
from auditor.records import Measurement, PlannedCheck
from auditor.shares import percent
from auditor.statistics.intervals import mean_interval

if TYPE_CHECKING:
    from auditor.experiments.experiment import Experiment

LEAST_RECIPIENTS = 33
"""In each half; with fewer, effects of 25 points would be missed."""
LEAST_PICTURES = 16
SMALLEST_SIDE = 48
"""Pixels below which colours of object and background cannot be told apart from so few."""
MINIMUM_SIDE = 0.02
"""Pictures whose background is less than 2 % of the area have none to swap."""


class Background(Probe):
    """Reliance on the scene around the object: pastes objects on backgrounds of their own and of other classes.

    Objects come from masks or boxes; without them they are estimated by colour, the estimate's quality is stated, and
    nothing is confirmed by it. The background of a picture is its clean plate: its own object is inpainted away first,
    so that nothing of it can be followed. The BG-gap is accuracy on a background of the own class minus accuracy on one
    of another class; both share the paste seam, so it cancels. The follow rate is how often the prediction becomes the
    background's class, minus how often it does so on a background of the own class. Accuracy on backgrounds alone, and
    the relative foreground sensitivity under noise on one side or the other, are reported beside them.

    Source: Xiao et al., "Noise or Signal: The Role of Image Backgrounds in Object Recognition", ICLR 2021.
    """

    cue: ClassVar[str] = "the background around the object"
    recommendation: ClassVar[str] = (
        "Train with swapped or blurred backgrounds, balance scenes over classes, or crop to the object before "
        "classification. Then audit again with the background probe."
    )
    order: ClassVar[int] = 4
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"donors_screen": 1, "donors_confirm": 3, "alone": False},
        "standard": {},
        "full": {"donors_screen": 3, "donors_confirm": 10},
    }

    donors_screen: int = Field(2, ge=1, le=16, description="Other-class backgrounds an image on the discovery half.")
    donors_confirm: int = Field(
        5, ge=1, le=64, description="Other-class backgrounds an image on the confirmation half."
    )

    alone: bool = Field(True, description="Also backgrounds alone, and noise on the object or the background.")

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="background",
            what="objects pasted on clean backgrounds of their own and of other classes",
            control="the same paste with a background of the own class",
            limit="BG-gap ≥ .15 minor, ≥ .25 material, ≥ .40 severe, or background follow ≥ .20, .40, .60; q ≤ .05",
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="A background that goes with a class gives it away; 7 to 14 points are ordinary on ImageNet.",
        )

    def forwards(self) -> float:
        return 2.0 * (self.donors_screen + self.donors_confirm) / 2 + (3.0 if self.alone else 0.0)

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiments.backgrounds import Pasting
        from auditor.experiments.experiment import SCREEN_ALPHA, SCREEN_EFFECT, empty_check, followed_from, screen_p

        before = experiment.predictor.forwards
        ground = _ground(experiment)
        if isinstance(ground, str):
            return ProbeEvidence(probe="background", checks=(empty_check("background", None, ground),))
        notes = list(ground.notes)
        boxes = ground.source in ("box", "mixed")
        work = Pasting(experiment, ground.usable, ground.objects, boxes=boxes)
        screens = work.measure("A", self.donors_screen, notes)
        # the BG-gap has a meaning of its own, so the confirmation half is measured even when nothing stood out
        confirms = work.measure("B", self.donors_confirm, notes)
        checks = []
        for class_name, screen in screens.items():
            ps = screen_p(screen, experiment.seed)
            stood_out = any(
                p <= SCREEN_ALPHA and np.mean(test.differences) >= SCREEN_EFFECT
                for p, test in zip(ps, screen, strict=True)
                if len(test)
            )
            confirm = tuple(confirms.get(class_name, ())) if stood_out or class_name is None else ()
            further: tuple[Measurement, ...] = ()
            if class_name is not None and confirm:
                further = followed_from(confirm[0], experiment.predicted, experiment.classes, experiment.seed)
            check = CheckEvidence(
                kind="background",
                class_name=class_name,
                screen=tuple(screen),
                stood_out=stood_out,
                confirm=confirm,
                further=further,
                off_object=ground.unproven is None,
                at_most_suspected=ground.unproven,
                facts={
                    "object_source": ground.source,
                    "object_share": float(ground.objects[ground.usable].mean(axis=(1, 2)).mean()),
                },
            )
            checks.append(check)
        if checks:
            alone = (*ground.quality, *(work.further() if self.alone else ()))
            checks[0] = checks[0].model_copy(update={"further": alone, "examples": tuple(work.examples)})
        return ProbeEvidence(
            probe="background",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            notes=tuple(dict.fromkeys(notes)),
            options=self.model_dump(mode="json"),
        )


@dataclass(frozen=True)
class _Ground:
    """Where objects are, and how that is known.

    Attributes:
        objects: bool (n, height, width).
        usable: bool (n,): pictures with both an object and a background.
        unproven: Why nothing can be confirmed with them; None for masks and boxes.
        quality: How good an estimate is.
    """

    objects: np.ndarray
    usable: np.ndarray
    source: str
    unproven: str | None = None
    quality: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()


def _ground(experiment: Experiment) -> _Ground | str:
    """Masks or boxes where half of the pictures have them, else an estimate; or why neither will do."""
    sample = experiment.sample
    if sample.objects is not None:
        share = sample.objects.mean(axis=(1, 2))
        usable = sample.has_object & (share <= 1 - MINIMUM_SIDE)
        lacking = _lacking(experiment, usable, "masks or boxes")
        if lacking is None:
            return _Ground(sample.objects, usable, str(sample.object_source))
        return lacking
    return _estimated(experiment)


def _lacking(experiment: Experiment, usable: np.ndarray, what: str) -> str | None:
    """Why these pictures are too few, or None."""
    if usable.sum() < LEAST_PICTURES:
        return f"only {int(usable.sum())} pictures have both an object and a background; {LEAST_PICTURES} are needed"
    halves = [int(usable[members].sum()) for members in experiment.halves.values()]
    if min(halves) < LEAST_RECIPIENTS <= min(len(members) for members in experiment.halves.values()):
        return (
            f"for want of {what}: {halves[0]} and {halves[1]} pictures of the halves have them, {LEAST_RECIPIENTS} "
            "each are needed to see an effect of 25 %"
        )
    return None


def _estimated(experiment: Experiment) -> _Ground | str:
    from auditor.foreground import STABLE, estimate_foreground

    sample = experiment.sample
    if sample.images.is_floating_point():
        return "no masks or boxes in the data set, and inputs of an own transform hold no colours to estimate them from"
    if min(experiment.size) < SMALLEST_SIDE:
        return "no masks or boxes in the data set, and pictures this small are not enough to estimate them"
    experiment.progress(0, len(sample), "background: estimating where objects are")
    found = estimate_foreground(sample.images.numpy())
    experiment.progress(len(sample), len(sample), "background: estimating where objects are")
    low, high = mean_interval(found.stability, experiment.clusters, seed=experiment.seed)
    stability = Measurement(
        name="foreground_stability",
        value=float(found.stability.mean()),
        low=low,
        high=high,
        count=len(sample),
        note="intersection over union of two estimates of the object from different starts",
    )
    lacking = _lacking(
        experiment, found.usable, f"objects whose estimate repeats itself (overlap of {percent(STABLE)})"
    )
    if lacking is not None:
        return f"no masks or boxes in the data set, and their estimate will not do: {lacking}"
    why = (
        "objects are estimated, not drawn, so a part of the object may count as background; masks or boxes in the "
        "data set would decide"
    )
    return _Ground(found.objects, found.usable, "estimate", why, (stability,))
