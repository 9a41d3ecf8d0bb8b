"""Holds the owner's waivers against what was found: who accepts what, up to which size, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from auditor.findings.fingerprints import stable_id, stable_region
from auditor.findings.leading import main_measurement
from auditor.records import BaselineRecord, Check, LimitResult, Status, WaiverRecord, WaiverState
from auditor.spec.waiver_file import PlacedWaiver, Waiver, matches, shown_match

LIMITS = "limits."
SOON = 14
"""Days before its end from which a waiver is announced to expire."""


@dataclass(frozen=True, slots=True)
class ModelNames:
    """What a waiver may call the model: its version, or the beginning of a digest of at least 8 digits."""

    version: str | None
    digests: tuple[str, ...]

    def named(self, words: str) -> bool:
        """Whether the words mean this model."""
        begins = len(words) >= 8 and any(digest.startswith(words.lower()) for digest in self.digests)
        return begins or words == self.version


def waive(
    waivers: Sequence[PlacedWaiver],
    checks: Sequence[Check],
    limits: Sequence[LimitResult],
    *,
    model: ModelNames,
    today: date,
) -> tuple[list[Check], list[LimitResult], list[WaiverRecord]]:
    """Findings and breached limits with status waived, and what became of every waiver.

    Args:
        checks: With fingerprints.
        today: A waiver holds until the end of the day that `expires` names.
    """
    by_check: dict[str, str] = {}
    by_limit: dict[str, str] = {}
    records = []
    for placed in waivers:
        waiver = placed.waiver
        found = [check for check in checks if check.is_finding and _meant(waiver, check, model)]
        breached = [limit for limit in limits if limit.breached and _meant_limit(waiver, limit, model)]
        within = [check for check in found if _within(waiver, check)]
        allowed = [limit for limit in breached if _within_limit(waiver, limit)]
        if waiver.expires < today:
            state = WaiverState.EXPIRED
        elif not found and not breached:
            state = WaiverState.STALE
        elif len(within) < len(found) or len(allowed) < len(breached):
            state = WaiverState.EXCEEDED
        else:
            state = WaiverState.APPLIED
        if state in (WaiverState.APPLIED, WaiverState.EXCEEDED):
            for check in within:
                by_check.setdefault(check.id, waiver.id)
            for limit in allowed:
                by_limit.setdefault(limit.name, waiver.id)
        records.append(_record(placed, state, found, breached, today))
    done = [_waived_check(check, by_check) for check in checks]
    return done, [_waived_limit(limit, by_limit) for limit in limits], records


def loud(records: Iterable[WaiverRecord]) -> list[str]:
    """A line for every waiver that a person has to look at: expired, exceeded, stale, or about to expire."""
    lines = []
    for record in records:
        place = record.file if record.line is None else f"{record.file}:{record.line}"
        if record.state is not WaiverState.APPLIED or record.days_left <= SOON:
            lines.append(f"{place}: {record.words}")
    return lines


def warnings(
    name: str, waivers: Iterable[WaiverRecord], limits: Iterable[LimitResult], baseline: BaselineRecord | None
) -> list[str]:
    """What a person has to look at: waivers, relative limits held against nothing, the baseline of another audit.

    Args:
        name: Of the audit.
    """
    lines = loud(waivers)
    for item in limits:
        if item.reason is not None and (item.max_increase is not None or item.max_decrease is not None):
            lines.append(f"policy.limits.{item.name}: {item.reason}")
    if baseline is not None and baseline.name != name:
        lines.append(f"{baseline.file}: is of another audit, '{baseline.name}': none of its findings is known here")
    return lines


def _waived_check(check: Check, by_check: dict[str, str]) -> Check:
    if check.id not in by_check or not check.is_finding:
        return check
    return check.model_copy(update={"status": Status.WAIVED, "waiver": by_check[check.id]})


def _waived_limit(limit: LimitResult, by_limit: dict[str, str]) -> LimitResult:
    if limit.name not in by_limit:
        return limit
    return limit.model_copy(update={"status": Status.WAIVED, "waiver": by_limit[limit.name]})


def _meant(waiver: Waiver, check: Check, model: ModelNames) -> bool:
    match = waiver.match
    region = stable_region(check)
    named = {region, check.region.name if check.region is not None else None} - {None}
    conditions = (
        any(matches(waiver.check, name) for name in {check.id, stable_id(check.id)}),
        match.class_name is None or match.class_name == check.class_name,
        match.region is None or any(matches(match.region, name) for name in named if name is not None),
        match.model is None or model.named(match.model),
        match.fingerprint is None or match.fingerprint == check.fingerprint,
    )
    return all(conditions)


def _meant_limit(waiver: Waiver, limit: LimitResult, model: ModelNames) -> bool:
    match = waiver.match
    narrowed = match.class_name is not None or match.region is not None or match.fingerprint is not None
    return (
        not narrowed
        and waiver.check.startswith(LIMITS)
        and matches(waiver.check, f"{LIMITS}{limit.name}")
        and (match.model is None or model.named(match.model))
    )


def _within(waiver: Waiver, check: Check) -> bool:
    main = main_measurement(check)
    return waiver.max_value is None or (main is not None and main.value is not None and main.value <= waiver.max_value)


def _within_limit(waiver: Waiver, limit: LimitResult) -> bool:
    value = limit.measurement.value if limit.measurement is not None else None
    if value is None:
        return waiver.max_value is None and waiver.min_value is None
    above = waiver.max_value is not None and value > waiver.max_value
    below = waiver.min_value is not None and value < waiver.min_value
    return not above and not below


def _record(
    placed: PlacedWaiver, state: WaiverState, found: Sequence[Check], breached: Sequence[LimitResult], today: date
) -> WaiverRecord:
    waiver = placed.waiver
    return WaiverRecord(
        **waiver.model_dump(
            include={"id", "check", "max_value", "min_value", "statement", "owner", "approver", "ticket"}
        ),
        match=shown_match(waiver.match),
        created=waiver.created.isoformat(),
        expires=waiver.expires.isoformat(),
        state=state,
        covers=(*(check.id for check in found), *(f"{LIMITS}{limit.name}" for limit in breached)),
        days_left=(waiver.expires - today).days,
        words=_words(waiver, state, found, breached, today),
        file=placed.file,
        line=placed.line,
    )


def _words(
    waiver: Waiver, state: WaiverState, found: Sequence[Check], breached: Sequence[LimitResult], today: date
) -> str:
    who = f"Waiver {waiver.id} ({waiver.ticket}, approved by {waiver.approver})"
    about = ", ".join([*(check.id for check in found), *(f"{LIMITS}{limit.name}" for limit in breached)])
    if state is WaiverState.EXPIRED:
        what = f"what it accepted counts again: {about}" if about else "nothing it names was found; remove it"
        return f"{who} expired on {waiver.expires} and is not applied; {what}."
    if state is WaiverState.STALE:
        return f"{who} matches no finding and no breached limit ({waiver.check}); remove it, or mend what it names."
    if state is WaiverState.EXCEEDED:
        sizes = ", ".join(_size(check) for check in found if not _within(waiver, check))
        sizes = ", ".join(filter(None, (sizes, *(_limit_size(x) for x in breached if not _within_limit(waiver, x)))))
        return f"{who} does not cover what lies beyond {_bounds(waiver)}: {sizes}."
    days = (waiver.expires - today).days
    left = "today" if days == 0 else f"in {days} day{'s' if days != 1 else ''}"
    return f"{who} accepts {about} until {waiver.expires}; it expires {left}."


def _bounds(waiver: Waiver) -> str:
    bounds = []
    bounds += [f"its max_value of {waiver.max_value:g}"] if waiver.max_value is not None else []
    bounds += [f"its min_value of {waiver.min_value:g}"] if waiver.min_value is not None else []
    return " or ".join(bounds)


def _size(check: Check) -> str:
    main = main_measurement(check)
    return check.id if main is None or main.value is None else f"{check.id} ({main.name} {main.value:.3g})"


def _limit_size(limit: LimitResult) -> str:
    value = limit.measurement.value if limit.measurement is not None else None
    return f"{LIMITS}{limit.name}" + (f" ({value:.3g})" if value is not None else "")
