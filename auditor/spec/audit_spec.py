"""The fields of a spec, version 1. Unknown keys are errors; parts check their own options.

`model` and `dataset` keep the keys that belong to their source (`name`, `factory`, `path`, `columns`, ...)
as extras: the source's part checks those.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ByteSize, ConfigDict, Field, StringConstraints, field_validator, model_validator

from auditor.brand import accent_problem
from auditor.languages import DEFAULT, codes
from auditor.spec.target import PREDICTED, Target

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Preset = Literal["quick", "standard", "full"]
Value = TypeVar("Value")
Share = Annotated[float, Field(ge=0, le=1)]
DISTANCE = r"^[1-9]\d{0,2} (day|week|month|year)s?$"
"""Time from an audit to the next."""
PixelBox = Annotated[list[int], Field(min_length=4, max_length=4)]


class Fields(BaseModel):
    """Strict: a key that is not known is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _refused(value: Value | None, what: str) -> Value | None:
    """A key of the contract that this version does not serve is refused, never silently ignored."""
    if value is not None:
        raise ValueError(f"this version does not support {what} yet; remove the key")
    return value


class InputSpec(Fields):
    """How a picture becomes the model's input: x = (u8 / 255 · scale − mean) / std.

    resize: squash (both sides at once) or crop (short side to size / crop_ratio, then the centre);
    bilinear, antialiased. `transform` (file.py:callable, PIL image → float tensor) replaces all of it.
    """

    size: Annotated[list[Annotated[int, Field(ge=1, le=8192)]], Field(min_length=2, max_length=3)] | None = None
    """[height, width]; [frames, height, width] for clips; [slices, height, width] for volumes."""
    resize: Literal["squash", "crop"] = "crop"
    crop_ratio: Annotated[float, Field(gt=0, le=1)] = 0.875
    mean: list[float] | None = None
    std: list[Annotated[float, Field(gt=0)]] | None = None
    scale: Annotated[float, Field(gt=0)] = 1.0
    channels: Literal["rgb", "bgr", "grey"] = "rgb"
    transform: str | None = None

    @field_validator("size")
    @classmethod
    def _sides_are_long_enough(cls, value: list[int] | None) -> list[int] | None:
        if value is not None and min(value[-2:]) < 4:
            raise ValueError(f"height and width must be at least 4 pixels, got {value[-2:]}")
        return value

    @model_validator(mode="after")
    def _one_value_a_channel(self) -> Self:
        channels = 1 if self.channels == "grey" else 3
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) != channels:
                raise ValueError(f"{name} needs {channels} values for channels: {self.channels}, got {len(values)}")
        return self


class ExpectedSpec(Fields):
    """What the owner measured before; a sample far off means wrong preprocessing, and the audit stops."""

    accuracy: Share
    tolerance: Share = 0.05


class ModelSpec(Fields):
    """The model; keys beyond these belong to the source."""

    model_config = ConfigDict(frozen=True, extra="allow")

    source: str
    weights: str | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    version: str | None = None
    classes: str | list[str] | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    output: Literal["softmax", "sigmoid", "logit", "embedding"] = "softmax"
    input: InputSpec | None = None
    expected: ExpectedSpec | None = None

    @field_validator("version", mode="before")
    @classmethod
    def _version_is_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class SampleSpec(Fields):
    """Which pictures: at most `size`, drawn with `seed`, in equal shares of `stratify` (a column, or null)."""

    size: Annotated[int, Field(ge=1)] = 128
    seed: int = 0
    stratify: str | None = "label"


class DatasetSpec(Fields):
    """The data; keys beyond these belong to the source."""

    model_config = ConfigDict(frozen=True, extra="allow")

    source: str
    regions: dict[Name, PixelBox] = Field(default_factory=dict)
    sample: SampleSpec = SampleSpec()


class LimitSpec(Fields):
    """A bound on a measurement; breached when its whole interval lies beyond.

    min, max: absolute. max_increase, max_decrease: how far it may lie above or below its value in the baseline, which
    is taken as it stands: metrics.accuracy: {max_decrease: 0.05} is no more than five points worse.
    """

    min: float | None = None
    max: float | None = None
    max_increase: Annotated[float, Field(ge=0)] | None = None
    max_decrease: Annotated[float, Field(ge=0)] | None = None
    severity: Literal["low", "medium", "high", "critical"] = "high"
    rationale: str = ""

    @property
    def relative(self) -> bool:
        """Whether it needs a baseline."""
        return self.max_increase is not None or self.max_decrease is not None

    @model_validator(mode="after")
    def _at_least_one_bound(self) -> Self:
        if self.min is None and self.max is None and not self.relative:
            raise ValueError("a limit needs min or max, or max_increase or max_decrease against the baseline")
        return self


class LegitimateSpec(Fields):
    """A cue that the owner declares legitimate, with the reason."""

    kind: str
    classes: list[str] | None = None
    region: str | None = None
    reason: str


