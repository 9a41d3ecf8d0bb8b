"""auditor compare, history, site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from auditor.history.comparing import Compared, Comparison
    from auditor.records import History, Measurement, TrendPoint

JsonOption = Annotated[bool, typer.Option("--json", help="Print records instead of text.")]


SHOWN_POINTS = 6
"""Audits of a trend that are printed; --json holds all."""
READING = " (A → B, each with its 95 % interval; n pictures; the difference with its interval)"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("compare")(compare)
    app.command("history")(history)
    app.command("site")(site)


def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN_DIR_A", help="The earlier run folder.")],
    second: Annotated[Path, typer.Argument(metavar="RUN_DIR_B", help="The later run folder.")],
    as_json: JsonOption = False,
    fail_on: Annotated[
        str,
        typer.Option("--fail-on", metavar="LEVEL", help="Findings below this severity do not count: low to critical."),
    ] = "low",
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Leave with 0 whatever got worse.")] = False,
) -> int:
    """Compare two finished runs: what appeared, got worse, got better, went; and what else changed between them.

    Exit codes: 0 nothing got worse · 1 a finding appeared, or a finding or metric got worse beyond doubt · 2 could not
    compare.
    """
    from auditor.history.comparing import compare as beside
    from auditor.records import Severity
    from auditor.runs import load_audit

    if fail_on not in list(Severity):
        raise typer.BadParameter(f"--fail-on {fail_on}: expected one of {', '.join(Severity)}")
    found = beside(load_audit(first), load_audit(second), (first, second))
    if as_json:
        print(json.dumps(found.to_tree(), indent=2, ensure_ascii=False))
    else:
        _print(found)
    return 1 if found.worse(Severity(fail_on)) and not exit_zero else 0


def history(
    source: Annotated[
        str, typer.Argument(metavar="[FOLDER]", help="A folder of audits, or mlflow:EXPERIMENT.")
    ] = "audits",
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Only audits of this name.")] = None,
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw the trends of that name as SVG.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Show all audits in a folder or on a tracking server: attempts, what changed between them, and trends."""
    from auditor.cli.console import err
    from auditor.errors import RunFolderError
    from auditor.history.reading import read
    from auditor.history.trends import history_of

    found = read(source)
    names = found.names if name is None else [name]
    if not found.audits or not set(names) <= set(found.names):
        known = f"; there are {', '.join(found.names)}" if found.names else ""
        raise RunFolderError(f"{source}: holds no finished audit{f' of {name}' if name else ''}{known}")
    histories = {each: history_of(found.of(each), source) for each in names}
    for warning in found.warnings:
        err.print(f"warning: {warning}", markup=False, soft_wrap=True)
    if chart is not None:
        _draw(histories, chart)
    if as_json:
        trees = {each: item.model_dump(mode="json", by_alias=True) for each, item in histories.items()}
        print(json.dumps(trees, indent=2, ensure_ascii=False))
        return 0
    for each, item in histories.items():
        _print_history(each, item)
    return 0


def _draw(histories: dict[str, History], chart: Path) -> None:
    from auditor.cli.console import err
    from auditor.errors import RunFolderError
    from auditor.figures.alone import standing_alone
    from auditor.history.drawing import draw_history
    from auditor.runs import write_whole

    if len(histories) != 1:
        raise typer.BadParameter(f"--chart draws one name; choose with --name: {', '.join(histories)}")
    drawn = draw_history(next(iter(histories.values())))
    if drawn is None:
        raise RunFolderError(f"{chart}: is not drawn: no number was measured in two audits")
    write_whole(chart, standing_alone(drawn))
    err.print(str(chart), markup=False, soft_wrap=True)


