"""Who signs, and what the audit holds for the clauses that people answer to."""

from __future__ import annotations

from enum import StrEnum

from auditor.records.record import Record


class SignOff(Record):
    """Somebody who signs, and what they decided; empty where it is still to be filled in."""

    role: str
    name: str = ""
    decision: str = ""
    date: str = ""
    comment: str = ""


class ClauseState(StrEnum):
    """What an audit holds for a clause: decided from the audit, never by the map."""

    EVIDENCE = "evidence"
    PARTIAL = "partial"
    MANUAL = "manual"
    NOT_COVERED = "not_covered"


class ClauseRow(Record):
    """One clause and what the audit holds for it.

    Attributes:
        asks: What the clause asks, in our own words.
        sections: Of the report, where it is.
        held, missing: Kinds of evidence that the map names.
        people: What only people can state.
    """

    clause: str
    asks: str
    sections: tuple[str, ...] = ()
    state: ClauseState
    held: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    people: str = ""


class ClauseCoverage(Record):
    """A clause map over this audit: evidence that may support a clause, never a declaration of conformity."""

    profile: str
    name: str
    title: str
    version: int
    source: str
    date: str
    reviewed: str
    url: str = ""
    note: str = ""
    rows: tuple[ClauseRow, ...]
