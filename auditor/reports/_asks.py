"""Page one: what the reader is asked to do, most urgent first."""

from __future__ import annotations

from auditor.languages import listed, say, say_many
from auditor.records import Audit, AuditVerdict, Check, Severity, Status, Verdict
from auditor.reports._words import SEVERITIES, plain


def asks_of(audit: Audit) -> tuple[str, ...]:
    """One sentence each; the last one asks to read what was not tested, and to sign."""
    asks = []
    blocking = _failing(audit)
    if blocking:
        asks.append(
            say_many(
                "Decide on {n} open finding at or above {level} (section 12): mend, waive with an approver and an "
                "expiry date, or declare the cue legitimate.",
                "Decide on {n} open findings at or above {level} (section 12): mend, waive with an approver and an "
                "expiry date, or declare the cue legitimate.",
                len(blocking),
                level=say(SEVERITIES[Severity(audit.fail_on)]),
            )
        )
    breached = [item for item in audit.limits if item.breached and item.status is Status.OPEN]
    if breached:
        names = listed(plain(item.name) for item in breached[:3])
        asks.append(
            say_many(
                "Decide on {n} breached limit: {names} (section 6).",
                "Decide on {n} breached limits: {names} (section 6).",
                len(breached),
                names=names,
            )
        )
    open_questions = sum(check.verdict in (Verdict.SUSPECTED, Verdict.INCONCLUSIVE) for check in audit.checks)
    if open_questions:
        asks.append(
            say_many(
                "Decide whether {n} open question needs a larger sample (section 8).",
                "Decide whether {n} open questions need a larger sample (section 8).",
                open_questions,
            )
        )
    broken = [failure for failure in audit.failures if failure.required]
    if broken:
        asks.append(
            say_many(
                "Have {n} required part run again that broke (section 2).",
                "Have {n} required parts run again that broke (section 2).",
                len(broken),
            )
        )
    few = len(audit.reasons) - len(broken) if audit.verdict is AuditVerdict.INCOMPLETE else 0
    if few > 0:
        asks.append(
            say_many(
                "Have the audit made again with a larger sample: {n} required kind of check had too few pictures.",
                "Have the audit made again with a larger sample: {n} required kinds of check had too few pictures.",
                few,
            )
        )
    asks.append(say("Read what was not tested (section 2), then sign (section 17)."))
    return tuple(asks)


def _failing(audit: Audit) -> list[Check]:
    """Open findings at or above the level that fails the audit."""
    if audit.fail_on == "never":
        return []
    level = Severity(audit.fail_on).rank
    return [
        c for c in audit.findings if c.status is Status.OPEN and c.severity is not None and c.severity.rank >= level
    ]
