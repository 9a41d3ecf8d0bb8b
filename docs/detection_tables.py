"""Writes the result tables of docs/detection.md from a run of the benchmark: `python -m docs.detection_tables FILE`.

The tables stand between two markers, half by half; what stands around them is kept.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["END", "PAGE", "START", "replaced", "tables"]

PAGE = Path(__file__).resolve().parent / "detection.md"
START = "<!-- tables written by python -m docs.detection_tables; do not edit them -->"
END = "<!-- end of the tables -->"
SCHEMA = "benchmarks/detection@1"
RESULT = ("what", "value", "95 % interval", "n", "target", "met", "note")
ABLATION = ("rule", "recall, strong local", "n", "false alarms", "n", "precision", "n", "models", "how")
_NULL = re.compile(r"P\(p ≤ (?P<level>[\d.]+)\), (?P<half>[^,]+, [^,]+), (?P<kind>.+)")


def tables(result: Mapping[str, Any]) -> str:
    """The tables of all halves of a run.

    Args:
        result: What the benchmark wrote.

    Raises:
        ValueError: It is no result of the benchmark.
    """
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        raise ValueError(f"expected a file that benchmarks.detection wrote with --json, of the schema {SCHEMA}")
    return "\n".join(line for name, half in result["halves"].items() for line in _half(name, half))


def replaced(page: str, between: str) -> str:
    """The page with other tables.

    Raises:
        ValueError: It has no markers, or more than one pair.
    """
    above, found, rest = page.partition(START)
    _, ended, below = rest.partition(END)
    if not found or not ended or START in below:
        raise ValueError(f"expected one pair of markers in the page: {START} … {END}")
    return f"{above}{START}\n\n{between.rstrip()}\n\n{END}{below}"


def _half(name: str, half: Mapping[str, Any]) -> Iterator[str]:
    yield f"### The {name} half"
    yield ""
    yield from _table(RESULT, (_result(row) for row in half["rows"] if row["value"] is not None))
    yield from ("#### Null run", "")
    levels = sorted({float(_parts(row)["level"]) for row in half["null_run"]})
    yield from _table(("p", "kind", "n", *(f"P(p ≤ {level:g})" for level in levels)), _null_rows(half["null_run"]))
    if half["ablations"]:
        yield from ("#### Ablations", "", "Without untrained networks, true features and declared cues.", "")
        yield from _table(ABLATION, (_ablation(rule) for rule in half["ablations"]))


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for cells in rows:
        yield f"| {' | '.join(cells)} |"
    yield ""


def _result(row: Mapping[str, Any]) -> Sequence[str]:
    form = "{:.1f}" if row["name"].startswith("seconds") else "{:.3f}"
    value, low, high = (form.format(row[key]) for key in ("value", "low", "high"))
    met = {True: "yes", False: "**missed**", None: ""}[row["met"]]
    return row["name"], value, f"{low} to {high}", str(row["count"]), row["target"] or "", met, row["note"]


def _parts(row: Mapping[str, Any]) -> re.Match[str]:
    found = _NULL.fullmatch(row["name"])
    if found is None:
        raise ValueError(f"'{row['name']}' is no row of the null run")
    return found


def _null_rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    """One a half and kind, its levels side by side."""
    grouped: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((_parts(row)["half"], _parts(row)["kind"]), []).append(row)
    for (half, kind), of_kind in grouped.items():
        of_kind.sort(key=lambda row: float(_parts(row)["level"]))
        yield half, kind, str(of_kind[0]["count"]), *(_share(row) + _broken(row) for row in of_kind)


def _broken(row: Mapping[str, Any]) -> str:
    return " **above**" if row["met"] is False else ""


def _ablation(rule: Mapping[str, Any]) -> Sequence[str]:
    cells = [cell for row in rule["rows"] for cell in (_share(row), str(row["count"]))]
    return rule["rule"], *cells, f"{rule['models']}/{rule['of']}", rule["note"]


def _share(row: Mapping[str, Any]) -> str:
    return "–" if row["value"] is None else f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


if __name__ == "__main__":
    run = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), tables(run)), encoding="utf-8")
