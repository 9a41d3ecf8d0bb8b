"""Numbers from audit to audit, each with its interval; what changed between two audits is marked between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.figures.fonts import drawable
from auditor.figures.svg import ACCENT, MUTED, RULE, SEVERITY_COLOURS, WIDTH, bare, chart, shorten
from auditor.figures.wording import OVER_PANEL, Chart, Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANEL = 1.12
"""Inches: height of a panel."""
HEAD, FOOT, LEFT, RIGHT = 0.42, 0.42, 0.42, 0.12
MOST_LABELS = 9
MOST_POINTS = 24
"""Audits that a chart shows; older ones are left out."""


@dataclass(frozen=True, slots=True)
class TrendPanel:
    """One number through the audits.

    Attributes:
        title: What it is.
        values, lows, highs: One an audit; None where it was not measured.
        found: Whether it was a finding there: filled triangles.
        share: Whether it is shown in percent.
    """

    title: str
    values: Sequence[float | None]
    lows: Sequence[float | None]
    highs: Sequence[float | None]
    found: Sequence[bool]
    share: bool = True


def trend_chart(dates: Sequence[str], changes: Sequence[Sequence[str]], panels: Sequence[TrendPanel]) -> Chart:
    """Panels below each other over the same audits.

    Args:
        dates: One an audit, oldest first.
        changes: What changed before each audit, in a word each: model, data, spec.

    Raises:
        ValueError: No panel, or not one value an audit.
    """
    if not panels or any(len(panel.values) != len(dates) for panel in panels):
        raise ValueError("a chart of trends needs panels with one value an audit")
    height = HEAD + FOOT + PANEL * len(panels)
    with chart(WIDTH, height) as figure:
        axes, words = None, Wording(figure)
        for number, panel in enumerate(panels):
            bottom = FOOT + PANEL * (len(panels) - 1 - number)
            place = (LEFT / WIDTH, (bottom + 0.12) / height, (WIDTH - LEFT - RIGHT) / WIDTH, (PANEL - 0.42) / height)
            axes = figure.add_axes(place)
            _panel(axes, panel, changes)
            axes.set_xlim(-0.5, len(dates) - 0.5)
            axes.set_xticks([])
            unit = ", %" if panel.share else ""
            words.say(panel.title + unit, 0, 1, transform=axes.transAxes, rise=OVER_PANEL)
            if number == 0:
                _marks(axes, changes, words)
        assert axes is not None
        step = -(-len(dates) // MOST_LABELS)
        ticks = list(range(len(dates) - 1, -1, -step))
        axes.set_xticks(ticks, [drawable(shorten(dates[tick], 0.95, 7)) for tick in ticks], fontsize=7)
        if any(any(panel.found) for panel in panels):
            words.key("triangle", SEVERITY_COLOURS["high"], "a confirmed finding")
        words.key("ring", ACCENT, "measured, with its 95 % interval")
        if any(changes):
            words.key("upright", RULE, "something was changed before this audit")
        return words.chart()


def _panel(axes: Axes, panel: TrendPanel, changes: Sequence[Sequence[str]]) -> None:
    scale = 100 if panel.share else 1
    places = [place for place, value in enumerate(panel.values) if value is not None]
    values = [scale * (panel.values[place] or 0.0) for place in places]
    for place, changed in enumerate(changes):
        if changed:
            axes.axvline(place - 0.5, color=RULE, linewidth=0.8, zorder=0)
    axes.plot(places, values, color=MUTED, linewidth=0.8, zorder=1)
    for place, value in zip(places, values, strict=True):
        low, high = panel.lows[place], panel.highs[place]
        colour = SEVERITY_COLOURS["high"] if panel.found[place] else ACCENT
        if low is not None and high is not None:
            axes.plot([place, place], [scale * low, scale * high], color=colour, linewidth=1.5, solid_capstyle="butt")
        marker, size, fill = ("^", 5.0, colour) if panel.found[place] else ("o", 4.0, "white")
        axes.plot([place], [value], marker=marker, markersize=size, color=colour, markerfacecolor=fill, zorder=3,
                  clip_on=False)  # fmt: skip
    missing = [place for place, value in enumerate(panel.values) if value is None]
    bounds = [scale * bound for bound in (*panel.lows, *panel.highs) if bound is not None] or values or [0.0, 1.0]
    room = max(0.08 * (max(bounds) - min(bounds)), 0.02 * scale)
    floor, ceiling = min(bounds) - room, max(bounds) + room
    if min(bounds) <= 0.3 * scale and panel.share:
        floor = min(floor, -0.03 * scale)
        axes.axhline(0, color=RULE, linewidth=0.8, zorder=0)
    axes.set_ylim(floor, ceiling)
    for place in missing:
        axes.text(place, floor, "–", ha="center", va="bottom", color=MUTED, fontsize=8)
    axes.locator_params(axis="y", nbins=3)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.4g}".replace("-", "−"))
    axes.tick_params(axis="y", labelsize=7)
    bare(axes, left=True)


def _marks(axes: Axes, changes: Sequence[Sequence[str]], words: Wording) -> None:
    """Words over the first panel, where something changed."""
    for place, changed in enumerate(changes):
        if changed:
            words.say(" + ".join(changed), place - 0.5, 1, transform=axes.get_xaxis_transform(), rise=21,
                      align="center", size=6.5, tone="quiet")  # fmt: skip
