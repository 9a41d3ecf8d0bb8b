"""An audit as build servers read it: one result for every check, limit and part that broke, each with an outcome.

What is `FAILED` or `BROKEN` here is what the gate stopped at, so that a server's colours and the exit code agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count

from auditor.records import Audit, AuditVerdict, Check, LimitResult, PartFailure, Severity, Status, Verdict
from auditor.reports._words import SEVERITY_MARKS, measured, plain

LIMITS, PARTS, WHOLE = "limits", "parts", "audit"
"""Families of results that are no checks."""
FINGERPRINT = "auditorFindingId/v1"
"""Version of `Result.fingerprint`. v1: name of the spec, family, key."""


class Outcome(StrEnum):
    """How a result counts."""

    FAILED = "failed"
    BROKEN = "broken"
    WAIVED = "waived"
    KNOWN = "known from the baseline"
    LESSER = "below the level that fails"
    UNDECIDED = "undecided"
    NOT_TESTED = "not tested"
    PASSED = "passed"


ASKS = frozenset({Outcome.FAILED, Outcome.LESSER, Outcome.KNOWN, Outcome.WAIVED})
"""Outcomes of findings and breached limits."""
_OF_VERDICT = {
    Verdict.SUSPECTED: Outcome.UNDECIDED,
    Verdict.INCONCLUSIVE: Outcome.UNDECIDED,
    Verdict.ENCODED: Outcome.UNDECIDED,
    Verdict.INSUFFICIENT: Outcome.UNDECIDED,
    Verdict.NOT_TESTED: Outcome.NOT_TESTED,
}
_OF_STATUS = {Status.WAIVED: Outcome.WAIVED, Status.BASELINE: Outcome.KNOWN}


@dataclass(frozen=True, slots=True)
class Result:
    """One row.

    Attributes:
        family: The kind of check, `LIMITS` or `PARTS`.
        key: Unique in the audit, the same in every audit of the same spec.
        sentence: What was found, without control characters.
        line: Of the spec; 1 where it stands nowhere in it.
        fingerprint: Digest of what makes it this result: never values, lines or dates.
        source: The record it comes from.
    """

    family: str
    key: str
    outcome: Outcome
    sentence: str
    severity: Severity | None
    line: int
    fingerprint: str
    source: Check | LimitResult | PartFailure

    @property
    def mark(self) -> str:
        """The severity's shape; "" without one."""
        return SEVERITY_MARKS[self.severity] if self.severity else ""


def results_of(audit: Audit) -> tuple[Result, ...]:
    """Every check, limit and broken part, in the audit's order; keys are unique."""
    unique: dict[str, Result] = {}
    for result in (*_checks(audit), *_limits(audit), *_parts(audit)):
        if result.key not in unique:
            unique[result.key] = result
            continue
        numbers = (f"{result.key} ({number})" for number in count(2))
        key = next(key for key in numbers if key not in unique)
        given = isinstance(result.source, Check) and result.source.fingerprint
        unique[key] = replace(result, key=key, fingerprint=given or _fingerprint(audit, result.family, key))
    return tuple(unique.values())


def failing_level(audit: Audit) -> int:
    """Rank of the severity from which a finding fails the audit; beyond all where nothing does."""
    return len(Severity) if audit.fail_on == "never" else Severity(audit.fail_on).rank


def incomplete(audit: Audit) -> tuple[str, ...]:
    """Why the audit is not complete; () where it is."""
    return tuple(plain(why) for why in audit.reasons) if audit.verdict is AuditVerdict.INCOMPLETE else ()


def _checks(audit: Audit) -> Iterator[Result]:
    for check in audit.checks:
        outcome = _OF_VERDICT.get(check.verdict, Outcome.PASSED)
        if check.is_finding:
            outcome = _OF_STATUS.get(check.status) or _by_level(audit, check.severity)
        yield _result(audit, check.kind, check.id, outcome, check.sentence, check, check.severity, check.spec_line)


def _limits(audit: Audit) -> Iterator[Result]:
    for limit in audit.limits:
        outcome = Outcome.PASSED
        if limit.breached:
            outcome = _OF_STATUS.get(limit.status) or _by_level(audit, limit.severity)
        if limit.measurement is None:
            outcome = Outcome.NOT_TESTED
        yield _result(
            audit, LIMITS, f"limits.{limit.name}", outcome, limit_words(limit), limit, limit.severity, limit.spec_line
        )


def _parts(audit: Audit) -> Iterator[Result]:
    for failure in audit.failures:
        outcome = Outcome.BROKEN if failure.required else Outcome.NOT_TESTED
        words = f"{failure.part} did not finish: {failure.reason}"
        yield _result(audit, PARTS, f"parts.{failure.part}", outcome, words, failure, None, None)


def _by_level(audit: Audit, severity: Severity | None) -> Outcome:
    fails = severity is not None and severity.rank >= failing_level(audit)
    return Outcome.FAILED if fails else Outcome.LESSER


def limit_words(limit: LimitResult) -> str:
    """What was measured and what is allowed."""
    least = [f"at least {limit.minimum:g}"] if limit.minimum is not None else []
    most = [f"at most {limit.maximum:g}"] if limit.maximum is not None else []
    allowed = f"{' and '.join(least + most) or 'nothing'} allowed"
    if limit.measurement is None:
        return f"Limit {plain(limit.name)}: {allowed}; {plain(limit.reason or 'nothing was measured')}."
    state = "breached" if limit.breached else "kept"
    return f"Limit {plain(limit.name)} {state}: {measured(limit.measurement)}; {allowed}."


def _result(
    audit: Audit,
    family: str,
    key: str,
    outcome: Outcome,
    sentence: str,
    source: Check | LimitResult | PartFailure,
    severity: Severity | None,
    line: int | None,
) -> Result:
    return Result(
        family=plain(family),
        key=plain(key),
        outcome=outcome,
        sentence=plain(sentence),
        severity=severity,
        line=line or 1,
        fingerprint=(isinstance(source, Check) and source.fingerprint) or _fingerprint(audit, family, key),
        source=source,
    )


def _fingerprint(audit: Audit, family: str, key: str) -> str:
    return hashlib.sha256(json.dumps([audit.name, family, key]).encode()).hexdigest()
