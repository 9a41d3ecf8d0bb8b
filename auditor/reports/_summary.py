"""Page one: the verdict in one line, three numbers that matter, and what is asked of the reader."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from auditor.records import Audit, AuditVerdict, Check, Measurement, Severity, Status, Verdict
from auditor.reports._effects import main_measurement
from auditor.reports._findings import title_of
from auditor.reports._words import (
    AUDIT_VERDICTS,
    MEANINGS,
    VERDICT_MARKS,
    VERDICTS,
    count,
    interval,
    label,
    number,
    plain,
    short,
    value_of,
)

LEAST_COUNT = 8
"""Images below which a class's accuracy is noise and does not belong on page one."""


@dataclass(frozen=True, slots=True)
class Number:
    """One of the numbers that matter.

    Attributes:
        label: What was measured.
        value: The estimate.
        interval: Of 95 %.
        count: How many pictures it rests on.
    """

    label: str
    value: str
    interval: str
    count: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How many checks ended with a verdict.

    Attributes:
        mark, tone: The verdict's shape and colour class.
        word: The verdict.
        amount: How many checks ended with it.
        meaning: What it means, in a sentence.
    """

    mark: str
    tone: str
    word: str
    amount: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Summary:
    """Page one.

    Attributes:
        verdict: pass, pass_with_waivers, fail or incomplete, for styling.
        word, mark: In words, and its shape.
        headline: One sentence that can be read aloud.
        reasons: Further reasons.
        numbers: At most three.
        changed: Since the last audit, in a sentence.
        asks: What the reader is asked to do.
        power: What this sample could not have seen.
        tallies: Checks by verdict, most concern first.
    """

    verdict: str
    word: str
    mark: str
    headline: str
    reasons: tuple[str, ...]
    numbers: tuple[Number, ...]
    changed: str
    asks: tuple[str, ...]
    tallies: tuple[Tally, ...]
    power: str


def summarise(audit: Audit, changed: str) -> Summary:
    """Page one of an audit; `changed` says what did since the last one."""
    word, mark = AUDIT_VERDICTS[audit.verdict]
    return Summary(
        verdict=audit.verdict.value,
        word=word,
        mark=mark,
        headline=_headline(audit),
        reasons=tuple(_first_clause(audit, reason) for reason in audit.reasons[1:5]),
        numbers=_numbers(audit),
        changed=changed,
        asks=_asks(audit),
        tallies=tallies(audit.checks),
        power=_power(audit),
    )


def tallies(checks: tuple[Check, ...]) -> tuple[Tally, ...]:
    """Checks by verdict, most concern first; verdicts that do not occur are left out."""
    amounts = {verdict: sum(check.verdict is verdict for check in checks) for verdict in VERDICTS}
    return tuple(
        Tally(VERDICT_MARKS[verdict], tone_of(verdict), VERDICTS[verdict], amount, MEANINGS[verdict])
        for verdict, amount in amounts.items()
        if amount
    )


def tone_of(verdict: Verdict) -> str:
    """The mark's colour class: loud for what is confirmed, quiet for what is not."""
    if verdict is Verdict.CONFIRMED:
        return "high"
    return "quiet" if verdict in (Verdict.NO_EVIDENCE, Verdict.PRESENT_NOT_USED, Verdict.NOT_TESTED) else "open"


def failing(audit: Audit) -> list[Check]:
    """Open findings at or above the level that fails the audit."""
    if audit.fail_on == "never":
        return []
    level = Severity(audit.fail_on).rank
    return [
        c for c in audit.findings if c.status is Status.OPEN and c.severity is not None and c.severity.rank >= level
    ]


def _headline(audit: Audit) -> str:
    if audit.reasons:
        first = _sentence(_first_clause(audit, audit.reasons[0]))
        return f"Neither passed nor failed. {first}" if audit.verdict is AuditVerdict.INCOMPLETE else first
    if audit.verdict is AuditVerdict.PASS_WITH_WAIVERS:
        settled = sum(check.status is not Status.OPEN for check in audit.findings)
        limits = sum(limit.breached and limit.status is not Status.OPEN for limit in audit.limits)
        amounts = ((settled, "finding"), (limits, "breached limit"))
        words = " and ".join(count(amount, what) for amount, what in amounts if amount)
        return f"Nothing open fails the audit; {words} {'is' if settled + limits == 1 else 'are'} waived or known."
    below = f"; {count(len(audit.findings), 'lesser finding')} to read" if audit.findings else ""
    return f"No cue was found that decides the class at the level that fails the audit{below}."


