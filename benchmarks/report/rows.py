"""One figure of the benchmark, and all of them as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

PEERS = ("matplotlib", "Chromium")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured.

    Attributes:
        value: The median over the runs.
        target: What it should reach, or stay within.
        at_least: Whether more is better.
        values: Of each run.
        peers: Program → its value for the same work; None where it cannot do it, or is not installed.
        notes: What a reader must know.
    """

    name: str
    unit: str
    value: float
    target: float | None
    at_least: bool
    values: tuple[float, ...]
    peers: dict[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def met(self) -> bool | None:
        """Whether the target is kept; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


def as_records(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as plain JSON values."""
    return [{**asdict(row), "met": row.met} for row in rows]


def table(rows: Sequence[Row]) -> str:
    """The rows for a terminal."""
    head = ["what", "auditor", "target", "", *PEERS, "unit"]
    body = [
        [
            row.name,
            f"{row.value:.4g}",
            "–" if row.target is None else f"{'≥' if row.at_least else '≤'} {row.target:g}",
            {True: "", False: "missed", None: ""}[row.met],
            *(_number(row.peers.get(peer)) for peer in PEERS),
            row.unit,
        ]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [head, *body]) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [head, *body]]
    return "\n".join(line.rstrip() for line in lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
