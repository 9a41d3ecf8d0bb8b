"""Section 7: what each trust check says of each method, by which rule, and beside which maps that know nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditor.languages import listed, noted, say, say_in
from auditor.records import Audit, Measurement, TrustCheck, VisualizationRecord
from auditor.reports._names import label
from auditor.reports._subject import of_sample
from auditor.reports._tables import Cell, Column, Fact, Table, numeric, table
from auditor.reports._words import (
    NONE,
    RATIO,
    interval,
    number,
    plain,
    short,
    value_of,
    with_doubt,
)

MARKS = {
    "passed": (noted("passed"), "○", "quiet"),
    "failed": (noted("failed"), "▲", "high"),
    "not enough data": (noted("not enough data"), "□", "open"),
}
"""Word, mark and tone of a trust verdict."""
CHECKS = {
    "randomisation": noted("Random weights"),
    "insertion_deletion": noted("Insertion, deletion"),
    "road": noted("ROAD"),
    "class_consistency": noted("Hot region kept"),
    "stability": noted("Weak noise"),
}
"""Metric → the head of its column, in the order of print."""
COLUMNS = {
    "mass_accuracy": noted("Mass on object"),
    "rank_accuracy": noted("Hottest on object"),
    "pointing_game": noted("Pointing game"),
    "iou_at_20": noted("IoU at 20 %"),
    "iou_at_50": noted("IoU at 50 %"),
    "agreement_rank_correlation": noted("Agreement, ranks"),
    "agreement_overlap": noted("Agreement, overlap"),
}
"""Measurement → the head of its column."""
TIGHT = "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
"""Where cells are narrow."""
MATRIX = 10
"""Methods beyond this many do not fit across a page as a table; the figure shows every pair."""
RULES = {**CHECKS, "bar": noted("The bar"), "whole": noted("On the whole")}
"""Key of a rule → its head, in the order of print."""


@dataclass(frozen=True, slots=True)
class TrustView:
    """What stands in section 7 before the maps themselves.

    Attributes:
        checks: A row a method and a column a check that decides; maps that know nothing below.
        rules: When each check passes or fails.
        comparison: What is measured and decides nothing: where maps lie, and whether they agree.
        agreement: Every pair of methods.
    """

    checks: Table
    rules: tuple[Fact, ...]
    comparison: Table
    agreement: Table


def trust_view(audit: Audit) -> TrustView:
    """The trust checks of an audit, as tables."""
    methods = [item for item in audit.visualizations if item.trust_checks]
    return TrustView(_checks(audit, methods), _rules(audit), _comparison(audit, methods), _agreement(audit))


def deciding(item: VisualizationRecord) -> list[TrustCheck]:
    """The checks of a method that pass or fail it, in the order of the table."""
    found = {check.metric: check for check in item.trust_checks if check.verdict is not None}
    return [found[metric] for metric in _ordered(found)]


def check_name(metric: str) -> str:
    """The head of a check's column."""
    return say(CHECKS[metric]) if metric in CHECKS else label(metric)


def trust_cell(verdict: str) -> Cell:
    """Mark and word of a verdict."""
    word, mark, tone = MARKS.get(verdict, (plain(verdict), "□", "open"))
    return Cell(say(word), mark, tone)


def trust_words(verdict: str | None) -> str:
    """A trust verdict in words."""
    return say(MARKS[verdict][0]) if verdict in MARKS else plain(verdict)


def _checks(audit: Audit, methods: Sequence[VisualizationRecord]) -> Table:
    names = {c.metric: c.headlines[:1] for item in methods for c in item.trust_checks if c.verdict is not None}
    shown = _ordered(names)
    rows = []
    for item in methods:
        checks = {check.metric: check for check in item.trust_checks if check.verdict is not None}
        cells = []
        for metric in shown:
            check = checks.get(metric)
            if check is None or check.verdict is None:
                cells.append(Cell(NONE))
                continue
            word, mark, tone = MARKS.get(check.verdict, (plain(check.verdict), "□", "open"))
            cells.append(Cell(say(word), mark, tone, _with_interval(item.measurements, check.headlines[:1])))
        rows.append((_method(item), *cells, trust_cell(item.trust) if item.trust else Cell(NONE)))
    for null in audit.null_maps:
        cells = [Cell(_with_interval(null.measurements, names[metric]) or NONE) for metric in shown]
        if any(cell.text != NONE for cell in cells):
            rows.append((Cell(label(null.name), note=say("knows nothing")), *cells, Cell(NONE)))
    columns = (say("Method"), *(check_name(metric) for metric in shown), say("On the whole"))
    empty = say("No metric checked the maps of this audit.")
    return table(say("Trust checks, one by one"), columns, rows if shown else [], empty=empty)


