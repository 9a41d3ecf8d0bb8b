"""What the audit must reach, in one place. Source: METHODS, section 9."""

from __future__ import annotations

from dataclasses import dataclass

LOCAL_RECALL = "recall, strong visible local cue"
GLOBAL_RECALL = "recall, strong colour cast or sharpness"
PARTIAL_RECALL = "recall, partial reliance"
FALSE_ALARMS = "false alarms, per negative model"
PRECISION = "precision of confirmed checks"
KIND_NAMED = "kind named rightly, of detected cues"
BOTH_OF_TWO = "both of two cues found"
ABSTAINED_POSITIVE = "abstention, positive cues"
ABSTAINED_NEGATIVE = "abstention, negative models"
CRASHED = "audits that broke"
BROKEN_PART = "audits that finished with a broken part"


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a share.

    Attributes:
        at_least: Smallest value.
        at_most: Largest value.
        upper: Largest upper end of the 95 % interval; not asked of the smoke suite, which is too small for it.
    """

    at_least: float | None = None
    at_most: float | None = None
    upper: float | None = None

    def met(self, value: float, high: float, *, smoke: bool) -> bool:
        """Whether a share with that upper bound reaches it."""
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (smoke or self.upper is None or high <= self.upper)
        )

    def words(self, *, smoke: bool) -> str:
        """For tables."""
        parts = [
            "" if self.at_least is None else f"≥ {self.at_least:g}",
            "" if self.at_most is None else f"≤ {self.at_most:g}",
            "" if self.upper is None or smoke else f"upper 95 % ≤ {self.upper:g}",
        ]
        return ", ".join(part for part in parts if part)


TARGETS = {
    LOCAL_RECALL: Target(at_least=0.98),
    GLOBAL_RECALL: Target(at_least=0.85),
    PARTIAL_RECALL: Target(at_least=0.90),
    FALSE_ALARMS: Target(at_most=0.01, upper=0.05),
    PRECISION: Target(at_least=0.97),
    KIND_NAMED: Target(at_least=0.90),
    BOTH_OF_TWO: Target(at_least=0.80),
    ABSTAINED_POSITIVE: Target(at_most=0.05),
    ABSTAINED_NEGATIVE: Target(at_most=0.10),
    CRASHED: Target(at_most=0.0),
    BROKEN_PART: Target(at_most=0.0),
}
