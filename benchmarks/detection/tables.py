"""Prints what was found: Markdown tables, and lists of misses and false alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.detection.ablations import Ablation
from benchmarks.detection.null_run import LEVELS, NullRow
from benchmarks.detection.rows import Row


def rows_table(rows: Iterable[Row]) -> str:
    """Figures with interval, count and target."""
    return _table(
        ("what", "value", "95 % interval", "n", "target", "met", "note"),
        [
            (row.name, _number(row.value), _interval(row), str(row.count), row.target or "", _met(row), row.note)
            for row in rows
        ],
    )


def null_table(found: Sequence[NullRow]) -> str:
    """P(p ≤ α) with interval, a column a level; what lies above its level by the whole interval is marked."""
    lines: dict[tuple[str, str], list[Row]] = {}
    for item in found:
        lines.setdefault((item.which, item.kind), []).append(item.row)
    header = ("p", "kind", "n", *(f"P(p ≤ {level:g})" for level in LEVELS))
    return _table(header, [(*of, str(rows[0].count), *map(_below, rows)) for of, rows in lines.items()])


def _below(row: Row) -> str:
    mark = " ABOVE" if row.met is False else ""
    return f"{_number(row.value)} {_interval(row)}{mark}"


def ablations_table(found: Sequence[Ablation]) -> str:
    """Every rule beside the full method."""
    header = ("rule", "recall, strong local", "n", "false alarms", "n", "precision", "n", "models", "how")
    return _table(header, [_ablation(item) for item in found])


def counts_line(counts: Mapping[str, int]) -> str:
    """How many of what."""
    return ", ".join(f"{name}: {count}" for name, count in counts.items())


def lists(listed: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Entries under their titles; empty lists are said to be empty."""
    lines = []
    for title, entries in listed.items():
        lines.append(f"### {title[0].upper()}{title[1:]} ({len(entries)})\n")
        for entry in entries:
            lines.append(f"- {entry['id']}: {entry['case']}")
            lines += [f"    planted: {words}" for words in entry["planted"]]
            lines += [f"    {words}".replace("\n", "\n      ") for words in entry["said"] or ["nothing was confirmed"]]
        lines.append("" if entries else "None.\n")
    return "\n".join(lines)


def _ablation(item: Ablation) -> tuple[str, ...]:
    figures = [
        text
        for row in (item.recall, item.false_alarms, item.precision)
        for text in (f"{_number(row.value)} {_interval(row)}".strip(), str(row.count))
    ]
    return item.rule, *figures, f"{item.models}/{item.of}", item.note


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in (header, *body)) for column in range(len(header))]
    rule = ["-" * width for width in widths]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |"
        for line in (header, rule, *body)
    ]
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) <= 1 else f"{value:.1f}"


def _interval(row: Row) -> str:
    if row.low is None or row.high is None:
        return ""
    return f"[{_number(row.low)}, {_number(row.high)}]"


def _met(row: Row) -> str:
    return "" if row.met is None else "yes" if row.met else "MISSED"
