"""Page one: the verdict in one line, three numbers that matter, and what is asked of the reader."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median

from auditor.languages import grouped, listed, say, say_many
from auditor.records import (
    Audit,
    AuditVerdict,
    Check,
    Measurement,
    Severity,
    Status,
    Verdict,
)
from auditor.reports._effects import main_measurement
from auditor.reports._findings import title_of
from auditor.reports._names import label
from auditor.reports._words import (
    AUDIT_VERDICTS,
    MEANINGS,
    SEVERITIES,
    VERDICT_MARKS,
    VERDICTS,
    after,
    capital,
    interval,
    number,
    plain,
    short,
    stopped,
    value_of,
)

_COLON, _BRACKET = re.compile(r": |："), re.compile(r" \(|（")
"""What numbers and details stand behind in a recorded sentence, in the languages that there are."""
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
        word=say(word),
        mark=mark,
        headline=_headline(audit),
        reasons=tuple(capital(_first_clause(audit, reason)) for reason in audit.reasons[1:5]),
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
        Tally(VERDICT_MARKS[verdict], tone_of(verdict), say(VERDICTS[verdict]), amount, say(MEANINGS[verdict]))
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
        first = capital(stopped(_first_clause(audit, audit.reasons[0])))
        return after((say("Neither passed nor failed."), first)) if audit.verdict is AuditVerdict.INCOMPLETE else first
    if audit.verdict is AuditVerdict.PASS_WITH_WAIVERS:
        settled = sum(check.status is not Status.OPEN for check in audit.findings)
        limits = sum(limit.breached and limit.status is not Status.OPEN for limit in audit.limits)
        findings = say_many("{n} finding", "{n} findings", settled)
        breached = say_many("{n} breached limit", "{n} breached limits", limits)
        if settled and limits:
            return say(
                "Nothing open fails the audit; {findings} and {limits} are waived or known.",
                findings=findings,
                limits=breached,
            )
        return say_many(
            "Nothing open fails the audit; {what} is waived or known.",
            "Nothing open fails the audit; {what} are waived or known.",
            settled + limits,
            what=findings if settled else breached,
        )
    if not audit.findings:
        return say("No cue was found that decides the class at the level that fails the audit.")
    return say_many(
        "No cue was found that decides the class at the level that fails the audit; {n} lesser finding to read.",
        "No cue was found that decides the class at the level that fails the audit; {n} lesser findings to read.",
        len(audit.findings),
    )


def _first_clause(audit: Audit, reason: str) -> str:
    """A finding's sentence without its numbers, which stand beside it; what is incomplete without the details."""
    check = next((check for check in audit.checks if check.sentence == reason), None)
    if check is None:
        return plain(_BRACKET.split(reason)[0] if audit.verdict is AuditVerdict.INCOMPLETE else reason)
    after = reason.find(check.class_name) + len(check.class_name) if check.class_name else 0
    end = _COLON.search(reason, after)
    clause = reason if end is None else reason[: end.start()]
    if check.class_name:
        clause = clause.replace(check.class_name, short(check.class_name, 48))
    return plain(clause)


def _numbers(audit: Audit) -> tuple[Number, ...]:
    found = []
    accuracy = _metric(audit, "accuracy")
    if accuracy is not None:
        found.append(_number(label(accuracy.name), accuracy))
    strongest = _strongest(audit)
    if strongest is not None:
        check, effect = strongest
        title = _lower(title_of(check))
        words = say("Strongest finding: {title}", title=title)
        if not check.is_finding:
            verdict = say(VERDICTS[check.verdict])
            words = say("Largest effect, judged “{verdict}”: {title}", verdict=verdict, title=title)
        found.append(_number(words, effect))
    worst = _worst_class(audit)
    if worst is not None:
        found.append(_number(worst[0], worst[1]))
    for name in ("macro_accuracy", "expected_calibration_error", "mean_confidence"):
        extra = _metric(audit, name)
        if len(found) < 3 and extra is not None:
            found.append(_number(label(name), extra))
    return tuple(found[:3])


def _number(words: str, item: Measurement) -> Number:
    return Number(words, value_of(item), interval(item), grouped(item.count))


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
    return say("Accuracy on the worst class: {name}", name=short(row["class"], 40)), item


def _asks(audit: Audit) -> tuple[str, ...]:
    asks = []
    blocking = failing(audit)
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
                "Decide whether {n} open question need a larger sample (section 8).",
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


def _power(audit: Audit) -> str:
    effects = [
        check.minimum_detectable_effect
        for check in audit.checks
        if check.class_name is None and check.verdict is not Verdict.NOT_TESTED and check.minimum_detectable_effect
    ]
    if not effects:
        return ""
    return say_many(
        "With {n} image, a typical check would have missed effects below {effect} (80 % power).",
        "With {n} images, a typical check would have missed effects below {effect} (80 % power).",
        audit.sample.readable,
        effect=number(median(effects)),
    )


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
