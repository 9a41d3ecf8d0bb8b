"""Points on a plane, told apart by colour and shape at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auditor.figures.svg import INK, MUTED, RULE, WIDTH, chart
from auditor.figures.wording import Chart, Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from auditor.records.pictures import LegendMark

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5b6470")
"""Source: Okabe and Ito, "Color Universal Design", 2008; its yellow, too pale on white, and black are left out."""
MARKERS = ("o", "s", "^", "D", "v", "P", "h")
SIDE = 3.05
"""Inches: largest side of a panel."""
LINE = 0.14
"""Inches a line of words under a panel."""
SHAPES: tuple[LegendMark, ...] = ("circle", "square", "triangle", "diamond", "downward", "plus", "hexagon")
"""What `MARKERS` are called in a legend."""


@dataclass(frozen=True, slots=True)
class PointPanel:
    """One plane: `points` (n, 2), and what its axes are, ("", "") where they mean nothing."""

    title: str
    points: NDArray[np.floating]
    axes: tuple[str, str] = ("", "")


def point_chart(
    panels: Sequence[PointPanel],
    names: Sequence[str],
    groups: NDArray[np.integer],
    *,
    wrong: NDArray[np.bool_] | None = None,
    rest: str = "others",
) -> Chart:
    """The same points side by side in several planes; a colour and a shape a group, crosses on wrong ones.

    Args:
        panels: At most three.
        names: Of the groups, at most seven.
        groups: int (n,), index into `names`, −1 for points of none.
        wrong: Points to cross out.
        rest: What points of no group are called.

    Raises:
        ValueError: More groups than can be told apart, or no panel.
    """
    if len(names) > len(COLOURS) or not panels:
        raise ValueError(f"1 panel or more and at most {len(COLOURS)} groups, got {len(panels)} and {len(names)}")
    across = WIDTH if len(panels) > 1 else 0.5 * WIDTH
    side = min(SIDE, (across - 0.1) / len(panels) - 0.3)
    under = 0.1 + LINE * max(sum(map(bool, panel.axes)) for panel in panels)
    height = side + under + 0.26
    with chart(across, height) as figure:
        words = Wording(figure)
        for number, panel in enumerate(panels):
            left = 0.06 + number * (side + 0.3)
            axes = figure.add_axes((left / across, under / height, side / across, side / height))
            _panel(axes, panel, names, groups, wrong)
            words.title(axes, panel.title)
            for line, (arrow, what) in enumerate(zip("→↑", panel.axes, strict=True)):
                down = -8 - 72 * LINE * line
                words.say(f"{arrow} {what}" if what else "", 0, 0, transform=axes.transAxes, rise=down, tone="quiet",
                          size=7.5, room=side + 0.25)  # fmt: skip
        _legend(words, names, groups, wrong, rest)
        return words.chart()


def _panel(
    axes: Axes,
    panel: PointPanel,
    names: Sequence[str],
    groups: NDArray[np.integer],
    wrong: NDArray[np.bool_] | None,
) -> None:
    size = float(np.clip(2400 / max(1, len(panel.points)), 7, 26))
    others = panel.points[groups < 0]
    axes.scatter(others[:, 0], others[:, 1], s=0.7 * size, facecolors="none", edgecolors=MUTED, linewidths=0.5)
    # the smallest group last, so that it is not buried
    for index in range(len(names)):
        points = panel.points[groups == index]
        axes.scatter(points[:, 0], points[:, 1], s=size, c=COLOURS[index], marker=MARKERS[index], linewidths=0)
    if wrong is not None:
        points = panel.points[wrong]
        axes.scatter(points[:, 0], points[:, 1], s=2.2 * size, c=INK, marker="x", linewidths=0.9)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.05)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_edgecolor(RULE)


def _legend(
    words: Wording, names: Sequence[str], groups: NDArray[np.integer], wrong: NDArray[np.bool_] | None, rest: str
) -> None:
    """One entry a group with its count."""
    for at, name in enumerate(names):
        words.key(SHAPES[at], COLOURS[at], f"{name} (n = {int((groups == at).sum())})")
    if bool((groups < 0).any()):
        words.key("ring", MUTED, f"{rest} (n = {int((groups < 0).sum())})")
    if wrong is not None and bool(wrong.any()):
        words.key("cross", INK, f"wrong (n = {int(wrong.sum())})")
