"""Grid cells and regions that the spec names: what decides the class, and where it must not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.evidence import CheckEvidence, ProbeEvidence
from auditor.media import EVERY
from auditor.probes import LocationProbe
from auditor.records import Box, PlannedCheck
from auditor.regions import Region, displaced, same_distance_cells

if TYPE_CHECKING:
    from auditor.experiments.experiment import Candidate, Experiment

LEAST_PICTURES = 32
"""A cell is judged where at least so many pictures leave it, and its controls, free of the object."""
LEAST_RECIPIENTS = 33
"""And where so many recipients on the discovery half were swapped with a donor free of it as well: with fewer, effects
of 25 points would be missed, and the check could say nothing."""
OFF_OBJECT = 0.02
"""A region is off the object where at most 2 % of it are covered."""


class RegionProbe(LocationProbe):
    """The causal map: swaps every cell of a grid, and judges cells off the object and regions named in the spec.

    An honest network follows the object wherever it lies, so a region inside the picture proves nothing by itself: it
    is drawn in the causal map and not judged, unless masks or boxes show that it is off the object, or the spec
    forbids it (`forbidden`). Controls are the other cells at the same distance from the centre.
    """

    cue: ClassVar[str] = "the region"
    recommendation: ClassVar[str] = (
        "Look at this place in the training data for what differs between classes; mask it, or vary it at random over "
        "all classes (random erasing). Then audit again with the region probe."
    )
    order: ClassVar[int] = 3
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"cells": 4, "donors_screen": 1, "shortlist": 1, "removal": False, "most": 32},
        "standard": {"donors_screen": 1},
        "full": {"cells": 8, "donors_screen": 3, "donors_confirm": 8, "shortlist": 6},
    }
    media = EVERY

    cells: int = Field(6, ge=2, le=16, description="The grid is cells × cells.")
    most: int | None = Field(None, ge=8, description="Recipients of the causal map, at most; all when null.")
    forbidden: tuple[str, ...] = Field(
        (), description="Names from dataset.regions that the model must not use: judged even inside the picture."
    )

    @classmethod
    def where(cls, region: Box | None) -> str:
        return cls.cue if region is None else f"the region {region.name}"

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="region",
            what=f"{self.cells} × {self.cells} cells swapped (causal map); off the object, and if named, judged",
            control="cells at the same distance from the centre, off the object",
            limit=self.steps,
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="Shows what decides the class without labels; finds cues in places that nobody named.",
        )

    def pool(self) -> int:
        return self.cells**2

    def placebos(self) -> int:
        return 0

    def controls(self) -> int:
        return 3

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiments.experiment import empty_check
        from auditor.experiments.two_stage import two_stage

        before = experiment.predictor.forwards
        notes: list[str] = []
        checks: list[CheckEvidence] = []
        experiment.causal_map(self.cells, self.donors_screen, self.most)
        off_object = self._off_object(experiment)
        if off_object:
            screened = experiment.causal_screen()
            checks += two_stage(experiment, "region", off_object, self.budget(), screened=screened)
        else:
            why = (
                "no grid cell is off the object in enough pictures"
                if experiment.sample.objects is not None
                else "without masks or boxes a cell inside the picture proves nothing; the grid is drawn, not judged"
            )
            checks.append(empty_check("region", None, why))
        named = self._named(experiment, notes)
        if named:
            checks += two_stage(experiment, "region", named, self.budget())
        return ProbeEvidence(
            probe="region",
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            notes=tuple(notes),
            options=self.model_dump(mode="json"),
        )

    def _off_object(self, experiment: Experiment) -> list[Candidate]:
        """Cells that are off the object, with controls off it as well, in enough pictures."""
        from auditor.experiments.experiment import Candidate

        objects = experiment.sample.objects
        if objects is None:
            return []
        cells, outcomes = experiment.causal_screen()
        known = experiment.sample.has_object
        free = np.stack([known & (cell.overlap(objects) <= OFF_OBJECT) for cell in cells])
        found = []
        for index, cell in enumerate(cells):
            others = sorted(
                same_distance_cells(index, self.cells), key=lambda other: -(free[index] & free[other]).sum()
            )
            eligible = free[index].copy()
            controls: list[Region] = []
            for other in others[: self.controls()]:
                if (eligible & free[other]).sum() >= LEAST_PICTURES:
                    eligible &= free[other]
                    controls.append(cells[other])
            swapped = outcomes.recipient[eligible[outcomes.recipient] & eligible[outcomes.donor]]
            if controls and len(np.unique(swapped)) >= LEAST_RECIPIENTS:
                found.append(Candidate(cell, tuple(controls), eligible=eligible, off_object=True))
        return found

    def _named(self, experiment: Experiment, notes: list[str]) -> list[Candidate]:
        """Regions that the spec names: judged where forbidden or off the object."""
        from auditor.experiments.experiment import Candidate

        height, width = experiment.size
        objects, known = experiment.sample.objects, experiment.sample.has_object
        found = []
        for name, box in experiment.sample.extras.get("regions", {}).items():
            region = Region(name, (max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])))
            controls = displaced(region, height, width)
            if not controls:
                notes.append(f"region {name}: no place at the same distance from the centre to compare it with")
                continue
            eligible = None
            if objects is not None:
                free = known & (region.overlap(objects) <= OFF_OBJECT)
                eligible = free if free.sum() >= LEAST_PICTURES else None
            judged = name in self.forbidden or eligible is not None
            found.append(
                Candidate(region, tuple(controls), eligible=eligible, off_object=eligible is not None, judged=judged)
            )
        return found
