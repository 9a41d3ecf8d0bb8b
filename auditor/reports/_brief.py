"""Long tables as paper holds them: rows that say the same are one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from auditor.languages import grouped, listed, say, say_in, say_many
from auditor.records import Audit, Check, Measurement
from auditor.reports._effects import main_measurement
from auditor.reports._evidence import QUIET, check_columns, check_row, unjudged, verdict_cell
from auditor.reports._kinds import place
from auditor.reports._subject import class_columns, class_row, measured_classes
from auditor.reports._tables import Cell, Table, table
from auditor.reports._words import NONE, between, number, plain, short, unit_of

MOST_NAMES = 40
"""Names in one row."""
SECTIONS = {"group": "9", "corruption": "10"}
"""Where kinds of check are told that section 8 does not hold."""


def brief_check_table(audit: Audit) -> Table:
    """Every check, judged ones first; of a place, classes with the same verdict and nothing found share a row."""
    shared: dict[tuple[object, ...], list[Check]] = {}
    for check in sorted(audit.checks, key=unjudged):
        alike = check.class_name is not None and check.verdict in QUIET
        key = (check.kind, place(check), check.verdict, unjudged(check)) if alike else (check.id,)
        shared.setdefault(key, []).append(check)
    rows = [_row(checks, audit.model.classes) for checks in shared.values()]
    caption = say_many("All {n} check", "All {n} checks", len(audit.checks))
    return table(caption, check_columns(), rows, empty=say("Nothing of this kind was judged; the reason stands above."))


def brief_class_table(audit: Audit) -> Table:
    """Accuracy of every class, worst first; classes of which the same was measured share a row."""
    shared: dict[tuple[str | Cell, ...], list[str]] = {}
    for row in measured_classes(audit):
        shared.setdefault(class_row(row)[1:], []).append(short(row.get("class", "")))
    rows = [(_named(names) if len(names) > 1 else names[0], *numbers) for numbers, names in shared.items()]
    return table(say("Accuracy by class, worst first"), class_columns(), rows)


def _row(checks: Sequence[Check], classes: Sequence[str]) -> tuple[str | Cell, ...]:
    if len(checks) > 1:
        return _shared_row(checks, classes)
    check, row = checks[0], check_row(checks[0])
    if check.class_name is None and not any(item.value is not None for item in check.measurements):
        number_of = SECTIONS.get(check.kind, "8")
        return (Cell(place(check), note=say("section {number} says why", number=number_of)), *row[1:])
    return row


def _shared_row(checks: Sequence[Check], classes: Sequence[str]) -> tuple[str | Cell, ...]:
    """Effects from the smallest to the largest, and the outer ends of their intervals."""
    found = [item for check in checks if (item := main_measurement(check)) is not None and item.value is not None]
    where = Cell(place(checks[0]), note=_which(dict.fromkeys(str(check.class_name) for check in checks), classes))
    visible = [c.minimum_detectable_effect for c in checks if c.minimum_detectable_effect is not None]
    seen = NONE if not visible else _range(visible)
    if not found:
        return (where, NONE, NONE, NONE, NONE, seen, NONE, verdict_cell(checks[0]))
    unit = unit_of(found[0])
    controls = [item for check in checks if (item := _control(check, found[0].name)) is not None]
    ends = [end for item in found for end in (item.low, item.high) if end is not None]
    counts = sorted(item.count for item in found)
    pictures = grouped(counts[0])
    if counts[-1] != counts[0]:
        pictures = say_in("pattern", "{low} to {high}", low=pictures, high=grouped(counts[-1]))
    return (
        where,
        _range([item.value for item in found if item.value is not None], unit),
        _range(ends, unit) if ends else NONE,
        _range([item.value for item in controls if item.value is not None], unit) if controls else NONE,
        pictures,
        seen,
        NONE,
        verdict_cell(checks[0]),
    )


def _control(check: Check, name: str) -> Measurement | None:
    control = check.measurement(f"{name}_control")
    return control if control is not None and control.value is not None else None


def _range(values: Sequence[float], unit: str = "1") -> str:
    low, high = min(values), max(values)
    one = number(low, unit)
    return one if one == number(high, unit) else between(low, high, unit)


def _which(chosen: Collection[str], classes: Sequence[str]) -> str:
    """'3 classes: cat, dog, horse', or, where that is shorter, 'all 10 classes' or 'all 10 classes but cat'."""
    others = [name for name in classes if name not in chosen]
    if len(chosen) + len(others) != len(classes) or len(others) >= len(chosen):
        return _named([short(name, 48) for name in chosen])
    if not others:
        return say("all {n} classes", n=grouped(len(classes)))
    return say("all {n} classes but {names}", n=grouped(len(classes)), names=listed(short(x, 48) for x in others))


def _named(names: Sequence[str]) -> str:
    """'3 classes: cat, dog, horse'."""
    some = listed(plain(name) for name in names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        return say("{n} classes: {names} and others", n=grouped(len(names)), names=some)
    return say("{n} classes: {names}", n=grouped(len(names)), names=some)
