"""Sections 13 and 14: what is waived, what risk remains, and what changed since the last audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.languages import grouped, listed, noted, say, say_in, say_many
from auditor.records import Audit, Measurement, Status, Verdict
from auditor.reports._findings import FindingView, title_of
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._tables import Cell, Fact, Table, numeric, table
from auditor.reports._words import (
    CHANGED,
    NONE,
    amount_of,
    attempt_words,
    day,
    interval,
    lines_of,
    number,
    ordinal,
    plain,
    severities_of,
    short,
    value_of,
)

KEPT = {"waivers", "baseline", "history"}
"""Keys of audit.json that tell of other audits and of people's decisions; absent where none were given."""
WAIVER_STATES = {
    "applied": noted("applied"),
    "expired": noted("expired"),
    "exceeded": noted("exceeded"),
    "stale": noted("stale"),
    "recorded": noted("recorded"),
}
PAST_VERDICTS = {
    "pass": noted("pass"),
    "pass_with_waivers": noted("pass with waivers"),
    "fail": noted("fail"),
    "incomplete": noted("incomplete"),
}
LOUD = ("expired", "exceeded", "stale")
STATES = {
    "new": noted("new"),
    "worse": noted("worse"),
    "unchanged": noted("unchanged"),
    "better": noted("better"),
    "absent": noted("gone"),
}
"""Of findings beside the baseline, most concern first."""


@dataclass(frozen=True, slots=True)
class StandingView:
    """Section 13.

    Attributes:
        waivers: Every waiver, the loud ones first.
        loud: One sentence a waiver that no longer holds.
        waived: Findings that are waived or known.
        remains: What risk is left when all that is decided is taken away.
    """

    waivers: Table
    loud: tuple[str, ...]
    waived: Table
    remains: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """Section 14.

    Attributes:
        compared: With what, or why not.
        findings: Each with its state beside the baseline, and those that are gone.
        past: Earlier audits, oldest first.
        notes: What people should see in the history.
        charts: Trends over earlier audits.
    """

    compared: tuple[Fact, ...]
    findings: Table
    past: Table
    notes: tuple[str, ...]
    charts: tuple[Figure, ...]


def standing_view(audit: Audit, findings: tuple[FindingView, ...]) -> StandingView:
    """What was decided about findings, and what is left."""
    waivers = _kept(audit).get("waivers") or []
    loud = [item for item in waivers if item.get("state") in LOUD]
    ordered = [*loud, *(item for item in waivers if item not in loud)]
    pairs = zip(findings, audit.findings, strict=True)
    settled = [(view, check) for view, check in pairs if check.status is not Status.OPEN]
    columns = (
        say("Waiver"),
        say("Covers"),
        say("Reason"),
        say("Owner, approver"),
        say("Expires"),
        say("State"),
    )
    empty = say("No waivers were given (policy.waivers): nothing that was found is set aside.")
    if not waivers and any(check.status is Status.WAIVED for _, check in settled):
        empty = say("The audit does not hold the waivers themselves; the findings that they set aside are below.")
    return StandingView(
        waivers=table(say("Waivers"), columns, (_waiver(item) for item in ordered), empty=empty),
        loud=tuple(
            plain(
                item.get("words") or say_in("pattern", "{name}: {value}", name=item.get("id"), value=item.get("state"))
            )
            for item in loud
        ),
        waived=table(
            say("Findings that are set aside"),
            (say("No."), say("Finding"), say("Severity"), say("Status")),
            (
                (Cell(view.key), Cell(view.title, note=view.id), Cell(view.severity, view.mark, view.tone), view.status)
                for view, _ in settled
            ),
            empty=say("No finding is waived or known from a baseline."),
        ),
        remains=_remains(audit, findings),
    )


def change_view(audit: Audit, findings: tuple[FindingView, ...], pictures: Pictures) -> ChangeView:
    """This audit beside the baseline and beside the audits before."""
    kept = _kept(audit)
    baseline, history = kept.get("baseline") or {}, kept.get("history") or {}
    past = history.get("audits") or []
    columns = (say("No."), say("Finding"), say("State"), numeric(say("Then")), numeric(say("Now")))
    none = say("The baseline holds no finding, and neither does this audit.") if baseline else ""
    heads = (say("Audit"), say("Date"), say("Verdict"), say("Findings"), say("Changed before it"))
    return ChangeView(
        compared=_compared(audit, baseline),
        findings=table(say("Findings beside the baseline"), columns, _changes(audit, findings, baseline), empty=none),
        past=table(
            say("Audits of this name"),
            heads,
            (_past(item) for item in past),
            empty=_no_past(audit),
        ),
        notes=tuple(plain(note) for note in history.get("notes") or ()),
        charts=pictures.placed("14"),
    )


