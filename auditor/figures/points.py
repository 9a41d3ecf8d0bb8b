"""Points on a plane, told apart by colour and shape at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auditor.figures.fonts import drawable
from auditor.figures.svg import INK, MUTED, RULE, WIDTH, chart, shorten, title, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5b6470")
"""Source: Okabe and Ito, "Color Universal Design", 2008; its yellow, too pale on white, and black are left out."""
MARKERS = ("o", "s", "^", "D", "v", "P", "h")
SIDE = 3.05
"""Inches: largest side of a panel."""
LEGEND = 0.17
"""Inches a line of the legend."""
COLUMNS = 4


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
) -> bytes:
    """The same points side by side in several planes; a colour and a shape a group, crosses on wrong ones; SVG.

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
    entries = len(names) + bool((groups < 0).any()) + (wrong is not None and bool(wrong.any()))
    columns = COLUMNS if len(panels) > 1 else COLUMNS // 2
    lines = -(-entries // columns)
    height = side + 0.62 + LEGEND * lines
    with chart(across, height) as figure:
        for number, panel in enumerate(panels):
            left = 0.28 + number * (side + 0.3)
            axes = figure.add_axes((left / across, (0.3 + LEGEND * lines) / height, side / across, side / height))
            _panel(axes, panel, names, groups, wrong)
        _legend(figure, names, groups, wrong, rest, columns)
        return to_svg(figure)


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
    axes.set_xlabel(panel.axes[0], labelpad=3, fontsize=7.5)
    axes.set_ylabel(panel.axes[1], labelpad=3, fontsize=7.5)
    axes.margins(0.05)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_edgecolor(RULE)
    title(axes, drawable(panel.title))


def _legend(
    figure: Figure,
    names: Sequence[str],
    groups: NDArray[np.integer],
    wrong: NDArray[np.bool_] | None,
    rest: str,
    columns: int,
) -> None:
    """One entry a group with its count, in columns below the panels."""
    entries = [
        (COLOURS[at], MARKERS[at], COLOURS[at], name, int((groups == at).sum())) for at, name in enumerate(names)
    ]
    if bool((groups < 0).any()):
        entries.append((MUTED, "o", "none", rest, int((groups < 0).sum())))
    if wrong is not None and bool(wrong.any()):
        entries.append((INK, "x", INK, "wrong", int(wrong.sum())))
    across, height = figure.get_size_inches()
    lines = -(-len(entries) // columns)
    axes = figure.add_axes((0, 0, 1, (LEGEND * lines + 0.04) / height))
    axes.set_axis_off()
    axes.set_xlim(0, across)
    axes.set_ylim(lines, 0)
    wide = (across - 0.3) / columns
    for number, (edge, marker, face, name, count) in enumerate(entries):
        left, line = 0.34 + (number % columns) * wide, number // columns + 0.45
        if marker == "x":
            axes.scatter([left], [line], s=24, c=edge, marker=marker, linewidths=0.9)
        else:
            axes.scatter([left], [line], s=22, facecolors=face, edgecolors=edge, marker=marker, linewidths=0.5)
        words = f"{shorten(name, wide - 0.75, 7.5)}"
        axes.text(left + 0.1, line, drawable(words), va="center", fontsize=7.5, color=INK)
        axes.text(left + wide - 0.28, line, f"n = {count}", va="center", ha="right", fontsize=7, color=MUTED)
