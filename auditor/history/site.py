"""One static page over all audits: newest first, filtered in the browser, with sparklines; it loads nothing."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from auditor.history.reading import Found, Past
from auditor.history.trends import history_of
from auditor.languages import DEFAULT, Language, grouped, listed, say
from auditor.records import AuditVerdict, History, PastAudit, Severity, Trend, TrendPoint
from auditor.reports import RenderOptions
from auditor.reports._names import label
from auditor.reports._pages import render_page
from auditor.reports._translation import teller
from auditor.reports._words import (
    AUDIT_VERDICTS,
    CHANGED,
    SEVERITY_MARKS,
    between,
    date,
    lines_of,
    number,
    plain,
    severities_of,
)

TEMPLATE = "site.html.j2"
WIDE, TALL, EDGE = 132.0, 30.0, 4.0
"""Pixels of a sparkline, and its inner margin."""
MOST_POINTS = 40
MOST_SPARKS = 4


@dataclass(frozen=True, slots=True)
class Spark:
    """A trend as a small line.

    Attributes:
        words: What it is; `alt` says first, last and how many.
        latest: The newest number in words; `doubt` says what it measures, its interval and how many pictures.
        line, band: Points of the line and of its intervals, for SVG.
        dots: (x, y, whether it was a finding there).
        changes: Places where the model changed.
    """

    words: str
    latest: str
    doubt: str
    alt: str
    line: str
    band: str
    dots: tuple[tuple[float, float, bool], ...]
    changes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One audit."""

    report_id: str
    when: str
    machine_when: str
    href: str
    verdict: str
    word: str
    mark: str
    model: str
    findings: tuple[tuple[str, str, str], ...]
    attempt: int
    changed: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """All audits of one name, newest first."""

    name: str
    title: str
    anchor: str
    latest: Row
    rows: tuple[Row, ...]
    sparks: tuple[Spark, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """What the template prints."""

    source: str
    groups: tuple[Group, ...]
    verdicts: tuple[tuple[str, str, int], ...]
    total: int
    warnings: tuple[str, ...]


def site(found: Found, folder: Path | None, beside: Path, language: str = DEFAULT) -> str:
    """The page.

    Args:
        folder: What the audits' addresses start from; None where reports cannot be linked to.
        beside: The folder that the page will lie in.
        language: What it is written in.
    """
    spoken = Language.of(language)
    with spoken.spoken():
        overview = _overview(found, None if folder is None else _Links(folder, beside), teller(spoken))
        context = {"site": overview, "tall": TALL, "wide": WIDE}
        return render_page(TEMPLATE, context, RenderOptions(), _data_url, media="site", brand=None)


@dataclass(frozen=True, slots=True)
class _Links:
    """From the page to the reports."""

    folder: Path
    beside: Path

    def report(self, audit: Past) -> str:
        """Address of the audit's report, or "" where it has none."""
        for name in ("report.html", "report.pdf"):
            file = self.folder / audit.address / name
            if file.is_file():
                # "./": a folder's name with a colon would be taken for a scheme
                return quote(f"./{Path(os.path.relpath(file, self.beside)).as_posix()}")
        return ""


def _data_url(name: str, data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"


def _overview(found: Found, links: _Links | None, tell: Callable[[str], str]) -> Overview:
    groups = []
    for number_, name in enumerate(found.names, start=1):
        audits = found.of(name)
        history = history_of(audits, found.source)
        rows = tuple(
            _row(audit, entry, links) for audit, entry in zip(reversed(audits), reversed(history.audits), strict=True)
        )
        groups.append(
            Group(
                name=plain(name),
                title=plain(audits[-1].title or name),
                anchor=f"audit-{number_}",
                latest=rows[0],
                rows=rows,
                sparks=_sparks(history),
                notes=tuple(plain(tell(note)) for note in history.notes),
            )
        )
    amounts = [(verdict, sum(audit.verdict == verdict for audit in found.audits)) for verdict in AuditVerdict]
    return Overview(
        source=plain(found.source),
        groups=tuple(groups),
        verdicts=tuple(
            (verdict.value, say(AUDIT_VERDICTS[verdict][0]), amount) for verdict, amount in amounts if amount
        ),
        total=len(found.audits),
        warnings=tuple(plain(tell(warning)) for warning in found.warnings),
    )


def _row(audit: Past, entry: PastAudit, links: _Links | None) -> Row:
    word, mark = AUDIT_VERDICTS[AuditVerdict(audit.verdict)]
    model = audit.model.version or audit.model.sha256_before[:10]
    findings = tuple(
        (level, SEVERITY_MARKS[Severity(level)], words)
        for level, words in zip(entry.findings, severities_of(entry.findings), strict=True)
    )
    return Row(
        report_id=plain(audit.report_id),
        when=date(audit.started),
        machine_when=plain(audit.started),
        href="" if links is None else links.report(audit),
        verdict=AuditVerdict(audit.verdict).value,
        word=say(word),
        mark=mark,
        model=plain(model),
        findings=findings,
        attempt=entry.attempt,
        changed=listed(say(CHANGED.get(what, what)) for what in entry.changed),
        text=plain(f"{audit.name} {audit.title} {model} {audit.report_id} {audit.started[:10]}").casefold(),
    )


def _sparks(history: History) -> tuple[Spark, ...]:
    kept = [trend for trend in history.trends if any(point.value is not None for point in trend.points)]
    return tuple(_spark(trend, history.audits) for trend in kept[:MOST_SPARKS])


def _spark(trend: Trend, audits: Sequence[PastAudit]) -> Spark:
    points, shown = trend.points[-MOST_POINTS:], audits[-MOST_POINTS:]
    bounds = [b for point in points for b in (point.value, point.low, point.high) if b is not None]
    low, high = min(bounds), max(bounds)
    across = (WIDE - 2 * EDGE) / max(1, len(points) - 1)

    def x(place: int) -> float:
        return round(EDGE + across * place if len(points) > 1 else WIDE / 2, 1)

    def y(value: float) -> float:
        share = 0.5 if high == low else (value - low) / (high - low)
        return round(TALL - EDGE - share * (TALL - 2 * EDGE), 1)

    known = [(place, point, point.value) for place, point in enumerate(points) if point.value is not None]
    spread = [(x(place), y(point.low), y(point.high)) for place, point, _ in known
              if point.low is not None and point.high is not None]  # fmt: skip
    outline = [(at, top) for at, _, top in spread] + [(at, bottom) for at, bottom, _ in reversed(spread)]
    first, last = known[0][2], known[-1][2]
    said = say(
        "{what}: {last} in the newest of {n} audits that measured it, {first} in the oldest.",
        what=plain(trend.words),
        last=number(last, trend.unit),
        n=len(known),
        first=number(first, trend.unit),
    )
    return Spark(
        words=plain(trend.words),
        latest=number(last, trend.unit) if points[-1].value is not None else "–",
        doubt=_doubt(trend, points[-1]),
        alt=said,
        line=_path([(x(place), y(value)) for place, _, value in known]),
        band=_path(outline) if len(spread) > 1 else "",
        dots=tuple((x(place), y(value), point.verdict == "confirmed") for place, point, value in known),
        changes=tuple(
            round(x(place) - across / 2, 1) for place, audit in enumerate(shown) if place and "model" in audit.changed
        ),
    )


def _doubt(trend: Trend, newest: TrendPoint) -> str:
    """'80 to 100 %, n = 35' of a metric; of a check what was measured, too."""
    measured = "" if trend.id.startswith("metrics.") else label(trend.measurement)
    if newest.value is None or newest.low is None or newest.high is None:
        return measured
    between_ends = between(newest.low, newest.high, trend.unit)
    numbers = say("{interval}, n = {count}", interval=between_ends, count=grouped(newest.count))
    return lines_of(filter(None, (measured, numbers)))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{across},{down}" for across, down in points)
