"""Section 15: which checks to repeat, when, and when the next audit is due."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from auditor.records import Audit, Status, Verdict
from auditor.reports._findings import FindingView
from auditor.reports._tables import Cell, Fact, Table, table
from auditor.reports._words import KINDS, count, day, plain

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
    from auditor.reports._words import label

    failed = dict.fromkeys(label(item.name) for item in audit.visualizations if item.trust == "failed")
    return OversightView((_due(audit),), _repeat(audit, findings), tuple(failed))


def _due(audit: Audit) -> Fact:
    if not audit.next_audit:
        return Fact(
            "Next audit", "no date was set (report.next_audit in the spec): the owner should name one", loud=True
        )
    if audit.next_audit <= audit.finished[:10]:
        return Fact("Next audit", f"{day(audit.next_audit)}: this date had passed when the audit ended", loud=True)
    return Fact("Next audit", f"due by {day(audit.next_audit)}, or sooner for a reason below")


def _repeat(audit: Audit, findings: tuple[FindingView, ...]) -> Table:
    rows: list[tuple[str | Cell, ...]] = []
    for finding, check in zip(findings, audit.findings, strict=True):
        when = "After the mend, on pictures that were not used for it"
        if check.status is Status.WAIVED:
            when = "Before its waiver expires (section 13)"
        rows.append((Cell(f"{finding.key} {finding.title}"), f"{finding.severity}, {finding.status}", when))
    for verdict, why, when in (
        (Verdict.SUSPECTED, "suspected, not settled", "With a larger sample, before release"),
        (Verdict.INCONCLUSIVE, "ways of testing disagree", "With a larger sample or masks, before release"),
        (Verdict.INSUFFICIENT, "too few pictures to see even a large effect", "With more pictures, at the next audit"),
    ):
        kinds = Counter(c.kind for c in audit.checks if c.verdict is verdict and c.class_name is None)
        if kinds:
            names = ", ".join(f"{KINDS.get(kind, plain(kind))} ({amount})" for kind, amount in kinds.items())
            rows.append((names, why, when))
    broken = [failure for failure in audit.failures if failure.required]
    if broken:
        names = ", ".join(plain(failure.part) for failure in broken)
        rows.append((names, f"{count(len(broken), 'required part')} broke", "Now: the audit is not whole without it"))
    rows.append(("The whole audit", "new weights, classes or preprocessing", "Before they are used"))
    rows.append(("The whole audit", "pictures from a new site, device or export", "Before the model sees them in use"))
    limits = "limits of the policy, " if audit.limits else ""
    rows.append((f"Accuracy, calibration, {limits}groups", "what is seen in use drifts", "On fresh labelled pictures"))
    return table("What to look at again", ("What", "Why", "When"), rows)
