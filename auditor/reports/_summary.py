"""Page one: the verdict in one line, three numbers that matter, and what is asked of the reader."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median

from auditor.languages import grouped, say, say_many
from auditor.records import (
    Audit,
    AuditVerdict,
    Check,
    Measurement,
    Status,
    Verdict,
)
from auditor.reports._asks import asks_of
from auditor.reports._effects import main_measurement
from auditor.reports._findings import title_of
from auditor.reports._names import label
from auditor.reports._words import (
    AUDIT_VERDICTS,
    MEANINGS,
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
        sure: How many checks could be judged, and `power`; "" where none was made.
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
    sure: str


def summarise(audit: Audit, changed: str) -> Summary:
    """Page one of an audit; `changed` says what did since the last one."""
    word, mark = AUDIT_VERDICTS[audit.verdict]
    power = _power(audit)
    return Summary(
        verdict=audit.verdict.value,
        word=say(word),
        mark=mark,
        headline=_headline(audit),
        reasons=_reasons(audit),
        numbers=_numbers(audit),
        changed=changed,
        asks=asks_of(audit),
        tallies=tallies(audit.checks),
        power=power,
        sure=after((_judged(audit.checks), power)),
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


def _reasons(audit: Audit) -> tuple[str, ...]:
    """Those that the headline does not name: of an incomplete audit it names one, or says how many there are."""
    counted = audit.verdict is AuditVerdict.INCOMPLETE and len(audit.reasons) > 1
    return tuple(capital(_first_clause(audit, reason)) for reason in audit.reasons[0 if counted else 1 : 5])


def _judged(checks: tuple[Check, ...]) -> str:
    """How many checks came to a verdict, and why the others did not."""
    if not checks:
        return ""
    few, untested = (
        sum(check.verdict is verdict for check in checks) for verdict in (Verdict.INSUFFICIENT, Verdict.NOT_TESTED)
    )
    return say_many(
        "{judged} of {n} check came to a verdict (too few pictures: {few}; not tested: {untested}).",
        "{judged} of {n} checks came to a verdict (too few pictures: {few}; not tested: {untested}).",
        len(checks),
        judged=grouped(len(checks) - few - untested),
        few=grouped(few),
        untested=grouped(untested),
    )


def _headline(audit: Audit) -> str:
    if audit.verdict is AuditVerdict.INCOMPLETE and len(audit.reasons) > 1:
        return say_many(
            "Neither passed nor failed: {n} required part could not be judged.",
            "Neither passed nor failed: {n} required parts could not be judged.",
            len(audit.reasons),
        )
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
    if all(check.verdict is Verdict.NOT_TESTED for check in audit.checks):
        return say("Nothing failed, for nothing was put to the test: no probe judged this model.")
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
            words = say("Expected calibration error; 0 is perfect") if "calibration" in name else label(name)
            found.append(_number(words, extra))
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
