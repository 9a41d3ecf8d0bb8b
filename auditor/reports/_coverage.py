"""Section 16: which clause asks for what, and what of it this audit holds."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.languages import listed, noted, say, say_in, say_many
from auditor.records import Audit, ClauseCoverage, ClauseRow, ClauseState
from auditor.reports._tables import Cell, Column, Fact, Table, table
from auditor.reports._words import (
    after,
    capital,
    day,
    lines_of,
    plain,
)

STATES = {
    ClauseState.EVIDENCE: (noted("evidence"), "●", "pass"),
    ClauseState.PARTIAL: (noted("partial"), "◐", "open"),
    ClauseState.MANUAL: (noted("manual input needed"), "□", "open"),
    ClauseState.NOT_COVERED: (noted("not covered"), "–", "quiet"),
}
"""Word, mark and tone, from the most covered to the least."""
COUNTED = {
    ClauseState.EVIDENCE: noted("{n} with evidence"),
    ClauseState.PARTIAL: noted("{n} in part"),
    ClauseState.MANUAL: noted("{n} for manual input"),
    ClauseState.NOT_COVERED: noted("{n} not covered"),
}
NAMES = {
    "Annex IV": noted("Annex IV {number}"),
    "Art.": noted("Art. {number}"),
    "Item": noted("Item {number}"),
    "Principle": noted("Principle {number}"),
}
"""How clauses of the shipped maps are called; others keep their names."""
COVER = "0"
"""The section that bears no number in a report."""


@dataclass(frozen=True, slots=True)
class CoverageView:
    """One profile: where its map comes from, how much is there, and every clause.

    Attributes:
        profile: Name of the map, such as claim-2024.
        title: Of the text.
        anchor: For links.
        counts: How many clauses are in which state.
        facts: Source, date and version of the map.
        rows: Every clause.
    """

    profile: str
    title: str
    anchor: str
    counts: str
    facts: tuple[Fact, ...]
    rows: Table


def coverage_views(audit: Audit) -> tuple[CoverageView, ...]:
    """One for each profile of the spec."""
    return tuple(_view(one, index) for index, one in enumerate(audit.clause_coverage))


def _view(one: ClauseCoverage, index: int) -> CoverageView:
    amounts = {state: sum(row.state is state for row in one.rows) for state in STATES}
    states = listed(say(COUNTED[state], n=amounts[state]) for state in STATES if amounts[state])
    counts = say_many("{n} clause: {states}", "{n} clauses: {states}", len(one.rows), states=states)
    facts = [
        Fact(say("Informed by"), plain(one.source)),
        Fact(say("State of the text"), day(one.date)),
        Fact(
            say_in("clauses", "Map"),
            say(
                "{map}, version {version}, read against the text on {date}",
                map=plain(one.profile),
                version=one.version,
                date=day(one.reviewed),
            ),
        ),
    ]
    if one.url:
        facts.append(Fact(say_in("clauses", "Text"), plain(one.url)))
    if one.note:
        facts.append(Fact(say("Note"), plain(one.note)))
    columns = (
        Column(say("Clause"), "clause"),
        say("What it asks"),
        Column(say("Section"), "sections"),
        say("State"),
        say("What is here"),
    )
    rows = table(say("Clauses of {name}", name=plain(one.name)), columns, (_row(row) for row in one.rows))
    return CoverageView(plain(one.profile), plain(one.title), f"clauses-{index}", counts, tuple(facts), rows)


def _row(row: ClauseRow) -> tuple[str | Cell, ...]:
    word, mark, tone = STATES[row.state]
    sections = listed(say("cover") if name == COVER else name for name in row.sections) or "–"
    return (clause_name(row.clause), plain(row.asks), sections, Cell(say(word), mark, tone), _here(row))


def clause_name(clause: str) -> str:
    """'Art. 9(2)' as the language of the page calls it."""
    for start, words in NAMES.items():
        if clause.startswith(f"{start} "):
            return say(words, number=plain(clause.removeprefix(f"{start} ")))
    return plain(clause)


def _here(row: ClauseRow) -> Cell:
    """What is there, then what is missing and what people have to add."""
    held = say_in("pattern", "{words}.", words=capital(lines_of(row.held))) if row.held else ""
    rest = []
    if row.missing:
        rest.append(say("Missing: {what}.", what=lines_of(row.missing)))
    if row.people:
        rest.append(say("For people: {what}.", what=row.people))
    return Cell(plain(held or rest.pop(0)), note=plain(after(rest)))
