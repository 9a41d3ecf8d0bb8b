"""Colour: does the prediction follow the colours of another picture?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.evidence import ProbeEvidence
from auditor.probes import Probe
from auditor.records import PlannedCheck

if TYPE_CHECKING:
    from auditor.experiment import Experiment


class Colour(Probe):
    """Reliance on the colours of the whole picture: gives it the channel means and deviations of another picture.

    If the prediction follows the other picture's class more often than it does when colours come from a picture of its
    own class that is as far away in colour, the model judges by the cast, the white balance, the exposure or the stain.
    Where the colour is what the class means (a ripe fruit), the finding is true as well: declare it legitimate.

    Source: channel statistics after Reinhard et al., "Color transfer between images", IEEE CG&A 2001.
    """

    cue: ClassVar[str] = "the colour cast"
    recommendation: ClassVar[str] = (
        "Balance white balance, exposure and stain over classes, or normalise them in all pictures; train with jitter "
        "of hue, saturation, brightness and contrast. Then audit again with the colour probe."
    )
    order: ClassVar[int] = 5
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
            kind="colour",
            what="channel means and deviations given by pictures of other classes; whole sample and each class",
            control="the same from a picture of the own class that is as far away in colour",
            limit="follow rate minus control: ≥ .10 minor, ≥ .25 material, ≥ .60 severe; q ≤ .05",
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="White balance, exposure and stain differ by source, and sources go with labels.",
        )

    def forwards(self) -> float:
        return self.donors_screen + self.shortlist * self.donors_confirm

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.interventions.transferring import ColourTransfer
        from auditor.transfer import TransferBudget, transfer

        before = experiment.predictor.forwards
        notes: list[str] = []
        budget = TransferBudget(self.donors_screen, self.donors_confirm, self.shortlist)
        given = ColourTransfer(experiment.sample.images)
        checks = transfer(experiment, "colour", given, budget, _words, notes)
        return ProbeEvidence(
            probe="colour",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            notes=tuple(notes),
            options=self.model_dump(mode="json"),
        )


def _words(source: str) -> str:
    return f"its colours come from {source}"