def _print_history(name: str, history: History) -> None:
    from auditor.cli.console import print_columns

    _say(f"{name}: {len(history.audits)} audit{'' if len(history.audits) == 1 else 's'}")
    rows = []
    for item in history.audits:
        findings = ", ".join(f"{amount} {level}" for level, amount in item.findings.items()) or "none"
        model = item.model_version or item.model_sha256[:10]
        when, verdict = item.started[:16].replace("T", " "), item.verdict.replace("_", " ")
        rows.append((when, item.report_id, model, verdict, findings, str(item.attempt), ", ".join(item.changed) or "–"))
    print_columns(("started", "report", "model", "verdict", "findings", "attempt", "changed before it"), rows)
    for note in history.notes:
        _say(f"  ! {note}")
    for trend in history.trends:
        numbers = [_point(point) for point in trend.points[-SHOWN_POINTS:]]
        earlier = "… " if len(trend.points) > SHOWN_POINTS else ""
        _say(f"  {trend.words} ({trend.measurement}): {earlier}{' → '.join(numbers)}")
    _say("")


def _point(point: TrendPoint) -> str:
    if point.value is None:
        return "–"
    interval = "" if point.low is None or point.high is None else f" [{point.low:.2f}, {point.high:.2f}]"
    return f"{point.value:.2f}{interval} n {point.count}{' ▲' if point.verdict == 'confirmed' else ''}"


def site(
    source: Annotated[str, typer.Argument(metavar="FOLDER", help="A folder of audits, or mlflow:EXPERIMENT.")],
    file: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where to write it; default FOLDER/index.html."),
    ] = None,
    language: Annotated[str, typer.Option(metavar="CODE", help="What it is written in, such as en or zh.")] = "en",
) -> int:
    """Write one static page over all audits of a folder: verdicts, findings, sparklines, a filter; loads nothing."""
    from auditor.cli.console import err, out
    from auditor.history.reading import MLFLOW, read
    from auditor.history.site import site as page
    from auditor.runs import write_whole

    found = read(source)
    tracked = source.startswith(MLFLOW)
    target = file or (Path("index.html") if tracked else Path(source) / "index.html")
    content = page(found, None if tracked else Path(source), target.parent, language)
    write_whole(target, content.encode())
    for warning in found.warnings:
        err.print(f"warning: {warning}", markup=False, soft_wrap=True)
    out.print(str(target), markup=False, soft_wrap=True)
    return 0


def _print(found: Comparison) -> None:
    a, b = found.first, found.second
    _say(f"A  {a.report_id}  {a.started[:10]}  {a.title}: {a.verdict.value.replace('_', ' ')}")
    _say(f"B  {b.report_id}  {b.started[:10]}  {b.title}: {b.verdict.value.replace('_', ' ')}")
    if a.name != b.name:
        _say(f"These are audits of different names: {a.name} and {b.name}.")
    _say("")
    _say("What changed between them" if found.changes else "Model, data, spec and tools are the same.")
    for change in found.changes:
        _say(f"  {change.what:<12}{change.where}: {change.before} → {change.after}")
    for heading, items in (("Findings", found.findings), ("Metrics", found.metrics)):
        _say("")
        _say(f"{heading}{READING}" if items else f"{heading}: none to compare")
        for item in items:
            _say(f"  {item.turn.value.replace('_', ' '):<11}{_line(item)}")
            if item.words:
                _say(f"             {item.words}")
            if item.difference is not None and item.difference.p is not None:
                _say(f"             {item.difference.test}, p = {item.difference.p:.2g}")


def _line(item: Compared) -> str:
    severity = f" ({item.severity.value})" if item.severity is not None else ""
    shown = f"{item.id}{severity}"
    speaking = item.second or item.first
    if speaking is not None and not item.id.startswith("metrics."):
        shown += f"  {speaking.name}"
    shown += f"  {_number(item.first)} → {_number(item.second)}"
    counts = [str(one.count) for one in (item.first, item.second) if one is not None and one.value is not None]
    shown += f"  n {' → '.join(counts)}" if counts else ""
    if item.difference is not None:
        shown += f"  {item.difference.value:+.3f}"
        if item.difference.low is not None and item.difference.high is not None:
            shown += f" ({item.difference.low:+.3f} to {item.difference.high:+.3f})"
    return shown


def _number(item: Measurement | None) -> str:
    if item is None or item.value is None:
        return "–"
    if item.low is None or item.high is None:
        return f"{item.value:.3f}"
    return f"{item.value:.3f} [{item.low:.3f}, {item.high:.3f}]"


def _say(line: str) -> None:
    from auditor.cli.console import out

    out.print(line, markup=False, soft_wrap=True)
