"""Which number speaks for a check."""

from __future__ import annotations

from auditor.findings.grades import steps_of
from auditor.records import Check, Measurement


def main_measurement(check: Check) -> Measurement | None:
    """The effect that speaks for the check: the strongest graded one where it was confirmed, else the first.

    Of two that reach the same grade, what shows that the cue suffices comes before removal.
    """
    graded = [item for item in check.measurements if item.value is not None and steps_of(item.name, check.kind)]
    if not graded:
        return next((item for item in check.measurements if item.value is not None), None)
    if not check.is_finding:
        return graded[0]
    return max(graded, key=lambda item: (_reached(item, check.kind), _sufficient(item), item.value or 0.0))


def _sufficient(item: Measurement) -> bool:
    """Whether it shows that the cue suffices, which the sentence tells; removal shows only that it is missed."""
    return not item.name.startswith("removal")


def _reached(item: Measurement, kind: str) -> int:
    return sum((item.value or 0.0) >= step for step in steps_of(item.name, kind))
