"""Writes the figures of docs/performance.md from a run of the benchmark: `python -m docs.performance_page speed.json`.

What stands above the marker is kept; all below it is written anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["MARKER", "PAGE", "figures"]

PAGE = Path(__file__).resolve().parent / "performance.md"
MARKER = "<!-- written by python -m docs.performance_page; do not edit below -->"
PEERS = ("pytorch-grad-cam", "torchcam", "captum")
NEEDED = ("name", "model", "unit", "value", "target", "peers", "machine")
HEAD = ("what", "network", "auditor", "95 % interval", "target", *PEERS, "unit")


def figures(rows: Sequence[Mapping[str, Any]]) -> str:
    """The part of the page below the marker.

    Args:
        rows: What the benchmark wrote.

    Raises:
        ValueError: They are no rows of the benchmark.
    """
    if not isinstance(rows, list) or not rows or not all(set(NEEDED) <= set(row) for row in rows):
        raise ValueError(f"expected the list of rows that benchmarks.speed writes, each with {', '.join(NEEDED)}")
    machine = rows[0]["machine"]
    lines = [
        f"{machine['device']}, {machine['system']}, torch {machine['torch']}, Python {machine['python']}, "
        f"{machine['date']}.",
        "",
        f"| {' | '.join(HEAD)} |",
        "|---" * len(HEAD) + "|",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
    ]
    notes = [note for row in rows for note in _notes(row)]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def _cells(row: Mapping[str, Any]) -> list[str]:
    missed = row["value"] is not None and row["target"] is not None and row["value"] > row["target"]
    interval = "" if row["low"] is None else f"{_number(row['low'])} to {_number(row['high'])} ({row['runs']})"
    return [
        row["name"],
        row["model"],
        f"**{_number(row['value'])}**" + (" (missed)" if missed else ""),
        interval,
        _number(row["target"]),
        *(_number(row["peers"].get(peer)) for peer in PEERS),
        row["unit"],
    ]


def _notes(row: Mapping[str, Any]) -> Sequence[str]:
    """One line for a row that has anything to say."""
    said = [*row["notes"], *(f"{peer}: {words}" for peer, words in row["peer_notes"].items() if words)]
    return [f"- {row['name']}, {row['model']}: {'; '.join(said)}."] if said else []


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


if __name__ == "__main__":
    above = PAGE.read_text(encoding="utf-8").partition(MARKER)[0].rstrip()
    below = figures(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    PAGE.write_text(f"{above}\n\n{MARKER}\n\n{below}", encoding="utf-8")
