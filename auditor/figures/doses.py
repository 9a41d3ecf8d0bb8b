"""Dose-response: what happens as an intervention grows stronger, as small panels on one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.figures.svg import ACCENT, MUTED, WIDTH, bare, chart
from auditor.figures.wording import Chart, Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 6
"""Panels beyond this many stand lower and closer, so that all fit half a page."""
CLOSE = (5, 4)
"""Panels in a row where there are many: as many of these as leave the last row fullest."""
TALL, LOW = 1.75, 1.28
"""Inches: height of a row of panels."""
BETWEEN = 0.72
"""Inches of it that the words between two panels take."""


@dataclass(frozen=True, slots=True)
class DosePanel:
    """One panel.

    Attributes:
        name: Its heading; begins with a capital in print.
        x_label: Strength with its unit.
        strengths: Ascending.
        rates, lows, highs: Shares with 95 % intervals.
        controls: The matched control at each strength; () where there is none.
    """

    name: str
    x_label: str
    strengths: Sequence[float]
    rates: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    controls: Sequence[float] = ()


def dose_response(panels: Sequence[DosePanel], *, y_label: str) -> Chart:
    """Panels side by side, all from 0 to 1.

    Args:
        panels: One or more.
        y_label: What all panels show, with its unit; for the legend.

    Raises:
        ValueError: No panel.
    """
    if not panels:
        raise ValueError("a dose-response chart needs a panel")
    most, tall = (3, TALL) if len(panels) <= FEW else (_close(len(panels)), LOW)
    columns = min(most, len(panels))
    rows = math.ceil(len(panels) / columns)
    width, height = (0.5 * WIDTH if columns == 1 else columns * WIDTH / most), rows * tall + 0.15
    with chart(width, height) as figure:
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        figure.subplots_adjust(
            left=0.3 / width,
            right=0.985,
            top=1 - 0.3 / height,
            bottom=0.42 / height,
            wspace=0.12,
            hspace=BETWEEN / (tall - BETWEEN),
        )
        words = Wording(figure)
        for place, axes in enumerate(grid.flat):
            if place >= len(panels):
                axes.set_visible(False)
                continue
            _panel(axes, panels[place], words, y_label)
        return words.chart()


def _close(panels: int) -> int:
    return max(CLOSE, key=lambda across: (-math.ceil(panels / across), (panels - 1) % across))


def _panel(axes: Axes, panel: DosePanel, words: Wording, y_label: str) -> None:
    axes.fill_between(panel.strengths, panel.lows, panel.highs, color=ACCENT, alpha=0.18, linewidth=0)
    axes.plot(panel.strengths, panel.rates, color=ACCENT, linewidth=1.4, marker="o", markersize=3)
    if panel.controls:
        axes.plot(panel.strengths, panel.controls, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
    axes.set_ylim(0, 1.03)
    axes.set_yticks([0, 0.5, 1])
    if len(panel.strengths) <= FEW and all(float(strength).is_integer() for strength in panel.strengths):
        axes.set_xticks(panel.strengths)
    words.across(axes, panel.x_label)
    words.title(axes, panel.name[:1].upper() + panel.name[1:])
    words.key("line", ACCENT, y_label)
    words.key("band", ACCENT, "95 % interval")
    if panel.controls:
        words.key("dashed", MUTED, "matched control")
    bare(axes, left=True)
