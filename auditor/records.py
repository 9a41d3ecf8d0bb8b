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

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, allow_inf_nan=False)


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


class AuditVerdict(StrEnum):
    """The headline."""

    PASS = "pass"
    PASS_WITH_WAIVERS = "pass_with_waivers"
    FAIL = "fail"
    INCOMPLETE = "incomplete"


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
    reason: str | None = None
    spec_line: int | None = None


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
