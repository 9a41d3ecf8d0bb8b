"""Section 9: how the model does on each group, the worst gap, and whether it looks elsewhere there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.languages import grouped, say
from auditor.records import Audit, Check, Measurement, Verdict
from auditor.reports._evidence import check_table, verdict_cell
from auditor.reports._missing import why_missing
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._tables import Cell, Column, Fact, Table, numeric, table
from auditor.reports._words import (
    NONE,
    RATIO,
    between,
    interval,
    lines_of,
    measured,
    number,
    plain,
    short,
    value_of,
)
from auditor.runs import safe_name

LEAST = 20
"""Pictures that a group needs, where the test plan does not say."""
CHART = "groups-"
"""How the names of charts by group begin; the column follows."""
SHOWN = 24
"""Groups of one column; the rest are counted."""


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One metadata column.

    Attributes:
        groups: Every group with n, accuracy and interval, or "not enough data".
        facts: The worst gap, whether the group can be read from the features, and where the model looks.
        within: The worst gaps within single classes.
        name: As the metadata have it.
        anchor: For links.
        figures: Accuracy by group.
    """

    name: str
    anchor: str
    groups: Table
    facts: tuple[Fact, ...]
    within: Table
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class GroupsView:
    """Section 9; `empty` says why there is nothing.

    Attributes:
        columns: One for each column of the metadata.
        empty: Why there are none.
    """

    columns: tuple[ColumnView, ...]
    empty: str


def groups_view(audit: Audit, pictures: Pictures) -> GroupsView:
    """Every column that the metadata name, tested or not."""
    checks = [check for check in audit.checks if check.kind == "group"]
    named = [column_of(check) for check in checks if check.region is not None]
    columns = list(dict.fromkeys((*audit.sample.per_group, *named)))
    if not columns:
        why = why_missing(audit, "group")
        return GroupsView((), say("No groups were compared: {why}.", why=why))
    charts = pictures.placed("9")
    views = [_column(audit, name, number, checks) for number, name in enumerate(columns)]
    stems = {safe_name(f"{CHART}{name}"): view for name, view in zip(columns, views, strict=True)}
    return GroupsView(tuple(_with_charts(view, charts, stems, last=view is views[-1]) for view in views), "")


def column_of(check: Check) -> str:
    """The metadata column of a group check: its region is named column:group."""
    return check.region.name.partition(":")[0] if check.region is not None else ""


def _with_charts(
    view: ColumnView, charts: Sequence[Figure], stems: Mapping[str, ColumnView], *, last: bool
) -> ColumnView:
    """A chart stands with its column; one of an unknown column stands with the last."""
    own = tuple(chart for chart in charts if stems.get(Path(chart.path).stem) is view)
    if last:
        own += tuple(chart for chart in charts if Path(chart.path).stem not in stems)
    return ColumnView(view.name, view.anchor, view.groups, view.facts, view.within, own)


def _column(audit: Audit, name: str, index: int, checks: Sequence[Check]) -> ColumnView:
    own = [check for check in checks if column_of(check) == name]
    overall = next((check for check in own if check.class_name is None), None)
    within = [check for check in own if check.class_name is not None]
    return ColumnView(
        name=plain(name),
        anchor=f"groups-{index}",
        groups=_group_table(audit, name, overall),
        facts=_facts(audit, overall),
        within=check_table(say("Worst gaps within single classes"), within),
        figures=(),
    )


def _group_table(audit: Audit, name: str, overall: Check | None) -> Table:
    measurements = {} if overall is None else {item.name: item for item in overall.measurements}
    least = next((row.minimum_count for row in audit.test_plan if row.kind == "group"), LEAST)
    worst = "" if overall is None or overall.region is None else overall.region.name.partition(":")[2]
    rows: list[tuple[float, tuple[str | Cell, ...]]] = []
    for group, count in audit.sample.per_group.get(name, {}).items():
        found = measurements.get(f"accuracy_{group}")
        note = say("compared with the rest") if group == worst else ""
        if found is None or found.value is None:
            why = _why_not(audit, overall, count, least)
            state = say("not enough data") if count < least else say("not measured")
            cells = (Cell(short(group), note=note), grouped(count), Cell(state, "□", "open", why), NONE)
            rows.append((2.0, cells))
            continue
        numbers = (grouped(found.count), value_of(found), interval(found))
        rows.append((found.value, (Cell(short(group), note=note), *numbers)))
    rows.sort(key=lambda row: row[0])
    caption = plain(name)
    if len(rows) > SHOWN:
        caption = say("{column}; {n} of {total}, worst first", column=caption, n=SHOWN, total=len(rows))
    columns = (Column(say("Group"), "name"), numeric("n"), numeric(say("Accuracy")), numeric(say("95 % interval")))
    empty = say("The sample does not say how many pictures each group has.")
    return table(caption, columns, [row for _, row in rows[:SHOWN]], empty=empty)


def _why_not(audit: Audit, overall: Check | None, count: int, least: int) -> str:
    if count < least:
        return say("{n} are needed", n=least)
    if overall is None:
        return why_missing(audit, "group")
    return "" if audit.sample.labelled else say("no labels")


def _facts(audit: Audit, overall: Check | None) -> tuple[Fact, ...]:
    if overall is None:
        return (Fact(say("Compared"), say("no: {why}", why=why_missing(audit, "group"))),)
    if overall.verdict is Verdict.NOT_TESTED:
        return (Fact(say("Compared"), plain(overall.sentence)),)
    facts = []
    gap = overall.measurement("group_gap")
    if gap is not None:
        verdict = verdict_cell(overall)
        facts.append(Fact(say("Worst gap"), lines_of((_points(gap), verdict.text))))
        if gap.note:
            facts.append(Fact(say("Between"), plain(gap.note)))
    if overall.minimum_detectable_effect is not None:
        least = number(overall.minimum_detectable_effect)
        facts.append(Fact(say("Visible from"), say("a gap of {gap} (80 % power)", gap=least)))
    encoded = overall.measurement("decodability")
    if encoded is not None:
        known = lines_of(filter(None, (measured(encoded), plain(encoded.note or ""))))
        facts.append(Fact(say("Readable from the features"), known))
    facts += [
        Fact(say("Difference in attention"), lines_of(filter(None, (_delta(item), plain(item.note or "")))))
        for item in overall.measurements
        if item.name.startswith("attention_")
    ]
    return tuple(facts)


def _points(gap: Measurement) -> str:
    if gap.value is None:
        return say("undefined: {reason}", reason=plain(gap.reason))
    if gap.value <= 0:
        return say(
            "none: the difference is {value} ({interval}, n = {count})",
            value=number(gap.value),
            interval=interval(gap),
            count=gap.count,
        )
    return say("accuracy lower by {gap}", gap=measured(gap))


def _delta(item: Measurement) -> str:
    if item.value is None:
        return say("undefined: {reason}", reason=plain(item.reason))
    value = number(item.value, RATIO)
    if item.low is None or item.high is None:
        return value
    return say(
        "{value} ({interval}, n = {count})",
        value=value,
        interval=between(item.low, item.high, RATIO),
        count=item.count,
    )
