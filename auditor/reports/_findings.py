"""Findings as a page shows them: what was seen, how sure, what it means, what to do."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass

from auditor.records import Audit, Check, Severity
from auditor.reports._effects import Axis, Effect, effect_of, main_measurement, shared_axis
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._tables import Cell, Table, Tags, numeric, table
from auditor.reports._words import (
    ANY_KIND,
    GRADES,
    KINDS,
    MEANS,
    SEVERITY_MARKS,
    STATUSES,
    VERDICTS,
    label,
    measured,
    number,
    place,
    plain,
    probability,
    short,
)


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding, every word finished.

    Attributes:
        key: "F1", in order of severity.
        anchor: For links; the same in every audit that has this finding.
        severity, mark, tone: Word, shape and colour class.
        title: "Top-left corner, class pneumonia".
        seen, sure, means, act: The four sentences of every finding.
        facts: Small print: (label, value); `print_facts` are those that no table holds.
        main: The picture shown large; `charts` and `more` are shown small.
        id: Of the check, as audit.json has it.
        grade: minor, material or severe; "" for none.
        status: open, waived or known.
        classes: What it is about: a class, or "all classes".
        effect: Its number; none where nothing was measured.
        print_facts: See `facts`.
        charts, more: Charts, and further pairs.
        thumbnail: The first pair, small.
        tags: What it is filtered by on screen.
    """

    key: str
    anchor: str
    id: str
    severity: str
    mark: str
    tone: str
    grade: str
    status: str
    title: str
    classes: str
    seen: str
    sure: str
    means: str
    act: str
    effect: Effect | None
    facts: tuple[tuple[str, str], ...]
    print_facts: tuple[tuple[str, str], ...]
    main: Figure | None
    charts: tuple[Figure, ...]
    more: tuple[Figure, ...]
    thumbnail: Figure | None
    tags: Tags


def finding_views(audit: Audit, pictures: Pictures) -> tuple[FindingView, ...]:
    """All findings, most severe first, on one shared axis."""
    axis = shared_axis(audit.findings)
    names = tuple(one.name for one in audit.clause_coverage)
    return tuple(_view(check, index, axis, pictures, names) for index, check in enumerate(audit.findings, start=1))


def anchor_of(check: Check) -> str:
    """Where the page shows a finding: its id in letters that every browser and mail program leaves alone."""
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", check.id)[:80]
    digest = "" if clean == check.id else f"-{hashlib.sha256(check.id.encode()).hexdigest()[:8]}"
    return f"finding-{clean}{digest}"


def tags_of(check: Check) -> Tags:
    """What a check is filtered by, in the words that the page shows."""
    severity = check.severity.value if check.severity is not None and check.is_finding else "none"
    return (
        ("severity", severity),
        ("kind", KINDS.get(check.kind, plain(check.kind).capitalize())),
        ("class", "all classes" if check.class_name is None else short(check.class_name, 48)),
        ("verdict", VERDICTS[check.verdict]),
    )


def title_of(check: Check) -> str:
    """The cue and the class that it leads to."""
    return place(check) if check.class_name is None else f"{place(check)}, class {short(check.class_name, 48)}"


