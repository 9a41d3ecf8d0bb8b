"""Numbers and verdicts in words, the same in every format; and text from outside made safe to show.

Tables hold English words; `say` says them in the language of the page that is made.

Class and file names are not ours: control and direction characters in them would garble or spoof a page.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from auditor.languages import (
    noted,
    say,
    say_in,
    spoken_day,
    spoken_moment,
    spoken_number,
)
from auditor.records import (
    Audit,
    AuditVerdict,
    Grade,
    Measurement,
    Severity,
    Status,
    Verdict,
)

MINUS = "−"
LEAST_PROBABILITY = 0.001
"""Smaller ones are only said to be smaller."""
NONE = "–"

VERDICTS: Mapping[Verdict, str] = {
    Verdict.CONFIRMED: noted("confirmed"),
    Verdict.DECLARED_LEGITIMATE: noted("declared legitimate"),
    Verdict.SUSPECTED: noted("suspected"),
    Verdict.INCONCLUSIVE: noted("inconclusive"),
    Verdict.NOT_REPRODUCED: noted("not reproduced"),
    Verdict.ENCODED: noted("encoded"),
    Verdict.PRESENT_NOT_USED: noted("present, not used"),
    Verdict.NO_EVIDENCE: noted("no evidence"),
    Verdict.INSUFFICIENT: noted("not enough data"),
    Verdict.NOT_TESTED: noted("not tested"),
}
"""Most concern first: the order of counts and registers."""

MEANINGS: Mapping[Verdict, str] = {
    Verdict.CONFIRMED: noted("Changing the cue alone changes predictions, on images that were not used to find it."),
    Verdict.DECLARED_LEGITIMATE: noted("Confirmed, and the owner declared this cue a proper basis for the decision."),
    Verdict.SUSPECTED: noted("A first sign that the causal test could not settle."),
    Verdict.INCONCLUSIVE: noted("The ways of testing disagree, so nothing is claimed."),
    Verdict.NOT_REPRODUCED: noted("Stood out on one half of the sample and vanished on the other."),
    Verdict.ENCODED: noted("Can be read from the network's features; its use was not shown."),
    Verdict.PRESENT_NOT_USED: noted("The artefact is in the data; the model does not act on it."),
    Verdict.NO_EVIDENCE: noted("No effect beyond the control; smaller effects than the one stated may exist."),
    Verdict.INSUFFICIENT: noted("Too few images to see even a large effect."),
    Verdict.NOT_TESTED: noted("Not tested; the reason is given."),
}

VERDICT_MARKS: Mapping[Verdict, str] = {
    Verdict.CONFIRMED: "▲",
    Verdict.DECLARED_LEGITIMATE: "△",
    Verdict.SUSPECTED: "◇",
    Verdict.INCONCLUSIVE: "≠",
    Verdict.NOT_REPRODUCED: "◇",
    Verdict.ENCODED: "◇",
    Verdict.PRESENT_NOT_USED: "○",
    Verdict.NO_EVIDENCE: "○",
    Verdict.INSUFFICIENT: "□",
    Verdict.NOT_TESTED: "–",
}

SEVERITY_MARKS: Mapping[Severity, str] = {
    Severity.CRITICAL: "◆",
    Severity.HIGH: "▲",
    Severity.MEDIUM: "■",
    Severity.LOW: "●",
}
"""The shapes of the charts' markers: severity is told by shape and colour."""

AUDIT_VERDICTS: Mapping[AuditVerdict, tuple[str, str]] = {
    AuditVerdict.PASS: (noted("PASS"), "✓"),
    AuditVerdict.PASS_WITH_WAIVERS: (noted("PASS WITH WAIVERS"), "✓"),
    AuditVerdict.FAIL: (noted("FAIL"), "✗"),
    AuditVerdict.INCOMPLETE: (noted("INCOMPLETE"), "…"),
}

