"""How alike every two maps are: one table of colours, ranks below its diagonal and overlaps above it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.figures.svg import ACCENT, INK, MUTED, RULE, SEVERITY_COLOURS, WIDTH, chart
from auditor.figures.wording import Chart, Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELS, LETTER = (1.6, 2.9), 0.057
"""Inches left of the square, for the names of the maps: at least and at most; and of a letter of the longest."""
ABOVE, BELOW = 0.26, 0.06
LARGEST = 0.62
"""Inches: width of a cell at most."""
TALLEST = 0.42
"""Inches: height of a cell at most, so that eight maps take less than half a page."""
NUMBERS = 24
"""Maps beyond this many leave no room for a number in a cell."""
INTERVALS = 10
"""Maps beyond this many leave no room for an interval in a cell."""
OPPOSED = SEVERITY_COLOURS["medium"]

Square = Sequence[Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class AgreementMatrix:
    """One measure of every two maps, symmetric.

    Attributes:
        values: −1..1; None where nothing could be compared.
        lows, highs: 95 % interval over pictures; None where there is none.
    """

    values: Square
    lows: Square
    highs: Square


def agreement_matrix(names: Sequence[str], ranks: AgreementMatrix, overlaps: AgreementMatrix) -> Chart:
    """Rank correlations below the diagonal, overlaps of the hottest areas above it.

    Blue is agreement and orange its opposite. Numbers stand in the cells as long as they fit, intervals below them
    likewise; a number in grey has zero in its interval. Columns carry the numbers of the rows.

    Raises:
        ValueError: Fewer than two maps.
    """
    count = len(names)
    if count < 2:
        raise ValueError(f"agreement needs two maps, got {count}")
    labels = min(max(LABELS[0], 0.55 + LETTER * max(map(len, names))), LABELS[1])
    cell = min(LARGEST, (WIDTH - labels) / count)
    tall = min(cell, TALLEST)
    width, height = labels + cell * count, ABOVE + tall * count + BELOW
    with chart(width, height) as figure:
        axes = figure.add_axes((labels / width, BELOW / height, cell * count / width, tall * count / height))
        for row in range(count):
            for column in range(count):
                if row != column:
                    _draw(axes, row, column, ranks if row > column else overlaps, cell=cell, count=count)
        axes.plot([0, count], [0, count], color=RULE, linewidth=0.8)
        axes.set_xlim(0, count)
        axes.set_ylim(count, 0)
        size = min(7.5, 0.72 * 72 * tall)
        places = [index + 0.5 for index in range(count)]
        axes.set_yticks(places, [str(index + 1) for index in range(count)], fontsize=size)
        axes.set_xticks(places, [str(index + 1) for index in range(count)], fontsize=size)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, pad=2)
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_edgecolor(RULE)
        words = Wording(figure)
        for index, name in enumerate(names):
            words.say(name, labels - 0.28, ABOVE + tall * (index + 0.5), align="right", size=size, tone="quiet")
        ends = "−1: where one is hot the other is cold; 1: hot at the same places"
        words.key("ramp", (OPPOSED, "#ffffff", ACCENT), ends)
        return words.chart()


def _draw(axes: Axes, row: int, column: int, matrix: AgreementMatrix, *, cell: float, count: int) -> None:
    value, low, high = (square[row][column] for square in (matrix.values, matrix.lows, matrix.highs))
    if value is None:
        return
    strength = min(1.0, abs(value))
    across, down = [column, column + 1, column + 1, column], [row, row, row + 1, row + 1]
    axes.fill(across, down, color=ACCENT if value >= 0 else OPPOSED, alpha=0.85 * strength, linewidth=0)
    if count > NUMBERS:
        return
    unsure = low is not None and high is not None and low <= 0 <= high
    colour = MUTED if unsure else "#ffffff" if strength > 0.6 else INK
    room = 72 * cell
    shown = count <= INTERVALS and low is not None and high is not None
    axes.text(column + 0.5, row + (0.38 if shown else 0.5), _two_digits(value), ha="center", va="center",
              fontsize=min(8, 0.42 * room), color=colour)  # fmt: skip
    if shown and low is not None and high is not None:
        axes.text(column + 0.5, row + 0.7, f"[{_two_digits(low)}, {_two_digits(high)}]", ha="center", va="center",
                  fontsize=min(6, 0.135 * room), color=colour)  # fmt: skip


def _two_digits(value: float) -> str:
    """Without the zero before the point: cells are small."""
    text = f"{value:.2f}".replace("-", "−")
    return "0" if text in ("0.00", "−0.00") else text.replace("0.", ".", 1) if abs(value) < 0.995 else text[:-3]
