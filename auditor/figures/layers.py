"""Layers of a network side by side: a histogram and a few numbers each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from auditor.figures.fonts import drawable
from auditor.figures.svg import ACCENT, INK, RULE, SEVERITY_COLOURS, WIDTH, chart, shorten
from auditor.figures.wording import Chart, Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 0.17
"""Inches a row."""
HEAD = 0.3
"""Inches above the rows."""
NAME, HILL = 0.12, (1.95, 3.05)
"""Inches: where names begin; ends of the histograms."""
SMALL, LARGE = 1e-3, 1e4
"""Numbers between these are written without an exponent."""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer.

    Attributes:
        name: Dotted module name.
        histogram: Counts in equally wide bins, from `low` to `high`.
        low, high: Ends of the histogram.
        numbers: Heading → number; the same headings in all rows. Not finite numbers are a dash.
        odd: Whether the row is marked.
    """

    name: str
    histogram: NDArray[np.integer]
    low: float
    high: float
    numbers: Mapping[str, float]
    odd: bool = False


def layer_chart(rows: Sequence[LayerRow]) -> Chart:
    """One line a layer: name, histogram on its own scale with zero marked, numbers.

    Raises:
        ValueError: No rows, or rows with other headings than the first.
    """
    if not rows:
        raise ValueError("a chart of layers needs at least one layer")
    headings = tuple(rows[0].numbers)
    wrong = next((row for row in rows if tuple(row.numbers) != headings), None)
    if wrong is not None:
        raise ValueError(f"{wrong.name}: numbers {tuple(wrong.numbers)}, expected {headings}")
    height = ROW * len(rows) + HEAD + 0.05
    with chart(WIDTH, height) as figure:
        axes = figure.add_axes((0, 0.05 / height, 1, ROW * len(rows) / height))
        axes.set_axis_off()
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(len(rows), 0)
        step = (WIDTH - 0.03 - HILL[1]) / max(1, len(headings))
        columns = [HILL[1] + step * (place + 1) for place in range(len(headings))]
        words = Wording(figure)
        words.say("layer", NAME, HEAD - 0.1, tone="quiet", size=7.5)
        for heading, right in zip(headings, columns, strict=True):
            words.say(heading, right, HEAD - 0.1, align="right", room=step, tone="quiet", size=7.5)
        for place, row in enumerate(rows):
            _draw(axes, place, row, columns)
        words.key("upright", RULE, "zero")
        if any(row.odd for row in rows):
            words.key("triangle", SEVERITY_COLOURS["high"], "odd")
        return words.chart()


def _draw(axes: Axes, place: int, row: LayerRow, columns: Sequence[float]) -> None:
    middle = place + 0.52
    colour = SEVERITY_COLOURS["high"] if row.odd else INK
    axes.plot([0, WIDTH], [place + 1, place + 1], color=RULE, linewidth=0.4, zorder=0)
    if row.odd:
        axes.plot([0.05], [middle], marker="^", markersize=3.6, color=colour, linestyle="none")
    axes.text(NAME, middle, drawable(shorten(row.name, HILL[0] - NAME - 0.1, 7.5)), va="center", fontsize=7.5,
              color=colour)  # fmt: skip
    _hill(axes, place, row, colour if row.odd else ACCENT)
    for value, right in zip(row.numbers.values(), columns, strict=True):
        axes.text(right, middle, _number(value), ha="right", va="center", fontsize=7.5, color=INK)


def _hill(axes: Axes, place: int, row: LayerRow, colour: str) -> None:
    counts = np.asarray(row.histogram, dtype=np.float64)
    left, right = HILL
    bottom = place + 0.94
    if row.low < 0 < row.high:
        zero = left + (right - left) * -row.low / (row.high - row.low)
        axes.plot([zero, zero], [place + 0.08, bottom], color=RULE, linewidth=0.6, zorder=1)
    if counts.max() > 0:
        edges = np.linspace(left, right, len(counts) + 1)
        axes.stairs(bottom - 0.86 * counts / counts.max(), edges, baseline=bottom, fill=True, color=colour, zorder=2)


def _number(value: float) -> str:
    """At most three digits that count."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if float(value).is_integer() and abs(value) >= LARGE / 10:
        return _short_count(value)
    text = f"{value:.3g}" if SMALL <= abs(value) < LARGE else f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e")
    return text.replace("-", "−")


def _short_count(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}".replace("-", "−")
    return f"{value:.0f}".replace("-", "−")
