"""Sections 13 and 14: what is waived, what risk remains, and what changed since the last audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.records import Audit, Status, Verdict
from auditor.reports._findings import FindingView, title_of
from auditor.reports._pictures import Figure, Pictures
from auditor.reports._tables import Cell, Fact, Table, numeric, table
from auditor.reports._words import count, day, number, ordinal, plain, short

KEPT = {"waivers", "baseline", "history"}
"""Keys of audit.json that tell of other audits and of people's decisions; absent where none were given."""
LOUD = ("expired", "exceeded", "stale")
STATES = ("new", "worse", "unchanged", "better", "absent")
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
    columns = ("Waiver", "Covers", "Reason", "Owner, approver", "Expires", "State")
    empty = "No waivers were given (policy.waivers): nothing that was found is set aside."
    if not waivers and any(check.status is Status.WAIVED for _, check in settled):
        empty = "The audit does not hold the waivers themselves; the findings that they set aside are below."
    return StandingView(
        waivers=table("Waivers", columns, (_waiver(item) for item in ordered), empty=empty),
        loud=tuple(plain(item.get("words") or f"{item.get('id')}: {item.get('state')}") for item in loud),
        waived=table(
            "Findings that are set aside",
            ("No.", "Finding", "Severity", "Status"),
            (
                (Cell(view.key), Cell(view.title, note=view.id), Cell(view.severity, view.mark, view.tone), view.status)
                for view, _ in settled
            ),
            empty="No finding is waived or known from a baseline.",
        ),
        remains=_remains(audit, findings),
    )


def change_view(audit: Audit, findings: tuple[FindingView, ...], pictures: Pictures) -> ChangeView:
    """This audit beside the baseline and beside the audits before."""
    kept = _kept(audit)
    baseline, history = kept.get("baseline") or {}, kept.get("history") or {}
    past = history.get("audits") or []
    columns = ("No.", "Finding", "State", numeric("Then"), numeric("Now"))
    return ChangeView(
        compared=_compared(audit, baseline),
        findings=table("Findings beside the baseline", columns, _changes(audit, findings, baseline),
                       empty="The baseline holds no finding, and neither does this audit." if baseline else ""),
        past=table("Audits of this name", ("Audit", "Date", "Verdict", numeric("Findings"), "Changed before it"),
                   (_past(item) for item in past),
                   empty="No earlier audit is known: none lies beside this one and no history was named."),
        notes=tuple(plain(note) for note in history.get("notes") or ()),
        charts=pictures.placed("14"),
    )  # fmt: skip


def changed(audit: Audit) -> str:
    """One sentence for page one: what changed since the last audit."""
    baseline = _kept(audit).get("baseline") or {}
    if baseline:
        counts = baseline.get("counts") or {}
        words = [f"{counts[state]} {'gone' if state == 'absent' else state}" for state in STATES if counts.get(state)]
        written = f" of {day(str(baseline['written'])[:10])}" if baseline.get("written") else ""
        return f"Since the baseline{written}: {', '.join(words) or 'no finding then, and none now'} (section 14)."
    known = sum(check.status is Status.BASELINE for check in audit.findings)
    if known:
        return f"{count(len(audit.findings), 'finding')}, {known} of them known from the baseline (section 14)."
    attempt = f"This is the {ordinal(audit.attempt)} audit of this model with this spec"
    return f"{attempt}; no baseline was given, so findings cannot be told apart as new or known (section 14)."


def _kept(audit: Audit) -> Mapping[str, Any]:
    kept: Mapping[str, Any] = audit.model_dump(mode="json", by_alias=True, include=KEPT)
    return kept


def _waiver(item: Mapping[str, Any]) -> tuple[str | Cell, ...]:
    state = str(item.get("state") or "recorded")
    covers = ", ".join(short(name, 44) for name in item.get("covers") or ()) or plain(item.get("check") or "–")
    people = ", ".join(plain(item[key]) for key in ("owner", "approver") if item.get(key)) or "–"
    reason = Cell(plain(item.get("statement") or "no reason is given"), note=plain(item.get("ticket") or ""))
    tone = ("▲", "high") if state in LOUD else ("○", "quiet")
    return (Cell(plain(item.get("id") or "–")), covers, reason, people, _day(item.get("expires")), Cell(state, *tone))


