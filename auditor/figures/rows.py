"""Rows of small pictures with words at their left and under each: a number stands with its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.figures.colours import Rgb
from auditor.figures.pictures import Pixels, fit
from auditor.figures.svg import SEVERITY_COLOURS, WIDTH, chart
from auditor.figures.wording import Chart, Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAD, NARROW_HEAD = 1.15, 0.82
"""Inches: room of the heading at the left of a row; where two rows stand side by side."""
FEW = 3
"""Rows of so many pictures stand two in a line."""
GAP = 0.09
LARGEST = 0.87
"""Inches: largest side of a picture."""
LINE = 0.118
"""Inches a line of words."""
TALLEST = 2.7
"""Inches: rows go on over charts of that height, so that they fill what is left of a page and go on over the next."""
PIXELS = 112
"""Of a picture's longer side: one that is larger is averaged down, a smaller one enlarged by whole factors before."""


@dataclass(frozen=True, slots=True)
class RowTile:
    """One picture.

    Attributes:
        picture: uint8 (height, width, 3).
        words: Lines under it.
        box: Outlined, in the picture's pixels.
        marked: Framed; the words say why.
    """

    picture: Rgb
    words: Sequence[str] = ()
    box: Pixels | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class TileRow:
    """Pictures that belong together; `heading` is one line in bold and others under it."""

    heading: Sequence[str]
    tiles: Sequence[RowTile]


def picture_rows(rows: Sequence[TileRow]) -> list[Chart]:
    """All rows, on charts that stand under one another without a gap.

    Raises:
        ValueError: No rows, or a row without pictures.
    """
    if not rows or not all(row.tiles for row in rows):
        raise ValueError("a chart of rows needs rows, and a picture in each")
    across = max(len(row.tiles) for row in rows)
    beside = 2 if across <= FEW and len(rows) > 1 else 1
    head = HEAD if beside == 1 else NARROW_HEAD
    wide = min(LARGEST, (WIDTH / beside - head) / across - GAP)
    # the first picture is a whole one; what is cut out of others may be of another shape
    tall = wide * min(1.4, max(row.tiles[0].picture.shape[0] / row.tiles[0].picture.shape[1] for row in rows))
    lines = max(len(tile.words) for row in rows for tile in row.tiles)
    layout = _Layout(head, wide, tall, tall + LINE * lines + 2 * GAP, beside)
    most = beside * max(1, int(TALLEST / layout.step))
    return [_chart(rows[start : start + most], layout) for start in range(0, len(rows), most)]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Inches: heading, picture, and from line to line; and how many rows stand in a line."""

    head: float
    wide: float
    tall: float
    step: float
    beside: int


def _chart(rows: Sequence[TileRow], layout: _Layout) -> Chart:
    height = layout.step * -(-len(rows) // layout.beside)
    with chart(WIDTH, height) as figure:
        words = Wording(figure)
        for place, row in enumerate(rows):
            left = place % layout.beside * (WIDTH + 0.1) / layout.beside
            _row(figure, words, row, layout, (left, place // layout.beside * layout.step + 0.5 * GAP))
        return words.chart()


def _row(figure: Figure, words: Wording, row: TileRow, layout: _Layout, corner: tuple[float, float]) -> None:
    (left, top), height = corner, figure.get_size_inches()[1]
    for number, line in enumerate(row.heading):
        size, first = (8.0, True) if number == 0 else (7.0, False)
        words.say(line, left + 0.02, top + 0.08 + number * 0.14, tone="strong" if first else "quiet", size=size,
                  room=layout.head - 0.08)  # fmt: skip
    wide, tall = layout.wide, layout.tall
    for number, tile in enumerate(row.tiles):
        at = left + layout.head + number * (wide + GAP)
        _picture(figure, tile, (at / WIDTH, 1 - (top + tall) / height, wide / WIDTH, tall / height))
        for under, line in enumerate(tile.words):
            middle = top + tall + 0.085 + under * LINE
            words.say(line, at, middle, size=6.5, room=wide + 0.04, tone="quiet" if under else "plain")


def _picture(figure: Figure, tile: RowTile, place: tuple[float, float, float, float]) -> None:
    axes: Axes = figure.add_axes(place)
    rows, columns = tile.picture.shape[:2]
    scale = PIXELS / max(rows, columns)
    shown = fit(tile.picture, max(1, round(rows * scale)), max(1, round(columns * scale)))
    # raw pixels, drawn at once: the renderer would otherwise average them to its own grid
    axes.imshow(shown, interpolation="none", extent=(0, columns, rows, 0), aspect="equal")
    axes.set_anchor("NW")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(tile.marked)
        spine.set_edgecolor(SEVERITY_COLOURS["high"])
        spine.set_linewidth(1.6)
    if tile.box is not None:
        x1, y1, x2, y2 = tile.box
        around = ([x1, x2, x2, x1, x1], [y1, y1, y2, y2, y1])
        axes.plot(*around, color="#000000", linewidth=2.0, clip_on=False)
        axes.plot(*around, color="#ffffff", linewidth=0.8, clip_on=False)
        axes.set_xlim(0, columns)
        axes.set_ylim(rows, 0)
