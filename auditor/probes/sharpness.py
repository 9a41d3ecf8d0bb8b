"""Sharpness: does the prediction follow how sharp or compressed another picture is?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from auditor.probes import TransferProbe
from auditor.records import Measurement, PlannedCheck
from auditor.statistics.intervals import mean_interval, wilson

if TYPE_CHECKING:
    from auditor.evidence import CheckEvidence, DoseResponse
    from auditor.experiments.experiment import Experiment
    from auditor.experiments.transfer import Transfer
    from auditor.interventions.directional_loss import DirectionalLoss
    from auditor.interventions.sharpness_transfer import SharpnessTransfer
    from auditor.interventions.transferring import GlobalProperty

BLURS = (1 / 48, 1 / 24)
"""Deviation of the Gaussian, as a share of the shorter side."""
QUALITIES = (50, 20)
LOST = "amplitude_kept_along"
MOST_DIRECTIONS = 6
"""Classes that are tried: objects that lie one way make many a class's spectrum lean, and mean nothing."""
SMALLEST = 16
"""Pixels a side below which directions are not told apart."""
DIRECTED = 0.05
"""A class whose loss of detail has a direction is tried on the model where chance gives as much of one so seldom."""


class Sharpness(TransferProbe):
    """Reliance on blur, resolution and compression: gives a picture the sharpness of another.

    The other picture's fall-off of fine detail, its resolution and its JPEG quality are measured and given to the
    recipient. If the prediction follows the other picture's class more often than it does when sharpness comes from a
    picture of its own class that is as different, the model judges by focus, resolution or compression. Which of them
    it is, is told by `follow_rate_blur`, `follow_rate_resolution` and `follow_rate_compression`, each given alone.
    What one class's pictures lack along some directions (motion, double exposure, line scans) is recovered from their
    mean spectrum and given to others; its control is the same loss turned by 90 degrees.
    Beside it stands the accuracy when all pictures are blurred or re-encoded alike. Traces of compression and
    of enlargement are found only where pictures were not resized afterwards; strong blur leaves those of enlargement.

    Sources: power-law spectra after van der Schaaf & van Hateren, Vision Research 1996; JPEG quality after Farid,
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
        "quick": {"donors_screen": 1, "donors_confirm": 2, "shortlist": 1, "details": False, "directions": False},
        "standard": {},
        "full": {"donors_screen": 6, "donors_confirm": 8, "shortlist": 4},
    }
    # three parts and two sides, four treatments of half B
    details_forwards: ClassVar[float] = 5 * 0.5 + 4 * 0.5

    directions: bool = Field(True, description="Also look for a loss of detail along directions, class by class.")

    def planned(self) -> PlannedCheck:
        return PlannedCheck(
            kind="sharpness",
            what="blur, resolution and JPEG quality given by pictures of other classes; whole sample and each class",
            control="the same from the picture of the own class that is most like the other; directions: turned by 90°",
            limit=self.steps,
            minimum_count=8,
            severity="low, medium, high by grade",
            rationale="Focus, resolution and compression differ by device, and devices go with labels.",
        )

    @classmethod
    def words(cls, source: str) -> str:
        return f"its sharpness comes from {source}"

    def given(self, experiment: Experiment) -> GlobalProperty:
        from auditor.interventions.sharpness_transfer import SharpnessTransfer

        return SharpnessTransfer(experiment.sample.images)

    def forwards(self) -> float:
        # some classes tried on every second picture of half A; one is screened with two controls, and takes a place of
        # the shortlist
        return super().forwards() + (MOST_DIRECTIONS / 4 + 3 / 2) * self.directions

    def tested(self, test: Transfer) -> list[CheckEvidence]:
        from auditor.experiments.transfer import checks_of

        found = self._along_directions(test) if self.directions else None
        if found is None or not found.confirm:
            return checks_of(test)
        checks = checks_of(replace(test, budget=replace(test.budget, shortlist=test.budget.shortlist - 1)))
        same = [place for place, check in enumerate(checks) if check.class_name == found.class_name]
        if not same:
            return [*checks, found]
        # one record a class: of what half A showed, the stronger
        if _screened(found) >= _screened(checks[same[0]]):
            checks[same[0]] = found
        return checks

    def _along_directions(self, test: Transfer) -> CheckEvidence | None:
        """The check of the class followed most, of those whose loss of detail has a direction; None for none."""
        from auditor.experiments.class_transfer import check_of_class, raw_follow_rate
        from auditor.experiments.experiment import MINIMUM_DONORS, SCREEN_EFFECT

        experiment = test.experiment
        labels, counts = np.unique(experiment.predicted, return_counts=True)
        if len(labels) < 2 or min(experiment.size) < SMALLEST:
            return None
        given = self._directions(experiment)
        budget = replace(test.budget, donors_confirm=1)
        along, rng = replace(test, given=given, budget=budget, words=_along_words), experiment.rng("directions")
        directed = {int(label): given.directed(int(label), rng) for label in labels[counts >= 2 * MINIMUM_DONORS]}
        clear = sorted((k for k, (p, _) in directed.items() if p <= DIRECTED), key=lambda k: -directed[k][1])
        rates = {label: raw_follow_rate(along, label) for label in clear[:MOST_DIRECTIONS]}
        most = max(rates, key=lambda label: rates[label], default=None)
        if most is None or rates[most] < SCREEN_EFFECT:
            return None
        check = check_of_class(along, most)
        if not check.confirm:
            return check
        return check.model_copy(update={"further": (*check.further, _lost(given, most, experiment))})

    @staticmethod
    def _directions(experiment: Experiment) -> DirectionalLoss:
        from auditor.interventions.directional_loss import DirectionalLoss

        return DirectionalLoss(experiment.sample.images, experiment.predicted)

    def detailed(self, test: Transfer, checks: list[CheckEvidence]) -> list[CheckEvidence]:
        from auditor.experiments.transfer_details import followed_most, part_followed, sides_followed
        from auditor.interventions.sharpness_transfer import PARTS, SharpnessTransfer

        assert isinstance(test.given, SharpnessTransfer)
        most = followed_most(checks)
        if most is not None and any(item.name == LOST for item in checks[most].further):
            sides = sides_followed(replace(test, given=self._directions(test.experiment)), checks[most])
            checks[most] = checks[most].model_copy(update={"further": (*checks[most].further, *sides)})
        elif most is not None:
            parts = [
                part_followed(test, checks[most], test.given.only(part), part)
                for part in PARTS
                if np.ptp(test.given.only(part).positions) > 0
            ]
            found = (*(part for part in parts if part is not None), *sides_followed(test, checks[most]))
            checks[most] = checks[most].model_copy(update={"further": (*checks[most].further, *found)})
        if checks[0].not_tested is None:
            doses, measured = _treated(test)
            further = (*checks[0].further, *measured, *_traces(test.given))
            checks[0] = checks[0].model_copy(update={"doses": doses, "further": further})
        return checks


def _along_words(source: str) -> str:
    return f"it lost fine detail along the directions that the class of {source} lacks"


def _screened(check: CheckEvidence) -> float:
    return max((float(np.mean(test.differences)) for test in check.screen if len(test)), default=0.0)


def _lost(given: DirectionalLoss, label: int, experiment: Experiment) -> Measurement:
    """What is left of the wave that the class lacks most."""
    lost, degrees, length = given.most_lost(label)
    clusters = experiment.clusters[experiment.predicted == label]
    low, high = mean_interval(lost, clusters, seed=experiment.seed, lower=float(lost.min()), upper=float(lost.max()))
    return Measurement(
        name=LOST,
        value=float(np.exp(lost.mean())),
        low=float(np.exp(low)),
        high=float(np.exp(high)),
        count=len(np.unique(clusters)),
        note=f"waves of {length:.1f} pixels at {degrees:.0f} degrees, against those at right angles, in class "
        f"{experiment.classes[label]}; other classes are 1",
    )


def _traces(given: SharpnessTransfer) -> list[Measurement]:
    """How many pictures show that they were compressed, or enlarged from fewer pixels."""
    from auditor.interventions.sharpness_transfer import UNCOMPRESSED

    traces = {"compressed": given.qualities < UNCOMPRESSED, "enlarged": given.enlarged > 0}
    found = []
    for name, carried in traces.items():
        low, high = wilson(int(carried.sum()), len(carried))
        note = "pictures that show it at the size of the model's input"
        share = float(carried.mean())
        found.append(Measurement(name=f"share_{name}", value=share, low=low, high=high, count=len(carried), note=note))
    return found


def _treated(test: Transfer) -> tuple[tuple[DoseResponse, ...], list[Measurement]]:
    """Accuracy when all pictures are blurred, and when all are re-encoded."""
    from auditor.experiments.treatment import Level, Treat, Treated
    from auditor.interventions.sharpness_transfer import blurred, recompressed
    from auditor.interventions.transferring import Pictures

    pictures = Pictures(test.experiment.sample.images)
    short = min(pictures.size)

    def at_blur(sigma: float) -> Treat:
        return lambda index: blurred(pictures[index], sigma)

    def at_quality(quality: int) -> Treat:
        def treat(index: np.ndarray) -> np.ndarray:
            coded = recompressed(pictures.as_bytes(pictures[index]), np.full(len(index), quality))
            return pictures.from_bytes(coded)

        return treat

    treated = Treated(test.experiment, test.kind, test.notes)
    blurs = [Level(share * short, at_blur(share * short)) for share in BLURS]
    codes = [Level(100 - quality, at_quality(quality)) for quality in QUALITIES]
    doses, measured = [], []
    for name, levels, what, strength in (
        ("blurred", blurs, "all pictures blurred", "deviation of the Gaussian, pixels"),
        ("recompressed", codes, "all pictures re-encoded as JPEG", "100 − JPEG quality"),
    ):
        response, rights = treated.by_level(levels, what, strength)
        if response is not None:
            doses.append(response)
            words = f"{what}, {strength} {levels[len(rights) - 1].strength:g}"
            measured.append(treated.measurement(name, rights[-1], words))
    return tuple(doses), measured