def _first_clause(audit: Audit, reason: str) -> str:
    """A finding's sentence without its numbers, which stand beside it; what is incomplete without the details."""
    check = next((check for check in audit.checks if check.sentence == reason), None)
    if check is None:
        return plain(reason.partition(" (")[0] if audit.verdict is AuditVerdict.INCOMPLETE else reason)
    after = reason.find(check.class_name) + len(check.class_name) if check.class_name else 0
    end = reason.find(": ", after)
    clause = reason if end < 0 else reason[:end]
    if check.class_name:
        clause = clause.replace(check.class_name, short(check.class_name, 48))
    return plain(clause)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")


def _numbers(audit: Audit) -> tuple[Number, ...]:
    found = []
    accuracy = _metric(audit, "accuracy")
    if accuracy is not None:
        found.append(_number(label(accuracy.name), accuracy))
    strongest = _strongest(audit)
    if strongest is not None:
        check, effect = strongest
        kind = "Strongest finding" if check.is_finding else "Largest effect, not confirmed"
        found.append(_number(f"{kind}: {_lower(title_of(check))}", effect))
    worst = _worst_class(audit)
    if worst is not None:
        found.append(_number(worst[0], worst[1]))
    for name in ("macro_accuracy", "expected_calibration_error", "mean_confidence"):
        extra = _metric(audit, name)
        if len(found) < 3 and extra is not None:
            found.append(_number(label(name), extra))
    return tuple(found[:3])


def _number(words: str, item: Measurement) -> Number:
    return Number(words, value_of(item), interval(item), f"{item.count:,}")


def _metric(audit: Audit, name: str) -> Measurement | None:
    return next((item for item in audit.metrics if item.name == name and item.value is not None), None)


def _strongest(audit: Audit) -> tuple[Check, Measurement] | None:
    for check in audit.findings:
        main = main_measurement(check)
        if main is not None:
            return check, main
    # what a corruption leaves of the accuracy is no effect: beside effects, the most harmless would look like the worst
    judged = [
        check
        for check in audit.checks
        if check.verdict not in (Verdict.NOT_TESTED, Verdict.INSUFFICIENT) and check.kind != "corruption"
    ]
    pairs = [(check, main) for check in judged if (main := main_measurement(check)) is not None]
    return max(pairs, key=lambda pair: pair[1].value or 0.0, default=None)


def _worst_class(audit: Audit) -> tuple[str, Measurement] | None:
    rows = [row for row in audit.per_class if row.get("value") is not None and row.get("n", 0) >= LEAST_COUNT]
    if len(rows) < 2:
        return None
    row = min(rows, key=lambda row: row["value"])
    item = Measurement(name="accuracy", value=row["value"], low=row.get("low"), high=row.get("high"), count=row["n"])
    return f"Accuracy on the worst class: {short(row['class'], 40)}", item


def _asks(audit: Audit) -> tuple[str, ...]:
    asks = []
    blocking = failing(audit)
    if blocking:
        asks.append(
            f"Decide on {count(len(blocking), 'open finding')} at or above {audit.fail_on} (section 12): mend, waive "
            "with an approver and an expiry date, or declare the cue legitimate."
        )
    breached = [item for item in audit.limits if item.breached and item.status is Status.OPEN]
    if breached:
        names = ", ".join(plain(item.name) for item in breached[:3])
        asks.append(f"Decide on {count(len(breached), 'breached limit')}: {names} (section 6).")
    open_questions = sum(check.verdict in (Verdict.SUSPECTED, Verdict.INCONCLUSIVE) for check in audit.checks)
    if open_questions:
        asks.append(f"Decide whether {count(open_questions, 'open question')} need a larger sample (section 8).")
    broken = [failure for failure in audit.failures if failure.required]
    if broken:
        asks.append(f"Have {count(len(broken), 'required part')} run again that broke (section 2).")
    asks.append("Read what was not tested (section 2), then sign (section 17).")
    return tuple(asks)


def _power(audit: Audit) -> str:
    effects = [
        check.minimum_detectable_effect
        for check in audit.checks
        if check.class_name is None and check.verdict is not Verdict.NOT_TESTED and check.minimum_detectable_effect
    ]
    if not effects:
        return ""
    return (
        f"With {count(audit.sample.readable, 'image')}, a typical check would have missed effects below "
        f"{number(median(effects))} (80 % power)."
    )


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
