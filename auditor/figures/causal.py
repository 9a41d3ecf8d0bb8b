"""The causal map: what decides the class, found by swapping regions between pictures; no annotation needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from auditor.figures.colours import ramp
from auditor.figures.svg import ACCENT, INK, MUTED, RULE, WIDTH, bare, chart
from auditor.figures.wording import Chart, Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

    from auditor.figures.colours import Rgb

PALETTE = "magma_r"
"""Pale where nothing happens, dark where the region decides; perceptually uniform, legible in grey."""
DARKEST = 0.86
"""Share of the palette that is used: its end is black, which would read as missing."""
SIDE = 2.05
"""Inches: width of the picture and of the grid."""


@dataclass(frozen=True, slots=True)
class CausalGrid:
    """Effects of swapping each cell of a grid, control subtracted.

    Attributes:
        effects: Float, shape (rows, columns), −1..1; NaN where a cell was not tested.
        judged: bool, same shape: cells whose effect was confirmed; outlined.
        count: Recipient images per cell.
    """

    effects: NDArray[np.floating]
    judged: NDArray[np.bool_] | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class RingProfile:
    """Effects of swapping border rings of growing width.

    Attributes:
        widths: Ring widths as shares of the image side, ascending.
        effects: Follow rate of each ring.
        lows, highs: 95 % intervals.
        controls: Follow rate of an inner ring of the same width, or None where it was not kept.
        count: Recipient images.
    """

    widths: Sequence[float]
    effects: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    controls: Sequence[float] | None = None
    count: int | None = None


def causal_map(
    grid: CausalGrid,
    *,
    photo: Rgb | None = None,
    rings: RingProfile | None = None,
    high: float | None = None,
    unit: str = "follow rate minus control, %",
    of: str = "Mean picture",
) -> Chart:
    """The grid of effects over the sample's mean picture (or grey), beside it the ring profile.

    Args:
        grid: One number a cell, printed in it.
        photo: The sample's mean picture, uint8 (height, width, 3); None draws on plain grey.
        rings: The border's profile; None leaves it out.
        high: Upper end of the colour scale; None takes the largest effect, at least .25, so that noise stays pale.
        unit: What the numbers are, which are printed in percent.
        of: What the photo is.
    """
    rows, columns = grid.effects.shape
    aspect = 1.0 if photo is None else min(1.6, max(0.4, photo.shape[0] / photo.shape[1]))
    top = scale_top(grid, high)
    tall = SIDE * aspect
    width, height = (WIDTH if rings else 2 * SIDE + 0.25), tall + 0.68
    with chart(width, height) as figure:
        words = Wording(figure)

        def place(left: float, wide: float) -> Axes:
            return figure.add_axes((left / width, 0.42 / height, wide / width, tall / height))

        plain, cells = place(0.01, SIDE), place(SIDE + 0.15, SIDE)
        _ground(plain, photo, rows, columns)
        words.title(plain, of if photo is not None else "Picture plane")
        _cells(cells, grid, photo, top)
        words.title(cells, _with_count("Swapping each cell", grid.count))
        _scale(cells, top, tall)
        words.key("ramp", ramp(PALETTE, DARKEST), unit)
        if grid.judged is not None and grid.judged.any():
            words.key("frame", INK, "in a region that was confirmed")
        if rings is not None:
            left = 2 * SIDE + 0.78
            profile = place(left, WIDTH - left - 0.14)
            _profile(profile, rings, words)
            words.title(profile, _with_count("Swapping the border", rings.count))
        return words.chart()


def scale_top(grid: CausalGrid, high: float | None) -> float:
    """The upper end of the colours: `high`, or the largest effect, at least .25, so that noise stays pale."""
    return high if high is not None else max(0.25, float(np.nanmax(grid.effects, initial=0.0)))


def radial_profile(
    widths: Sequence[float],
    effects: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
    controls: Sequence[float] | None = None,
    *,
    count: int | None = None,
) -> Chart:
    """Effect of swapping the border against the ring's width, with its interval and the control.

    Args:
        widths: Ring widths as shares of the image side, ascending; the rest as in `RingProfile`.
    """
    with chart(WIDTH * 0.6, 2.6) as figure:
        axes = figure.subplots()
        figure.subplots_adjust(left=0.09, right=0.97, top=0.88, bottom=0.17)
        words = Wording(figure)
        _profile(axes, RingProfile(widths, effects, lows, highs, controls), words)
        words.title(axes, _with_count("Swapping the border", count))
        return words.chart()


def _ground(axes: Axes, photo: Rgb | None, rows: int, columns: int) -> None:
    """The picture alone, with the grid hinted at."""
    if photo is None:
        axes.add_patch(_rectangle(0, 0, columns, rows, facecolor=RULE))
    else:
        axes.imshow(photo, extent=(0, columns, rows, 0), aspect="auto", zorder=0)
    for line in range(1, columns):
        axes.plot([line, line], [0, rows], color="white", linewidth=0.4, alpha=0.55)
    for line in range(1, rows):
        axes.plot([0, columns], [line, line], color="white", linewidth=0.4, alpha=0.55)
    _plane(axes, rows, columns)


def _cells(axes: Axes, grid: CausalGrid, photo: Rgb | None, top: float) -> None:
    import matplotlib

    rows, columns = grid.effects.shape
    colours = matplotlib.colormaps[PALETTE]
    if photo is not None:
        grey = np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2)
        axes.imshow((255 - (255 - grey) * 0.55).astype(np.uint8), extent=(0, columns, rows, 0), aspect="auto", zorder=0)
    size = min(8.5, 46 / max(rows, columns))
    for row in range(rows):
        for column in range(columns):
            effect = float(grid.effects[row, column])
            if not np.isfinite(effect):
                axes.text(column + 0.5, row + 0.5, "–", ha="center", va="center", fontsize=size, color="#111111")
                continue
            share = min(1.0, max(0.0, effect / top))
            colour = colours(DARKEST * share)
            axes.add_patch(_rectangle(column, row, 1, 1, facecolor=colour, alpha=0.62 + 0.36 * share))
            dark = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] < 0.5
            axes.text(column + 0.5, row + 0.52, _percent(effect), ha="center", va="center", fontsize=size,
                      color="#ffffff" if dark else "#111111")  # fmt: skip
    if grid.judged is not None:
        for row, column in np.argwhere(grid.judged):
            for edge, width in (("#000000", 2.6), ("#ffffff", 1.1)):
                axes.add_patch(
                    _rectangle(column + 0.04, row + 0.04, 0.92, 0.92, fill=False, edgecolor=edge, linewidth=width)
                )
    _plane(axes, rows, columns)


def _profile(axes: Axes, rings: RingProfile, words: Wording) -> None:
    shares = [100 * width for width in rings.widths]
    axes.axhline(0, color=MUTED, linewidth=0.6, zorder=1)
    axes.fill_between(shares, rings.lows, rings.highs, color=ACCENT, alpha=0.18, linewidth=0)
    axes.plot(shares, rings.effects, color=ACCENT, linewidth=1.4, marker="o", markersize=3)
    words.key("line", ACCENT, "predictions that follow the border ring, %")
    words.key("band", ACCENT, "95 % interval")
    tops = [*rings.highs, 0.25]
    if rings.controls is not None:
        axes.plot(shares, rings.controls, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
        words.key("dashed", MUTED, "control: a ring as wide further in")
        tops += list(rings.controls)
    axes.set_ylim(min(-0.05, *rings.lows) - 0.02, max(tops) * 1.18)
    axes.yaxis.set_major_formatter(lambda value, _: _percent(value, "g"))
    axes.set_xlim(0, max(shares) * 1.03)
    words.across(axes, "ring width, % of the image side")
    bare(axes, left=True)


def _scale(axes: Axes, top: float, tall: float) -> None:
    """A thin horizontal colour scale under the grid, with the numbers at its ends."""
    import matplotlib

    bar = axes.inset_axes((0, -0.15 / tall, 1, 0.06 / tall))
    steps = 48
    colours = matplotlib.colormaps[PALETTE]
    for step in range(steps):
        bar.add_patch(_rectangle(step / steps, 0, 1.02 / steps, 1, facecolor=colours(DARKEST * step / (steps - 1))))
    bar.set_xlim(0, 1)
    bar.set_ylim(0, 1)
    bar.set_axis_off()
    bar.text(0, -0.9, "0", ha="left", va="top", fontsize=7.5, color=MUTED)
    bar.text(1, -0.9, _percent(top), ha="right", va="top", fontsize=7.5, color=MUTED)


def _plane(axes: Axes, rows: int, columns: int) -> None:
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.set_axis_off()


def _rectangle(x: float, y: float, width: float, height: float, **style: Any) -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, **{"linewidth": 0, **style})


def _with_count(words: str, count: int | None) -> str:
    return words if count is None else f"{words}  (n = {count})"


def _percent(value: float, form: str = ".0f") -> str:
    """'42', '−3', '0': shares in percent, as the text has them."""
    text = f"{100 * value:{form}}"
    return "0" if text == "-0" else text.replace("-", "−")


def short_share(value: float) -> str:
    """'.42', '−.03', '0', '1.0': shares without the leading zero."""
    text = f"{abs(value):.2f}"
    if text == "0.00":
        return "0"
    body = text[1:] if text.startswith("0") else text[:3]
    return ("−" if value < 0 else "") + body
