"""Colour: does the prediction follow the colours of another picture?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from auditor.probes import TransferProbe
from auditor.records import PlannedCheck

if TYPE_CHECKING:
    from auditor.evidence import CheckEvidence
    from auditor.experiments.experiment import Experiment
    from auditor.experiments.transfer import Transfer
    from auditor.interventions.transferring import GlobalProperty

JITTER = 0.2
"""Each channel of a picture is multiplied by a random factor in 1 ± .2."""


class Colour(TransferProbe):
    """Reliance on the colours of the whole picture: gives it the channel means and deviations of another picture.

    If the prediction follows the other picture's class more often than it does when colours come from the picture
    of its own class that is nearest to the other in colour, the model judges by the cast, the white balance, the
    exposure or the stain. Beside it stand the share that follows the cast alone, brightness and contrast kept
    (`follow_rate_chroma`), and the accuracy in grey and under random gains of the channels. Where colour is what
    the class means (a ripe fruit), the finding is true as well: declare it legitimate. A background whose colour
    goes with the class is found too; where objects are known, `object_colour_auc` says whether their own colours go
    with the class as well, as under a cast.

    Source: channel statistics after Reinhard et al., "Color transfer between images", IEEE CG&A 2001.
    """

    cue: ClassVar[str] = "the colour cast"
    recommendation: ClassVar[str] = (
        "Balance white balance, exposure and stain over classes, or normalise them in all pictures; train with jitter "
        "of hue, saturation, brightness and contrast. Then audit again with the colour probe."
    )
    order: ClassVar[int] = 5
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "quick": {"donors_screen": 1, "donors_confirm": 2, "shortlist": 1, "details": False},
        "standard": {},
        "full": {"donors_screen": 6, "donors_confirm": 8, "shortlist": 4},
    }
    # doses, the cast alone, and two treatments of half B
    details_forwards: ClassVar[float] = 2.0 + 0.5 + 2 * 0.5

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="colour",
            what="channel means and deviations given by pictures of other classes; whole sample and each class",
            control="the same from the picture of the own class nearest in colour to the other",
            limit=self.steps,
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="White balance, exposure and stain differ by source, and sources go with labels.",
        )

    @classmethod
    def words(cls, source: str) -> str:
        return f"its colours come from {source}"

    def given(self, experiment: Experiment) -> GlobalProperty:
        from auditor.interventions.transferring import ColourTransfer

        return ColourTransfer(experiment.sample.images)

    def detailed(self, test: Transfer, checks: list[CheckEvidence]) -> list[CheckEvidence]:
        from auditor.experiments.object_colours import object_colours
        from auditor.experiments.transfer_details import dose_response, followed_most, part_followed
        from auditor.interventions.transferring import ColourTransfer

        most = followed_most(checks)
        colours = int(test.experiment.sample.images.shape[1]) == 3
        if not colours:
            test.notes.append("colour: the pictures have no three channels, so brightness and contrast were given")
        if most is not None:
            doses = dose_response(test, checks[most], "colours of another picture")
            part = None
            if colours:
                chroma = ColourTransfer(test.experiment.sample.images, "chroma")
                part = part_followed(test, checks[most], chroma, "chroma")
            further = (*checks[most].further, *((part,) if part else ()))
            checks[most] = checks[most].model_copy(update={"doses": (doses,) if doses else (), "further": further})
        for place, check in enumerate(checks):
            carried = object_colours(test.experiment, check.class_name) if check.confirm else None
            if carried is not None:
                checks[place] = check.model_copy(update={"further": (*check.further, carried)})
        if checks[0].not_tested is None:
            treated = _treated(test, colours=colours)
            checks[0] = checks[0].model_copy(update={"further": (*checks[0].further, *treated)})
        return checks


def _treated(test: Transfer, *, colours: bool) -> tuple[Any, ...]:
    """Accuracy in grey and under random gains."""
    from auditor.experiments.treatment import Treated
    from auditor.interventions.transferring import LUMA, Pictures

    pictures = Pictures(test.experiment.sample.images)
    drawn = test.experiment.rng("colour-gains").uniform(1 - JITTER, 1 + JITTER, pictures.images.shape[:2])

    def in_grey(index: np.ndarray) -> np.ndarray:
        loaded = pictures[index]
        return np.broadcast_to(np.tensordot(loaded, LUMA, (1, 0))[:, None], loaded.shape)

    def under_gains(index: np.ndarray) -> np.ndarray:
        return pictures.clipped(pictures.low + (pictures[index] - pictures.low) * drawn[index][:, :, None, None])

    treated = Treated(test.experiment, test.kind, test.notes)
    found = [treated.measured("in_grey", in_grey, "pictures in grey")] if colours else []
    found.append(treated.measured("under_gains", under_gains, f"channels multiplied by 1 ± {JITTER:g}"))
    return tuple(item for item in found if item is not None)
