"""How well the audit finds planted shortcuts, and how often it accuses networks that have none.

    python -m benchmarks.detection --suite smoke --json detection.json
    python -m benchmarks.detection --suite full --half reporting --ablations --json reporting.json

Prepares the cases that are missing (small networks trained with and without planted cues, weights cached), audits each
through the command line, and scores what the audits said against what each network was measured to rely on. Audits that
are up to date are not run again. Tables go to stdout, progress to stderr.

The reporting half is for reporting: tune on the tuning half and freeze before looking at the other.
Exit codes: 0; 1 a target is missed (smoke suite only, values without their intervals); 2 cases could not be prepared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from benchmarks.detection.ablations import ablations
from benchmarks.detection.auditing import REPOSITORY, Shelf, audit_all, sources_sha256, sources_used
from benchmarks.detection.case_folders import Case, read_cases
from benchmarks.detection.cases import HALVES, all_cases
from benchmarks.detection.listing import listed
from benchmarks.detection.null_run import null_run
from benchmarks.detection.rows import Row
from benchmarks.detection.scoring import Result, counts, score
from benchmarks.detection.tables import ablations_table, counts_line, lists, null_table, rows_table

SCHEMA = "benchmarks/detection@1"
"""Version of the JSON. 1: first version."""
REPORTED = ("tuning", "reporting")
"""What `--half both` means: development networks are kept for comparison and are nobody's proof."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    options = _parser().parse_args(arguments)
    smoke = options.suite == "smoke"
    halves = ("tuning",) if smoke else REPORTED if options.half == "both" else (options.half,)
    if not options.no_audit and not prepared(options, halves):
        return 2
    cases = read_cases(options.cache, halves=halves, smoke=smoke, only=options.only)
    if not cases:
        print(f"no cases under {options.cache / 'cases'} match; run without --no-audit", file=sys.stderr)
        return 2
    missing, unknown = _against_the_list(cases, halves, smoke, options.only)
    shelf = Shelf(options.cache / "audits" / options.label)
    if not options.no_audit:
        audit_all(cases, shelf, workers=options.workers, fresh=options.fresh)
    results = {half: shelf.results(case for case in cases if case.half == half) for half in halves}
    audited = {result.case.id for found in results.values() for result in found}
    waiting = [case.id for case in cases if case.id not in audited]
    if waiting:
        print(f"{len(waiting)} of {len(cases)} cases are not audited; figures are without them", file=sys.stderr)
    report = {
        "schema": SCHEMA,
        "suite": options.suite,
        "label": options.label,
        "only": options.only,
        "auditor_sources": sources_used(cases, shelf),
        "not_prepared": missing,
        "not_audited": waiting,
        "not_on_the_list": unknown,
        "halves": {half: _half(half, found, smoke, options) for half, found in results.items() if found},
    }
    if options.ablations:
        _add_ablations(report, results, options.cache, options)
    _warn_of_sources(report["auditor_sources"])
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    missed = [row["name"] for half in report["halves"].values() for row in half["rows"] if row["met"] is False]
    return 1 if smoke and missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detection",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--suite", choices=("smoke", "full"), default="smoke", help="smoke: 24 cases of the tuning half")
    add(
        "--half",
        choices=(*HALVES, "both"),
        default="tuning",
        help="of the full suite; both: tuning and reporting; default tuning",
    )
    add("--json", type=Path, metavar="FILE", help="write everything that is printed, and more, as JSON")
    add("--cache", type=Path, default=REPOSITORY / ".cache" / "detection", metavar="DIR", help="cases and audits")
    add("--workers", type=int, default=2, metavar="N", help="audits at once, one thread each; default 2")
    add("--label", default="current", help="name of this set of audits, to keep several side by side")
    add("--only", default="*", metavar="GLOB", help="only cases whose id matches")
    add("--fresh", action="store_true", help="audit again even where neither auditor nor case has changed")
    add("--no-audit", action="store_true", help="score the audits that are there; train and run nothing")
    add("--ablations", action="store_true", help="also judge the saved evidence by lesser rules (minutes)")
    return parser


def prepared(options: argparse.Namespace, halves: Sequence[str]) -> bool:
    """Train what is missing, in a process of its own; what is there is left alone."""
    for half in halves:
        command = [sys.executable, "-m", "benchmarks.detection.preparing", "--half", half, "--only", options.only]
        command += ["--cache", str(options.cache.resolve()), "--workers", str(options.workers)]
        command += ["--smoke"] if options.suite == "smoke" else []
        code = subprocess.run(command, cwd=REPOSITORY, check=False).returncode
        if code != 0:
            print(f"preparing the {half} half ended with exit code {code}; nothing was audited", file=sys.stderr)
            return False
    return True


def _against_the_list(
    cases: Sequence[Case], halves: Sequence[str], smoke: bool, only: str
) -> tuple[list[str], list[str]]:
    """Ids of cases that have no folder yet, and of folders that no longer belong to a case; both are said."""
    listed_ids = {
        case.id for case in all_cases() if case.half in halves and (case.smoke or not smoke) and fnmatch(case.id, only)
    }
    found = {case.id for case in cases}
    missing, unknown = sorted(listed_ids - found), sorted(found - listed_ids)
    if missing:
        print(f"{len(missing)} of {len(listed_ids)} cases are not prepared; figures are without them", file=sys.stderr)
    if unknown:
        print(f"{len(unknown)} case folders are of no case on the list: {', '.join(unknown[:5])}", file=sys.stderr)
    return missing, unknown


def _half(half: str, results: Sequence[Result], smoke: bool, options: argparse.Namespace) -> dict[str, Any]:
    """Score one half, print it, and return it for JSON."""
    rows, nulls, named = score(results, smoke=smoke), null_run(results), listed(results)
    numbers = counts(results)
    suite = "smoke suite" if smoke else f"{half} half"
    print(f"# Detection, {suite}, audits '{options.label}'\n\n{counts_line(numbers)}\n")
    print(rows_table(rows))
    print(f"## Null run: P(p ≤ α) where nothing should be found\n\n{null_table(nulls)}")
    print(f"## By name\n\n{lists(named)}")
    return {
        "counts": numbers,
        "rows": _records(rows),
        "null_run": _records([item.row for item in nulls]),
        "lists": named,
    }


def _records(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [row.record() for row in rows]


def _add_ablations(
    report: dict[str, Any], results: dict[str, list[Result]], cache: Path, options: argparse.Namespace
) -> None:
    """Judge again by lesser rules; the attention rule is chosen on the tuning half wherever that was audited."""
    tuning = results.get("tuning")
    if tuning is None:
        tuning = Shelf(cache / "audits" / options.label).results(read_cases(cache, halves=("tuning",)))
    for half, found in results.items():
        if not found:
            continue
        table = ablations(found, tuning)
        print(f"## Ablations, {half} half\n\n{ablations_table(table)}")
        report["halves"][half]["ablations"] = [
            {
                "rule": item.rule,
                "note": item.note,
                "models": item.models,
                "of": item.of,
                "rows": _records([item.recall, item.false_alarms, item.precision]),
            }
            for item in table
        ]


def _warn_of_sources(used: dict[str, int]) -> None:
    now = sources_sha256()
    old = sum(count for digest, count in used.items() if digest != now)
    if old:
        made = f"{old} of {sum(used.values())} audits were made by other sources of the auditor than today's"
        print(f"{made}; run without --no-audit to make them anew", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