def _day(value: Any) -> str:
    return day(str(value)[:10]) if value else "–"


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
    names = ", ".join(f"{view.key} {view.title}" for view in open_[:4])
    more = f" and {len(open_) - 4} more" if len(open_) > 4 else ""
    facts = [
        Fact("Open findings", f"{names}{more}: no decision is recorded" if open_ else "none", loud=bool(open_)),
        *([Fact("Breached limits", f"{', '.join(breached)}: no decision is recorded", loud=True)] if breached else []),
        Fact("Set aside", _set_aside(audit, settled)),
        Fact(
            "Not settled", f"{count(len(unsure), 'check')} suspected or inconclusive (section 12)" if unsure else "none"
        ),
        Fact(
            "Too little data", f"{count(len(few), 'check')} on the whole sample" if few else "none on the whole sample"
        ),
        Fact("Not tested", "see section 2"),
    ]
    if effects:
        facts.append(Fact("Might be missed", f"effects under {number(max(effects))} where no evidence was found"))
    return tuple(facts)


def _set_aside(audit: Audit, findings: int) -> str:
    limits = [plain(item.name) for item in audit.limits if item.breached and item.status is not Status.OPEN]
    words = [f"{count(findings, 'finding')}: their effect on predictions remains"] if findings else []
    if limits:
        words.append(f"{count(len(limits), 'breached limit')}: {', '.join(limits)} (section 6)")
    return "; ".join(words) or "none"


def _compared(audit: Audit, baseline: Mapping[str, Any]) -> tuple[Fact, ...]:
    attempt = Fact("Attempt", f"{ordinal(audit.attempt)} audit of this model with this spec".capitalize())
    if not baseline:
        return (
            attempt,
            Fact("Baseline", "none was given (policy.baseline): new and known findings cannot be told apart"),
        )
    counts = baseline.get("counts") or {}
    words = ", ".join(f"{counts.get(state, 0)} {'gone' if state == 'absent' else state}" for state in STATES)
    facts = [attempt, Fact("Baseline", f"{plain(baseline.get('report_id') or baseline.get('file'))}, written "
                           f"{_day(baseline.get('written'))}"), Fact("Beside it", words)]  # fmt: skip
    if baseline.get("tolerance") is not None:
        facts.append(Fact("Worse, better", f"by more than {number(baseline['tolerance'])}"))
    for key, mine, what in (
        ("model_sha256", audit.model.sha256_before, "weights"),
        ("spec_sha256", audit.spec_sha256, "spec"),
        ("sample_digest", audit.sample.digest, "sample"),
    ):
        if baseline.get(key):
            same = baseline[key] == mine
            facts.append(Fact(f"Same {what}", "yes" if same else "no: a difference may come from it"))
    return tuple(facts)


def _changes(
    audit: Audit, findings: tuple[FindingView, ...], baseline: Mapping[str, Any]
) -> list[Sequence[str | Cell]]:
    rows: list[tuple[int, Sequence[str | Cell]]] = []
    for view, check in zip(findings, audit.findings, strict=True):
        kept = check.model_dump(mode="json", include={"baseline_state", "baseline"})
        state = kept.get("baseline_state") or ("unchanged" if check.status is Status.BASELINE else "")
        if not state:
            continue
        mark = ("▲", "high") if state in ("new", "worse") else ("○", "quiet")
        now = view.effect.value if view.effect else "–"
        cells = (
            Cell(view.key),
            Cell(title_of(check), note=view.id),
            Cell(state, *mark),
            _then(kept.get("baseline")),
            now,
        )
        rows.append((STATES.index(state) if state in STATES else 0, cells))
    for item in baseline.get("absent") or ():
        tested = "gone" if item.get("tested") else "not looked for"
        name = Cell(short(item.get("id") or "", 60), note=plain(item.get("words") or ""))
        rows.append((len(STATES), (Cell("–"), name, Cell(tested, "○", "quiet"), _then(item.get("measurement")), "–")))
    rows.sort(key=lambda row: row[0])
    return [row for _, row in rows]


def _then(measurement: Mapping[str, Any] | None) -> str:
    value = (measurement or {}).get("value")
    return "–" if value is None else number(value)


def _past(item: Mapping[str, Any]) -> tuple[str | Cell, ...]:
    found = item.get("findings") or {}
    amounts = ", ".join(f"{amount} {plain(severity)}" for severity, amount in found.items() if amount) or "none"
    changes = ", ".join(plain(what) for what in item.get("changed") or ()) or "–"
    verdict = plain(item.get("verdict") or "").replace("_", " ")
    return (Cell(plain(item.get("report_id") or "–")), _day(item.get("started")), verdict, amounts, changes)
