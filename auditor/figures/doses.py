"""Dose-response: what happens as an intervention grows stronger, as small panels on one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.figures.fonts import drawable
from auditor.figures.svg import ACCENT, MUTED, WIDTH, bare, chart, shorten, title, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
_WIDE, _TALL = WIDTH / COLUMNS, 1.75


@dataclass(frozen=True, slots=True)
class DosePanel:
    """One panel.

    Attributes:
        name: Its heading.
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


def dose_response(panels: Sequence[DosePanel], *, y_label: str) -> bytes:
    """Panels side by side, all from 0 to 1; SVG.

    Args:
        panels: One or more.
        y_label: What all panels show, with its unit.

    Raises:
        ValueError: No panel.
    """
    if not panels:
        raise ValueError("a dose-response chart needs a panel")
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    with chart(max(2, columns) * _WIDE, rows * _TALL + 0.15) as figure:
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        left = 0.55 / (max(2, columns) * _WIDE)
        height = rows * _TALL + 0.15
        figure.subplots_adjust(
            left=left, right=0.985, top=1 - 0.3 / height, bottom=0.42 / height, wspace=0.12, hspace=0.75
        )
        for place, axes in enumerate(grid.flat):
            if place >= len(panels):
                axes.set_visible(False)
                continue
            _panel(axes, panels[place])
            if place % columns == 0:
                axes.set_ylabel(shorten(y_label, _TALL - 0.4))
        return to_svg(figure)


def _panel(axes: Axes, panel: DosePanel) -> None:
    axes.fill_between(panel.strengths, panel.lows, panel.highs, color=ACCENT, alpha=0.18, linewidth=0)
    axes.plot(panel.strengths, panel.rates, color=ACCENT, linewidth=1.4, marker="o", markersize=3)
    if panel.controls:
        axes.plot(panel.strengths, panel.controls, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
        axes.annotate("control", (panel.strengths[-1], panel.controls[-1]), xytext=(0, 4), ha="right",
                      textcoords="offset points", color=MUTED, fontsize=7)  # fmt: skip
    axes.set_ylim(0, 1.03)
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel(drawable(panel.x_label))
    title(axes, drawable(shorten(panel.name, _WIDE - 0.3, 8.5)))
    bare(axes, left=True)
