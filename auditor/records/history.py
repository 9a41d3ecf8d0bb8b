"""Earlier audits of the same name, and each number through all of them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from auditor.records.record import Record


class PastAudit(Record):
    """An audit of the same name, as the history shows it.

    Attributes:
        folder: Where it lies, beside the audit that names it; a run's address for a tracking server.
        attempt: How many audits of the same spec and model there were by then, this one counted.
        findings: Severity → open, waived and known findings.
        changed: What differs from the audit before: model, data, spec, auditor.
    """

    report_id: str
    folder: str
    started: str
    verdict: str
    exit_code: int
    attempt: int = 1
    model_sha256: str = ""
    model_version: str | None = None
    sample_digest: str = ""
    spec_sha256: str = ""
    auditor: str = ""
    findings: Mapping[str, int] = Field(default_factory=dict)
    changed: tuple[str, ...] = ()


class TrendPoint(Record):
    """One audit's number in a trend; `value` is None where it was not measured, `verdict` is of the check."""

    report_id: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    count: int = 0
    verdict: str | None = None


class Trend(Record):
    """A number through all audits of the history, oldest first.

    Attributes:
        id: Of the check, or metrics.<name>.
        words: What it is, for people.
        measurement: Its name.
        points: One an audit.
    """

    id: str
    words: str
    measurement: str
    unit: str = "1"
    points: tuple[TrendPoint, ...]


class History(Record):
    """Earlier audits of the same name and this one, oldest first.

    Attributes:
        source: A folder, or mlflow:EXPERIMENT.
        audits: This one is the last.
        same_model: How many of them audited this model's weights, this one counted; `attempt` counts the same spec too.
        notes: What people should see in it: attempts, verdicts that turned while the model stayed.
        trends: Of every check that was ever a finding, of accuracy and of every metric with a limit.
    """

    source: str
    audits: tuple[PastAudit, ...]
    same_model: int = 1
    notes: tuple[str, ...] = ()
    trends: tuple[Trend, ...] = ()
