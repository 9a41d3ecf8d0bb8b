"""Background: does the prediction follow what lies around the object?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
from pydantic import Field

from auditor.evidence import CheckEvidence, PairedEffects, ProbeEvidence
from auditor.probes import Probe
from auditor.records import PlannedCheck
from auditor.regions import FEATHER

if TYPE_CHECKING:
    from auditor.experiment import Experiment

LEAST_RECIPIENTS = 33
"""In each half; with fewer, effects of 25 points would be missed."""
MINIMUM_SIDE = 0.02
"""Pictures whose background is less than 2 % of the area have none to swap."""


class Background(Probe):
    """Reliance on the scene around the object: pastes objects on backgrounds of their own and of other classes.

    Needs masks or boxes. The background of a picture is its clean plate: its own object is inpainted away first, so
    that nothing of it can be followed. The BG-gap is accuracy on a background of the own class minus accuracy on one
    of another class; both share the paste seam, so it cancels. The follow rate is how often the prediction becomes the
    background's class, minus how often it does so on a background of the own class.

    Source: Xiao et al., "Noise or Signal: The Role of Image Backgrounds in Object Recognition", ICLR 2021.
    """

    cue: ClassVar[str] = "the background around the object"
    recommendation: ClassVar[str] = (
        "Train with swapped or blurred backgrounds, balance scenes over classes, or crop to the object before "
        "classification. Then audit again with the background probe."
    )
    order: ClassVar[int] = 4
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"donors_screen": 1, "donors_confirm": 3},
        "standard": {},
        "full": {"donors_screen": 3, "donors_confirm": 10},
    }

    donors_screen: int = Field(2, ge=1, le=16, description="Other-class backgrounds an image on the discovery half.")
    donors_confirm: int = Field(
        5, ge=1, le=64, description="Other-class backgrounds an image on the confirmation half."
    )

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="background",
            what="objects pasted on clean backgrounds of their own and of other classes",
            control="the same paste with a background of the own class",
            limit="BG-gap ≥ .15 minor, ≥ .25 material, ≥ .40 severe, or background follow ≥ .60; q ≤ .05",
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="A background that goes with a class gives it away; 7 to 14 points are ordinary on ImageNet.",
        )

    def forwards(self) -> float:
        return 2.0 * (self.donors_screen + self.donors_confirm) / 2

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiment import empty_check, screen_p

        sample = experiment.sample
        if sample.objects is None:
            why = "no masks or boxes in the data set, so object and background cannot be told apart"
            return ProbeEvidence(probe="background", checks=(empty_check("background", None, why),))
        share = sample.objects.mean(axis=(1, 2))
        usable = sample.has_object & (share <= 1 - MINIMUM_SIDE)
        if usable.sum() < 16:
            why = f"only {int(usable.sum())} pictures have both an object and a background; 16 are needed"
            return ProbeEvidence(probe="background", checks=(empty_check("background", None, why),))
        halves = [int(usable[members].sum()) for members in experiment.halves.values()]
        if min(halves) < LEAST_RECIPIENTS <= min(len(members) for members in experiment.halves.values()):
            why = (
                f"for want of masks or boxes: {halves[0]} and {halves[1]} pictures of the halves have them, "
                f"{LEAST_RECIPIENTS} each are needed to see an effect of 25 %"
            )
            return ProbeEvidence(probe="background", checks=(empty_check("background", None, why),))
        before = experiment.predictor.forwards
        notes: list[str] = []
        work = _Pasting(experiment, usable)
        screen = work.measure("A", self.donors_screen, notes)
        ps = screen_p(screen, experiment.seed)
        stood_out = any(p <= 0.05 and np.mean(t.differences) >= 0.05 for p, t in zip(ps, screen, strict=True) if len(t))
        # the BG-gap has a meaning of its own, so the confirmation half is measured even when nothing stood out
        confirm = work.measure("B", self.donors_confirm, notes)
        check = CheckEvidence(
            kind="background",
            screen=tuple(screen),
            stood_out=stood_out,
            confirm=tuple(confirm),
            off_object=True,
            examples=tuple(work.examples),
            facts={"object_source": sample.object_source, "object_share": float(np.mean(share[usable]))},
        )
        return ProbeEvidence(
            probe="background",
            checks=(check,),
            forwards=experiment.predictor.forwards - before,
            notes=tuple(dict.fromkeys(notes)),
            options=self.model_dump(mode="json"),
        )


class _Pasting:
    """Objects on other backgrounds; clean plates are made once for each picture."""

    def __init__(self, experiment: Experiment, usable: np.ndarray) -> None:
        self.experiment = experiment
        self.usable = usable
        self.plates: dict[int, np.ndarray] = {}
        self.examples: list[Any] = []

    def measure(self, half: str, donors: int, notes: list[str]) -> list[PairedEffects]:
        """Background follow, and where pictures share a class and have labels, the BG-gap."""
        experiment = self.experiment
        predicted, labels = experiment.predicted, experiment.sample.labels
        recipient, donor = experiment.pairs(half, donors, "background", eligible=self.usable)
        if len(recipient) == 0:
            return []
        own = self._own_class(half, recipient, predicted)
        other_scores = self._scores(recipient, donor, f"background: half {half}")
        own_scores = self._scores(recipient, own, f"background: half {half}, own class")
        after, control = other_scores.argmax(axis=1), own_scores.argmax(axis=1)
        followed, control_followed = after == predicted[donor], control == predicted[donor]
        if half == "B":
            self._keep_examples(recipient, donor, followed, after, other_scores)
        found = [_by_recipient("background_follow", half, followed, control_followed, recipient, experiment.clusters)]
        known = (labels[recipient] >= 0) & (own != recipient)
        if known.sum():
            right_own, right_other = control == labels[recipient], after == labels[recipient]
            found.append(
                _by_recipient(
                    "background_gap", half, right_own[known], right_other[known], recipient[known], experiment.clusters
                )
            )
        if not known.all():
            notes.append(
                "no second picture of the own class in the half for some recipients: their control is their own "
                "background with the object pasted back, and they do not count in the BG-gap"
            )
        return found

    def _own_class(self, half: str, recipient: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """A background of the own class for each pair; the recipient itself where the half has no other."""
        rng = self.experiment.rng("background-own", half)
        members = self.experiment.halves[half]
        members = members[self.usable[members]]
        chosen = []
        for i in recipient:
            choices = members[(predicted[members] == predicted[i]) & (members != i)]
            chosen.append(int(rng.choice(choices)) if len(choices) else int(i))
        return np.asarray(chosen)

    def _scores(self, recipient: np.ndarray, donor: np.ndarray, what: str) -> np.ndarray:
        import torch

        from auditor.interventions import paste_object

        images = self.experiment.sample.images

        def make(start: int, stop: int) -> torch.Tensor:
            return torch.from_numpy(
                np.stack(
                    [
                        paste_object(images[int(i)].numpy(), self._plate(int(j)), self._weights(int(i)))
                        for i, j in zip(recipient[start:stop], donor[start:stop], strict=True)
                    ]
                )
            )

        self.experiment.budget -= len(recipient)
        report = self.experiment.progress
        return self.experiment.predictor.scores_of(
            len(recipient), make, progress=lambda done, total: report(done, total, what)
        )

    def _plate(self, index: int) -> np.ndarray:
        from auditor.interventions import clean_plate

        if index not in self.plates:
            objects = self.experiment.sample.objects
            assert objects is not None
            self.plates[index] = clean_plate(self.experiment.sample.images[index].numpy(), objects[index])
        return self.plates[index]

    def _weights(self, index: int) -> np.ndarray:
        objects = self.experiment.sample.objects
        assert objects is not None
        return object_weights(objects[index])

    def _keep_examples(
        self, recipient: np.ndarray, donor: np.ndarray, followed: np.ndarray, after: np.ndarray, scores: np.ndarray
    ) -> None:
        from auditor.experiment import Outcomes, examples_of

        outcomes = Outcomes(recipient, donor, followed[None], after[None], scores.max(axis=1)[None])
        self.examples.extend(examples_of(outcomes, 0, self.experiment.scores, self.experiment.classes))


def _by_recipient(
    name: str, half: str, effect: np.ndarray, control: np.ndarray, recipient: np.ndarray, clusters: np.ndarray
) -> PairedEffects:
    from auditor.experiment import paired

    return paired(name, half, effect, control[None], recipient, clusters, ["a background of the own class"])


def object_weights(objects: np.ndarray) -> np.ndarray:
    """Soft mask of an object; the seam lies outside it, so that nothing of the object is lost.

    Args:
        objects: bool (height, width).

    Returns:
        float32 (height, width).
    """
    mask = objects.astype(np.float32)
    feather = round(FEATHER * min(mask.shape) / 2)
    if feather < 1:
        return mask
    size = 2 * feather + 1
    return np.maximum(mask, cv2.blur(cv2.dilate(mask, np.ones((size, size))), (size, size)))
