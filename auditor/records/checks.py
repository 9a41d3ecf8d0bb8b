"""What was asked of the model and of its numbers, and the answers."""

from __future__ import annotations

from pydantic import Field

from auditor.records.measurements import Measurement
from auditor.records.pictures import Box
from auditor.records.record import Record
from auditor.records.standing import BaselineState, Status
from auditor.records.verdicts import Grade, Severity, Verdict


class PlannedCheck(Record):
    """A row of the test plan, fixed before the run."""

    kind: str
    what: str
    control: str
    limit: str
    minimum_count: int
    severity: str
    rationale: str
    required: bool = True


class Check(Record):
    """One question put to the model (kind × region × class), and its answer."""

    id: str
    kind: str
    region: Box | None = None
    class_name: str | None = Field(default=None, alias="class")
    also: tuple[str, ...] = ()
    verdict: Verdict
    grade: Grade | None = None
    severity: Severity | None = None
    harmful: bool | None = None
    measurements: tuple[Measurement, ...] = ()
    p: float | None = None
    q: float | None = None
    minimum_detectable_effect: float | None = None
    status: Status = Status.OPEN
    fingerprint: str | None = None
    """Of audit, kind, region and class: the same in the next audit."""
    waiver: str | None = None
    """Id of the waiver that it is waived by."""
    baseline_state: BaselineState | None = None
    """Of a finding, where there is a baseline."""
    baseline: Measurement | None = None
    """The number that speaks for it, as the baseline has it."""
    sentence: str
    recommendation: str = ""
    clauses: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    spec_line: int | None = None

    @property
    def is_finding(self) -> bool:
        """Whether it counts in the headline."""
        return self.verdict is Verdict.CONFIRMED

    def measurement(self, name: str) -> Measurement | None:
        """The measurement of that name, if there is one."""
        return next((item for item in self.measurements if item.name == name), None)


class LimitResult(Record):
    """A limit of the spec's policy and what was measured against it."""

    name: str
    minimum: float | None = None
    maximum: float | None = None
    severity: Severity
    measurement: Measurement | None = None
    breached: bool
    breached_by: tuple[str, ...] = ()
    """Ids of the checks that breach it; () for a limit on metrics."""
    max_increase: float | None = None
    max_decrease: float | None = None
    """Against the baseline; `minimum` and `maximum` then hold what follows from the baseline's value."""
    baseline: Measurement | None = None
    """What a relative limit is held against."""
    rationale: str = ""
    status: Status = Status.OPEN
    waiver: str | None = None
    reason: str | None = None
    spec_line: int | None = None
