"""Findings beside the baseline: what is new, what got worse, and what is gone; and the baseline's next edition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from auditor.findings.fingerprints import keyed, stable_id, stable_region
from auditor.findings.grades import steps_of
from auditor.findings.leading import main_measurement
from auditor.records import (
    AbsentFinding,
    Audit,
    BaselineRecord,
    BaselineState,
    Check,
    Measurement,
    Severity,
    Status,
    Verdict,
)
from auditor.spec.baseline_file import BaselineFile, Kept, KnownFinding

UNTESTED = (Verdict.NOT_TESTED, Verdict.INSUFFICIENT)
DIGITS = 6


def held_against(checks: Sequence[Check], baseline: BaselineFile, tolerance: float) -> list[Check]:
    """Findings with their state; those that are known and no worse have status baseline.

    A finding is worse where a number that can confirm it lies more than the tolerance above the baseline's, or where
    its severity rose: then it is open, and fails the gate again.

    Args:
        checks: With fingerprints.
    """
    return [_held(check, baseline, tolerance) if check.is_finding else check for check in checks]


def _held(check: Check, baseline: BaselineFile, tolerance: float) -> Check:
    known = known_as(check, baseline)
    if known is None:
        return check.model_copy(update={"baseline_state": BaselineState.NEW})
    main = main_measurement(check)
    kept = known.values.get(main.name) if main is not None else None
    state = _state(check, known, tolerance)
    update: dict[str, object] = {"baseline_state": state}
    if main is not None and kept is not None:
        update["baseline"] = kept.as_measurement(main.name)
    if state is not BaselineState.WORSE and check.status is Status.OPEN:
        update["status"] = Status.BASELINE
    return check.model_copy(update=update)


def known_as(check: Check, baseline: BaselineFile) -> KnownFinding | None:
    """What the baseline knows the finding as: by its own key, or by that of another check of the same cue and class."""
    own = next((item for item in baseline.findings if item.fingerprint == check.fingerprint), None)
    if own is not None:
        return own
    name, merged = stable_id(check.id), {stable_id(other) for other in check.also}
    alike = [item for item in baseline.findings if item.class_name == check.class_name]
    return next((item for item in alike if stable_id(item.id) in merged or name in item.also), None)


def _state(check: Check, known: KnownFinding, tolerance: float) -> BaselineState:
    changes = [
        item.value - known.values[item.name].value
        for item in check.measurements
        if item.value is not None and item.name in known.values and steps_of(item.name, check.kind)
    ]
    risen = check.severity is not None and check.severity.rank > known.severity.rank
    if risen or any(change > tolerance for change in changes):
        return BaselineState.WORSE
    fallen = check.severity is not None and check.severity.rank < known.severity.rank
    if fallen or any(change < -tolerance for change in changes):
        return BaselineState.BETTER
    return BaselineState.UNCHANGED


def record_of(
    baseline: BaselineFile, checks: Sequence[Check], *, file: str, sha256: str, tolerance: float
) -> BaselineRecord:
    """What audit.json keeps of the baseline, with the findings that are gone.

    Args:
        checks: After `held_against`.
    """
    absent = _absent(baseline, checks)
    states = [check.baseline_state.value for check in checks if check.baseline_state is not None]
    return BaselineRecord(
        file=file,
        sha256=sha256,
        name=baseline.name,
        written=baseline.written,
        report_id=baseline.report_id,
        model_sha256=baseline.model_sha256,
        model_version=baseline.model_version,
        spec_sha256=baseline.spec_sha256,
        sample_digest=baseline.sample_digest,
        tolerance=tolerance,
        counts={**{state.value: 0 for state in BaselineState}, **Counter(states), "absent": len(absent)},
        absent=tuple(absent),
    )


def _absent(baseline: BaselineFile, checks: Sequence[Check]) -> list[AbsentFinding]:
    matched = {
        known.fingerprint for check in checks if check.is_finding and (known := known_as(check, baseline)) is not None
    }
    now = {check.fingerprint: check for check in checks}
    kinds = {check.kind for check in checks if check.verdict not in UNTESTED}
    found = []
    for known in baseline.findings:
        if known.fingerprint in matched:
            continue
        check = now.get(known.fingerprint)
        tested = check.verdict not in UNTESTED if check is not None else known.kind in kinds
        found.append(
            AbsentFinding(
                **known.model_dump(include={"fingerprint", "id", "kind", "region", "severity", "since"}),
                class_name=known.class_name,
                measurement=_speaking(known),
                tested=tested,
                words=_absent_words(known, check, tested),
            )
        )
    return found


def _absent_words(known: KnownFinding, check: Check | None, tested: bool) -> str:
    if check is not None:
        return check.sentence
    if tested:
        return f"This audit looked for {known.kind} cues and found none here."
    return f"This audit did not test for {known.kind}; the finding stays in the baseline."


def _speaking(known: KnownFinding) -> Measurement | None:
    graded = [name for name in known.values if steps_of(name, known.kind)]
    first = max(graded, key=lambda name: known.values[name].value, default=None)
    return known.values[first].as_measurement(first) if first is not None else None


def written_from(audit: Audit) -> BaselineFile:
    """The first edition: every finding that is not waived, and every number that was measured.

    Waived findings stay out, so that they come back when their waiver expires.
    """
    audit = keyed(audit)
    return BaselineFile(
        name=audit.name,
        written=audit.finished[:10],
        report_id=audit.report_id,
        model_sha256=audit.model.sha256_before,
        model_version=audit.model.version,
        spec_sha256=audit.spec_sha256,
        sample_digest=audit.sample.digest,
        findings=tuple(_known(check, audit) for check in audit.findings if check.status is not Status.WAIVED),
        metrics=_kept(audit.metrics),
        measured={
            check.fingerprint: kept
            for check in audit.checks
            if check.fingerprint is not None and (kept := _kept(check.measurements))
        },
    )


def updated(baseline: BaselineFile, audit: Audit) -> BaselineFile:
    """The next edition: this audit's findings and numbers; what it did not test stays, what it did not find goes.

    The day on which a finding became known stays, and so does its ticket.
    """
    audit = keyed(audit)
    fresh = written_from(audit)
    findings = []
    for check in audit.findings:
        if check.status is Status.WAIVED:
            continue
        known, before = _known(check, audit), known_as(check, baseline)
        if before is not None:
            known = known.model_copy(update={"since": before.since, "ticket": before.ticket})
        findings.append(known)
    untested = {item.fingerprint for item in _absent(baseline, audit.checks) if not item.tested}
    findings += [item for item in baseline.findings if item.fingerprint in untested]
    return fresh.model_copy(update={"findings": tuple(findings)})


def pruned(baseline: BaselineFile, audit: Audit) -> BaselineFile:
    """The baseline without what this audit looked for and did not find; nothing is added, no number is raised."""
    gone = {item.fingerprint for item in _absent(baseline, keyed(audit).checks) if item.tested}
    return baseline.model_copy(
        update={"findings": tuple(item for item in baseline.findings if item.fingerprint not in gone)}
    )


def _known(check: Check, audit: Audit) -> KnownFinding:
    return KnownFinding(
        fingerprint=check.fingerprint or "",
        id=check.id,
        kind=check.kind,
        region=stable_region(check),
        class_name=check.class_name,
        also=tuple(sorted({stable_id(other) for other in check.also})),
        severity=check.severity or Severity.LOW,
        since=audit.finished[:10],
        values=_kept(check.measurements),
    )


def _kept(measurements: Iterable[Measurement]) -> Mapping[str, Kept]:
    return {
        item.name: Kept(
            value=round(item.value, DIGITS),
            low=None if item.low is None else round(item.low, DIGITS),
            high=None if item.high is None else round(item.high, DIGITS),
            count=item.count,
            unit=item.unit,
        )
        for item in measurements
        if item.value is not None
    }
