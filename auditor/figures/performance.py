"""Charts of how well the model does and how far its maps can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditor.figures.fonts import drawable
from auditor.figures.svg import ACCENT, INK, MUTED, RULE, WIDTH, bare, chart, shorten
from auditor.figures.wording import Chart, Wording

if TYPE_CHECKING:
    from auditor.records.pictures import LegendMark

LINES = (ACCENT, "#c97b00", "#2f7d5b", "#8a3b7e", "#5b6470")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (9, 3)))
STROKES: tuple[LegendMark, ...] = ("line", "dashed", "dotted", "dashdot", "longdash")
"""What `DASHES` are called in a legend."""
FEW = 12
"""Bars beyond this many stand closer, so that thirty leave room on their page."""


@dataclass(frozen=True, slots=True)
class ReliabilityBins:
    """Confidence bins, ascending; empty bins left out.

    Attributes:
        confidence: Mean confidence in each bin.
        accuracy: Share that is right in each bin.
        lows, highs: 95 % intervals of the accuracy.
        counts: Images in each bin.
    """

    confidence: Sequence[float]
    accuracy: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: `values` over the shared x, with an interval where there is one."""

    values: Sequence[float]
    lows: Sequence[float] | None = None
    highs: Sequence[float] | None = None


def reliability_diagram(bins: ReliabilityBins) -> Chart:
    """Accuracy against confidence with intervals, n over each point, the diagonal of a calibrated model."""
    with chart(WIDTH * 0.5, 3.0) as figure:
        axes = figure.add_axes((0.09, 0.14, 0.88, 0.78))
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
        for confidence, low, high, count in zip(bins.confidence, bins.lows, bins.highs, bins.counts, strict=True):
            axes.plot([confidence, confidence], [low, high], color=ACCENT, linewidth=1.2)
            axes.annotate(f"{count}", (confidence, high), xytext=(0, 2), textcoords="offset points", ha="center",
                          fontsize=6.5, color=MUTED)  # fmt: skip
        axes.plot(bins.confidence, bins.accuracy, color=ACCENT, marker="o", markersize=4, linewidth=0)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.07)
        bare(axes, left=True)
        words = Wording(figure)
        words.across(axes, "confidence")
        words.upwards(axes, "share right")
        words.key("circle", ACCENT, "95 % interval around it, number of pictures above")
        words.key("dashed", MUTED, "calibrated")
        return words.chart()


def per_class_accuracy(
    names: Sequence[str], values: Sequence[float], lows: Sequence[float], highs: Sequence[float], counts: Sequence[int],
    *, overall: float | None = None,
) -> Chart:  # fmt: skip
    """A bar a class with its Wilson interval and n, and a line at the overall accuracy.

    Args:
        names: Classes, top to bottom.
        values, lows, highs: Accuracy and its interval, 0..1.
        counts: Images of each class.
        overall: Accuracy over all classes.
    """
    row = 0.2 if len(names) <= FEW else 0.16
    height = row * len(names) + 0.62
    with chart(WIDTH, height) as figure:
        axes = figure.add_axes((0.26, 0.4 / height, 0.56, row * len(names) / height))
        for place, (value, low, high) in enumerate(zip(values, lows, highs, strict=True)):
            axes.barh(place, value, height=0.62, color=ACCENT, alpha=0.32, linewidth=0)
            axes.plot([low, high], [place, place], color=ACCENT, linewidth=1.4, solid_capstyle="butt")
            axes.plot([value], [place], marker="o", markersize=3.4, color=ACCENT, clip_on=False)
        across = axes.get_yaxis_transform()
        for place, (name, count) in enumerate(zip(names, counts, strict=True)):
            axes.text(-0.02, place, drawable(shorten(name, 1.6)), transform=across, ha="right", va="center", color=INK)
            axes.text(1.16, place, f"n = {count}", transform=across, ha="left", va="center", color=MUTED, fontsize=7.5)
        if overall is not None:
            axes.axvline(overall, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(0, 1.0)
        axes.set_yticks([])
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}")
        bare(axes)
        words = Wording(figure)
        words.across(axes, "accuracy, %")
        for place, value in enumerate(values):
            # the page sets what has a sign of percent: languages part it from its number or not
            words.say(f"{100 * value:.0f} %", 1.125, place, transform=across, align="right", room=0.5)
        words.key("circle", ACCENT, "accuracy, with its 95 % interval")
        if overall is not None:
            words.say(
                f"{100 * overall:.0f} %", overall, -0.62, transform=axes.transData, rise=4, align="center", size=7.5
            )
            words.key("dashed", INK, "whole sample")
        return words.chart()


