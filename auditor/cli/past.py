"""auditor compare, history, site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.console import out

if TYPE_CHECKING:
    from auditor.history.comparing import Compared, Comparison
    from auditor.records import Measurement

JsonOption = Annotated[bool, typer.Option("--json", help="Print records instead of text.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("compare")(compare)


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


def _print(found: Comparison) -> None:
    a, b = found.first, found.second
    _say(f"A  {a.report_id}  {a.started[:10]}  {a.title}: {a.verdict.value.replace('_', ' ')}")
    _say(f"B  {b.report_id}  {b.started[:10]}  {b.title}: {b.verdict.value.replace('_', ' ')}")
    if a.name != b.name:
        _say(f"These are audits of different names: {a.name} and {b.name}.")
    _say("")
    _say("What changed between them" if found.changes else "Model, data, spec and tools are the same.")
    for item in found.changes:
        _say(f"  {item.what:<12}{item.where}: {item.before} → {item.after}")
    for heading, items in (("Findings", found.findings), ("Metrics", found.metrics)):
        _say("")
        _say(heading if items else f"{heading}: none to compare")
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
    out.print(line, markup=False, soft_wrap=True)
