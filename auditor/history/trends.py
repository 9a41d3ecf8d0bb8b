"""What a row of audits of one name shows: attempts, changes between them, and what matters through time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.findings.leading import main_measurement
from auditor.history.reading import Past
from auditor.records import AuditVerdict, Check, History, Measurement, PastAudit, Severity, Trend, TrendPoint
from auditor.reports._findings import title_of
from auditor.reports._names import label
from auditor.reports._words import unit_of

PASSED = (AuditVerdict.PASS, AuditVerdict.PASS_WITH_WAIVERS)
MOST_TRENDS = 60


def history_of(audits: Sequence[Past], source: str) -> History:
    """The history of one name.

    Args:
        audits: Oldest first, at least one; the last is the one that it is the history of.
    """
    entries = tuple(_entry(audits, place) for place in range(len(audits)))
    last = audits[-1]
    return History(
        source=source,
        audits=entries,
        same_model=sum(audit.model.sha256_before == last.model.sha256_before for audit in audits),
        notes=tuple(_notes(audits, entries)),
        trends=tuple([*_metric_trends(audits), *_check_trends(audits)][:MOST_TRENDS]),
    )


def _entry(audits: Sequence[Past], place: int) -> PastAudit:
    audit, earlier = audits[place], audits[:place]
    severities = [check.severity for check in audit.checks if check.is_finding and check.severity is not None]
    return PastAudit(
        report_id=audit.report_id,
        folder=audit.address,
        started=audit.started,
        verdict=audit.verdict,
        exit_code=audit.exit_code,
        attempt=1 + sum(_same_question(other, audit) for other in earlier),
        model_sha256=audit.model.sha256_before,
        model_version=audit.model.version,
        sample_digest=audit.sample.digest,
        spec_sha256=audit.spec_sha256,
        auditor=str(audit.environment.get("auditor", "")),
        findings={level.value: severities.count(level) for level in reversed(Severity) if level in severities},
        changed=tuple(_changed(earlier[-1], audit)) if earlier else (),
    )


def _same_question(one: Past, other: Past) -> bool:
    return one.asks_the_same(other) and one.model.sha256_before == other.model.sha256_before


def _changed(before: Past, now: Past) -> Iterator[str]:
    same = {
        "model": before.model.sha256_before == now.model.sha256_before,
        "data": before.sample.digest == now.sample.digest,
        "spec": before.asks_the_same(now),
        "auditor": before.environment.get("auditor") == now.environment.get("auditor"),
    }
    yield from (what for what, is_same in same.items() if not is_same)


def _notes(audits: Sequence[Past], entries: Sequence[PastAudit]) -> Iterator[str]:
    """Attempts, and a pass that the same weights reached only after they had failed."""
    now, entry = audits[-1], entries[-1]
    if entry.attempt > 1:
        yield f"This is attempt {entry.attempt}: the same spec and the same model were audited before."
    same = [place for place, other in enumerate(audits) if other.model.sha256_before == now.model.sha256_before]
    failed = [place for place in same if audits[place].verdict == AuditVerdict.FAIL]
    if now.verdict not in PASSED or not failed:
        return
    last = failed[-1]
    other = [what for what in _changed(audits[last], now) if what != "model"]
    between = f"the {' and the '.join(other)} changed since" if other else "nothing but waivers or the baseline changed"
    times = "once" if len(failed) == 1 else f"{len(failed)} times"
    yield (
        f"The same weights failed {times} before they passed, last on {audits[last].started[:10]} "
        f"({audits[last].report_id}); {between}."
    )


def _metric_trends(audits: Sequence[Past]) -> Iterator[Trend]:
    limited = [item.name for audit in audits for item in audit.limits if item.name.startswith("metrics.")]
    for name in dict.fromkeys(["metrics.accuracy", *limited]):
        measured = name.removeprefix("metrics.")
        found = [next((m for m in audit.metrics if m.name == measured), None) for audit in audits]
        if any(item is not None and item.value is not None for item in found):
            points = [_point(audit, item, None) for audit, item in zip(audits, found, strict=True)]
            yield _trend(name, label(measured), measured, found, points)


def _check_trends(audits: Sequence[Past]) -> Iterator[Trend]:
    """Every check that was ever a finding; most severe of the newest audit first."""
    by_key = [{check.fingerprint: check for check in audit.checks} for audit in audits]
    leaders: dict[str | None, tuple[int, Check]] = {}
    for place, checks in enumerate(by_key):
        leaders.update({key: (place, check) for key, check in checks.items() if check.is_finding})
    order = sorted(leaders.values(), key=lambda item: (-item[0], -_rank(item[1]), item[1].id))
    for _, leader in order:
        main = main_measurement(leader)
        if main is None:
            continue
        checks_now = [checks.get(leader.fingerprint) for checks in by_key]
        found = [None if check is None else check.measurement(main.name) for check in checks_now]
        points = [
            _point(audit, item, None if check is None else check.verdict.value)
            for audit, item, check in zip(audits, found, checks_now, strict=True)
        ]
        yield _trend(leader.id, title_of(leader), main.name, found, points)


def _rank(check: Check) -> int:
    return check.severity.rank if check.severity is not None else -1


def _trend(
    name: str, words: str, measured: str, found: Sequence[Measurement | None], points: Sequence[TrendPoint]
) -> Trend:
    unit = next((unit_of(item) for item in found if item is not None), "1")
    return Trend(id=name, words=words, measurement=measured, unit=unit, points=tuple(points))


def _point(audit: Past, item: Measurement | None, verdict: str | None) -> TrendPoint:
    if item is None or item.value is None:
        return TrendPoint(report_id=audit.report_id, verdict=verdict)
    return TrendPoint(
        report_id=audit.report_id, value=item.value, low=item.low, high=item.high, count=item.count, verdict=verdict
    )
