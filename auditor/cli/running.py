"""auditor run, demo."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from auditor.records import Audit

KEPT = ("manifest.json", "spec.yaml", "log.txt")
"""Files of a run folder that are no report."""
SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="The YAML spec.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Set one value of the spec, read as YAML; may be given again."),
]

BaselineOption = Annotated[
    Path | None, typer.Option("--baseline", metavar="FILE", help="Findings that are known: auditor baseline write.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.command("demo")(demo)


def run(
    spec: SpecArgument,
    folder: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="The run folder; default audits/NAME/TIME.")
    ] = None,
    overrides: SetOption = None,
    device: Annotated[str | None, typer.Option(metavar="auto|cpu|cuda:N", help="Where to run.")] = None,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="LEVEL", help="low, medium, high, critical or never.")
    ] = None,
    baseline: BaselineOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that broke off.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Leave with 0 whatever the verdict.")] = False,
) -> int:
    """Audit a model: maps, probes, verdicts, report.

    Leaves a run folder with report.html, report.pdf, audit.json, the evidence and a manifest. Gates by its exit code:
    0 passed, 1 a finding at or above fail_on, 3 incomplete.
    """
    from auditor.cli.console import ConsoleProgress
    from auditor.plan import make_plan

    plan = make_plan(spec, with_baseline(_with_gate(overrides, device, fail_on), spec, baseline))

    from auditor.pipeline import RunRequest
    from auditor.pipeline import run as run_plan
    from auditor.runs import default_folder, newest_unfinished

    chosen = folder
    if chosen is None and resume:
        chosen = newest_unfinished(plan.spec.name, plan.spec_file.sha256)
        if chosen is None:
            raise typer.BadParameter("no unfinished run of this spec under audits/; name its folder with -o")
    chosen = chosen or default_folder(plan.spec.name, datetime.now(UTC))
    with ConsoleProgress() as progress:
        audit = run_plan(plan, RunRequest(chosen, resume=resume), progress)
    announce(audit, chosen)
    return 0 if exit_zero else audit.exit_code


def _with_gate(overrides: list[str] | None, device: str | None, fail_on: str | None) -> list[str]:
    """--device and --fail-on are short for --set, so that they are checked and recorded alike."""
    given = list(overrides or [])
    given += [f"runtime.device={device}"] if device is not None else []
    given += [f"policy.fail_on={fail_on}"] if fail_on is not None else []
    return given


def with_baseline(overrides: list[str] | None, spec: Path, baseline: Path | None) -> list[str]:
    """--baseline is short for --set policy.baseline, which is relative to the spec."""
    named = [] if baseline is None else [f"policy.baseline={json.dumps(os.path.relpath(baseline, spec.parent))}"]
    return [*(overrides or []), *named]


def announce(audit: Audit, folder: Path) -> None:
    """The verdict in a line on stderr, the written paths on stdout."""
    from auditor.cli.console import err, out
    from auditor.findings.waivers import warnings
    from auditor.findings.words import headline

    err.print(headline(audit), markup=False, soft_wrap=True)
    for reason in audit.reasons[:5]:
        err.print(f"  · {reason}", markup=False, soft_wrap=True)
    for warning in warnings(audit.name, audit.waivers, audit.limits, audit.baseline):
        err.print(f"warning: {warning}", markup=False, soft_wrap=True)
    for note in audit.history.notes if audit.history is not None else ():
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in KEPT:
            out.print(str(path), markup=False, soft_wrap=True)


def demo(
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where pictures, specs and reports go.")
    ] = Path("demo-audit"),
    only: Annotated[str | None, typer.Option(help="Only one of the networks: tag, frame or honest.")] = None,
) -> int:
    """Audit three small networks on drawn radiographs: two that cheat, and an honest one.

    Offline. Draws the pictures, runs the three audits, and prints where the reports are.
    """
    from auditor.cli.console import ConsoleProgress
    from auditor.demo.auditing import run_demo

    with ConsoleProgress() as progress:
        audits = run_demo(folder, progress, only=only)
    for audit, run_folder in audits:
        announce(audit, run_folder)
    return 0
