"""From judged checks to the audit's verdict: limits, baseline and waivers, in this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from auditor.findings.baseline import held_against, record_of
from auditor.findings.fingerprints import fingerprinted
from auditor.findings.gate import GateResult, gate
from auditor.findings.limits import apply_limits, settle
from auditor.findings.waivers import ModelNames, waive, warnings
from auditor.records import (
    AuditVerdict,
    BaselineRecord,
    Check,
    LimitResult,
    Measurement,
    PartFailure,
    WaiverRecord,
    WaiverState,
)
from auditor.spec.audit_spec import PolicySpec
from auditor.spec.standing import Standing


@dataclass(frozen=True, slots=True)
class Measured:
    """What the policy is applied to.

    Attributes:
        name: Of the audit.
        required: Kinds of check without which the audit is incomplete.
        today: The day of judging, by UTC.
    """

    name: str
    model: ModelNames
    checks: Sequence[Check]
    metrics: Sequence[Measurement]
    failures: Sequence[PartFailure]
    required: Sequence[str]
    today: date


@dataclass(frozen=True, slots=True)
class Ruling:
    """The checks with their status, and the verdict.

    Attributes:
        warnings: Of waivers that a person has to look at, and of a baseline that cannot be meant; for everybody's eyes.
    """

    checks: tuple[Check, ...]
    limits: tuple[LimitResult, ...]
    waivers: tuple[WaiverRecord, ...]
    baseline: BaselineRecord | None
    gate: GateResult
    warnings: tuple[str, ...]


def rule(policy: PolicySpec, standing: Standing, measured: Measured, lines: Mapping[str, int | None]) -> Ruling:
    """Apply the policy.

    Limits raise severities first, so that a known finding whose severity rose is worse; a waiver wins over the
    baseline, as somebody answers for it.

    Args:
        lines: Limit → line of the spec.
    """
    baseline = standing.baseline
    keyed = fingerprinted(measured.name, measured.checks)
    limits, checks = apply_limits(policy.limits, keyed, measured.metrics, lines, baseline)
    if baseline is not None:
        checks = held_against(checks, baseline, policy.tolerance)
    checks, limits, waivers = waive(standing.waivers, checks, limits, model=measured.model, today=measured.today)
    limits = settle(limits, checks)
    result = gate(checks, limits, measured.failures, measured.required, policy.fail_on)
    record = None
    if baseline is not None:
        record = record_of(
            baseline,
            checks,
            file=standing.baseline_file,
            sha256=standing.baseline_sha256,
            tolerance=policy.tolerance,
        )
    return Ruling(
        checks=tuple(checks),
        limits=tuple(limits),
        waivers=tuple(waivers),
        baseline=record,
        gate=_with_lapsed(result, waivers),
        warnings=tuple(warnings(measured.name, waivers, limits, record)),
    )


def _with_lapsed(result: GateResult, waivers: Sequence[WaiverRecord]) -> GateResult:
    """A failure names the waivers that would have covered it, and no longer do."""
    if result.verdict is not AuditVerdict.FAIL:
        return result
    lapsed = [item for item in waivers if item.state in (WaiverState.EXPIRED, WaiverState.EXCEEDED) and item.covers]
    return GateResult(result.verdict, (*result.reasons, *(item.words for item in lapsed)))
