"""From checks, limits and the policy to the audit's verdict and exit code.

Exit codes: 0 passed · 1 a finding at or above `fail_on` · 2 could not run · 3 incomplete · 4 a digest differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.records import AuditVerdict, Check, LimitResult, Measurement, PartFailure, Severity, Status, Verdict
from auditor.spec.audit_spec import LegitimateSpec, LimitSpec

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


def apply_limits(
    limits: Mapping[str, LimitSpec],
    checks: Sequence[Check],
    metrics: Sequence[Measurement],
    lines: Mapping[str, int | None],
) -> tuple[list[LimitResult], list[Check]]:
    """Hold every limit against what was measured; a breached limit's severity wins on the checks that breach it.

    A limit is `<kind>.<measurement>` or `metrics.<name>`; it is breached when the whole interval lies beyond.
    """
    results: list[LimitResult] = []
    raised: dict[str, Severity] = {}
    for name, limit in limits.items():
        kind, _, measured = name.partition(".")
        found: list[tuple[str | None, Measurement]]
        if kind == "metrics":
            found = [(None, m) for m in metrics if m.name == measured]
        else:
            found = [(c.id, m) for c in checks if c.kind == kind for m in c.measurements if m.name == measured]
        severity = Severity(limit.severity)
        for check_id, measurement in found:
            if check_id is not None and breached(limit, measurement):
                raised[check_id] = max(raised.get(check_id, severity), severity, key=lambda s: s.rank)
        results.append(_result(name, limit, [m for _, m in found], lines.get(name)))
    raised_checks = [
        check.model_copy(update={"severity": raised[check.id]}) if check.id in raised and check.is_finding else check
        for check in checks
    ]
    return results, raised_checks


def breached(limit: LimitSpec, measurement: Measurement) -> bool:
    """Whether the whole interval lies beyond a bound."""
    if measurement.value is None:
        return False
    low = measurement.value if measurement.low is None else measurement.low
    high = measurement.value if measurement.high is None else measurement.high
    above = limit.max is not None and low > limit.max
    below = limit.min is not None and high < limit.min
    return above or below


def _result(name: str, limit: LimitSpec, found: Sequence[Measurement], line: int | None) -> LimitResult:
    defined = [m for m in found if m.value is not None]
    worst = None
    if defined:
        if limit.max is not None:
            worst = max(defined, key=lambda m: m.value or 0.0)
        else:
            worst = min(defined, key=lambda m: m.value or 0.0)
    return LimitResult(
        name=name,
        minimum=limit.min,
        maximum=limit.max,
        severity=Severity(limit.severity),
        measurement=worst,
        breached=any(breached(limit, m) for m in defined),
        reason=None if defined else "nothing was measured under this name in this audit",
        spec_line=line,
    )


def gate(
    checks: Sequence[Check],
    limits: Iterable[LimitResult],
    failures: Sequence[PartFailure],
    required_kinds: Sequence[str],
    fail_on: str,
) -> GateResult:
    """The verdict: a failing finding beats incomplete, and incomplete beats a pass."""
    reasons: list[str] = []
    if fail_on != "never":
        threshold = Severity(fail_on).rank
        open_findings = [c for c in checks if c.is_finding and c.status is Status.OPEN and c.severity is not None]
        failing = [c for c in open_findings if c.severity is not None and c.severity.rank >= threshold]
        reasons += [c.sentence for c in sorted(failing, key=lambda c: -(c.severity.rank if c.severity else 0))]
        reasons += [_limit_words(item) for item in limits if item.breached and item.severity.rank >= threshold]
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
    if any(c.is_finding and c.status is not Status.OPEN for c in checks):
        return GateResult(AuditVerdict.PASS_WITH_WAIVERS, ())
    return GateResult(AuditVerdict.PASS, ())


def _limit_words(item: LimitResult) -> str:
    bound = f"at most {item.maximum}" if item.maximum is not None else f"at least {item.minimum}"
    value = item.measurement.value if item.measurement else None
    return f"Limit {item.name} breached: {value:.3g} measured, {bound} allowed."


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