CHANGED: Mapping[str, str] = {
    "model": noted("model"),
    "data": noted("data"),
    "spec": noted("spec"),
    "auditor": noted("auditor"),
}
"""What may have changed between two audits."""

STATUSES: Mapping[Status, str] = {
    Status.OPEN: noted("open"),
    Status.WAIVED: noted("waived"),
    Status.BASELINE: noted("known from the baseline"),
}

GRADES: Mapping[Grade, str] = {
    Grade.MINOR: noted("minor"),
    Grade.MATERIAL: noted("material"),
    Grade.SEVERE: noted("severe"),
}


SEVERITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: noted("critical"),
    Severity.HIGH: noted("high"),
    Severity.MEDIUM: noted("medium"),
    Severity.LOW: noted("low"),
}


RATIO = "ratio"
_RATIOS = frozenset(
    {
        "auc",
        "brier",
        "consistency",
        "correlation",
        "distance",
        "enrichment",
        "faithfulness",
        "mprt",
        "ratio",
        "road",
        "similarity",
        "stability",
    }
)
"""Words in the names of measurements without a unit that are no shares."""


def plain(text: object) -> str:
    """One line without control, direction or unassigned characters; each becomes the replacement character."""
    line = " ".join(str(text).split())
    if line.isprintable():
        return line
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn") else letter
        for letter in line
    )


def capital(words: str) -> str:
    """With a capital at the beginning, and every other letter as it is."""
    return words[:1].upper() + words[1:]


def short(text: object, letters: int = 60) -> str:
    """`plain`, at most that long: the middle is left out, since beginnings and ends tell names apart."""
    line = plain(text)
    if len(line) <= letters:
        return line
    head = (letters - 1) * 3 // 5
    return f"{line[:head]}…{line[-(letters - 1 - head) :]}"


def number(value: float, unit: str = "1") -> str:
    """A value in its unit: shares as whole percent (below one with a decimal), the rest with three digits."""
    if unit == "1":
        return percent(_share(value))
    if unit == RATIO:
        return _signed({"-0.00": "0.00"}.get(text := f"{value:.2f}", text))
    text = _signed(f"{value:.3g}")
    return say_in("pattern", "{number} {unit}", number=text, unit=plain(unit).replace("-", MINUS)) if unit else text


def percent(digits: str) -> str:
    """'91 %', of digits in this language's signs."""
    return say_in("pattern", "{number} %", number=digits)


def _share(value: float) -> str:
    text = f"{100 * value:.1f}" if 0 < abs(value) < 0.0095 else f"{100 * value:.0f}"
    text = text.removesuffix(".0")
    return _signed("0" if text == "-0" else text)


def _signed(digits: str) -> str:
    return spoken_number(digits, groups=False).replace("-", MINUS)


def unit_of(measurement: Measurement) -> str:
    """Its unit; `RATIO` where "1" means no share of something: correlations, scores, ratios beyond one."""
    values = [v for v in (measurement.value, measurement.low, measurement.high) if v is not None]
    named = not _RATIOS.isdisjoint(measurement.name.split("_"))
    return RATIO if measurement.unit == "1" and (named or any(abs(v) > 1 for v in values)) else measurement.unit


def value_of(measurement: Measurement) -> str:
    """'91 %', or '0.42' for a ratio, or a dash where there is none."""
    return NONE if measurement.value is None else number(measurement.value, unit_of(measurement))


def interval(measurement: Measurement) -> str:
    """'84 to 95 %', or a dash where there is none."""
    if measurement.value is None or measurement.low is None or measurement.high is None:
        return NONE
    return between(measurement.low, measurement.high, unit_of(measurement))


def between(low: float, high: float, unit: str = "1") -> str:
    """'84 to 95 %', '.21 to .35'."""
    if unit == "1":
        return say_in("pattern", "{low} to {high} %", low=_share(low), high=_share(high))
    return say_in("pattern", "{low} to {high}", low=number(low, unit), high=number(high, unit))


