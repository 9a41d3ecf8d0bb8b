"""The baseline file: what an earlier audit found and measured, by fingerprints, for the next one to be held against.

One line a finding or check, sorted, so that two versions of the file can be read side by side.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from auditor.errors import Problem, SpecError
from auditor.records import Measurement, Record, Severity

SCHEMA = "auditor/baseline@1"
"""1: first version."""


class Kept(Record):
    """A number as the baseline keeps it."""

    value: float
    low: float | None = None
    high: float | None = None
    count: int = 0
    unit: str = "1"

    def as_measurement(self, name: str) -> Measurement:
        """The same number under its name."""
        return Measurement(
            name=name, value=self.value, low=self.low, high=self.high, unit=self.unit, count=self.count, note="baseline"
        )


class KnownFinding(Record):
    """A finding that is known and no longer fails the gate, unless it gets worse.

    Attributes:
        fingerprint: Over the whole stable key: audit, kind, region, class.
        also: Ids of further checks of the same cue, without the numbers that found marks carry.
        severity: It had then.
        since: Day of the audit that brought it into the baseline.
        ticket: For people to fill in; kept when the file is updated.
    """

    fingerprint: str
    id: str
    kind: str
    region: str | None = None
    class_name: str | None = Field(default=None, alias="class")
    also: tuple[str, ...] = ()
    severity: Severity
    since: str
    ticket: str = ""
    values: Mapping[str, Kept] = Field(default_factory=dict)


class BaselineFile(Record):
    """A whole baseline.

    Attributes:
        name: Of the audit; fingerprints hold it.
        written: Day of the audit that it was written or last updated from.
        report_id, model_sha256, model_version, spec_sha256, sample_digest: Of that audit.
        findings: Known findings.
        metrics: Name → number; what relative limits on metrics.<name> are held against.
        measured: Fingerprint of a check → measurement → number; for relative limits on checks.
    """

    schema_version: str = Field(default=SCHEMA, alias="schema")
    name: str
    written: str
    report_id: str
    model_sha256: str
    model_version: str | None = None
    spec_sha256: str
    sample_digest: str
    findings: tuple[KnownFinding, ...] = ()
    metrics: Mapping[str, Kept] = Field(default_factory=dict)
    measured: Mapping[str, Mapping[str, Kept]] = Field(default_factory=dict)

    def to_json(self) -> str:
        """Sorted, one line a finding, metric or check; the same content gives the same bytes."""
        content = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        findings = sorted(content.pop("findings"), key=lambda item: (item["id"], item["fingerprint"]))
        tables = {key: content.pop(key) for key in ("measured", "metrics")}
        lines = [f" {json.dumps(key)}: {_line(content[key])}" for key in sorted(content)]
        lines.append(' "findings": ' + _block("[]", [_line(item) for item in findings]))
        for key, table in tables.items():
            rows = [f"{json.dumps(name)}: {_line(table[name])}" for name in sorted(table)]
            lines.append(f' "{key}": ' + _block("{}", rows))
        return "{\n" + ",\n".join(lines) + "\n}\n"


def _line(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _block(ends: str, rows: list[str]) -> str:
    return ends if not rows else ends[0] + "\n" + ",\n".join(f"  {row}" for row in rows) + "\n " + ends[1]


def read_baseline(path: Path, *, shown: str = "") -> tuple[BaselineFile, str]:
    """A baseline and the SHA-256 of its file.

    Raises:
        SpecError: No such file, not a baseline, or of a newer version.
    """
    name = shown or str(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        what = "no such baseline; write one from a finished run: auditor baseline write RUN_DIR -o FILE"
        raise SpecError([Problem(name, None, what)]) from None
    except OSError as error:
        raise SpecError([Problem(name, None, f"cannot be read: {error.strerror}")]) from None
    try:
        tree = json.loads(content)
    except ValueError as error:
        line = getattr(error, "lineno", None)
        raise SpecError([Problem(name, line, f"not a baseline: {error}")]) from None
    schema = tree.get("schema") if isinstance(tree, dict) else None
    if schema != SCHEMA:
        what = f"not a baseline of this version: schema {schema!r}, expected '{SCHEMA}'"
        raise SpecError([Problem(name, None, what)])
    try:
        return BaselineFile.model_validate(tree), hashlib.sha256(content).hexdigest()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SpecError([Problem(name, None, f"not a baseline: {where}: {first['msg']}")]) from None
