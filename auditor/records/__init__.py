"""The audit as a plain value: no torch, no files, the same today and in ten years.

`Audit` is what `audit.json` holds; its schema is `auditor schema audit`. Keys may be added, never
renamed, so a reader ignores keys that it does not know.
"""

from __future__ import annotations

from auditor.records.audit import SCHEMA, Audit, PartFailure
from auditor.records.checks import Check, LimitResult, PlannedCheck
from auditor.records.clauses import ClauseCoverage, ClauseRow, ClauseState, SignOff
from auditor.records.history import History, PastAudit, Trend, TrendPoint
from auditor.records.measurements import Measurement
from auditor.records.pictures import Box, LegendEntry, Picture, PlacedWords
from auditor.records.record import Record
from auditor.records.standing import AbsentFinding, BaselineRecord, BaselineState, Status, WaiverRecord, WaiverState
from auditor.records.subject import ImageRecord, KeptModel, ModelRecord, SampleRecord, Unreadable
from auditor.records.verdicts import AuditVerdict, Grade, Severity, Verdict
from auditor.records.visualizations import NullMap, TrustCheck, VisualizationRecord

__all__ = [
    "SCHEMA",
    "AbsentFinding",
    "Audit",
    "AuditVerdict",
    "BaselineRecord",
    "BaselineState",
    "Box",
    "Check",
    "ClauseCoverage",
    "ClauseRow",
    "ClauseState",
    "Grade",
    "History",
    "ImageRecord",
    "KeptModel",
    "LegendEntry",
    "LimitResult",
    "Measurement",
    "ModelRecord",
    "NullMap",
    "PartFailure",
    "PastAudit",
    "Picture",
    "PlacedWords",
    "PlannedCheck",
    "Record",
    "SampleRecord",
    "Severity",
    "SignOff",
    "Status",
    "Trend",
    "TrendPoint",
    "TrustCheck",
    "Unreadable",
    "Verdict",
    "VisualizationRecord",
    "WaiverRecord",
    "WaiverState",
]
