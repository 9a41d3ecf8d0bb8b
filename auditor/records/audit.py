"""The whole of audit.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field

from auditor.records.checks import Check, LimitResult, PlannedCheck
from auditor.records.clauses import ClauseCoverage, SignOff
from auditor.records.history import History
from auditor.records.measurements import Measurement
from auditor.records.pictures import Picture
from auditor.records.record import Record
from auditor.records.standing import BaselineRecord, WaiverRecord
from auditor.records.subject import ImageRecord, ModelRecord, SampleRecord
from auditor.records.verdicts import AuditVerdict
from auditor.records.visualizations import NullMap, VisualizationRecord

SCHEMA = "auditor/audit@1"
"""Version of audit.json. 1: first version."""


class PartFailure(Record):
    """A part that broke: its name, the message, never hidden."""

    part: str
    reason: str
    required: bool = True


class Audit(Record):
    """Spec, environment, evidence and findings: everything a report renders."""

    schema_version: str = Field(default=SCHEMA, alias="schema")
    name: str
    title: str
    purpose: str = ""
    owner: str = ""
    organisation: str = ""
    report_id: str
    verdict: AuditVerdict
    exit_code: int
    reasons: tuple[str, ...] = ()
    """Why the verdict is what it is, most important first."""
    fail_on: str = "high"
    started: str
    finished: str
    seconds: Mapping[str, float] = Field(default_factory=dict)
    peak_memory_mib: float | None = None
    spec_file: str = "spec.yaml"
    spec_path: str | None = None
    """The spec that was read, by its path in the repository: where findings are anchored for code review."""
    spec_sha256: str
    """Of the spec as it was written, with what `--set` and other options of the command line changed."""
    question_sha256: str = ""
    """Of what the spec asks, every default filled in: without comments, words for people, what is rendered, and where
    waivers and the baseline lie. The history tells by it whether the spec changed; "" in audits of older versions."""
    attempt: int = 1
    model: ModelRecord
    sample: SampleRecord
    environment: Mapping[str, Any] = Field(default_factory=dict)
    runtime: Mapping[str, Any] = Field(default_factory=dict)
    test_plan: tuple[PlannedCheck, ...] = ()
    not_tested: tuple[PlannedCheck, ...] = ()
    checks: tuple[Check, ...] = ()
    checks_left_out: Mapping[str, int] = Field(default_factory=dict)
    """Class-level checks with fewer than 8 images and no finding: counts by kind."""
    limits: tuple[LimitResult, ...] = ()
    waivers: tuple[WaiverRecord, ...] = ()
    baseline: BaselineRecord | None = None
    """None where none was given."""
    history: History | None = None
    """None where this is the first audit of its name."""
    metrics: tuple[Measurement, ...] = ()
    per_class: tuple[Mapping[str, Any], ...] = ()
    confusion: Mapping[str, Any] | None = None
    visualizations: tuple[VisualizationRecord, ...] = ()
    null_maps: tuple[NullMap, ...] = ()
    """What the methods' measurements are compared with."""
    trust_rules: Mapping[str, str] = Field(default_factory=dict)
    """Metric → when it calls a method passed or failed, in words; "bar" and "whole": what several of them share."""
    agreement: Mapping[str, Any] | None = None
    """Of each pair of methods: names, mean rank correlation and overlap of the hottest areas, the ends of their 95 %
    intervals over pictures, and on how many both are usable."""
    images: tuple[ImageRecord, ...] = ()
    figures: Mapping[str, Picture] = Field(default_factory=dict)
    """Every figure file of the run by path, with caption and alternative text."""
    summary_figures: tuple[str, ...] = ()
    """Causal map first; what the summary page shows."""
    failures: tuple[PartFailure, ...] = ()
    notes: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    sign_off: tuple[SignOff, ...] = ()
    """The same people with what they decided."""
    next_audit: str = ""
    """ISO date by which the model is to be audited again; "" where none was set."""
    clause_coverage: tuple[ClauseCoverage, ...] = ()
    """One for each profile of the spec."""
    report_options: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def findings(self) -> tuple[Check, ...]:
        """Confirmed checks, most severe first."""
        confirmed = [check for check in self.checks if check.is_finding]
        return tuple(sorted(confirmed, key=_weight))

    def to_json(self) -> str:
        """Canonical JSON: aliases, two-space indent, keys in the order of the schema, ends with a newline."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote.

        Raises:
            pydantic.ValidationError: The text is not an audit.
        """
        return cls.model_validate_json(text)


def _weight(check: Check) -> tuple[int, float, str]:
    effect = max((abs(item.value) for item in check.measurements if item.value is not None), default=0.0)
    return (-check.severity.rank if check.severity else 0, -effect, check.id)