def _rules(audit: Audit) -> tuple[Fact, ...]:
    return tuple(
        Fact(say(RULES[key]) if key in RULES else label(key), plain(audit.trust_rules[key]))
        for key in _ordered(audit.trust_rules)
    )


def _ordered(keys: Iterable[str]) -> list[str]:
    """Ours in the order of print, those of other packages before the shared rules."""
    places = {key: place for place, key in enumerate(RULES)}
    return sorted(keys, key=lambda key: places.get(key, len(CHECKS) - 0.5))


def _comparison(audit: Audit, methods: Sequence[VisualizationRecord]) -> Table:
    names = dict.fromkeys(
        name for item in methods for check in item.trust_checks if check.verdict is None for name in check.headlines
    )
    measured = {m.name for item in methods for m in item.measurements if m.value is not None}
    shown = [name for name in names if name in measured]
    rows = [(_method(item), *_numbers(item.measurements, shown)) for item in methods]
    for null in audit.null_maps:
        cells = _numbers(null.measurements, shown)
        if any(cell.text != NONE for cell in cells):
            rows.append((Cell(label(null.name), note=say("knows nothing")), *cells))
    columns: list[str | Column] = [say("Method")]
    columns += [numeric(say(COLUMNS[name]) if name in COLUMNS else label(name)) for name in shown]
    missing = next((m.reason for item in methods for m in item.measurements if m.name in names and m.reason), None)
    empty = say("No metric compared the maps with objects or each other.")
    if missing:
        empty = say("Not compared: {why}.", why=plain(missing))
    return table(say("Where the maps lie, and whether they agree"), columns, rows if shown else [], empty=empty)


def _agreement(audit: Audit) -> Table:
    found = audit.agreement or {}
    names, ranks, tops = (list(found.get(key, [])) for key in ("names", "rank", "top"))
    shown = len(names) if len(names) <= MATRIX else 0
    rows = [
        (
            Cell(f"{index + 1}  {short(_named(names[index]), 40)}"),
            *(_pair(ranks[index][other], tops[index][other], index == other) for other in range(shown)),
        )
        for index in range(shown)
    ]
    caption = say(
        "Agreement of every two maps on {images}: rank correlation, and overlap below",
        images=of_sample(audit.sample.medium, found.get("images", 0)),
    )
    columns = (Column(say("Map"), "name"), *(numeric(str(index + 1)) for index in range(shown)))
    empty = ""
    if names:
        empty = say("{n} maps: the figure shows every two, audit.json holds their intervals.", n=len(names))
    return table(caption, columns, rows, empty=empty)


def map_name(method: str, *rest: str) -> str:
    """'Grad-CAM, layer4.1': a method, and what its maps are of, as far as that is said."""
    of = listed(filter(None, rest))
    return say_in("pattern", "{method}, {of}", method=method, of=of) if of else method


def _named(name: str) -> str:
    """'Grad-CAM, layer4' for 'grad_cam@layer4'."""
    method, _, layer = name.partition("@")
    return map_name(label(method), plain(layer))


def _pair(rank: float | None, top: float | None, same: bool) -> Cell:
    if same or rank is None:
        return Cell(NONE)
    return Cell(number(rank, RATIO), note="" if top is None else number(top, RATIO))


def _method(item: VisualizationRecord) -> Cell:
    return Cell(label(item.name), note=plain(" ".join(filter(None, (item.layer, item.for_words)))))


def _numbers(measurements: Iterable[Measurement], names: Sequence[str]) -> list[Cell]:
    by_name = {item.name: item for item in measurements}
    found = (by_name.get(name) for name in names)
    return [
        Cell(NONE)
        if m is None or m.value is None
        else Cell(
            value_of(m),
            note=say("{interval}, n = {count}", interval=interval(m), count=m.count).replace("n = ", TIGHT),
        )
        for m in found
    ]


def _with_interval(measurements: Iterable[Measurement], names: Sequence[str]) -> str:
    found = next((item for item in measurements if item.name in names and item.value is not None), None)
    if found is None:
        return ""
    if found.low == found.high:
        return value_of(found)
    return with_doubt(found)
