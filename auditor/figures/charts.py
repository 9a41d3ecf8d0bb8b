"""The forest plot: every judged check on one axis, so that effects compare at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.figures.svg import INK, MUTED, RULE, SEVERITY_COLOURS, SEVERITY_MARKERS, WIDTH, chart, text_width
from auditor.figures.wording import Chart, Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from auditor.records.pictures import LegendMark

ROW = 0.19
"""Inches a row."""
LEFT, RIGHT = 2.98, 4.5
"""Inches: ends of the axis."""
COLUMNS = (0.03, 5.42, 5.76, 5.84)
"""Inches: where labels begin, effects end, counts end, verdicts begin."""
FOOT = 0.44
LETTERS, LEAST = 8.0, 6.0
"""Points: letters of a row's name; and as small as they get so that the class at its end is not cut off."""
SHAPES: dict[str, LegendMark] = {"low": "circle", "medium": "square", "high": "triangle", "critical": "diamond"}
"""What `SEVERITY_MARKERS` are called in a legend."""


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


def forest_plot(rows: Sequence[ForestRow]) -> Chart:
    """All rows on one shared axis: point, interval, zero line, ticks at the grades' steps, n and verdict.

    Findings carry their severity's shape and colour; everything else is a hollow circle.

    Raises:
        ValueError: No rows.
    """
    if not rows:
        raise ValueError("a forest plot needs at least one row")
    height = ROW * len(rows) + FOOT + 0.24
    with chart(WIDTH, height) as figure:
        axes = figure.add_axes((LEFT / WIDTH, FOOT / height, (RIGHT - LEFT) / WIDTH, ROW * len(rows) / height))
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
        axes.xaxis.set_major_locator(_steps())
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}".replace("-", "−"))
        words = Wording(figure)
        words.across(axes, "effect minus control, percentage points")
        _columns(words, rows)
        across = axes.get_yaxis_transform()
        ends = [(inches - LEFT) / (RIGHT - LEFT) for inches in COLUMNS]
        for place, row in enumerate(rows):
            for text, end in ((_numbers(row), ends[1]), (str(row.count), ends[2])):
                axes.text(end, place, text, va="center", ha="right", transform=across, color=INK, fontsize=7.5)
        _legend(words, rows)
        return words.chart()


def _steps() -> Any:
    """Where the axis has numbers: matplotlib's own choice would leave two on an axis as narrow as this."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=6, steps=[1, 2, 5, 10])


def _columns(words: Wording, rows: Sequence[ForestRow]) -> None:
    """What stands beside the axis in words: heads, and each row's name and verdict."""
    labels, effects, counts, verdicts = COLUMNS
    for text, inches in (("check", labels), ("verdict", verdicts)):
        words.say(text, inches, 0.12, tone="quiet", size=7.5)
    for text, inches in (("effect (95 %)", effects), ("n", counts)):
        words.say(text, inches, 0.12, tone="quiet", size=7.5, align="right")
    for place, row in enumerate(rows):
        middle = 0.24 + ROW * (place + 0.5)
        room = LEFT - labels - 0.1
        size = max(LEAST, min(LETTERS, 72 * room / max(text_width(row.label, 1), 1)))
        words.say(row.label, labels, middle, tone="strong" if row.severity else "plain", room=room, size=size)
        words.say(row.verdict, verdicts, middle, tone="plain" if row.severity else "quiet", size=7.5)


def _legend(words: Wording, rows: Sequence[ForestRow]) -> None:
    for severity in reversed(SEVERITY_MARKERS):
        if any(row.severity == severity for row in rows):
            words.key(SHAPES[severity], SEVERITY_COLOURS[severity], f"finding, {severity} severity")
    if any(not row.severity for row in rows):
        words.key("ring", MUTED, "no finding")
    if any(row.low is not None for row in rows):
        words.key("line", MUTED, "95 % interval")
    if any(row.control is not None for row in rows):
        words.key("upright", MUTED, "the control itself")
    if any(row.steps for row in rows):
        words.key("bar", RULE, "minor, material, severe")


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
    return f"{value}  [{_points(row.low)}, {_points(row.high)}]"


def _points(value: float) -> str:
    text = f"{100 * value:.0f}"
    return "0" if text == "-0" else text.replace("-", "−")