def measured(measurement: Measurement) -> str:
    """'91 % (84 to 95 %, n = 64)', or why there is no value."""
    if measurement.value is None:
        return say("undefined: {reason}", reason=plain(measurement.reason))
    return with_doubt(measurement)


def with_doubt(measurement: Measurement) -> str:
    """'91 % (84 to 95 %, n = 64)'."""
    return say(
        "{value} ({interval}, n = {count})",
        value=value_of(measurement),
        interval=interval(measurement),
        count=measurement.count,
    )


def probability(value: float | None) -> str:
    """'.012', '< .001', or a dash."""
    if value is None:
        return NONE
    if value < LEAST_PROBABILITY:
        return say_in("pattern", "< .001")
    return bare(f"{value:.3f}")


def bare(digits: str) -> str:
    """'.97' of '0.97': what cannot be more than one, where the language leaves the zero out."""
    if not digits.startswith("0."):
        return spoken_number(digits)
    point = spoken_number(digits)[1:2]
    return say_in("pattern", "{point}{decimals}", point=point, decimals=digits[2:])


def count(amount: int, one: str, many: str | None = None) -> str:
    """'1 finding', '3 findings', '1,024 images': the words as they are, in English."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


ORDINALS = (
    noted("first"),
    noted("second"),
    noted("third"),
    noted("fourth"),
    noted("fifth"),
    noted("sixth"),
    noted("seventh"),
    noted("eighth"),
    noted("ninth"),
    noted("tenth"),
)


def amount_of(amount: int, words: str) -> str:
    """'3 confirmed': an amount and what it is of, where the words take no plural."""
    return say_in("pattern", "{n} {words}", n=amount, words=words)


def severities_of(amounts: Mapping[str, int]) -> Iterator[str]:
    """'2 high' of each severity that there is any of."""
    for severity, amount in amounts.items():
        if amount:
            words = say(SEVERITIES[Severity(severity)]) if severity in set(Severity) else plain(severity)
            yield say_in("severity", "{n} {severity}", n=amount, severity=words)


def after(sentences: Iterable[str]) -> str:
    """Finished sentences, one after the other."""
    said = ""
    for sentence in filter(None, sentences):
        said = say_in("pattern", "{first} {next}", first=said, next=sentence) if said else sentence
    return said


def without_stop(sentence: str) -> str:
    """A sentence that goes on: its full stop is left out."""
    return sentence.rstrip(".。")


def stopped(words: str) -> str:
    """Words as a sentence: with a full stop, where they do not end in one."""
    return words if words.endswith((".", "!", "?", "。", "！", "？")) else say_in("pattern", "{words}.", words=words)


def lines_of(items: Iterable[str]) -> str:
    """'one; two': things side by side that hold commas themselves."""
    return say_in("pattern", "; ").join(items)


def ordinal(number: int) -> str:
    """'first' to 'tenth', then '11th'."""
    if number <= len(ORDINALS):
        return say(ORDINALS[number - 1])
    if number % 100 in (11, 12, 13) or number % 10 not in (1, 2, 3):
        return say("{number}th", number=number)
    if number % 10 == 1:
        return say("{number}st", number=number)
    return say("{number}nd", number=number) if number % 10 == 2 else say("{number}rd", number=number)


def attempt_words(audit: Audit) -> str:
    """'Third audit of this model with this spec'."""
    return capital(say("{ordinal} audit of this model with this spec", ordinal=ordinal(audit.attempt)))


def moment(stamp: str) -> datetime:
    """An ISO time as aware UTC.

    Raises:
        ValueError: Not an ISO time.
    """
    read = datetime.fromisoformat(stamp)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def date(stamp: str) -> str:
    """'11 March 2026, 14:09 UTC'."""
    return spoken_moment(moment(stamp))


def day(stamp: str) -> str:
    """'11 March 2026', of an ISO date or time; other words stay as they are."""
    try:
        return spoken_day(moment(stamp))
    except ValueError:
        return plain(stamp)
