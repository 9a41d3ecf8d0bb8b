"""Section 8, what the experiments showed, kind by kind; and section 2, what was not tested and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auditor.clauses.evidence import in_bank
from auditor.languages import grouped, listed, noted, say, say_many
from auditor.records import Audit, Check, Verdict
from auditor.reports._effects import control_of, main_measurement
from auditor.reports._findings import tags_of
from auditor.reports._kinds import kind_words, place
from auditor.reports._missing import NOT_ASKED
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._summary import tallies, tone_of
from auditor.reports._tables import Cell, Column, Table, numeric, table
from auditor.reports._words import (
    GRADES,
    NONE,
    SEVERITY_MARKS,
    VERDICT_MARKS,
    VERDICTS,
    after,
    amount_of,
    capital,
    interval,
    number,
    percent,
    plain,
    probability,
    short,
    value_of,
)

SHOWN_CLASS_LEVEL = 15
"""Class-level rows in section 8; the rest is in the annex."""
SHOWN_PICTURES = 4
"""Pictures of checks that are no findings, for each kind; the rest is in the annex."""
QUIET = (Verdict.NO_EVIDENCE, Verdict.INSUFFICIENT, Verdict.NOT_TESTED)


@dataclass(frozen=True, slots=True)
class KindView:
    """One kind of check.

    Attributes:
        counts: "Whole sample: 1 confirmed, 3 no evidence. Single classes: ...", and why where nothing was measured.
        what, control: From the test plan.
        pictures: Of checks that are no findings.
        title: Such as "Border".
        anchor: For links.
        table: Its checks that measured something, those of single classes as far as they say most.
    """

    title: str
    anchor: str
    what: str
    control: str
    counts: str
    table: Table
    pictures: tuple[Figure, ...]


def kind_views(audit: Audit, pictures: Pictures) -> tuple[KindView, ...]:
    """All kinds in the order of the test plan, then those that the plan does not name."""
    first = {row.kind: row for row in reversed(audit.test_plan)}  # inserted marks come after what the sample holds
    planned = {kind: first[kind] for kind in dict.fromkeys(row.kind for row in audit.test_plan)}
    kinds = [*planned, *dict.fromkeys(check.kind for check in audit.checks if check.kind not in planned)]
    views = []
    for kind in kinds:
        checks = [check for check in audit.checks if check.kind == kind and not shown_elsewhere(check)]
        if not checks:
            continue
        row = planned.get(kind)
        title = kind_words(kind)
        views.append(
            KindView(
                title=title,
                anchor=f"kind-{kinds.index(kind)}",
                what=capital(plain(row.what)) if row else "",
                control=plain(row.control) if row else "",
                counts=_counts(checks, audit.checks_left_out.get(kind, 0)),
                table=check_table(say("Checks: {kind}", kind=title), _shown(checks), besides=title),
                pictures=pictures.figures(_first_figures(checks)),
            )
        )
    return tuple(views)


def shown_elsewhere(check: Check) -> bool:
    """Groups stand in section 9, corruptions and inserted watermarks in section 10."""
    return check.kind in ("group", "corruption") or in_bank(check)


def check_table(caption: str, checks: Iterable[Check], *, besides: str = "") -> Table:
    """Effect, interval, control, n, q, smallest visible effect and verdict; passes as well as failures.

    Args:
        besides: What the heading says already, and no row repeats.
    """
    empty = say("Nothing of this kind was judged; the reason stands above.")
    shown = list(checks)
    tags = [tags_of(check) for check in shown]
    return table(caption, check_columns(), (check_row(check, besides) for check in shown), empty=empty, tags=tags)


def check_columns() -> tuple[str | Column, ...]:
    """What every table of checks has."""
    return (
        say("Where"),
        numeric(say("Effect")),
        numeric(percent("95")),
        numeric(say("Control")),
        numeric("n"),
        numeric(say("Visible from")),
        numeric("q"),
        say("Verdict"),
    )


def not_tested_table(audit: Audit) -> Table:
    """What was not tested, and why; checks that share a kind and a reason are one row."""
    # what was asked for and could not be tested says more than what nobody asked for
    planned = sorted(audit.not_tested, key=lambda row: row.rationale == NOT_ASKED)
    rows = [(kind_words(row.kind), capital(plain(row.what)), capital(plain(row.rationale))) for row in planned]
    for check in audit.checks:
        if check.verdict is Verdict.NOT_TESTED and not check.measurements:
            kind, why = kind_words(check.kind), capital(plain(check.sentence))
            if not any((row[0], row[2]) == (kind, why) for row in rows):  # planned checks are listed with their reason
                rows.append((kind, place(check), why))
    for failure in audit.failures:
        broke = say("Broke (required)") if failure.required else say("Broke (optional)")
        rows.append((broke, plain(failure.part), plain(failure.reason)))
    drawn = sum(unjudged(check) for check in audit.checks)
    if drawn:
        rows.append(
            (
                say("Regions inside"),
                say_many(
                    "{n} region drawn in the causal map and not judged",
                    "{n} regions drawn in the causal map and not judged",
                    drawn,
                ),
                say("Swapping a region inside the picture moves the object with it, so following proves nothing."),
            )
        )
    for kind, amount in audit.checks_left_out.items():
        words = say_many("{n} class-level check", "{n} class-level checks", amount)
        rows.append((kind_words(kind), words, say("Fewer than 8 images and no finding: left out of the tables.")))
    empty = say("Everything that was planned was tested.")
    columns = (say("Kind"), say("What"), say("Why"))
    return table(say("What was not tested, and why"), columns, rows, empty=empty)


def open_questions_table(audit: Audit) -> Table:
    """What is neither a finding nor a pass, and what is declared legitimate."""
    wanted = (
        Verdict.SUSPECTED,
        Verdict.INCONCLUSIVE,
        Verdict.NOT_REPRODUCED,
        Verdict.ENCODED,
        Verdict.DECLARED_LEGITIMATE,
    )
    checks = sorted((c for c in audit.checks if c.verdict in wanted), key=lambda c: (wanted.index(c.verdict), c.id))
    rows = [(verdict_cell(check), short(check.id, 44), plain(check.sentence)) for check in checks]
    empty = say("No check was left open: nothing is suspected, inconclusive or declared legitimate.")
    columns = (say("Verdict"), say("Check"), say("What was seen"))
    return table(
        say("Not confirmed, not cleared"), columns, rows, empty=empty, tags=[tags_of(check) for check in checks]
    )


def verdict_cell(check: Check) -> Cell:
    """Shape and word, with grade."""
    words = say(VERDICTS[check.verdict])
    if check.grade is not None:
        words = listed((words, say(GRADES[check.grade])))
    if check.is_finding and check.severity is not None:
        return Cell(words, SEVERITY_MARKS[check.severity], check.severity.value, order=-1 - check.severity.rank)
    order = list(VERDICTS).index(check.verdict)
    return Cell(words, VERDICT_MARKS[check.verdict], tone_of(check.verdict), order=order)


def unjudged(check: Check) -> bool:
    """Measured and drawn, but proving nothing by itself."""
    return check.verdict is Verdict.NOT_TESTED and bool(check.measurements)


def check_row(check: Check, besides: str = "") -> tuple[str | Cell, ...]:
    """One check in the columns of `check_columns`; see `check_table`."""
    main = main_measurement(check)
    name = place(check)
    if besides and name.startswith(besides):
        name = capital(name.removeprefix(besides).strip())
    of = "" if check.class_name is None else say("class {name}", name=short(check.class_name, 48))
    where = Cell(name, note=of) if name else Cell(capital(of) or say("Whole sample"))
    visible = NONE if check.minimum_detectable_effect is None else number(check.minimum_detectable_effect)
    if main is None or main.value is None:
        return (where, NONE, NONE, NONE, NONE, visible, probability(check.q), verdict_cell(check))
    return (
        where,
        value_of(main),
        interval(main),
        control_of(check, main),
        grouped(main.count),
        visible,
        probability(check.q),
        verdict_cell(check),
    )


def _shown(checks: Sequence[Check]) -> list[Check]:
    """All judged sample-level checks, then the class-level ones that say most."""
    sample = [check for check in checks if check.class_name is None and not unjudged(check) and not _silent(check)]
    single = [check for check in checks if check.class_name is not None and not unjudged(check)]
    order = list(VERDICTS)
    single.sort(key=lambda check: (order.index(check.verdict), -_size(check), check.id))
    telling = [check for check in single if check.verdict not in QUIET]
    room = max(0, 3 - len(telling))
    quiet = [check for check in single if check.verdict in QUIET]
    return [*sample, *telling[:SHOWN_CLASS_LEVEL], *quiet[:room]]


def _silent(check: Check) -> bool:
    """A check of the whole sample that measured nothing: its sentence says why, a row would be dashes."""
    return check.class_name is None and not any(item.value is not None for item in check.measurements)


def _first_figures(checks: Sequence[Check]) -> list[str]:
    paths = [path for check in checks if not check.is_finding for path in check.figures[:1]]
    return paths[:SHOWN_PICTURES]


def _size(check: Check) -> float:
    main = main_measurement(check)
    return 0.0 if main is None or main.value is None else main.value


def _counts(checks: Sequence[Check], left_out: int) -> str:
    parts = []
    for sentence, some in (
        (noted("Whole sample: {verdicts}."), [c for c in checks if c.class_name is None]),
        (noted("Single classes: {verdicts}."), [c for c in checks if c.class_name is not None]),
    ):
        judged = tuple(check for check in some if not unjudged(check))
        words = [amount_of(tally.amount, tally.word) for tally in tallies(judged)]
        drawn = len(some) - len(judged)
        if drawn:
            words.append(say("{n} drawn in the causal map and not judged", n=drawn))
        if words:
            parts.append(say(sentence, verdicts=listed(words)))
    parts += [plain(check.sentence) for check in checks if _silent(check)]
    amount, shown = sum(not unjudged(check) and not _silent(check) for check in checks), len(_shown(checks))
    if shown < amount:
        parts.append(
            say("The table holds the {shown} that say most of {n}; the annex holds all.", shown=shown, n=amount)
        )
    if left_out:
        parts.append(
            say_many(
                "{n} class-level check with fewer than 8 images left out.",
                "{n} class-level checks with fewer than 8 images left out.",
                left_out,
            )
        )
    return after(parts)
