"""Which fields of an audit are prose, and the audit with that prose in another language.

Everything else stays as it is: ids, paths, numbers, names, keys that a view compares, and what people wrote themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from auditor.languages.recorded import Phrases
from auditor.records import (
    AbsentFinding,
    Audit,
    BaselineRecord,
    Box,
    Check,
    ClauseCoverage,
    ClauseRow,
    History,
    ImageRecord,
    KeptModel,
    LegendEntry,
    LimitResult,
    Measurement,
    ModelRecord,
    NullMap,
    PartFailure,
    PastAudit,
    Picture,
    PlacedWords,
    PlannedCheck,
    Record,
    SampleRecord,
    SignOff,
    Trend,
    TrendPoint,
    TrustCheck,
    Unreadable,
    VisualizationRecord,
    WaiverRecord,
)

__all__ = ["KEPT", "KEYS", "PROSE", "in_language", "passages"]

PROSE: Mapping[type[Record], frozenset[str]] = {
    AbsentFinding: frozenset({"words"}),
    Audit: frozenset({"reasons", "trust_rules", "notes"}),
    BaselineRecord: frozenset(),
    Box: frozenset(),
    Check: frozenset({"sentence", "recommendation"}),
    ClauseCoverage: frozenset({"title", "source", "note"}),
    ClauseRow: frozenset({"asks", "held", "missing", "people"}),
    History: frozenset({"notes"}),
    ImageRecord: frozenset(),
    KeptModel: frozenset(),
    LegendEntry: frozenset({"label"}),
    LimitResult: frozenset({"reason"}),
    Measurement: frozenset({"reason", "note"}),
    ModelRecord: frozenset({"layer_notes"}),
    NullMap: frozenset(),
    PartFailure: frozenset({"reason"}),
    PastAudit: frozenset(),
    Picture: frozenset({"caption", "alt", "reading"}),
    PlacedWords: frozenset({"text"}),
    PlannedCheck: frozenset({"what", "control", "limit", "severity", "rationale"}),
    SampleRecord: frozenset({"rule"}),
    SignOff: frozenset(),
    Trend: frozenset({"words"}),
    TrendPoint: frozenset(),
    TrustCheck: frozenset(),
    Unreadable: frozenset({"why"}),
    VisualizationRecord: frozenset({"reason", "target", "remarks"}),
    WaiverRecord: frozenset({"words"}),
}
"""Record → its fields that hold sentences of ours, or lists or mappings of them."""

KEPT: Mapping[type[Record], frozenset[str]] = {
    AbsentFinding: frozenset({"fingerprint", "id", "kind", "region", "class_name", "since"}),
    Audit: frozenset(
        {
            "schema_version",
            "name",
            "title",
            "purpose",
            "owner",
            "organisation",
            "report_id",
            "fail_on",
            "started",
            "finished",
            "seconds",
            "spec_file",
            "spec_path",
            "question_sha256",
            "spec_sha256",
            "environment",
            "runtime",
            "checks_left_out",
            "per_class",
            "confusion",
            "agreement",
            "summary_figures",
            "reviewers",
            "next_audit",
            "report_options",
        }
    ),
    BaselineRecord: frozenset(
        {
            "file",
            "sha256",
            "name",
            "written",
            "report_id",
            "model_sha256",
            "model_version",
            "spec_sha256",
            "sample_digest",
            "counts",
        }
    ),
    Box: frozenset({"name"}),
    Check: frozenset({"id", "kind", "class_name", "also", "fingerprint", "waiver", "clauses", "figures"}),
    ClauseCoverage: frozenset({"profile", "name", "date", "reviewed", "url"}),
    ClauseRow: frozenset({"clause", "sections"}),
    History: frozenset({"source"}),
    ImageRecord: frozenset({"image", "label", "predicted", "half", "figures", "thumbnail"}),
    KeptModel: frozenset({"uri", "asked", "server", "run_id", "sha256"}),
    LegendEntry: frozenset({"colours"}),
    LimitResult: frozenset({"name", "breached_by", "rationale", "waiver"}),
    Measurement: frozenset({"name", "unit"}),
    ModelRecord: frozenset(
        {
            "source",
            "name",
            "version",
            "architecture",
            "file_sha256",
            "sha256_before",
            "sha256_after",
            "layers",
            "classes",
            "output",
            "preprocessing",
        }
    ),
    NullMap: frozenset({"name"}),
    PartFailure: frozenset({"part"}),
    PastAudit: frozenset(
        {
            "report_id",
            "folder",
            "started",
            "verdict",
            "model_sha256",
            "model_version",
            "sample_digest",
            "spec_sha256",
            "auditor",
            "findings",
            "changed",
        }
    ),
    Picture: frozenset({"path"}),
    PlacedWords: frozenset(),
    PlannedCheck: frozenset({"kind"}),
    SampleRecord: frozenset({"source", "medium", "path", "duplicates", "digest", "per_class", "per_group"}),
    SignOff: frozenset({"role", "name", "decision", "date", "comment"}),
    Trend: frozenset({"id", "measurement", "unit"}),
    TrendPoint: frozenset({"report_id", "verdict"}),
    TrustCheck: frozenset({"metric", "verdict", "headlines"}),
    Unreadable: frozenset({"image"}),
    VisualizationRecord: frozenset({"name", "layer", "status", "figures", "maps", "trust", "options"}),
    WaiverRecord: frozenset(
        {
            "id",
            "check",
            "match",
            "statement",
            "owner",
            "approver",
            "ticket",
            "created",
            "expires",
            "covers",
            "file",
        }
    ),
}
"""Record → its other fields that hold text: names, keys, digests, dates, paths, and what people wrote."""

KEYS: Mapping[tuple[type[Record], str], frozenset[str]] = {
    (Audit, "environment"): frozenset({"precision", "device"}),
    (ModelRecord, "preprocessing"): frozenset({"input", "resize", "origin"}),
}
"""Mappings of which some values are prose: their keys."""

PREDICTED = "the predicted class"
"""`VisualizationRecord.target` where nothing else was asked: the views compare it."""

_R = TypeVar("_R", bound=Record)


def in_language(audit: Audit, phrases: Phrases) -> Audit:
    """A copy of the audit with its prose in another language; `phrases.unknown` counts what stayed English.

    Args:
        audit: As it was read; it stays as it is.
        phrases: The language's. Names of this audit (classes, pictures, layers, …) are kept wherever they stand alone.
    """
    named = phrases.among(_names(audit))
    said = _said(audit, named)
    phrases.unknown.update(named.unknown)
    return said


def passages(record: Record) -> Iterator[tuple[str, str]]:
    """Every text of a record that is prose, with where it stands: ("Check.sentence", "…")."""
    for field in type(record).model_fields:
        value = getattr(record, field)
        where = f"{type(record).__name__}.{field}"
        if (type(record), field) in KEYS:
            keys = KEYS[type(record), field]
            yield from ((f"{where}.{key}", text) for key in sorted(keys) for text in _texts(value.get(key)))
        elif field in PROSE[type(record)]:
            yield from ((where, text) for text in _texts(value))
        else:
            yield from (found for part in _records(value) for found in passages(part))


def _said(record: _R, phrases: Phrases) -> _R:
    changed = {}
    for field in type(record).model_fields:
        value = getattr(record, field)
        if (type(record), field) in KEYS:
            keys = KEYS[type(record), field]
            new: Any = {key: _words(item, phrases) if key in keys else item for key, item in value.items()}
        elif field in PROSE[type(record)]:
            new = _words(value, phrases)
        else:
            new = _inside(value, phrases)
        if new is not value:
            changed[field] = new
    return record.model_copy(update=changed) if changed else record


def _words(value: Any, phrases: Phrases) -> Any:
    if isinstance(value, str):
        return value if value == PREDICTED else phrases.translated(value)
    if isinstance(value, tuple):
        return tuple(_words(item, phrases) for item in value)
    if isinstance(value, Mapping):
        return {key: _words(item, phrases) for key, item in value.items()}
    return value


def _inside(value: Any, phrases: Phrases) -> Any:
    """The records within a field."""
    if isinstance(value, Record):
        return _said(value, phrases)
    if isinstance(value, tuple) and any(isinstance(item, Record) for item in value):
        return tuple(_inside(item, phrases) for item in value)
    if isinstance(value, Mapping) and any(isinstance(item, Record) for item in value.values()):
        return {key: _inside(item, phrases) for key, item in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (value,) if value and value != PREDICTED else ()
    elif isinstance(value, tuple):
        yield from (text for item in value for text in _texts(item))
    elif isinstance(value, Mapping):
        yield from (text for item in value.values() for text in _texts(item))


def _records(value: Any) -> Iterator[Record]:
    if isinstance(value, Record):
        yield value
    elif isinstance(value, tuple):
        yield from (item for item in value if isinstance(item, Record))
    elif isinstance(value, Mapping):
        yield from (item for item in value.values() if isinstance(item, Record))


def _names(audit: Audit) -> set[str]:
    """What stands in sentences and is nobody's prose: classes, pictures, layers, groups, regions, people."""
    names = {*audit.model.classes, *audit.model.layers, *audit.reviewers, audit.name, audit.title, audit.owner}
    names |= {image.image for image in audit.images} | {image.predicted for image in audit.images}
    names |= {image.label for image in audit.images if image.label is not None}
    names |= {item.name for item in audit.visualizations}
    names |= {item.layer for item in audit.visualizations if item.layer is not None}
    names |= {*audit.sample.per_group, *(group for groups in audit.sample.per_group.values() for group in groups)}
    names |= {text for item in audit.waivers for text in (item.id, item.ticket, item.owner, item.approver)}
    return names - {""}