class PolicySpec(Fields):
    """What fails the gate."""

    longest_waiver: ClassVar[int] = 366

    fail_on: Literal["low", "medium", "high", "critical", "never"] = "high"
    limits: dict[str, LimitSpec] = Field(default_factory=dict)
    legitimate: list[LegitimateSpec] = Field(default_factory=list)
    waivers: str | None = None
    """A YAML file of accepted findings."""
    waiver_days: Annotated[int, Field(ge=1, le=longest_waiver)] = 180
    """The longest that a waiver may hold."""
    baseline: str | None = None
    """A file of `auditor baseline write`: findings that are known already."""
    tolerance: Share = 0.05
    """By how much a known finding may grow before it fails the gate again."""


class ReviewerSpec(Fields):
    """Somebody who signs; what is left out stays to be filled in by hand."""

    role: str
    name: str | None = None
    decision: Literal["accept", "accept with conditions", "reject"] | None = None
    date: dt.date | None = None
    comment: str = ""


class ReportSpec(Fields):
    """What is rendered, and how.

    language: en, or one with a catalogue, such as zh. template: default, summary, medical (which sets profile to
    claim-2024 where none is given), or a folder's path.
    logo: .svg, .png or .jpg. accent: readable on white. classification: such as "internal", on every page. profile:
    clause maps by name, or the path of one's own .yaml. next_audit: a date, or "6 months" after the audit. max_size: of
    report.html and of report.pdf, such as 10MB.
    """

    formats: list[str] = Field(default_factory=lambda: ["html", "pdf", "json"])
    language: str = DEFAULT
    template: str = "default"
    max_size: ByteSize | None = None
    organisation: str = ""
    logo: str | None = None
    accent: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] | None = None
    classification: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)] = ""
    footer: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    profile: list[str] = Field(default_factory=list)
    next_audit: dt.date | Annotated[str, StringConstraints(pattern=DISTANCE)] | None = None
    reviewers: list[ReviewerSpec] = Field(default_factory=list)
    history: str | None = None
    """Where earlier audits lie: a folder, or mlflow:EXPERIMENT; by default the folder that the run folder is in."""

    @field_validator("language")
    @classmethod
    def _language_has_a_catalogue(cls, value: str) -> str:
        if value not in codes():
            raise ValueError(f"no language is named {value[:40]!r}; there are {', '.join(codes())}")
        return value

    @field_validator("accent")
    @classmethod
    def _accent_is_readable(cls, value: str | None) -> str | None:
        problem = accent_problem(value) if value is not None else ""
        if problem:
            raise ValueError(problem)
        return value

    @field_validator("max_size")
    @classmethod
    def _size_is_more_than_nothing(cls, value: ByteSize | None) -> ByteSize | None:
        if value is not None and value <= 0:
            raise ValueError("expected a size such as 10MB")
        return value

    @field_validator("next_audit", mode="before")
    @classmethod
    def _next_audit_is_a_date_or_a_time(cls, value: object) -> object:
        if isinstance(value, str) and not re.match(DISTANCE, value) and not re.match(r"^\d{4}-\d\d-\d\d$", value):
            raise ValueError(f"expected a date such as 2027-05-01, or a time such as '6 months', got {value[:40]!r}")
        return value

    @model_validator(mode="before")
    @classmethod
    def _medical_reports_follow_claim(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("template") == "medical":
            return {"profile": ["claim-2024"], **values}
        return values

    @field_validator("profile", mode="before")
    @classmethod
    def _one_profile_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class RuntimeSpec(Fields):
    """Where and how it runs."""

    device: Annotated[str, StringConstraints(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    precision: Literal["auto", "fp32"] = "auto"
    chunk: Literal["auto"] | Annotated[int, Field(ge=1, le=4096)] = "auto"
    seed: int = 0
    engine: Literal["local"] = "local"
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=256)] = "auto"
    max_minutes: Annotated[float, Field(gt=0)] | None = None

    @field_validator("max_minutes")
    @classmethod
    def _no_time_limit_yet(cls, value: float | None) -> float | None:
        return _refused(value, "a time limit")


PartList = Preset | list[str | dict[str, Any]]


class AuditSpec(Fields):
    """A whole spec. Only version, name, model and dataset are required."""

    version: Literal[1]
    name: Name
    title: str | None = None
    purpose: str = ""
    owner: str = ""
    model: ModelSpec
    dataset: DatasetSpec
    layers: Literal["auto"] | list[str] = "auto"
    target: Target = PREDICTED
    """What all maps explain that name no `target` of their own."""
    visualizations: PartList = "standard"
    probes: PartList = "standard"
    metrics: PartList = "standard"
    policy: PolicySpec = PolicySpec()
    report: ReportSpec = ReportSpec()
    runtime: RuntimeSpec = RuntimeSpec()
