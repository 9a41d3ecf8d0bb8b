"""Probes: one file each. An experiment on the model that answers whether it leans on one kind of cue."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from auditor.evidence import ProbeEvidence
from auditor.records import Box, PlannedCheck
from auditor.registry import Part

if TYPE_CHECKING:
    from auditor.evidence import CheckEvidence
    from auditor.experiments.experiment import Experiment
    from auditor.experiments.transfer import Transfer
    from auditor.experiments.two_stage import Budget
    from auditor.interventions.transferring import GlobalProperty

__all__ = ["LocationProbe", "Probe", "TransferProbe"]


class Probe(Part):
    """Measures; never judges. Judging sets what it brings home against limits afterwards."""

    order: ClassVar[int] = 9
    """Place among the probes: the more specific kind goes first, so that it is confirmed while budget is left."""

    shares_budget: ClassVar[bool] = False
    """Whether its forwards come from the budget that all probes of places share; else it brings its own."""

    cue: ClassVar[str]
    """What is tested, in words that follow "relies on": "the colour cast"."""
    recommendation: ClassVar[str]
    """What to do when it is confirmed: which data fix, which augmentation, which test to repeat."""

    @classmethod
    def where(cls, region: Box | None) -> str:
        """The cue at a region, in the same place of a sentence."""
        return cls.cue if region is None else f"{cls.cue} ({region.name})"

    @abstractmethod
    def planned(self) -> PlannedCheck:
        """The row of the test plan, fixed before the run."""

    @abstractmethod
    def forwards(self) -> float:
        """Upper bound of forwards an image of the sample, averaged over both halves."""

    @abstractmethod
    def run(self, experiment: Experiment) -> ProbeEvidence:
        """Experiment on the model. What cannot be tested is a check with `not_tested`, in words."""


class LocationProbe(Probe):
    """A probe of regions: screened on half A, confirmed on half B, by swaps and removals with matched controls."""

    shares_budget: ClassVar[bool] = True
    steps: ClassVar[str] = (
        "follow rate minus control: ≥ .10 minor, ≥ .25 material, ≥ .60 severe; q ≤ .05 on the confirmation half"
    )

    donors_screen: int = Field(2, ge=1, le=16, description="Donor pictures an image on the discovery half.")
    donors_confirm: int = Field(5, ge=1, le=64, description="Donor pictures an image on the confirmation half.")
    shortlist: int = Field(3, ge=1, le=64, description="Checks that may go to the confirmation half.")
    removal: bool = Field(True, description="Also remove what goes to the confirmation half, by three kinds of fill.")

    @abstractmethod
    def pool(self) -> int:
        """Distinct regions swapped on the discovery half, controls included."""

    @abstractmethod
    def controls(self) -> int:
        """Control regions of one candidate."""

    def placebos(self) -> int:
        """Regions swapped once more on the discovery half, from pictures of the own class; at most as many."""
        return self.pool()

    def rounds(self) -> int:
        """How often the two-stage experiment runs, each time with a shortlist of its own."""
        return 1

    def forwards(self) -> float:
        taken = self.rounds() * self.shortlist
        confirm = taken * (2 + self.controls()) * self.donors_confirm
        removals = taken * (1 + min(2, self.controls())) * 3 if self.removal else 0
        return ((self.pool() + self.placebos()) * self.donors_screen + confirm + removals) / 2

    def budget(self) -> Budget:
        """What the two-stage experiment may spend."""
        from auditor.experiments.two_stage import Budget
        from auditor.interventions import FILLS

        return Budget(self.donors_screen, self.donors_confirm, self.shortlist, FILLS if self.removal else ())


class TransferProbe(Probe):
    """A probe of a property of the whole picture: screened on half A, confirmed on half B, by transfers."""

    steps: ClassVar[str] = LocationProbe.steps
    details_forwards: ClassVar[float]
    """Forwards an image that `detailed` costs at most."""

    donors_screen: int = Field(4, ge=1, le=16, description="Donor pictures an image on the discovery half.")
    donors_confirm: int = Field(3, ge=1, le=64, description="Donor pictures an image on the confirmation half.")
    shortlist: int = Field(2, ge=1, le=64, description="Checks that may go to the confirmation half.")
    details: bool = Field(True, description="Also measure doses, parts, and accuracy when all pictures are treated.")

    @classmethod
    @abstractmethod
    def words(cls, source: str) -> str:
        """What a transfer did, after "when": "its colours come from b.png"."""

    @abstractmethod
    def given(self, experiment: Experiment) -> GlobalProperty:
        """The property of every picture of the sample."""

    def tested(self, test: Transfer) -> list[CheckEvidence]:
        """The records of the whole sample, then of classes."""
        from auditor.experiments.transfer import checks_of

        return checks_of(test)

    @abstractmethod
    def detailed(self, test: Transfer, checks: list[CheckEvidence]) -> list[CheckEvidence]:
        """The checks with what is worth knowing beside the verdict; the first is that of the whole sample."""

    def forwards(self) -> float:
        # three donors share a control; confirming a class takes two kinds of control
        screen = self.donors_screen + -(-self.donors_screen // 3)
        confirm = self.donors_confirm + 2 * -(-self.donors_confirm // 3)
        return (screen + self.shortlist * confirm) / 2 + self.details_forwards * self.details

    def run(self, experiment: Experiment) -> ProbeEvidence:
        from auditor.experiments.transfer import Transfer, TransferBudget

        before, kind = experiment.predictor.forwards, self.part_name()
        budget = TransferBudget(self.donors_screen, self.donors_confirm, self.shortlist)
        test = Transfer(experiment, kind, self.given(experiment), budget, self.words)
        checks = self.tested(test)
        if self.details:
            checks = self.detailed(test, checks)
        return ProbeEvidence(
            probe=kind,
            checks=tuple(checks),
            forwards=experiment.predictor.forwards - before,
            notes=tuple(test.notes),
            options=self.model_dump(mode="json"),
        )
