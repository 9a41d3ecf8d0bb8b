"""The words in which an audit answers: for one check, for how much it weighs, and for the whole."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The verdict of one check (kind × region × class); in the order of increasing concern."""

    NOT_TESTED = "not_tested"
    INSUFFICIENT = "insufficient"
    NO_EVIDENCE = "no_evidence"
    PRESENT_NOT_USED = "present_not_used"
    ENCODED = "encoded"
    NOT_REPRODUCED = "not_reproduced"
    INCONCLUSIVE = "inconclusive"
    SUSPECTED = "suspected"
    DECLARED_LEGITIMATE = "declared_legitimate"
    CONFIRMED = "confirmed"


class Grade(StrEnum):
    """How strongly a confirmed cue moves the prediction."""

    MINOR = "minor"
    MATERIAL = "material"
    SEVERE = "severe"


class Severity(StrEnum):
    """How a finding weighs in the gate."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return list(Severity).index(self)


class AuditVerdict(StrEnum):
    """The headline."""

    PASS = "pass"
    PASS_WITH_WAIVERS = "pass_with_waivers"
    FAIL = "fail"
    INCOMPLETE = "incomplete"
