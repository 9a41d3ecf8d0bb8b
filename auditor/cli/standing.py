"""auditor baseline write|update|prune, waivers list."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from auditor.errors import Problem
    from auditor.records import Audit, WaiverRecord
    from auditor.spec.baseline_file import BaselineFile
    from auditor.spec.waiver_file import PlacedWaiver

RunArgument = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A finished run folder.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The baseline to change.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    baseline = typer.Typer(help="Keep the findings that are known, so that only new and worse ones fail the gate.")
    baseline.command("write")(write)
    baseline.command("update")(update)
    baseline.command("prune")(prune)
    app.add_typer(baseline, name="baseline", no_args_is_help=True)
    waivers = typer.Typer(help="Findings that somebody accepts for a time.")
    waivers.command("list")(list_waivers)
    app.add_typer(waivers, name="waivers", no_args_is_help=True)


def write(
    run_dir: RunArgument,
    file: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.")] = Path(
        "baseline.json"
    ),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a baseline that is there.")] = False,
) -> int:
    """Write a baseline from a finished run: its findings that are not waived, and every number for relative limits."""
    from auditor.errors import RunFolderError
    from auditor.findings.baseline import written_from

    if file.exists() and not force:
        raise RunFolderError(f"{file}: is there already; `auditor baseline update` keeps its dates, --force overwrites")
    _save(file, written_from(_audit(run_dir)), before=None)
    return 0


def update(run_dir: RunArgument, file: FileArgument) -> int:
    """Bring a baseline up to date: add new findings, take new numbers, drop what is gone; dates and tickets stay."""
    from auditor.findings.baseline import updated
    from auditor.spec.baseline_file import read_baseline

    before, _ = read_baseline(file)
    _save(file, updated(before, _same_name(before, _audit(run_dir), file)), before)
    return 0


def prune(run_dir: RunArgument, file: FileArgument) -> int:
    """Drop from a baseline what the run looked for and did not find; adds nothing, raises no number."""
    from auditor.findings.baseline import pruned
    from auditor.spec.baseline_file import read_baseline

    before, _ = read_baseline(file)
    _save(file, pruned(before, _same_name(before, _audit(run_dir), file)), before)
    return 0


def _audit(run_dir: Path) -> Audit:
    from auditor.runs import load_audit

    return load_audit(run_dir)


def _same_name(baseline: BaselineFile, audit: Audit, file: Path) -> Audit:
    from auditor.errors import RunFolderError

    if baseline.name != audit.name:
        raise RunFolderError(f"{file}: is the baseline of '{baseline.name}', and the run audits '{audit.name}'")
    return audit


def _save(file: Path, baseline: BaselineFile, before: BaselineFile | None) -> None:
    from auditor.cli.console import err, out
    from auditor.runs import write_whole

    write_whole(file, baseline.to_json().encode())
    old = {item.fingerprint: item for item in before.findings} if before is not None else {}
    new = {item.fingerprint: item for item in baseline.findings}
    for sign, items in (("+", new.keys() - old.keys()), ("-", old.keys() - new.keys())):
        for item in sorted(({**old, **new}[key] for key in items), key=lambda known: known.id):
            err.print(f"{sign} {item.id} ({item.severity.value})", markup=False, soft_wrap=True)
    err.print(f"{len(new)} known finding{'' if len(new) == 1 else 's'}", markup=False)
    out.print(str(file), markup=False, soft_wrap=True)


def list_waivers(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A waivers file, a spec that names one, or a finished run folder.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print records instead of a table.")] = False,
) -> int:
    """List waivers with owner, approver, ticket and the days that are left.

    Of a run folder: what became of each in that audit. Leaves with 1 when one is expired, exceeded or stale.
    """
    import json

    rows = _of_run(path) if path.is_dir() else _of_file(path, datetime.now(UTC).date())
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print_waivers(rows)
    return 1 if any(row["state"] in ("expired", "exceeded", "stale") for row in rows) else 0


def _of_run(run_dir: Path) -> list[dict[str, object]]:
    return [_row(record) for record in _audit(run_dir).waivers]


def _row(record: WaiverRecord) -> dict[str, object]:
    return record.model_dump(mode="json", exclude={"file"})


def _of_file(path: Path, today: date) -> list[dict[str, object]]:
    from auditor.errors import SpecError

    placed, problems = _read(path, today)
    if problems:
        raise SpecError(problems)
    rows: list[dict[str, object]] = []
    for item in placed:
        left = (item.waiver.expires - today).days
        state = "expired" if left < 0 else "in force"
        row = item.waiver.model_dump(mode="json", by_alias=True, exclude_none=True)
        rows.append({**row, "days_left": left, "state": state, "line": item.line})
    return rows


def _read(path: Path, today: date) -> tuple[list[PlacedWaiver], list[Problem]]:
    """Of a waivers file, or of the one that a spec names, within the spec's horizon."""
    from auditor.spec.audit_spec import PolicySpec
    from auditor.spec.reading import read_yaml_file
    from auditor.spec.standing import read_standing
    from auditor.spec.waiver_file import read_waivers

    absent = "no such file or folder; give a waivers file, a spec that names one, or a finished run folder"
    file = read_yaml_file(path, shown=str(path), absent=absent, wanted="neither a waivers file nor a spec")
    if "model" not in file.tree:
        return read_waivers(path, shown=str(path), days=PolicySpec.longest_waiver, today=today)
    policy = file.tree.get("policy")
    if not isinstance(policy, dict) or policy.get("waivers") is None:
        raise typer.BadParameter(f"{path}: names no waivers; policy.waivers is the file")
    standing, problems = read_standing(file, today)
    return list(standing.waivers), problems


def _print_waivers(rows: list[dict[str, object]]) -> None:
    from auditor.cli.console import out, print_columns

    if not rows:
        out.print("no waivers")
        return
    lines = []
    for row in rows:
        bound = row.get("max_value")
        shown = f"{bound:g}" if isinstance(bound, float) else "any size"
        cells = [row["id"], row["check"], shown, *(row[key] for key in ("owner", "approver", "ticket", "expires"))]
        lines.append([str(cell) for cell in (*cells, row["days_left"], row["state"])])
    print_columns(("id", "check", "up to", "owner", "approver", "ticket", "expires", "days left", "state"), lines)
    for row in rows:
        if "words" in row and row["state"] != "applied":
            out.print(f"! {row['words']}", markup=False, soft_wrap=True)
