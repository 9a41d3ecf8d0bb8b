"""Sharpness: does the prediction follow how sharp or compressed another picture is?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.evidence import ProbeEvidence
from auditor.probes import Probe
from auditor.records import PlannedCheck

if TYPE_CHECKING:
    from auditor.experiment import Experiment


class Sharpness(Probe):
    """Reliance on blur, resolution and compression: gives a picture the sharpness of another.

    The other picture's fall-off of fine detail, its pixelation and its JPEG quality are measured and given to the
    recipient. If the prediction follows the other picture's class more often than it does when sharpness comes from a
    picture of its own class that is as different, the model judges by focus, resolution or compression.

    Sources: radial power spectra after van der Schaaf & van Hateren, Vision Research 1996; JPEG quality after Farid,
    "Exposing digital forgeries from JPEG ghosts", IEEE TIFS 2009.
    """

    cue: ClassVar[str] = "how sharp or compressed the picture is"
    recommendation: ClassVar[str] = (
        "Bring all pictures to one resolution and one compression before training, balance devices and sources over "
        "classes, and train with random blur, down-sampling and JPEG quality. Then audit again with the sharpness "
        "probe."
    )
    order: ClassVar[int] = 6
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"donors_screen": 1, "donors_confirm": 2, "shortlist": 1},
        "standard": {},
        "full": {"donors_screen": 3, "donors_confirm": 6, "shortlist": 4},
    }

    donors_screen: int = Field(2, ge=1, le=16, description="Donor pictures an image on the discovery half.")
    donors_confirm: int = Field(3, ge=1, le=64, description="Donor pictures an image on the confirmation half.")
    shortlist: int = Field(2, ge=1, le=64, description="Checks that may go to the confirmation half.")

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="sharpness",
            what="blur, pixelation and JPEG quality given by pictures of other classes; whole sample and each class",
            control="the same from a picture of the own class that is as different",
            limit="follow rate minus control: ≥ .10 minor, ≥ .25 material, ≥ .60 severe; q ≤ .05",
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="Focus, resolution and compression differ by device, and devices go with labels.",
        )

    def forwards(self) -> float:
        return self.donors_screen + self.shortlist * self.donors_confirm

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.interventions.sharpness_transfer import SharpnessTransfer
        from auditor.transfer import TransferBudget, transfer

        before = experiment.predictor.forwards
        notes: list[str] = []
        budget = TransferBudget(self.donors_screen, self.donors_confirm, self.shortlist)
        given = SharpnessTransfer(experiment.sample.images)
        checks = transfer(experiment, "sharpness", given, budget, _words, notes)
        return ProbeEvidence(
            probe="sharpness",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            notes=tuple(notes),
            options=self.model_dump(mode="json"),
        )


def _words(source: str) -> str:
    return f"its sharpness comes from {source}"
