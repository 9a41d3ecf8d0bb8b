"""Border rings: does the prediction follow the rim of another picture?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.evidence import CheckEvidence, ProbeEvidence, RingProfile
from auditor.media import EVERY
from auditor.probes import LocationProbe
from auditor.records import Box, PlannedCheck
from auditor.regions import RING_WIDTHS, border_rings
from auditor.statistics.intervals import mean_interval

if TYPE_CHECKING:
    from auditor.experiments.experiment import Experiment


LARGEST_SHARE = 0.4
"""A wider ring holds much of the object, and its inner ring much less: following it proves nothing. It is drawn in the
profile and not judged. [measured: MobileNetV2 on 299 clean photos follows a ring of 22 % of the side, 69 % of the area,
by 13 points over its inner ring; at 10 % and less by none]"""


class Border(LocationProbe):
    """Reliance on frames, letterboxes and rims: swaps border rings of several widths between pictures.

    The rim of a picture of another class replaces the picture's own. If the prediction follows the rim more often than
    it follows an inner ring of the same width, the model judges by the border. The inner ring is the control because
    honest networks follow wide rims of natural scenes as well (sky, sea, grass): context, not a frame.
    """

    cue: ClassVar[str] = "the border of the picture"
    recommendation: ClassVar[str] = (
        "Crop or mask borders before training and inference, or vary them (random border crops, random padding, "
        "random erasing along the rim); check whether frames go with one source. Then repeat the audit of borders."
    )
    order: ClassVar[int] = 2
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"widths": (0.05, 0.10, 0.22), "donors_screen": 1, "shortlist": 1, "removal": False},
        "standard": {},
        "full": {"donors_screen": 3, "donors_confirm": 8, "shortlist": 6},
    }
    media = EVERY

    widths: tuple[float, ...] = Field(RING_WIDTHS, description="Ring widths as shares of the shorter side.")

    @classmethod
    def where(cls, region: Box | None) -> str:
        if region is None:
            return cls.cue
        if region.name.startswith("frame-") and region.hole is not None:
            return f"a frame burned into the picture, {region.hole[0]} px wide"
        if region.name.startswith("band-"):
            return f"a band burned in along the {' and '.join(region.name.split('-')[2:])} of the picture"
        return f"a border ring {region.name.removeprefix('ring-')} px wide"

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="border",
            what=f"{len(self.widths)} border rings swapped with pictures of other classes; whole sample and each class",
            control="inner ring of the same width, a quarter of the side in",
            limit=self.steps,
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="Frames, letterboxes and collimator edges differ by source and give the label away.",
        )

    def pool(self) -> int:
        return 2 * len(self.widths)

    def placebos(self) -> int:
        return len(self.widths)

    def controls(self) -> int:
        return 1

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiments.experiment import Candidate
        from auditor.experiments.two_stage import two_stage

        before = experiment.predictor.forwards
        height, width = experiment.size
        candidates = [
            Candidate(ring, (inner,), judged=bool(ring.mask(height, width).mean() <= LARGEST_SHARE))
            for ring, inner in border_rings(height, width, self.widths)
        ]
        checks = two_stage(experiment, "border", candidates, self.budget())
        return ProbeEvidence(
            probe="border",
            checks=tuple(checks),
            ring_profile=_profile(checks, experiment.seed),
            forwards=experiment.predictor.forwards - before,
            options=self.model_dump(mode="json"),
        )


def _profile(checks: list[CheckEvidence], seed: int) -> RingProfile | None:
    """Follow rate by ring width, from the discovery half, which sees every width with the same pairs."""
    rings = [check for check in checks if check.class_name is None and check.screen and check.region is not None]
    rings = [check for check in rings if len(check.screen[0])]
    if not rings:
        return None
    screens = [check.screen[0] for check in rings]
    intervals = [mean_interval(np.asarray(s.effect), s.clusters, seed=seed) for s in screens]
    return RingProfile(
        widths=tuple(check.region.hole[0] for check in rings if check.region and check.region.hole),
        rates=tuple(float(np.mean(s.effect)) for s in screens),
        lows=tuple(low for low, _ in intervals),
        highs=tuple(high for _, high in intervals),
        controls=tuple(float(np.mean(s.control)) for s in screens),
        count=len(screens[0]),
    )
