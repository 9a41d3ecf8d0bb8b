"""Findings as a page shows them: what was seen, how sure, what it means, what to do."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass

from auditor.languages import listed, say, say_in
from auditor.records import Audit, Check, Severity, Status
from auditor.reports._coverage import clause_name
from auditor.reports._effects import Axis, Effect, effect_of, main_measurement, shared_axis
from auditor.reports._kinds import ANY_KIND, MEANS, kind_words, place
from auditor.reports._names import label
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._tables import Cell, Table, Tags, numeric, table
from auditor.reports._words import (
    GRADES,
    LEAST_PROBABILITY,
    NONE,
    SEVERITIES,
    SEVERITY_MARKS,
    STATUSES,
    VERDICTS,
    after,
    lines_of,
    measured,
    number,
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
        status: open, waived or known, in words; `is_open` says which without them.
        is_open: Neither waived nor known.
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
    is_open: bool
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
    severity = say(SEVERITIES[check.severity]) if check.severity is not None and check.is_finding else say("none")
    return (
        ("severity", severity),
        ("kind", kind_words(check.kind)),
        ("class", say("all classes") if check.class_name is None else short(check.class_name, 48)),
        ("verdict", say(VERDICTS[check.verdict])),
    )


def title_of(check: Check) -> str:
    """The cue and the class that it leads to."""
    where = place(check)
    if check.kind == "group" and check.region is not None:  # its place is but a column of metadata and a value
        column, _, value = plain(check.region.name).partition(":")
        name = say_in("pattern", "{name}: {value}", name=column, value=value) if value else column
        where = say_in("pattern", "{kind} {name}", kind=kind_words(check.kind), name=name)
    if check.class_name is None:
        return where
    return say("{place}, class {name}", place=where, name=short(check.class_name, 48))


def _view(check: Check, index: int, axis: Axis, pictures: Pictures, names: tuple[str, ...]) -> FindingView:
    severity = check.severity or Severity.LOW
    effect = effect_of(check, axis)
    grade = say(GRADES[check.grade]) if check.grade else ""
    facts = _verdict_and_effect(grade, effect)
    charts = tuple(path for path in check.figures if path.lower().endswith(".svg"))
    shown = pictures.figures((path for path in check.figures if path not in charts), facts=facts)
    first = next((path for path in check.figures if path.lower().endswith((".jpg", ".jpeg"))), None)
    return FindingView(
        key=f"F{index}",
        anchor=anchor_of(check),
        id=plain(check.id),
        severity=say(SEVERITIES[severity]),
        mark=SEVERITY_MARKS[severity],
        tone=severity.value,
        grade=grade,
        status=say(STATUSES[check.status]),
        is_open=check.status is Status.OPEN,
        title=title_of(check),
        classes=say("all classes") if check.class_name is None else plain(check.class_name),
        seen=plain(check.sentence),
        sure=_sure(check, effect),
        means=say(MEANS.get(check.kind, ANY_KIND)),
        act=plain(check.recommendation) or say("Find where the cue comes from in the training data and balance it."),
        effect=effect,
        facts=(*_numbers(check), *_references(check, names)),
        print_facts=_references(check, names),
        main=shown[0] if shown else None,
        charts=pictures.figures(charts, facts=facts),
        more=shown[1:],
        thumbnail=pictures.thumbnail(first) if first else None,
        tags=tags_of(check),
    )


def _verdict_and_effect(grade: str, effect: Effect | None) -> str:
    """What the pictures of a finding say to those who do not see them."""
    verdict = say("Verdict: confirmed, {grade}", grade=grade) if grade else say("Verdict: confirmed")
    if effect is None:
        return say_in("pattern", "{words}.", words=verdict)
    return say(
        "{verdict}; effect {value} ({interval}), n = {count}.",
        verdict=verdict,
        value=effect.value,
        interval=effect.interval,
        count=effect.count,
    )


def _sure(check: Check, effect: Effect | None) -> str:
    if check.q is None:
        words = [say("Confirmed on the half of the sample that was not used to find it.")]
    else:
        below = check.q < LEAST_PROBABILITY
        shown = probability(check.q) if below else say_in("pattern", "= {number}", number=probability(check.q))
        words = [
            say(
                "Confirmed on the half of the sample that was not used to find it: q {value} after correction for all "
                "checks.",
                value=shown,
            )
        ]
    if effect is not None and effect.control != NONE:
        words.append(say("The matched control moves {control}.", control=effect.control))
    if check.harmful is not None:
        costs = say("Labels show that it costs accuracy.")
        words.append(costs if check.harmful else say("Labels do not show that it costs accuracy."))
    return after(words)


def _numbers(check: Check) -> tuple[tuple[str, str], ...]:
    main = main_measurement(check)
    facts = [(label(item.name), measured(item)) for item in check.measurements if item is not main]
    if check.minimum_detectable_effect is not None:
        facts.append((say("Smallest effect visible at 80 % power"), number(check.minimum_detectable_effect)))
    return tuple(facts)


def _clauses(clauses: tuple[str, ...], names: tuple[str, ...]) -> str:
    """'EU AI Act Art. 9(2), Art. 15(4); GMLP Principle 6': the name of each text once."""
    texts: list[tuple[str, list[str]]] = []
    for clause in clauses:
        name = next((name for name in names if clause.startswith(f"{name} ")), "")
        said = clause_name(clause.removeprefix(f"{name} ")) if name else plain(clause)
        if name and texts and texts[-1][0] == name:
            texts[-1][1].append(said)
        else:
            texts.append((name, [said]))
    return lines_of(plain(f"{name} {listed(said)}".strip()) for name, said in texts)


def _references(check: Check, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    facts = [(say("Check"), plain(check.id))]
    if check.also:
        facts.append((say("Same cue, other checks"), listed(plain(other) for other in check.also)))
    if check.clauses:
        facts.append((say("Supports evidence for"), _clauses(check.clauses, names)))
    if check.spec_line:
        facts.append((say("Spec"), say("line {number}", number=check.spec_line)))
    return tuple(facts)


def severity_counts(findings: tuple[FindingView, ...]) -> tuple[tuple[str, str, int], ...]:
    """(mark, severity, how many), most severe first; those that do not occur are left out."""
    amounts = Counter(finding.tone for finding in findings)
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
                listed(filter(None, (finding.severity, finding.grade))),
                finding.mark,
                finding.tone,
                order=index,
            ),
            Cell(finding.title, note=finding.id),
            Cell(finding.effect.value, note=finding.effect.interval) if finding.effect else Cell(NONE),
            Cell(finding.status),
            Cell(""),
            Cell(""),
        )
        for index, finding in enumerate(findings)
    ]
    columns = (
        say("No."),
        say("Severity"),
        say("Finding"),
        numeric(say("Effect")),
        say("Status"),
        say("Owner"),
        say("Ticket"),
    )
    tags = [finding.tags for finding in findings]
    return table(say("Findings register"), columns, rows, empty=say("The register is empty."), tags=tags)
