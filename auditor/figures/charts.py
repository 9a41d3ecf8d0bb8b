"""The forest plot: every judged check on one axis, so that effects compare at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.figures.fonts import drawable
from auditor.figures.svg import INK, MUTED, RULE, SEVERITY_COLOURS, SEVERITY_MARKERS, WIDTH, chart, shorten, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.21
"""Inches a row."""
LEFT, RIGHT = 2.25, 4.42
"""Inches: ends of the axis."""
COLUMNS = (0.03, 5.46, 5.82, 5.9)
"""Inches: where labels begin, effects end, counts end, verdicts begin."""


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One judged check.

    Attributes:
        label: Region, kind and class, in words.
        value, low, high: The effect and its 95 % interval, in shares (−1..1).
        count: Images it rests on.
        severity: low, medium, high or critical where the check is a finding, else None.
        verdict: In words, printed at the end of the row.
        steps: Effects at which the grade would be minor, material, severe; empty where none apply.
        control: The matched control's own effect, or None.
    """

    label: str
    value: float
    low: float | None
    high: float | None
    count: int
    severity: str | None = None
    verdict: str = ""
    steps: tuple[float, ...] = ()
    control: float | None = None


def forest_plot(rows: Sequence[ForestRow]) -> bytes:
    """All rows on one shared axis: point, interval, zero line, ticks at the grades' steps, n and verdict; SVG.

    Findings carry their severity's shape and colour; everything else is a hollow circle.

    Raises:
        ValueError: No rows.
    """
    if not rows:
        raise ValueError("a forest plot needs at least one row")
    height = ROW * len(rows) + 0.68
    with chart(WIDTH, height) as figure:
        axes = figure.add_axes((LEFT / WIDTH, 0.44 / height, (RIGHT - LEFT) / WIDTH, ROW * len(rows) / height))
        lowest = min(0.0, *(row.low if row.low is not None else row.value for row in rows))
        highest = max(0.3, *(row.high if row.high is not None else row.value for row in rows))
        axes.set_xlim(lowest - 0.03, min(1.02, highest + 0.04))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.axvline(0, color=MUTED, linewidth=0.7, zorder=1)
        for place, row in enumerate(rows):
            _draw(axes, place, row)
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        axes.set_yticks([])
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}".replace("-", "−"))
        axes.set_xlabel("effect minus control, percentage points, with 95 % interval", labelpad=3)
        across = axes.get_yaxis_transform()
        columns = [(inches - LEFT) / (RIGHT - LEFT) for inches in COLUMNS]
        head: dict[str, Any] = {"fontsize": 7.5, "color": MUTED, "transform": axes.transAxes, "va": "bottom"}
        above = 1 + 0.07 / (ROW * len(rows))
        axes.text(columns[0], above, "check", ha="left", **head)
        axes.text(columns[1], above, "effect (95 %)", ha="right", **head)
        axes.text(columns[2], above, "n", ha="right", **head)
        axes.text(columns[3], above, "verdict", ha="left", **head)
        for place, row in enumerate(rows):
            weight = 700 if row.severity else 400
            axes.text(columns[0], place, drawable(shorten(row.label, 2.1)), va="center", ha="left", transform=across,
                      color=INK, fontsize=8, fontweight=weight, clip_on=False)  # fmt: skip
            axes.text(
                columns[1], place, _numbers(row), va="center", ha="right", transform=across, color=INK, fontsize=7.5
            )
            axes.text(
                columns[2], place, str(row.count), va="center", ha="right", transform=across, color=INK, fontsize=7.5
            )
            axes.text(columns[3], place, row.verdict, va="center", ha="left", transform=across, fontsize=7.5,
                      color=INK if row.severity else MUTED)  # fmt: skip
        return to_svg(figure)


def _draw(axes: Axes, place: int, row: ForestRow) -> None:
    colour = SEVERITY_COLOURS[row.severity] if row.severity else MUTED
    axes.axhline(place, color=RULE, linewidth=0.4, zorder=0)
    for step in row.steps:
        if step <= axes.get_xlim()[1]:
            axes.plot([step, step], [place - 0.27, place + 0.27], color=RULE, linewidth=1.6, zorder=1)
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=1.5, solid_capstyle="butt", zorder=2)
    if row.control is not None:
        axes.plot([row.control], [place], marker="|", markersize=6, color=MUTED, markeredgewidth=1, zorder=2)
    marker = SEVERITY_MARKERS[row.severity] if row.severity else "o"
    axes.plot([row.value], [place], marker=marker, markersize=5.2 if row.severity else 4.2, color=colour, zorder=3,
              markerfacecolor=colour if row.severity else "white", markeredgewidth=1, clip_on=False)  # fmt: skip


def _numbers(row: ForestRow) -> str:
    value = _points(row.value)
    if row.low is None or row.high is None:
        return value
    return f"{value}  ({_points(row.low)} to {_points(row.high)})"


def _points(value: float) -> str:
    text = f"{100 * value:.0f}"
    return "0" if text == "-0" else text.replace("-", "−")
