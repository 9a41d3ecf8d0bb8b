"""Holds the policy's limits against what was measured, absolutely or beside the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.records import Check, LimitResult, Measurement, Severity, Status
from auditor.spec.audit_spec import LimitSpec
from auditor.spec.baseline_file import BaselineFile
from auditor.spec.waiver_file import matches

METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class _Held:
    """One measurement beside its bounds.

    Attributes:
        check: Id of the check that it belongs to; None for a metric.
        baseline: What a relative bound starts from; None where the baseline has no such number.
    """

    measurement: Measurement
    check: str | None
    minimum: float | None
    maximum: float | None
    baseline: Measurement | None

    @property
    def breached(self) -> bool:
        """Whether the whole interval lies beyond a bound."""
        if self.measurement.value is None:
            return False
        low = self.measurement.value if self.measurement.low is None else self.measurement.low
        high = self.measurement.value if self.measurement.high is None else self.measurement.high
        return (self.maximum is not None and low > self.maximum) or (self.minimum is not None and high < self.minimum)

    @property
    def beyond(self) -> float:
        """How far the value lies beyond the nearer bound; negative within."""
        value = self.measurement.value or 0.0
        above = float("-inf") if self.maximum is None else value - self.maximum
        below = float("-inf") if self.minimum is None else self.minimum - value
        return max(above, below)


def apply_limits(
    limits: Mapping[str, LimitSpec],
    checks: Sequence[Check],
    metrics: Sequence[Measurement],
    lines: Mapping[str, int | None],
    baseline: BaselineFile | None = None,
) -> tuple[list[LimitResult], list[Check]]:
    """Hold every limit against what was measured; a breached limit's severity wins on the checks that breach it.

    A limit is `<kind>.<measurement>`, `<check id>.<measurement>` (* stands for anything) or `metrics.<name>`; it is
    breached when the whole interval lies beyond.

    Args:
        checks: With fingerprints, where there is a baseline.
        lines: Limit → line of the spec.
    """
    results: list[LimitResult] = []
    raised: dict[str, Severity] = {}
    for name, limit in limits.items():
        found = _held(name, limit, checks, metrics, baseline)
        severity = Severity(limit.severity)
        for item in found:
            if item.check is not None and item.breached:
                raised[item.check] = max(raised.get(item.check, severity), severity, key=lambda s: s.rank)
        results.append(_result(name, limit, found, lines.get(name), baseline))
    raised_checks = [
        check.model_copy(update={"severity": raised[check.id]}) if check.id in raised and check.is_finding else check
        for check in checks
    ]
    return results, raised_checks


def _held(
    name: str,
    limit: LimitSpec,
    checks: Sequence[Check],
    metrics: Sequence[Measurement],
    baseline: BaselineFile | None,
) -> list[_Held]:
    known = baseline if limit.relative else None
    if name.partition(".")[0] == METRICS:
        measured = name.partition(".")[2]
        kept = known.metrics.get(measured) if known is not None else None
        before = None if kept is None else kept.as_measurement(measured)
        return [_beside(limit, item, None, before) for item in metrics if item.name == measured]
    found = []
    for check in checks:
        numbers = known.measured.get(check.fingerprint or "", {}) if known is not None else {}
        for item in check.measurements:
            if name == f"{check.kind}.{item.name}" or matches(name, f"{check.id}.{item.name}"):
                before = numbers[item.name].as_measurement(item.name) if item.name in numbers else None
                found.append(_beside(limit, item, check.id, before))
    return found


def _beside(limit: LimitSpec, item: Measurement, check: str | None, baseline: Measurement | None) -> _Held:
    """The strictest of the absolute and the relative bounds."""
    lowest, highest = [limit.min], [limit.max]
    if baseline is not None and baseline.value is not None:
        lowest += [baseline.value - limit.max_decrease] if limit.max_decrease is not None else []
        highest += [baseline.value + limit.max_increase] if limit.max_increase is not None else []
    minimum = max((bound for bound in lowest if bound is not None), default=None)
    maximum = min((bound for bound in highest if bound is not None), default=None)
    return _Held(item, check, minimum, maximum, baseline)


def _result(
    name: str, limit: LimitSpec, found: Sequence[_Held], line: int | None, baseline: BaselineFile | None
) -> LimitResult:
    defined = [item for item in found if item.measurement.value is not None]
    worst = max(defined, key=lambda item: (item.breached, item.beyond), default=None)
    return LimitResult(
        name=name,
        minimum=limit.min if worst is None else worst.minimum,
        maximum=limit.max if worst is None else worst.maximum,
        max_increase=limit.max_increase,
        max_decrease=limit.max_decrease,
        baseline=None if worst is None else worst.baseline,
        severity=Severity(limit.severity),
        measurement=None if worst is None else worst.measurement,
        breached=any(item.breached for item in defined),
        breached_by=tuple(dict.fromkeys(item.check for item in defined if item.breached and item.check is not None)),
        rationale=limit.rationale,
        reason=_reason(limit, defined, baseline),
        spec_line=line,
    )


def _reason(limit: LimitSpec, defined: Sequence[_Held], baseline: BaselineFile | None) -> str | None:
    """Why a limit, or its relative half, could not be held against anything."""
    if not defined:
        return "nothing was measured under this name in this audit"
    if limit.relative and baseline is None:
        return "relative to a baseline, and none was given: policy.baseline, or --baseline FILE"
    if limit.relative and all(item.baseline is None for item in defined):
        return "the baseline has no number under this name; write it anew with auditor baseline update"
    return None


def settle(results: Sequence[LimitResult], checks: Sequence[Check]) -> list[LimitResult]:
    """A limit that only waived or known findings breach is waived or known as they are.

    One against the baseline itself asks for more than that findings are known.
    """
    by_id = {check.id: check for check in checks}
    settled = []
    for item in results:
        causes = [by_id[name] for name in item.breached_by]
        relative = item.max_increase is not None or item.max_decrease is not None
        settles = (Status.WAIVED,) if relative else (Status.WAIVED, Status.BASELINE)
        excused = causes and all(check.is_finding and check.status in settles for check in causes)
        if item.breached and item.status is Status.OPEN and excused:
            waived = next((check for check in causes if check.status is Status.WAIVED), None)
            status = Status.WAIVED if waived is not None else Status.BASELINE
            item = item.model_copy(update={"status": status, "waiver": waived.waiver if waived is not None else None})
        settled.append(item)
    return settled


def limit_words(item: LimitResult) -> str:
    """A breached limit in a sentence."""
    value = item.measurement.value if item.measurement is not None else None
    measured = "nothing" if value is None else f"{value:.3g}"
    over = value is not None and item.maximum is not None and value > item.maximum
    bound = f"at least {item.minimum:.4g}" if item.minimum is not None and not over else f"at most {item.maximum:.4g}"
    before = item.baseline.value if item.baseline is not None else None
    beside = f" (the baseline has {before:.3g})" if before is not None else ""
    return f"Limit {item.name} breached: {measured} measured, {bound} allowed{beside}."
