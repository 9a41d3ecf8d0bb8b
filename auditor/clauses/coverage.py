"""Decides, clause by clause, what an audit holds; and gives every check the clauses that it is evidence for."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.clauses.evidence import evidence_of, judged
from auditor.clauses.maps import Clause, ClauseMap
from auditor.records import Audit, Check, ClauseCoverage, ClauseRow, ClauseState


def supported(audit: Audit, maps: Sequence[ClauseMap]) -> Audit:
    """The audit with the coverage of every map, and each check with its clauses.

    Args:
        audit: Finished but for this: the decision rests on what it holds.
        maps: In the order of the spec.
    """
    checks = tuple(check.model_copy(update={"clauses": _clauses_of(check, maps)}) for check in audit.checks)
    return audit.model_copy(update={"checks": checks, "clause_coverage": tuple(_covered(audit, one) for one in maps)})


def row_of(clause: Clause, audit: Audit) -> ClauseRow:
    """One row, decided from the audit.

    Evidence: all that the clause names is there and nothing is left to people. Partial: some of it is there, or all of
    it and people have to add to it. Manual input needed: only people can state it, and have not. Not covered: nothing
    of it is there, and this audit could have made it.
    """
    named = [evidence_of(name) for name in clause.evidence]
    held = [item for item in named if item.there(audit)]
    missing = [item for item in named if item not in held]
    if held:
        whole = not missing and not clause.people
        state = ClauseState.EVIDENCE if whole else ClauseState.PARTIAL
    else:
        state = ClauseState.MANUAL if all(item.stated for item in missing) else ClauseState.NOT_COVERED
    return ClauseRow(
        clause=clause.clause,
        asks=clause.asks,
        sections=tuple(clause.sections),
        state=state,
        held=tuple(item.words for item in held),
        missing=tuple(item.words for item in missing),
        people=clause.people,
    )


def _covered(audit: Audit, of: ClauseMap) -> ClauseCoverage:
    return ClauseCoverage(
        profile=of.profile,
        name=of.name,
        title=of.title,
        version=of.version,
        source=of.source,
        date=of.date.isoformat(),
        reviewed=of.reviewed.isoformat(),
        url=of.url,
        note=of.note,
        rows=tuple(row_of(clause, audit) for clause in of.clauses),
    )


def _clauses_of(check: Check, maps: Sequence[ClauseMap]) -> tuple[str, ...]:
    """Clauses whose evidence this check is a part of; a check without an answer supports none."""
    if not judged(check):
        return ()
    return tuple(f"{one.name} {clause.clause}" for one in maps for clause in one.clauses if _made_of(clause, check))


def _made_of(clause: Clause, check: Check) -> bool:
    found = (evidence_of(name).checks for name in clause.evidence)
    return any(belongs is not None and belongs(check) for belongs in found)