def _no_past(audit: Audit) -> str:
    """Why no earlier audit is listed: attempts are counted by the machine, audits are found where they lie."""
    if audit.attempt < 2:
        return say("No earlier audit is known: none lies beside this one and no history was named.")
    return say_many(
        "{n} earlier attempt was counted, but its results are not at hand: none lies beside this audit and no history "
        "was named (report.history).",
        "{n} earlier attempts were counted, but their results are not at hand: none lies beside this audit and no "
        "history was named (report.history).",
        audit.attempt - 1,
    )


def changed(audit: Audit) -> str:
    """One sentence for page one: what changed since the last audit."""
    baseline = _kept(audit).get("baseline") or {}
    if baseline:
        counts = baseline.get("counts") or {}
        words = [amount_of(counts[state], say(name)) for state, name in STATES.items() if counts.get(state)]
        changes = listed(words) or say("no finding then, and none now")
        if not baseline.get("written"):
            return say("Since the baseline: {changes} (section 14).", changes=changes)
        written = day(str(baseline["written"])[:10])
        return say("Since the baseline of {date}: {changes} (section 14).", date=written, changes=changes)
    known = sum(check.status is Status.BASELINE for check in audit.findings)
    if known:
        return say_many(
            "{n} finding, {known} of them known from the baseline (section 14).",
            "{n} findings, {known} of them known from the baseline (section 14).",
            len(audit.findings),
            known=known,
        )
    return say(
        "This is the {ordinal} audit of this model with this spec; no baseline was given, so findings cannot be told "
        "apart as new or known (section 14).",
        ordinal=ordinal(audit.attempt),
    )


def _kept(audit: Audit) -> Mapping[str, Any]:
    kept: Mapping[str, Any] = audit.model_dump(mode="json", by_alias=True, include=KEPT)
    return kept


def _waiver(item: Mapping[str, Any]) -> tuple[str | Cell, ...]:
    state = str(item.get("state") or "recorded")
    covers = listed(short(name, 44) for name in item.get("covers") or ()) or plain(item.get("check") or NONE)
    people = listed(plain(item[key]) for key in ("owner", "approver") if item.get(key)) or NONE
    reason = Cell(plain(item.get("statement") or say("no reason is given")), note=plain(item.get("ticket") or ""))
    tone = ("▲", "high") if state in LOUD else ("○", "quiet")
    return (
        Cell(plain(item.get("id") or NONE)),
        covers,
        reason,
        people,
        _day(item.get("expires")),
        Cell(say(WAIVER_STATES.get(state, state)), *tone),
    )


def _day(value: Any) -> str:
    return day(str(value)[:10]) if value else NONE


def _remains(audit: Audit, findings: tuple[FindingView, ...]) -> tuple[Fact, ...]:
    """Open findings are the owner's; the rest is what this audit cannot rule out."""
    open_ = [view for view, check in zip(findings, audit.findings, strict=True) if check.status is Status.OPEN]
    settled = len(findings) - len(open_)
    unsure = [check for check in audit.checks if check.verdict in (Verdict.SUSPECTED, Verdict.INCONCLUSIVE)]
    few = [check for check in audit.checks if check.verdict is Verdict.INSUFFICIENT and check.class_name is None]
    effects = [
        check.minimum_detectable_effect
        for check in audit.checks
        if check.minimum_detectable_effect is not None and check.verdict is Verdict.NO_EVIDENCE and not check.class_name
    ]
    breached = [plain(item.name) for item in audit.limits if item.breached and item.status is Status.OPEN]
    names = listed(f"{view.key} {view.title}" for view in open_[:4])
    if len(open_) > 4:
        names = say("{names} and {n} more", names=names, n=len(open_) - 4)
    facts = [
        Fact(say("Open findings"), _undecided(names) if open_ else say("none"), loud=bool(open_)),
        *([Fact(say("Breached limits"), _undecided(listed(breached)), loud=True)] if breached else []),
        Fact(say("Set aside"), _set_aside(audit, settled)),
        Fact(
            say("Not settled"),
            say_many(
                "{n} check suspected or inconclusive (section 12)",
                "{n} checks suspected or inconclusive (section 12)",
                len(unsure),
            )
            if unsure
            else say("none"),
        ),
        Fact(
            say("Not enough data"),
            say_many("{n} check on the whole sample", "{n} checks on the whole sample", len(few))
            if few
            else say("none on the whole sample"),
        ),
        Fact(say("Not tested"), say("see section 2")),
    ]
    if effects:
        missed = say("effects under {effect} where no evidence was found", effect=number(max(effects)))
        facts.append(Fact(say("Might be missed"), missed))
    return tuple(facts)


