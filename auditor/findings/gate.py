"""From checks and limits to the audit's verdict and exit code.

Exit codes: 0 passed · 1 a finding at or above `fail_on` · 2 could not run · 3 incomplete · 4 a digest differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditor.findings.limits import limit_words
from auditor.records import AuditVerdict, Check, LimitResult, PartFailure, Severity, Status, Verdict
from auditor.spec.audit_spec import LegitimateSpec

EXIT_CODES = {
    AuditVerdict.PASS: 0,
    AuditVerdict.PASS_WITH_WAIVERS: 0,
    AuditVerdict.FAIL: 1,
    AuditVerdict.INCOMPLETE: 3,
}
_MINIMUM_STORED = 8


@dataclass(frozen=True, slots=True)
class GateResult:
    """The headline and why."""

    verdict: AuditVerdict
    reasons: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """The gate's code."""
        return EXIT_CODES[self.verdict]


def declare_legitimate(checks: Sequence[Check], declared: Sequence[LegitimateSpec]) -> list[Check]:
    """Confirmed checks whose cue the owner declared legitimate."""
    return [_declared(check, declared) for check in checks]


def _declared(check: Check, declared: Sequence[LegitimateSpec]) -> Check:
    if not check.is_finding:
        return check
    for item in declared:
        if item.kind != check.kind:
            continue
        if item.classes is not None and check.class_name not in item.classes:
            continue
        if item.region is not None and (check.region is None or check.region.name != item.region):
            continue
        words = f"{check.sentence} The owner declares this legitimate: {item.reason}"
        return check.model_copy(update={"verdict": Verdict.DECLARED_LEGITIMATE, "sentence": words, "severity": None})
    return check


def gate(
    checks: Sequence[Check],
    limits: Iterable[LimitResult],
    failures: Sequence[PartFailure],
    required_kinds: Sequence[str],
    fail_on: str,
) -> GateResult:
    """The verdict: a failing finding beats incomplete, and incomplete beats a pass."""
    reasons: list[str] = []
    limits = list(limits)
    breached = [item for item in limits if item.breached and item.status is Status.OPEN]
    if fail_on != "never":
        threshold = Severity(fail_on).rank
        open_findings = [c for c in checks if c.is_finding and c.status is Status.OPEN and c.severity is not None]
        failing = [c for c in open_findings if c.severity is not None and c.severity.rank >= threshold]
        reasons += [c.sentence for c in sorted(failing, key=lambda c: -(c.severity.rank if c.severity else 0))]
        reasons += [limit_words(item) for item in breached if item.severity.rank >= threshold]
        if reasons:
            return GateResult(AuditVerdict.FAIL, tuple(reasons))
    incomplete = [f"{failure.part} did not finish: {failure.reason}" for failure in failures if failure.required]
    incomplete += [
        f"{kind}: too little data to judge ({_why_insufficient(checks, kind)})"
        for kind in required_kinds
        if _too_little(checks, kind)
    ]
    if incomplete:
        return GateResult(AuditVerdict.INCOMPLETE, tuple(incomplete))
    statuses = [c.status for c in checks if c.is_finding] + [item.status for item in limits if item.breached]
    if any(status is not Status.OPEN for status in statuses):
        return GateResult(AuditVerdict.PASS_WITH_WAIVERS, ())
    return GateResult(AuditVerdict.PASS, ())


def _too_little(checks: Sequence[Check], kind: str) -> bool:
    """All sample-level checks of the kind are insufficient (not tested for want of masks is not incomplete)."""
    sample_level = [
        c for c in checks if c.kind == kind and c.class_name is None and c.verdict is not Verdict.NOT_TESTED
    ]
    return bool(sample_level) and all(c.verdict is Verdict.INSUFFICIENT for c in sample_level)


def _why_insufficient(checks: Sequence[Check], kind: str) -> str:
    return next((c.sentence for c in checks if c.kind == kind and c.verdict is Verdict.INSUFFICIENT), "")


def stored(checks: Sequence[Check]) -> tuple[list[Check], dict[str, int]]:
    """The checks that audit.json keeps, and how many class-level ones of each kind it leaves out."""
    kept: list[Check] = []
    left_out: dict[str, int] = {}
    for check in checks:
        units = max((m.count for m in check.measurements), default=0)
        if check.class_name is None or check.is_finding or units >= _MINIMUM_STORED:
            kept.append(check)
        else:
            left_out[check.kind] = left_out.get(check.kind, 0) + 1
    return kept, left_out
