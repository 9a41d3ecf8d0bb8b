"""summary.md: the audit in one comment or job summary."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import RenderError
from auditor.records import Audit, LimitResult, Measurement
from auditor.reports import RenderOptions, Report
from auditor.runs import write_whole

if TYPE_CHECKING:
    from auditor.reports._results import Result

FILE = "summary.md"
MOST_BYTES = 60_000
"""A comment on GitHub holds 65,536 characters; the server adds its own."""
SUMMARY = "GITHUB_STEP_SUMMARY"


class Markdown(Report):
    """`summary.md`, under 60 KB, for comments and tickets; also appended to the job's summary on GitHub Actions."""

    def write(self, audit: Audit, run: Path, options: RenderOptions) -> list[Path]:
        content = summary_of(audit)
        file = run / FILE
        write_whole(file, content.encode("utf-8"))
        job = os.environ.get(SUMMARY)
        if job:
            try:
                with Path(job).open("a", encoding="utf-8") as summary:
                    summary.write(content + "\n")
            except OSError as error:
                raise RenderError(f"{SUMMARY} names {job}, which cannot be written: {error.strerror}") from error
        return [file]


def summary_of(audit: Audit) -> str:
    """The whole page; long tables are cut, with the number of rows left out, until it fits."""
    from auditor.reports._results import results_of

    results = results_of(audit)
    rows, letters = 40, 400
    while len((page := _page(audit, results, rows, letters)).encode("utf-8")) >= MOST_BYTES:
        rows, letters = max(1, rows * 2 // 3), max(40, letters * 2 // 3)
    return page


def marker(audit: Audit) -> str:
    """The first line, by which a later audit of the same spec finds the comment that it replaces."""
    name = "".join(letter for letter in audit.name if letter.isalnum() or letter in "._-")
    return f"<!-- auditor:{name.replace('--', '-')} -->"


def _page(audit: Audit, results: Sequence[Result], rows: int, letters: int) -> str:
    from auditor.reports._markdown import code, escaped
    from auditor.reports._results import ASKS, Outcome
    from auditor.reports._words import AUDIT_VERDICTS, count, date, short

    word, mark = AUDIT_VERDICTS[audit.verdict]
    asked = [result for result in results if result.outcome in ASKS]
    broken = [result for result in results if result.outcome is Outcome.BROKEN]
    open_questions = [result for result in results if result.outcome is Outcome.UNDECIDED]
    passed = sum(result.outcome is Outcome.PASSED for result in results)
    version = f" {audit.model.version}" if audit.model.version else ""
    attempt = f" · attempt {audit.attempt}" if audit.attempt > 1 else ""
    parts = [
        marker(audit),
        f"## {mark} {word}: {escaped(short(audit.title, 120))}",
        f"{escaped(short(audit.model.name + version, 80))} · {date(audit.finished)} · "
        f"{code(short(audit.report_id, 60))}{attempt}",
        "",
        f"{count(len(asked), 'finding')}, {count(len(open_questions), 'open question')}, "
        f"{count(passed, 'check')} passed, {count(len(broken), 'part')} broken; "
        f"fails from **{escaped(audit.fail_on)}** on.",
        "",
    ]
    parts += [f"- {escaped(short(reason, letters))}" for reason in audit.reasons[:rows]]
    parts += _left_out(len(audit.reasons), rows)
    ranked = sorted(asked, key=lambda result: -(result.severity.rank if result.severity else 0))
    parts += _table(
        "Findings",
        ["", "severity", "what", "effect", "status"],
        [
            [
                result.mark,
                result.severity.value if result.severity else "",
                escaped(short(result.sentence, letters)),
                escaped(_effect(result.source)),
                escaped(result.outcome.value),
            ]
            for result in ranked
        ],
        rows,
    )
    for title, members in (("Open questions", open_questions), ("What broke", broken)):
        parts += _list(title, [escaped(short(result.sentence, letters)) for result in members], rows)
    parts += _table(
        "Measured",
        ["metric", "value", "95 % interval", "n"],
        [_measured(item, letters) for item in audit.metrics],
        rows,
    )
    parts += _identity(audit)
    return "\n".join(parts) + "\n"


def _table(title: str, head: list[str], body: Sequence[list[str]], most: int) -> list[str]:
    from auditor.reports._markdown import row

    if not body:
        return []
    lines = ["", f"### {title}", "", row(head), row(["---"] * len(head)), *(row(cells) for cells in body[:most])]
    return [*lines, *_left_out(len(body), most)]


def _list(title: str, items: Sequence[str], most: int) -> list[str]:
    if not items:
        return []
    return ["", f"### {title}", "", *(f"- {item}" for item in items[:most]), *_left_out(len(items), most)]


def _left_out(amount: int, most: int) -> list[str]:
    return ["", f"… and {amount - most} more in audit.json."] if amount > most else []


def _effect(source: object) -> str:
    from auditor.records import Check
    from auditor.reports._effects import main_measurement
    from auditor.reports._words import measured

    found: Measurement | None = None
    if isinstance(source, Check):
        found = main_measurement(source)
    elif isinstance(source, LimitResult):
        found = source.measurement
    return measured(found) if found is not None else ""


def _measured(item: Measurement, letters: int) -> list[str]:
    from auditor.reports._markdown import escaped
    from auditor.reports._names import label
    from auditor.reports._words import interval, short, value_of

    if item.value is None:
        return [escaped(label(item.name)), escaped(short(item.reason, letters)), "", str(item.count)]
    return [escaped(label(item.name)), escaped(value_of(item)), escaped(interval(item)), str(item.count)]


def _identity(audit: Audit) -> list[str]:
    from auditor.reports._markdown import code, row
    from auditor.reports._words import short

    weights = [("weights file", audit.model.file_sha256)] if audit.model.file_sha256 else []
    known = [
        ("spec", audit.spec_path or audit.spec_file),
        ("spec digest", audit.spec_sha256),
        ("model digest", audit.model.sha256_before),
        *weights,
        ("sample digest", audit.sample.digest),
    ]
    lines = [
        row(["", "path or SHA-256"]),
        row(["---"] * 2),
        *(row([name, code(short(value, 120))]) for name, value in known),
    ]
    return ["", "<details><summary>What was audited</summary>", "", *lines, "", "</details>"]