def _undecided(names: str) -> str:
    return say("{names}: no decision is recorded", names=names)


def _set_aside(audit: Audit, findings: int) -> str:
    limits = [plain(item.name) for item in audit.limits if item.breached and item.status is not Status.OPEN]
    words = []
    if findings:
        words.append(
            say_many(
                "{n} finding: their effect on predictions remains",
                "{n} findings: their effect on predictions remains",
                findings,
            )
        )
    if limits:
        words.append(
            say_many(
                "{n} breached limit: {names} (section 6)",
                "{n} breached limits: {names} (section 6)",
                len(limits),
                names=listed(limits),
            )
        )
    return lines_of(words) or say("none")


def _compared(audit: Audit, baseline: Mapping[str, Any]) -> tuple[Fact, ...]:
    attempt = Fact(say("Attempt"), attempt_words(audit))
    if not baseline:
        none = say("none was given (policy.baseline): new and known findings cannot be told apart")
        return (attempt, Fact(say("Baseline"), none))
    counts = baseline.get("counts") or {}
    words = listed(amount_of(counts.get(state, 0), say(name)) for state, name in STATES.items())
    name = plain(baseline.get("report_id") or baseline.get("file"))
    written = say("{name}, written {date}", name=name, date=_day(baseline.get("written")))
    facts = [attempt, Fact(say("Baseline"), written), Fact(say("Beside it"), words)]
    if baseline.get("tolerance") is not None:
        facts.append(Fact(say("Worse, better"), say("by more than {step}", step=number(baseline["tolerance"]))))
    for key, mine, what in (
        ("model_sha256", audit.model.sha256_before, say("Same weights")),
        ("spec_sha256", audit.spec_sha256, say("Same spec")),
        ("sample_digest", audit.sample.digest, say("Same sample")),
    ):
        if baseline.get(key):
            same = baseline[key] == mine
            facts.append(Fact(what, say("yes") if same else say("no: a difference may come from it")))
    return tuple(facts)


def _changes(
    audit: Audit, findings: tuple[FindingView, ...], baseline: Mapping[str, Any]
) -> list[Sequence[str | Cell]]:
    rows: list[tuple[int, Sequence[str | Cell]]] = []
    order = list(STATES)
    for view, check in zip(findings, audit.findings, strict=True):
        kept = check.model_dump(mode="json", include={"baseline_state", "baseline"})
        state = kept.get("baseline_state") or ("unchanged" if check.status is Status.BASELINE else "")
        if not state:
            continue
        mark = ("▲", "high") if state in ("new", "worse") else ("○", "quiet")
        now = _number(view.effect.value, view.effect.interval, view.effect.count) if view.effect else NONE
        cells = (
            Cell(view.key),
            Cell(title_of(check), note=view.id),
            Cell(say(STATES.get(state, state)), *mark),
            _then(kept.get("baseline")),
            now,
        )
        rows.append((order.index(state) if state in order else 0, cells))
    for item in baseline.get("absent") or ():
        tested = say("gone") if item.get("tested") else say("not looked for")
        name = Cell(short(item.get("id") or "", 60), note=plain(item.get("words") or ""))
        rows.append((len(order), (Cell(NONE), name, Cell(tested, "○", "quiet"), _then(item.get("measurement")), NONE)))
    rows.sort(key=lambda row: row[0])
    return [row for _, row in rows]


def _then(measurement: Mapping[str, Any] | None) -> str | Cell:
    if not measurement or measurement.get("value") is None:
        return NONE
    then = Measurement.model_validate({"name": "", "count": 0, **measurement})
    return _number(value_of(then), interval(then), grouped(then.count)) if then.count else value_of(then)


def _number(value: str, doubt: str, count: str) -> Cell:
    """A number over its interval and how many pictures it rests on."""
    return Cell(value, note=say("{interval}, n = {count}", interval=doubt, count=count))


def _past(item: Mapping[str, Any]) -> tuple[str | Cell, ...]:
    found = item.get("findings") or {}
    amounts = listed(severities_of(found))
    changes = listed(say(CHANGED.get(what, plain(what))) for what in item.get("changed") or ()) or NONE
    verdict = say(PAST_VERDICTS.get(item.get("verdict") or "", ""))
    amounts = amounts or say("none")
    return (Cell(plain(item.get("report_id") or NONE)), _day(item.get("started")), verdict, amounts, changes)
