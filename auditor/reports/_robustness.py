"""Section 10: what is left of the accuracy when pictures get worse, are marked, or are attacked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.clauses.evidence import in_bank
from auditor.languages import grouped, listed, noted, say, say_many
from auditor.records import Audit, Check, Measurement, Verdict
from auditor.reports._evidence import SHOWN_PICTURES, check_table
from auditor.reports._methods import ATTACKS, MethodView, method_views
from auditor.reports._missing import why_missing
from auditor.reports._names import ATTACKED, attack_of, label
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._summary import tallies
from auditor.reports._tables import Cell, Table, numeric, table
from auditor.reports._words import (
    NONE,
    amount_of,
    capital,
    interval,
    lines_of,
    percent,
    plain,
    stopped,
    value_of,
    without_stop,
)

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
        marks=check_table(say("Inserted watermarks"), bank, besides=say("Inserted watermark: {name}", name="")),
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
    shown = _examples_shown(audit)
    rows: list[tuple[str | Cell, ...]] = [
        _row(say("Noise, blur, weather"), measured, _families(corruption), why_missing(audit, "corruption")),
        *(_row(say(words), *_family(audit, corruption, name)) for words, name in _GEOMETRY_WORDS),
        _row(say("Compression"), *_compression(audit, corruption)),
        _row(say("Frames and letterboxes of the sample"), *_frames(audit)),
        _row(say("Inserted watermarks"), tried, _marks(bank), _why_no_bank(audit, bank)),
        _row(say("Adversarial examples"), strong or shown, *_attacked(audit, attacked, shown=shown)),
        _row(say("Transforms of one's own"), *_own(audit)),
    ]  # fmt: skip
    return table(say("What was tried"), (say("Strain"), say("Tried"), say("Result, or why not")), rows)


UNJUDGED = (Verdict.NOT_TESTED, Verdict.INSUFFICIENT)
_GEOMETRY_WORDS = ((noted("Crops"), "crop"), (noted("Added letterboxes"), "letterbox"))


def _row(strain: str, tried: bool, result: str, why: str) -> tuple[str | Cell, ...]:
    if tried:
        return (strain, Cell(say("yes"), "○", "quiet"), stopped(capital(result)))
    return (strain, Cell(say("no"), "–", "open"), stopped(capital(why)))


def _families(corruption: Check | None) -> str:
    rows = _shares(corruption)
    if not rows:
        return ""
    worst = min(rows, key=lambda item: item.value or 0.0)
    return say_many(
        "{n} corruption; least under {name}: {value} ({interval})",
        "{n} corruptions; least under {name}: {value} ({interval})",
        len(rows),
        name=_words(worst),
        value=value_of(worst),
        interval=interval(worst),
    )


def _family(audit: Audit, corruption: Check | None, name: str) -> tuple[bool, str, str]:
    found = next((item for item in _shares(corruption) if item.name.endswith(f"_{name}")), None)
    if found is not None:
        return True, _named(_words(found), found), ""
    if corruption is None or corruption.verdict is Verdict.NOT_TESTED:
        return False, "", why_missing(audit, "corruption")
    return False, "", say("not asked for in the spec: not among the corruptions of this audit")


def _compression(audit: Audit, corruption: Check | None) -> tuple[bool, str, str]:
    jpeg = next((item for item in _shares(corruption) if item.name.endswith("_jpeg")), None)
    reliance = [check for check in audit.checks if check.kind == "sharpness" and check.class_name is None]
    words = []
    if jpeg is not None:
        words.append(_named(_words(jpeg), jpeg))
    if any(check.verdict not in UNJUDGED for check in reliance):
        words.append(say("reliance on sharpness and compression: {verdicts} (section 8)", verdicts=_verdicts(reliance)))
    return bool(words), lines_of(words), why_missing(audit, "corruption")


def _frames(audit: Audit) -> tuple[bool, str, str]:
    found = [
        check
        for check in audit.checks
        if check.region is not None and check.region.name.startswith(("frame-", "band-")) and check.class_name is None
    ]
    if found:
        words = say("those found in the sample were swapped: {verdicts} (section 8)", verdicts=_verdicts(found))
        return True, words, ""
    if any(row.kind == "border" for row in audit.test_plan):
        return True, say("none was found in the sample; border rings were swapped instead (section 8)"), ""
    return False, "", why_missing(audit, "border")


def _named(name: str, item: Measurement) -> str:
    return say(
        "{name}: {value} ({interval}, n = {count})",
        name=name,
        value=value_of(item),
        interval=interval(item),
        count=item.count,
    )


def _verdicts(checks: Sequence[Check]) -> str:
    return listed(amount_of(tally.amount, tally.word) for tally in tallies(tuple(checks)))


def _marks(bank: Sequence[Check]) -> str:
    names = dict.fromkeys(check.region.name for check in bank if check.region is not None)
    return say_many("{n} mark: {verdicts}", "{n} marks: {verdicts}", len(names), verdicts=_verdicts(bank))


def _why_no_bank(audit: Audit, bank: Sequence[Check]) -> str:
    if bank:
        return without_stop(plain(bank[0].sentence))
    return why_missing(audit, "overlay", "watermark_bank")


def _budgets(attacked: Sequence[Measurement]) -> str:
    known = [item for item in attacked if item.value is not None]
    if not known:
        return ""
    last = min(known, key=lambda item: item.value or 0.0)
    return say(
        "least under {attack}: {value} ({interval}, n = {count})",
        attack=attack_of(last.name),
        value=value_of(last),
        interval=interval(last),
        count=last.count,
    )


def _attacked(audit: Audit, attacked: Sequence[Measurement], *, shown: bool) -> tuple[str, str]:
    """What the attacks came to, and why it is not known."""
    if shown and not any(item.value is not None for item in attacked):
        lost = say("some are shown below; robust accuracy was not measured: {why}", why=_why(attacked))
        return lost, ""
    return _budgets(attacked), _why(attacked)


def _examples_shown(audit: Audit) -> bool:
    return any(item.name in ATTACKS and item.status == "ok" and item.figures for item in audit.visualizations)


def _why(attacked: Sequence[Measurement]) -> str:
    reason = next((item.reason for item in attacked if item.reason), None)
    if reason:
        return plain(reason)
    return say("not asked for in the spec: the metric robustness (preset full) measures it")


def _own(audit: Audit) -> tuple[bool, str, str]:
    own = [check for check in audit.checks if check.kind == "custom" and check.class_name is None]
    judged = any(check.verdict not in UNJUDGED for check in own)
    return judged, say("{verdicts} (section 8)", verdicts=_verdicts(own)), why_missing(audit, "custom")


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
    return plain(re.split(r",\s*|，", item.note or "")[0]) or label(item.name)


def _details(item: Measurement) -> str:
    """'haze, severity 3 of 5' → 'severity 3 of 5'."""
    return plain("".join(re.split(r",\s*|，", item.note or "", maxsplit=1)[1:]))


def _corruptions(audit: Audit, corruption: Check | None) -> Table:
    shares = sorted(_shares(corruption), key=lambda item: item.value or 0.0)
    labelled = any(item.name.startswith("accuracy_") for item in shares)
    clean = next((item for item in audit.metrics if item.name == "accuracy" and item.value is not None), None)
    rows: list[tuple[str | Cell, ...]] = []
    if labelled and clean is not None:
        rows.append((say("Untouched pictures"), *_numbers(clean)))
    whole = {item.name: item for item in (corruption.measurements if corruption is not None else ())}
    rows += [(Cell(label(name), note=plain(whole[name].note or "")), *_numbers(whole[name])) for name in WHOLE if
             name in whole]  # fmt: skip
    notes = {item.name: _details(item) for item in shares}
    alike = len(set(notes.values())) == 1  # then the mean's own note says it once
    rows += [(Cell(capital(_words(item)), note="" if alike else notes[item.name]), *_numbers(item)) for item in shares]
    what = say("Accuracy") if labelled else say("Unchanged predictions")
    columns = (say("Corruption"), numeric(what), numeric(percent("95")), numeric("n"))
    empty = say("No corruption was applied: {why}.", why=why_missing(audit, "corruption"))
    return table(say("Under corruptions, most costly first"), columns, rows if shares else [], empty=empty)


def _attacks(audit: Audit) -> Table:
    found = [item for item in audit.metrics if item.name.startswith(ATTACKED)]
    clean = next((item for item in audit.metrics if item.name == "accuracy" and item.value is not None), None)
    rows: list[tuple[str | Cell, ...]] = (
        [(say("None: the whole sample as it is"), *_numbers(clean))] if clean and found else []
    )
    rows += [(Cell(capital(attack_of(item.name)), note=plain(item.reason or "")), *_numbers(item)) for
             item in found]  # fmt: skip
    columns = (
        say("Attack, and the largest change of a pixel"),
        numeric(say("Still right")),
        numeric(percent("95")),
        numeric("n"),
    )
    empty = say("Robust accuracy was not measured: {why}.", why=_why(found))
    if _examples_shown(audit):
        empty = say("Robust accuracy was not measured: {why}. The examples below show single cases.", why=_why(found))
    return table(say("Adversarial examples"), columns, rows, empty=empty)


def _numbers(item: Measurement) -> tuple[str, str, str]:
    return (value_of(item), interval(item), grouped(item.count)) if item.value is not None else (NONE, NONE, NONE)
