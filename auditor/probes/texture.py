"""Texture: does the prediction follow the texture of another picture, laid over the shapes of this one?"""

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

GRIDS = (2, 4, 8)
"""Patches a side; each picture is cut into so many rows and columns, and they are shuffled."""


class Texture(TransferProbe):
    """Reliance on texture over shape: keeps a picture's coarse shapes and lays the fine texture of another over them.

    The other picture's fine part is cut into small patches that are shuffled and turned, so that it brings no shape.
    If the prediction follows the other picture's class more often than it does with the texture of a picture of its own
    class, made no sharper than the other, the model judges by texture. Networks trained on ImageNet are
    known to lean that way. Beside it stands the accuracy on pictures cut into 2 × 2, 4 × 4 and 8 × 8 shuffled patches:
    what survives of it needs no global shape.

    Sources: Geirhos et al., "ImageNet-trained CNNs are biased towards texture", ICLR 2019; patch shuffling: Brendel &
    Bethge, "Approximating CNNs with bag-of-local-features models", ICLR 2019.
    """

    cue: ClassVar[str] = "texture rather than shape"
    recommendation: ClassVar[str] = (
        "Train with pictures whose texture is exchanged (stylised copies, strong blur and noise, patch-wise colour "
        "jitter), vary materials and surfaces within each class. Then audit again with the texture probe."
    )
    order: ClassVar[int] = 7
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "standard": {},
        "full": {"donors_screen": 6, "donors_confirm": 8, "shortlist": 4},
    }
    # doses, three treatments of half B
    details_forwards: ClassVar[float] = 2.0 + 3 * 0.5

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="texture",
            what="fine texture of pictures of other classes over the own coarse shapes; whole sample and each class",
            control="the same from a picture of the own class, made no sharper than the other",
            limit=self.steps,
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="A model that reads surfaces fails where the material changes and the object stays.",
        )

    @classmethod
    def words(cls, source: str) -> str:
        return f"its fine texture comes, without shape, from {source}"

    def given(self, experiment: Experiment) -> GlobalProperty:
        from auditor.interventions.texture_transfer import TextureTransfer

        return TextureTransfer(experiment.sample.images, experiment.seed)

    def detailed(self, test: Transfer, checks: list[CheckEvidence]) -> list[CheckEvidence]:
        from auditor.experiments.transfer_details import dose_response, followed_most

        most = followed_most(checks)
        if most is not None:
            doses = dose_response(test, checks[most], "texture of another picture")
            checks[most] = checks[most].model_copy(update={"doses": (doses,) if doses else ()})
        if checks[0].not_tested is None:
            checks[0] = _with_shuffled(test, checks[0])
        return checks


def _with_shuffled(test: Transfer, check: CheckEvidence) -> CheckEvidence:
    """Adds the accuracy on shuffled patches."""
    from auditor.experiments.treatment import Level, Treat, Treated
    from auditor.interventions.texture_transfer import shuffled
    from auditor.interventions.transferring import Pictures

    pictures = Pictures(test.experiment.sample.images)
    height, width = pictures.size
    seed = test.experiment.seed

    def in_grid(grid: int) -> Treat:
        sides = (max(1, round(height / grid)), max(1, round(width / grid)))

        def treat(index: np.ndarray) -> np.ndarray:
            return np.stack([
                shuffled(picture, sides, np.random.default_rng([seed, grid, int(i)]))
                for i, picture in zip(index, pictures[index], strict=True)
            ])  # fmt: skip

        return treat

    treated = Treated(test.experiment, test.kind, test.notes)
    levels = [Level(float(grid), in_grid(grid)) for grid in GRIDS]
    response, rights = treated.by_level(levels, "pictures cut into shuffled patches", "patches a side")
    measured = [
        treated.measurement(f"in_{grid}x{grid}_patches", right, f"pictures cut into {grid} × {grid} shuffled patches")
        for grid, right in zip(GRIDS, rights, strict=False)
    ]
    doses = check.doses if response is None else (*check.doses, response)
    return check.model_copy(update={"doses": doses, "further": (*check.further, *measured)})
