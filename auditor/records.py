"""The audit as a plain value: no torch, no files, the same today and in ten years.

`Audit` is what `audit.json` holds; its schema is `auditor schema audit`. Keys may be added, never
renamed, so a reader ignores keys that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA = "auditor/audit@1"
"""Version of audit.json. 1: first version."""


class Record(BaseModel):
    """A frozen value that reads and writes JSON; never NaN, never infinite."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, allow_inf_nan=False, defer_build=True)


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


class AuditVerdict(StrEnum):
    """The headline."""

    PASS = "pass"
    PASS_WITH_WAIVERS = "pass_with_waivers"
    FAIL = "fail"
    INCOMPLETE = "incomplete"


class ClauseState(StrEnum):
    """What an audit holds for a clause: decided from the audit, never by the map."""

    EVIDENCE = "evidence"
    PARTIAL = "partial"
    MANUAL = "manual"
    NOT_COVERED = "not_covered"


class Measurement(Record):
    """One number with the doubt that belongs to it.

    Attributes:
        name: What was measured, in the field's term.
        value: The point estimate, in `unit`; None where it is undefined, with the `reason`.
        low, high: The 95 % confidence interval, in `unit`.
        unit: "1" for a share, otherwise the SI symbol.
        count: How many units (images, or clusters of images) it rests on.
        reason: Why there is no value.
        note: What else a reader must know of it: donors an image, the control, the method of the interval.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    count: int = Field(ge=0)
    reason: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _interval_contains_its_estimate(self) -> Self:
        if self.value is None:
            if self.reason is None:
                raise ValueError(f"{self.name}: a measurement without a value must give the reason")
            return self
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"{self.name}: {self.value} is outside its own interval [{self.low}, {self.high}]")
        return self


class Box(Record):
    """A named region: [x1, y1, x2, y2] in pixels of the model's input, end exclusive.

    A ring is its outer box with `hole`, the box that is left out.
    """

    name: str
    box: tuple[int, int, int, int] | None = None
    hole: tuple[int, int, int, int] | None = None


class Picture(Record):
    """A figure file and the words that belong to it."""

    path: str
    caption: str
    alt: str
    reading: str | None = None
    """How to read it."""
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    outlines: tuple[tuple[int, int, int, int], ...] = ()
    """Where a check's region is drawn in it, [x1, y1, x2, y2] in pixels of this figure, end exclusive."""


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


class ModelRecord(Record):
    """The system under test. `sha256_before` and `_after` are digests of the state dict and its flags."""

    source: str
    name: str
    version: str | None = None
    architecture: str
    parameters: int
    file_sha256: str | None = None
    sha256_before: str
    sha256_after: str
    layers: tuple[str, ...]
    layer_notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    output: str = "softmax"
    preprocessing: Mapping[str, Any] = Field(default_factory=dict)


class Unreadable(Record):
    """A picture that could not be used, and why."""

    image: str
    why: str


class SampleRecord(Record):
    """Which pictures were looked at. `digest` covers their names, bytes and labels."""

    source: str
    medium: str = "picture"
    """picture, clip or volume."""
    path: str
    available: int
    size: int
    readable: int
    unreadable: tuple[Unreadable, ...] = ()
    converted: tuple[Unreadable, ...] = ()
    """Readable, but changed on the way in (CMYK, palette, 16 bit, rotated by EXIF): what was done."""
    duplicates: tuple[tuple[str, ...], ...] = ()
    digest: str
    rule: str
    labelled: int = 0
    with_masks: int = 0
    with_boxes: int = 0
    per_class: Mapping[str, int] = Field(default_factory=dict)
    per_group: Mapping[str, Mapping[str, int]] = Field(default_factory=dict)


class ImageRecord(Record):
    """One picture of the sample, as the model saw it."""

    image: str
    label: str | None = None
    predicted: str
    score: float
    half: str | None = None
    figures: tuple[str, ...] = ()
    thumbnail: str | None = None
    """Path of its small picture in the run folder."""


class TrustCheck(Record):
    """What one metric says of one method's maps.

    Attributes:
        metric: Its name in the spec.
        verdict: passed, failed, or not enough data; None where the metric compares and decides nothing.
        headlines: The measurements that stand for it in a table.
    """

    metric: str
    verdict: str | None = None
    headlines: tuple[str, ...] = ()


class NullMap(Record):
    """A map that knows nothing of the model (noise, edges, the centre), measured as the methods were."""

    name: str
    measurements: tuple[Measurement, ...] = ()


class VisualizationRecord(Record):
    """What one visualizer made on one layer. status: ok, failed (with the reason) or skipped."""

    name: str
    layer: str | None = None
    status: str
    reason: str | None = None
    figures: tuple[str, ...] = ()
    maps: str | None = None
    """Path in the run folder of its maps at a low resolution, in the order of `Audit.images`."""
    images: int = 0
    target: str | None = None
    """What the maps explain, in words; None where that makes no difference to them."""
    blank: int = 0
    """Maps that were constant or zero; excluded from scores."""
    trust: str | None = None
    """passed, failed, or not enough data: whether its maps may be believed on this model."""
    trust_checks: tuple[TrustCheck, ...] = ()
    """What that verdict was made of."""
    measurements: tuple[Measurement, ...] = ()
    remarks: tuple[str, ...] = ()
    """What is out of the ordinary in it, each in one sentence."""
    options: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def for_words(self) -> str:
        """'for cat minus dog'; "" where the maps explain the predicted class, or nothing."""
        return "" if self.target in (None, "the predicted class") else f"for {self.target}"


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


class SignOff(Record):
    """Somebody who signs, and what they decided; empty where it is still to be filled in."""

    role: str
    name: str = ""
    decision: str = ""
    date: str = ""
    comment: str = ""


class ClauseRow(Record):
    """One clause and what the audit holds for it.

    Attributes:
        asks: What the clause asks, in our own words.
        sections: Of the report, where it is.
        held, missing: Kinds of evidence that the map names.
        people: What only people can state.
    """

    clause: str
    asks: str
    sections: tuple[str, ...] = ()
    state: ClauseState
    held: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    people: str = ""


class ClauseCoverage(Record):
    """A clause map over this audit: evidence that may support a clause, never a declaration of conformity."""

    profile: str
    name: str
    title: str
    version: int
    source: str
    date: str
    reviewed: str
    url: str = ""
    note: str = ""
    rows: tuple[ClauseRow, ...]


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
