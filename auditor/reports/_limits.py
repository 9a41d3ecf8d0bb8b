"""Section 6: the policy's limits, and what was measured against them."""

from __future__ import annotations

from auditor.languages import listed, noted, say, spoken_number
from auditor.records import Audit, LimitResult, Measurement
from auditor.reports._tables import Cell, Table, table
from auditor.reports._words import MINUS, NONE, SEVERITIES, SEVERITY_MARKS, measured, percent, plain, unit_of


def limit_table(audit: Audit) -> Table:
    """The policy's limits and what was measured against them."""
    empty = say("The policy sets no limits of its own; findings are graded by the built-in steps.")
    columns = (say("Limit"), say("Bound"), say("Measured"), say("Severity"), say("Result"))
    return table(say("Limits of the policy"), columns, (_limit_row(item) for item in audit.limits), empty=empty)


def _limit_row(item: LimitResult) -> tuple[str | Cell, ...]:
    bounds = [
        say(words, bound=_bound(bound, item.measurement))
        for words, bound in ((noted("at least {bound}"), item.minimum), (noted("at most {bound}"), item.maximum))
        if bound is not None
    ]
    mark, tone = SEVERITY_MARKS[item.severity], item.severity.value
    if item.measurement is None:
        result = Cell(say("not measured"), "□", "open", plain(item.reason or ""))
    else:
        result = Cell(say("breached"), mark, tone) if item.breached else Cell(say("kept"), "○", "quiet")
    value = measured(item.measurement) if item.measurement is not None else NONE
    where = say("spec line {number}", number=item.spec_line) if item.spec_line else ""
    return (Cell(plain(item.name), note=where), listed(bounds), value, say(SEVERITIES[item.severity]), result)


def _bound(bound: float, measurement: Measurement | None) -> str:
    """A limit in the unit of what was measured against it, with all of its digits."""
    share = measurement is not None and unit_of(measurement) == "1"
    digits = spoken_number(f"{100 * bound if share else bound:.6g}", groups=False).replace("-", MINUS)
    return percent(digits) if share else digits