def _view(check: Check, index: int, axis: Axis, pictures: Pictures, names: tuple[str, ...]) -> FindingView:
    severity = check.severity or Severity.LOW
    effect = effect_of(check, axis)
    grade = GRADES[check.grade] if check.grade else ""
    words = f"Verdict: confirmed{', ' + grade if grade else ''}"
    if effect is not None:
        words += f"; effect {effect.value} ({effect.interval}), n = {effect.count}"
    charts = tuple(path for path in check.figures if path.lower().endswith(".svg"))
    shown = pictures.figures((path for path in check.figures if path not in charts), facts=f"{words}.")
    first = next((path for path in check.figures if path.lower().endswith((".jpg", ".jpeg"))), None)
    return FindingView(
        key=f"F{index}",
        anchor=anchor_of(check),
        id=plain(check.id),
        severity=severity.value,
        mark=SEVERITY_MARKS[severity],
        tone=severity.value,
        grade=grade,
        status=STATUSES[check.status],
        title=title_of(check),
        classes="all classes" if check.class_name is None else plain(check.class_name),
        seen=plain(check.sentence),
        sure=_sure(check, effect),
        means=MEANS.get(check.kind, ANY_KIND),
        act=plain(check.recommendation) or "Find where the cue comes from in the training data and balance it.",
        effect=effect,
        facts=(*_numbers(check), *_references(check, names)),
        print_facts=_references(check, names),
        main=shown[0] if shown else None,
        charts=pictures.figures(charts, facts=f"{words}."),
        more=shown[1:],
        thumbnail=pictures.thumbnail(first) if first else None,
        tags=tags_of(check),
    )


def _sure(check: Check, effect: Effect | None) -> str:
    words = "Confirmed on the half of the sample that was not used to find it"
    if check.q is not None:
        shown = probability(check.q)
        words += f": q {shown if shown.startswith('<') else f'= {shown}'} after correction for all checks"
    words += "."
    if effect is not None and effect.control != "–":
        words += f" The matched control moves {effect.control}."
    if check.harmful is not None:
        words += (
            " Labels show that it costs accuracy." if check.harmful else " Labels do not show that it costs accuracy."
        )
    return words


def _numbers(check: Check) -> tuple[tuple[str, str], ...]:
    main = main_measurement(check)
    facts = [(label(item.name), measured(item)) for item in check.measurements if item is not main]
    if check.minimum_detectable_effect is not None:
        facts.append(("Smallest effect visible at 80 % power", number(check.minimum_detectable_effect)))
    return tuple(facts)


def _clauses(clauses: tuple[str, ...], names: tuple[str, ...]) -> str:
    """'EU AI Act Art. 9(2), Art. 15(4); GMLP Principle 6': the name of each text once."""
    words, last = "", ""
    for clause in clauses:
        name = next((name for name in names if clause.startswith(f"{name} ")), "")
        same = bool(name) and name == last
        words += ", " + clause.removeprefix(f"{name} ") if same else f"; {clause}" if words else clause
        last = name
    return plain(words)


def _references(check: Check, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    facts = [("Check", plain(check.id))]
    if check.also:
        facts.append(("Same cue, other checks", ", ".join(plain(other) for other in check.also)))
    if check.clauses:
        facts.append(("Supports evidence for", _clauses(check.clauses, names)))
    if check.spec_line:
        facts.append(("Spec", f"line {check.spec_line}"))
    return tuple(facts)


def severity_counts(findings: tuple[FindingView, ...]) -> tuple[tuple[str, str, int], ...]:
    """(mark, severity, how many), most severe first; those that do not occur are left out."""
    amounts = Counter(finding.severity for finding in findings)
    return tuple(
        (SEVERITY_MARKS[severity], severity.value, amounts[severity.value])
        for severity in reversed(Severity)
        if amounts[severity.value]
    )


def register_table(findings: tuple[FindingView, ...]) -> Table:
    """Every finding in one line; owner and ticket are for people to fill in."""
    rows = [
        (
            Cell(finding.key),
            Cell(
                f"{finding.severity}, {finding.grade}" if finding.grade else finding.severity,
                finding.mark,
                finding.tone,
                order=index,
            ),
            Cell(finding.title, note=finding.id),
            Cell(finding.effect.value, note=finding.effect.interval) if finding.effect else Cell("–"),
            Cell(finding.status),
            Cell(""),
            Cell(""),
        )
        for index, finding in enumerate(findings)
    ]
    columns = ("No.", "Severity", "Finding", numeric("Effect"), "Status", "Owner", "Ticket")
    tags = [finding.tags for finding in findings]
    return table("Findings register", columns, rows, empty="The register is empty.", tags=tags)
