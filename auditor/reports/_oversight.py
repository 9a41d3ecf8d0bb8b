"""Section 15: which checks to repeat, when, and when the next audit is due."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from auditor.languages import listed, say, say_many
from auditor.records import Audit, Status, Verdict
from auditor.reports._findings import FindingView
from auditor.reports._kinds import kind_words
from auditor.reports._names import label
from auditor.reports._tables import Cell, Fact, Table, table
from auditor.reports._words import day, plain

OPEN = (Verdict.SUSPECTED, Verdict.INCONCLUSIVE, Verdict.ENCODED, Verdict.NOT_REPRODUCED)


@dataclass(frozen=True, slots=True)
class OversightView:
    """Section 15.

    Attributes:
        due: The next audit.
        repeat: What to look at again, why and when.
        failed: Names of map methods that failed their trust check here.
    """

    due: tuple[Fact, ...]
    repeat: Table
    failed: tuple[str, ...]


def oversight_view(audit: Audit, findings: tuple[FindingView, ...]) -> OversightView:
    """What people should do after they have read the report."""
    failed = dict.fromkeys(label(item.name) for item in audit.visualizations if item.trust == "failed")
    return OversightView((_due(audit),), _repeat(audit, findings), tuple(failed))


def _due(audit: Audit) -> Fact:
    if not audit.next_audit:
        return Fact(
            say("Next audit"),
            say("no date was set (report.next_audit in the spec): the owner should name one"),
            loud=True,
        )
    if audit.next_audit <= audit.finished[:10]:
        return Fact(
            say("Next audit"),
            say("{date}: this date had passed when the audit ended", date=day(audit.next_audit)),
            loud=True,
        )
    return Fact(say("Next audit"), say("due by {date}, or sooner for a reason below", date=day(audit.next_audit)))


def _repeat(audit: Audit, findings: tuple[FindingView, ...]) -> Table:
    rows: list[tuple[str | Cell, ...]] = []
    for finding, check in zip(findings, audit.findings, strict=True):
        when = say("After the mend, on pictures that were not used for it")
        if check.status is Status.WAIVED:
            when = say("Before its waiver expires (section 13)")
        rows.append((Cell(f"{finding.key} {finding.title}"), listed((finding.severity, finding.status)), when))
    for verdict, why, when in (
        (Verdict.SUSPECTED, say("suspected, not settled"), say("With a larger sample, before release")),
        (
            Verdict.INCONCLUSIVE,
            say("ways of testing disagree"),
            say("With a larger sample or masks, before release"),
        ),
        (
            Verdict.INSUFFICIENT,
            say("too few pictures to see even a large effect"),
            say("With more pictures, at the next audit"),
        ),
    ):
        kinds = Counter(c.kind for c in audit.checks if c.verdict is verdict and c.class_name is None)
        if kinds:
            names = listed(
                say("{what} ({amount})", what=kind_words(kind), amount=amount) for kind, amount in kinds.items()
            )
            rows.append((names, why, when))
    broken = [failure for failure in audit.failures if failure.required]
    if broken:
        names = listed(plain(failure.part) for failure in broken)
        why = say_many("{n} required part broke", "{n} required parts broke", len(broken))
        rows.append((names, why, say("Now: the audit is not whole without it")))
    whole = say("The whole audit")
    rows.append((whole, say("new weights, classes or preprocessing"), say("Before they are used")))
    pictures = say("pictures from a new site, device or export")
    rows.append((whole, pictures, say("Before the model sees them in use")))
    measured = say("Accuracy, calibration, groups")
    if audit.limits:
        measured = say("Accuracy, calibration, limits of the policy, groups")
    rows.append((measured, say("what is seen in use drifts"), say("On fresh labelled pictures")))
    return table(say("What to look at again"), (say("What"), say("Why"), say("When")), rows)
