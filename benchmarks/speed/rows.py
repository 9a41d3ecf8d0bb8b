"""One figure of the benchmark, and all of them as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.speed.timing import Ratio

__all__ = ["FORWARDS", "OURS", "PEERS", "Row", "as_records", "row_of", "table"]

OURS = "auditor"
PEERS = ("pytorch-grad-cam", "torchcam", "captum")

FORWARDS = "forwards"
"""The unit: one plain eager fp32 `inference_mode` forward of the same batch, in the same process."""
ONLY_SHOWN = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was measured.

    Attributes:
        name: What was measured.
        model: On which network.
        unit: What `value` counts.
        value: The median over the runs; None where it could not be measured, and `notes` say why.
        target: What it should not exceed; None where there is no such aim.
        low, high: 95 % interval of the median.
        runs: Paired runs.
        peers: Library → its value; None where it was not measured.
        peer_notes: Library → what its value rests on, or why there is none.
        notes: What a reader must know.
    """

    name: str
    model: str
    unit: str
    value: float | None
    target: float | None = None
    low: float | None = None
    high: float | None = None
    runs: int = 0
    peers: dict[str, float | None] = field(default_factory=dict)
    peer_notes: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def met(self) -> bool | None:
        """Whether the target is kept; None where there is none, or no value."""
        return None if self.target is None or self.value is None else self.value <= self.target


def row_of(
    name: str,
    model: str,
    found: Mapping[str, Ratio],
    target: float | None,
    *,
    peer_notes: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Row:
    """A row from what was timed.

    Args:
        found: `OURS` and the peers that were timed → ratio.
    """
    ours = found[OURS]
    return Row(
        name,
        model,
        FORWARDS,
        ours.value,
        target,
        ours.low,
        ours.high,
        ours.runs,
        {peer: found[peer].value if peer in found else None for peer in PEERS},
        dict(peer_notes or {}),
        tuple(notes),
    )


def as_records(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows as plain JSON values."""
    return [asdict(row) for row in rows]


def table(rows: Sequence[Row]) -> str:
    """The rows for a terminal."""
    libraries = sorted({library for row in rows for library in row.peers})
    head = ["what", "model", "value", "95 % interval", "runs", "target", "", *libraries, "unit"]
    body = [
        [
            row.name,
            row.model,
            _number(row.value),
            ONLY_SHOWN if row.low is None else f"{_number(row.low)} to {_number(row.high)}",
            str(row.runs or ONLY_SHOWN),
            _number(row.target),
            {True: "", False: "missed", None: ""}[row.met],
            *(_number(row.peers.get(library)) for library in libraries),
            row.unit,
        ]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [head, *body]) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [head, *body]]
    return "\n".join(line.rstrip() for line in lines)


def _number(value: float | None) -> str:
    if value is None:
        return ONLY_SHOWN
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"
