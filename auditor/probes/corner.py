"""Corner patches: does the prediction follow the corner of another picture?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from auditor.evidence import ProbeEvidence
from auditor.media import EVERY
from auditor.probes import LocationProbe
from auditor.records import Box, PlannedCheck
from auditor.regions import CORNER, corners, inward_patches, mirrored, opposite
from auditor.shares import percent

if TYPE_CHECKING:
    from auditor.experiments.experiment import Experiment


class Corner(LocationProbe):
    """Reliance on tags, logos, stamps and markers in the corners: swaps each corner between pictures.

    A corner patch of a picture of another class replaces the picture's own. Controls are the patch of the same size
    just inward on the same diagonal, the one inward on the other diagonal, and the corner diagonally opposite.
    """

    cue: ClassVar[str] = "the corner"
    recommendation: ClassVar[str] = (
        "Look at the corner in the training data for tags, stamps or marks that go with a class or source; mask or "
        "inpaint them, or paste them at random on all classes. Then audit again with the corner probe."
    )
    order: ClassVar[int] = 1
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"donors_screen": 1, "shortlist": 1, "removal": False},
        "standard": {},
        "full": {"donors_screen": 3, "donors_confirm": 8, "shortlist": 6},
    }
    media = EVERY

    share: float = Field(CORNER, gt=0.02, le=0.45, description="Side of the patch as a share of the picture's side.")

    @classmethod
    def where(cls, region: Box | None) -> str:
        return cls.cue if region is None else f"the {region.name} corner"

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="corner",
            what=f"four corner patches ({percent(self.share)} of the side) swapped; whole sample and each class",
            control="patches of the same size inward on both diagonals, and the opposite corner",
            limit=self.steps,
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="Hospital tags, watermarks, date stamps and rulers sit in corners and give the source away.",
        )

    def pool(self) -> int:
        return 8

    def placebos(self) -> int:
        return 4

    def controls(self) -> int:
        return 3

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiments.experiment import Candidate
        from auditor.experiments.two_stage import two_stage

        before = experiment.predictor.forwards
        patches = corners(*experiment.size, self.share)
        inward = inward_patches(*experiment.size, self.share)
        candidates = [
            Candidate(region, (inward[name], inward[mirrored(name)], patches[opposite(name)]))
            for name, region in patches.items()
        ]
        checks = two_stage(experiment, "corner", candidates, self.budget())
        return ProbeEvidence(
            probe="corner",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            options=self.model_dump(mode="json"),
        )
