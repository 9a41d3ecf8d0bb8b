"""What people decided about findings before the audit: waivers and the baseline, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from auditor.records.measurements import Measurement
from auditor.records.record import Record
from auditor.records.verdicts import Severity


class Status(StrEnum):
    """Whether a finding still asks for something."""

    OPEN = "open"
    WAIVED = "waived"
    BASELINE = "baseline"


class BaselineState(StrEnum):
    """A finding beside the baseline; those that are in the baseline only are listed as absent."""

    NEW = "new"
    UNCHANGED = "unchanged"
    WORSE = "worse"
    BETTER = "better"


class WaiverState(StrEnum):
    """What became of a waiver in an audit; all but `applied` are loud."""

    APPLIED = "applied"
    EXPIRED = "expired"
    EXCEEDED = "exceeded"
    STALE = "stale"


class WaiverRecord(Record):
    """A waiver of the owner's, and what became of it here.

    Attributes:
        match: What else must hold of a finding: class, region, model, fingerprint.
        max_value, min_value: Up to where it waives.
        covers: Ids of the checks, and names of limits as limits.<name>, that it is about.
        days_left: From the audit's day to `expires`; negative when expired.
        words: What became of it, in a sentence.
        file, line: Where it stands.
    """

    id: str
    check: str
    match: Mapping[str, str] = Field(default_factory=dict)
    max_value: float | None = None
    min_value: float | None = None
    statement: str
    owner: str
    approver: str
    ticket: str
    created: str
    expires: str
    state: WaiverState
    covers: tuple[str, ...] = ()
    days_left: int
    words: str
    file: str
    line: int | None = None


class AbsentFinding(Record):
    """A finding of the baseline that this audit did not make, and why: gone, or not looked for."""

    fingerprint: str
    id: str
    kind: str
    region: str | None = None
    class_name: str | None = Field(default=None, alias="class")
    severity: Severity
    since: str
    measurement: Measurement | None = None
    tested: bool
    """Whether this audit could have made it; False keeps it in the baseline."""
    words: str


class BaselineRecord(Record):
    """The baseline that findings were held against, and how many are in which state (`counts`, also absent)."""

    file: str
    sha256: str
    name: str
    written: str
    report_id: str
    model_sha256: str
    model_version: str | None = None
    spec_sha256: str
    sample_digest: str
    tolerance: float
    counts: Mapping[str, int] = Field(default_factory=dict)
    absent: tuple[AbsentFinding, ...] = ()
