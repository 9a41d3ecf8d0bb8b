"""Section 10: what is left of the accuracy when pictures get worse, are marked, or are attacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.clauses.evidence import in_bank
from auditor.records import Audit, Check, Measurement, Verdict
from auditor.reports._evidence import SHOWN_PICTURES, check_table
from auditor.reports._methods import ATTACKS, MethodView, method_views
from auditor.reports._missing import NOT_ASKED, why_missing
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._summary import tallies
from auditor.reports._tables import Cell, Table, numeric, table
from auditor.reports._words import NONE, capital, count, interval, label, plain, value_of

ATTACKED = ("robust_accuracy_", "robust_agreement_")
WHOLE = ("mean_corruption_accuracy", "mean_corruption_agreement", "retained_share")
GEOMETRY = ("crop", "letterbox")
"""Corruptions that change what of a picture is seen, not how well."""


@dataclass(frozen=True, slots=True)
class RobustnessView:
    """Section 10.

    Attributes:
        tried: Each kind of strain: tried with which result, or why not.
        corruptions: Every corruption, the most costly first, after the untouched pictures.
        charts: Dose-responses.
        pairs: A picture of each of the costliest corruptions.
        marks: Inserted watermarks.
        attacks: Robust accuracy by attack and budget.
        examples: Adversarial pictures.
        said: What the corruptions say together; "" for nothing.
        mark_pictures: Pairs with an inserted watermark.
        attack_charts: Accuracy by strength of the attack.
    """

    tried: Table
    corruptions: Table
    said: str
    charts: tuple[Figure, ...]
    pairs: tuple[Figure, ...]
    marks: Table
    mark_pictures: tuple[Figure, ...]
    attacks: Table
    attack_charts: tuple[Figure, ...]
    examples: tuple[MethodView, ...]


def robustness_view(audit: Audit, pictures: Pictures) -> RobustnessView:
    """Everything that strains the model, and what was not tried."""
    check = next((check for check in audit.checks if check.kind == "corruption"), None)
    paths = () if check is None else check.figures
    bank = [check for check in audit.checks if in_bank(check)]
    marks = [path for item in bank if not item.is_finding for path in item.figures[:1]]
    return RobustnessView(
        tried=_tried(audit, check, bank),
        corruptions=_corruptions(audit, check),
        said="" if check is None else plain(check.sentence),
        charts=pictures.figures(path for path in paths if path.endswith(".svg")),
        pairs=pictures.figures([path for path in paths if not path.endswith(".svg")][:SHOWN_PICTURES]),
        marks=check_table("Inserted watermarks", bank),
        mark_pictures=pictures.figures(marks[:SHOWN_PICTURES]),
        attacks=_attacks(audit),
        attack_charts=pictures.placed("10"),
        examples=method_views(audit, pictures, ATTACKS),
    )


def _tried(audit: Audit, corruption: Check | None, bank: Sequence[Check]) -> Table:
    measured = corruption is not None and any(item.value is not None for item in corruption.measurements)
    attacked = [item for item in audit.metrics if item.name.startswith(ATTACKED)]
    tried = any(check.verdict not in UNJUDGED for check in bank)
    strong = any(item.value is not None for item in attacked)
    rows: list[tuple[str | Cell, ...]] = [
        _row("Noise, blur, weather", measured, _families(corruption), why_missing(audit, "corruption")),
        *(_row(words, *_family(audit, corruption, name)) for words, name in _GEOMETRY_WORDS),
        _row("Compression", *_compression(audit, corruption)),
        _row("Frames and letterboxes of the sample", *_frames(audit)),
        _row("Inserted watermarks", tried, _marks(bank), _why_no_bank(audit, bank)),
        _row("Adversarial examples", strong, _budgets(attacked), _why(attacked)),
        _row("Transforms of one's own", *_own(audit)),
    ]  # fmt: skip
    return table("What was tried", ("Strain", "Tried", "Result, or why not"), rows)


UNJUDGED = (Verdict.NOT_TESTED, Verdict.INSUFFICIENT)
_GEOMETRY_WORDS = (("Crops", "crop"), ("Added letterboxes", "letterbox"))


def _row(strain: str, tried: bool, result: str, why: str) -> tuple[str | Cell, ...]:
    if tried:
        return (strain, Cell("yes", "○", "quiet"), f"{result[:1].upper()}{result[1:]}.")
    return (strain, Cell("no", "–", "open"), f"{why[:1].upper()}{why[1:]}.")


def _families(corruption: Check | None) -> str:
    rows = _shares(corruption)
    if not rows:
        return ""
    worst = min(rows, key=lambda item: item.value or 0.0)
    return f"{count(len(rows), 'corruption')}; least under {_words(worst)}: {value_of(worst)} ({interval(worst)})"


def _family(audit: Audit, corruption: Check | None, name: str) -> tuple[bool, str, str]:
    found = next((item for item in _shares(corruption) if item.name.endswith(f"_{name}")), None)
    if found is not None:
        return True, f"{_words(found)}: {value_of(found)} ({interval(found)}, n = {found.count})", ""
    if corruption is None or corruption.verdict is Verdict.NOT_TESTED:
        return False, "", why_missing(audit, "corruption")
    return False, "", f"{NOT_ASKED}: not among the corruptions of this audit"


def _compression(audit: Audit, corruption: Check | None) -> tuple[bool, str, str]:
    jpeg = next((item for item in _shares(corruption) if item.name.endswith("_jpeg")), None)
    reliance = [check for check in audit.checks if check.kind == "sharpness" and check.class_name is None]
    words = []
    if jpeg is not None:
        words.append(f"{_words(jpeg)}: {value_of(jpeg)} ({interval(jpeg)}, n = {jpeg.count})")
    if any(check.verdict not in UNJUDGED for check in reliance):
        words.append(f"reliance on sharpness and compression: {_verdicts(reliance)} (section 8)")
    return bool(words), "; ".join(words), why_missing(audit, "corruption")


def _frames(audit: Audit) -> tuple[bool, str, str]:
    found = [
        check
        for check in audit.checks
        if check.region is not None and check.region.name.startswith(("frame-", "band-")) and check.class_name is None
    ]
    if found:
        return True, f"those found in the sample were swapped: {_verdicts(found)} (section 8)", ""
    if any(row.kind == "border" for row in audit.test_plan):
        return True, "none was found in the sample; border rings were swapped instead (section 8)", ""
    return False, "", why_missing(audit, "border")


def _verdicts(checks: Sequence[Check]) -> str:
    return ", ".join(f"{tally.amount} {tally.word}" for tally in tallies(tuple(checks)))


def _marks(bank: Sequence[Check]) -> str:
    names = dict.fromkeys(check.region.name for check in bank if check.region is not None)
    return f"{count(len(names), 'mark')}: {_verdicts(bank)}"


def _why_no_bank(audit: Audit, bank: Sequence[Check]) -> str:
    if bank:
        return plain(bank[0].sentence).rstrip(".")
    return why_missing(audit, "overlay", "watermark_bank")


def _budgets(attacked: Sequence[Measurement]) -> str:
    known = [item for item in attacked if item.value is not None]
    if not known:
        return ""
    last = min(known, key=lambda item: item.value or 0.0)
    return f"least under {label(last.name).partition(', ')[2]}: {value_of(last)} ({interval(last)}, n = {last.count})"


def _why(attacked: Sequence[Measurement]) -> str:
    reason = next((item.reason for item in attacked if item.reason), None)
    return plain(reason) if reason else f"{NOT_ASKED}: the metric robustness (preset full) makes them"


def _own(audit: Audit) -> tuple[bool, str, str]:
    own = [check for check in audit.checks if check.kind == "custom" and check.class_name is None]
    judged = any(check.verdict not in UNJUDGED for check in own)
    return judged, f"{_verdicts(own)} (section 8)", why_missing(audit, "custom")


def _shares(corruption: Check | None) -> list[Measurement]:
    """One a corruption, without the means over all."""
    if corruption is None:
        return []
    return [
        item
        for item in corruption.measurements
        if item.value is not None and item.name not in WHOLE and item.name.startswith(("accuracy_", "agreement_"))
    ]


def _words(item: Measurement) -> str:
    """'haze, severity 3 of 5' → 'haze'."""
    return plain((item.note or "").partition(",")[0]) or label(item.name)


def _corruptions(audit: Audit, corruption: Check | None) -> Table:
    shares = sorted(_shares(corruption), key=lambda item: item.value or 0.0)
    labelled = any(item.name.startswith("accuracy_") for item in shares)
    clean = next((item for item in audit.metrics if item.name == "accuracy" and item.value is not None), None)
    rows: list[tuple[str | Cell, ...]] = []
    if labelled and clean is not None:
        rows.append(("Untouched pictures", *_numbers(clean)))
    whole = {item.name: item for item in (corruption.measurements if corruption is not None else ())}
    rows += [(Cell(label(name), note=plain(whole[name].note or "")), *_numbers(whole[name])) for name in WHOLE if
             name in whole]  # fmt: skip
    notes = {item.name: plain((item.note or "").partition(", ")[2]) for item in shares}
    alike = len(set(notes.values())) == 1  # then the mean's own note says it once
    rows += [(Cell(capital(_words(item)), note="" if alike else notes[item.name]), *_numbers(item)) for item in shares]
    what = "Accuracy" if labelled else "Unchanged predictions"
    columns = ("Corruption", numeric(what), numeric("95 %"), numeric("n"))
    empty = f"No corruption was applied: {why_missing(audit, 'corruption')}."
    return table("Under corruptions, most costly first", columns, rows if shares else [], empty=empty)


def _attacks(audit: Audit) -> Table:
    found = [item for item in audit.metrics if item.name.startswith(ATTACKED)]
    clean = next((item for item in audit.metrics if item.name == "accuracy" and item.value is not None), None)
    rows: list[tuple[str | Cell, ...]] = (
        [("None: the whole sample as it is", *_numbers(clean))] if clean and found else []
    )
    rows += [(Cell(capital(label(item.name).partition(", ")[2]), note=plain(item.reason or "")), *_numbers(item)) for
             item in found]  # fmt: skip
    columns = ("Attack, and the largest change of a pixel", numeric("Still right"), numeric("95 %"), numeric("n"))
    return table("Adversarial examples", columns, rows, empty=f"None were made: {_why(found)}.")


def _numbers(item: Measurement) -> tuple[str, str, str]:
    return (value_of(item), interval(item), f"{item.count:,}") if item.value is not None else (NONE, NONE, NONE)