def curves(
    x: Sequence[float],
    lines: Mapping[str, Curve],
    *,
    x_label: str,
    y_label: str,
    y_limits: tuple[float, float] = (0, 1),
) -> Chart:
    """Insertion or deletion curves; narrow, so that two stand side by side.

    Args:
        x: Shares of the picture, ascending.
        lines: Name → curve, at most five.
        x_label, y_label: With units.
        y_limits: Ends of the vertical axis.

    Raises:
        ValueError: More than five lines: they could not be told apart.
    """
    if len(lines) > len(LINES):
        raise ValueError(f"at most {len(LINES)} curves can be told apart, got {len(lines)}")
    with chart(WIDTH * 0.5, 2.15) as figure:
        axes = figure.add_axes((0.09, 0.195, 0.88, 0.69))
        words = Wording(figure)
        for (name, line), colour, dash, stroke in zip(lines.items(), LINES, DASHES, STROKES, strict=False):
            if line.lows is not None and line.highs is not None:
                axes.fill_between(x, line.lows, line.highs, color=colour, alpha=0.14, linewidth=0)
            axes.plot(x, line.values, color=colour, linewidth=1.4, linestyle=dash)
            words.key(stroke, colour, name)
        if any(line.lows is not None for line in lines.values()):
            words.key("band", LINES[0], "95 % intervals")
        axes.set_xlim(x[0], x[-1])
        axes.set_ylim(*y_limits)
        bare(axes, left=True)
        words.across(axes, x_label)
        words.upwards(axes, y_label)
        return words.chart()


def over_time(lines: Mapping[str, Curve], *, x_label: str, y_label: str, even: float | None = None) -> Chart:
    """Weight of each frame or slice, from 1; the first line is the mean, with its interval; its words fit beside it.

    Args:
        lines: Name → curve, at most five, of equal length.
        x_label, y_label: With units.
        even: What each would have if none stood out; None draws no line.

    Raises:
        ValueError: More than five lines: they could not be told apart.
    """
    if len(lines) > len(LINES):
        raise ValueError(f"at most {len(LINES)} curves can be told apart, got {len(lines)}")
    with chart(0.5 * WIDTH, 1.3) as figure:
        axes = figure.add_axes((0.12, 0.3, 0.86, 0.53))
        words = Wording(figure)
        count = len(next(iter(lines.values())).values)
        x = np.arange(1, count + 1)
        top = max(max(line.highs or line.values) for line in lines.values())
        for number, (name, line) in enumerate(lines.items()):
            colour, dash = LINES[number], DASHES[number]
            if line.lows is not None and line.highs is not None:
                axes.fill_between(x, line.lows, line.highs, color=colour, alpha=0.14, linewidth=0)
            axes.plot(x, line.values, color=colour, linewidth=1.1 if number else 1.8, linestyle=dash)
            words.key(STROKES[number], colour, name)
        if any(line.lows is not None for line in lines.values()):
            words.key("band", LINES[0], "95 % interval")
        if even is not None:
            axes.axhline(even, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
            words.key("dotted", MUTED, "the same everywhere")
        axes.set_xlim(1, max(count, 1 + 1e-6))
        axes.set_ylim(0, 1.08 * top if top > 0 else 1)
        axes.xaxis.set_major_locator(_whole_numbers())
        axes.locator_params(axis="y", nbins=4)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
        bare(axes, left=True)
        words.across(axes, x_label)
        words.upwards(axes, y_label)
        return words.chart()


def _whole_numbers() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=12, integer=True)


def confusion(matrix: NDArray[np.integer], names: Sequence[str]) -> Chart:
    """Counts of true class (rows) against predicted class (columns), shaded by share of the row.

    Args:
        matrix: Integers, shape (classes, classes).
        names: Classes in order.
    """
    classes = len(names)
    cell = min(0.36, (WIDTH - 1.75) / classes)
    grid = cell * classes
    with chart(grid + 1.75, grid + 1.05) as figure:
        axes = figure.add_axes((1.25 / (grid + 1.75), 0.03, grid / (grid + 1.75), grid / (grid + 1.05)))
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        for row in range(classes):
            for column in range(classes):
                share = float(shares[row, column])
                if matrix[row, column]:
                    axes.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], color=ACCENT,
                              alpha=0.12 + 0.78 * share, linewidth=0)  # fmt: skip
                if classes <= 24 and matrix[row, column]:
                    axes.text(column + 0.5, row + 0.5, str(int(matrix[row, column])), ha="center", va="center",
                              fontsize=min(8, 90 / classes), color="#ffffff" if share > 0.55 else INK)  # fmt: skip
        axes.set_xlim(0, classes)
        axes.set_ylim(classes, 0)
        size = min(7.5, 150 / classes)
        axes.set_yticks(np.arange(classes) + 0.5, [drawable(shorten(name, 1.1, size)) for name in names], fontsize=size)
        axes.set_xticks(np.arange(classes) + 0.5, [drawable(shorten(name, 0.8, size)) for name in names], fontsize=size,
                        rotation=40, ha="left")  # fmt: skip
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_edgecolor(RULE)
        words = Wording(figure)
        words.say("true ↓   predicted →", -0.12 / cell, -0.2 / cell, transform=axes.transData, align="right",
                  tone="quiet", size=7)  # fmt: skip
        return words.chart()
